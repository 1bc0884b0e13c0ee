//! OAuth clients: `/v1/oauth-clients`. Their tokens come from [`super::token`].

use axum::extract::State;
use rand::random;
use serde::{Deserialize, Serialize};
use tieline_domain::{
    ClientId, Timestamp, Violation,
    access::{Area::Keys, OauthClient, Right, Scopes},
};
use utoipa::ToSchema;

use super::{
    answer::{Created, ListView, NoContent},
    caller::Caller,
    credential::{self, SecretText},
    json::Json,
    keys::require_covered,
    label,
    page::{Id, Page},
    problem::Problem,
};
use crate::{app::App, vault::hash_token};

/// What an OAuth client is made from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Partner portal", "scopes": ["events:read"]}))]
pub struct NewClient {
    /// Its name, for people: 1 to 200 characters.
    name: String,
    /// The most that its tokens may do; at most what the caller may do.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
}

/// An OAuth client, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "cl_01kb3f9z5qf8m9w2v7x4t6n0hb", "name": "Partner portal", "scopes": ["events:read"], "created_at": "2026-11-22T10:00:00.000Z"}))]
pub struct ClientView {
    /// Its id: the `client_id`.
    #[schema(value_type = String)]
    id: ClientId,
    /// Its name.
    name: String,
    /// The most that its tokens may do.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// A new OAuth client with its secret, which is shown only here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "cl_01kb3f9z5qf8m9w2v7x4t6n0hb", "name": "Partner portal", "scopes": ["events:read"], "created_at": "2026-11-22T10:00:00.000Z", "client_secret": "tlcs_Jt0Zb4Z3u8n0o2c5m7p9r1t3v5x7z9b1d3f5h7j9x7Qk"}))]
pub struct NewClientView {
    #[serde(flatten)]
    view: ClientView,
    /// The `client_secret`. Keep it: it is not shown again.
    #[schema(value_type = String)]
    client_secret: SecretText,
}

impl From<OauthClient> for ClientView {
    fn from(client: OauthClient) -> Self {
        let OauthClient {
            id,
            tenant_id: _,
            name,
            scopes,
            created_at,
        } = client;
        Self {
            id,
            name,
            scopes,
            created_at,
        }
    }
}

impl NewClient {
    fn violations(&self) -> Vec<Violation> {
        let mut found = label::name("/name", &self.name);
        if self.scopes.0.is_empty() {
            found.push(Violation::new(
                "/scopes",
                "give at least one scope, such as `events:read`",
            ));
        }
        found
    }
}

/// List the OAuth clients
#[utoipa::path(get, path = "/oauth-clients", operation_id = "list_oauth_clients", tag = "Access", params(Page),
    extensions(("x-required-scope" = json!("keys:read"))))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    page: Page,
) -> Result<ListView<ClientView>, Problem> {
    caller.require(Keys, Right::Read)?;
    Ok(app
        .store
        .list_oauth_clients(caller.tenant_id, &page.request())
        .await?
        .into())
}

/// Make an OAuth client
///
/// For the client-credentials grant (RFC 6749, 4.4). The secret is shown once and kept only as a hash.
#[utoipa::path(post, path = "/oauth-clients", operation_id = "create_oauth_client", tag = "Access",
    extensions(("x-required-scope" = json!("keys:write"))))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Json(new): Json<NewClient>,
) -> Result<Created<NewClientView>, Problem> {
    caller.require(Keys, Right::Write)?;
    Problem::check(new.violations())?;
    require_covered(&caller, &new.scopes)?;
    let by = caller.change(&app);
    let client_secret = SecretText::generate(credential::CLIENT_SECRET);
    let client = OauthClient {
        id: ClientId::new(by.at, random()),
        tenant_id: caller.tenant_id,
        name: new.name,
        scopes: new.scopes,
        created_at: by.at,
    };
    app.store
        .create_oauth_client(&client, &hash_token(&client_secret), &by)
        .await?;
    let location = format!("/v1/oauth-clients/{}", client.id);
    Ok(Created::new(
        location,
        NewClientView {
            view: client.into(),
            client_secret,
        },
    ))
}

/// Delete an OAuth client
///
/// Its tokens stop working on this node at once, on others within a second.
#[utoipa::path(delete, path = "/oauth-clients/{id}", operation_id = "delete_oauth_client", tag = "Access",
    params(("id" = String, Path, description = "Id of the client", example = "cl_01kb3f9z5qf8m9w2v7x4t6n0hb")),
    extensions(("x-required-scope" = json!("keys:write"))))]
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ClientId>,
) -> Result<NoContent, Problem> {
    caller.require(Keys, Right::Write)?;
    let deleted = app
        .store
        .revoke_oauth_client(caller.tenant_id, id, &caller.change(&app))
        .await?;
    app.callers.forget();
    if deleted {
        Ok(NoContent)
    } else {
        Err(Problem::not_found("OAuth client"))
    }
}
