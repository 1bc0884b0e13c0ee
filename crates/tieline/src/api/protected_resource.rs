//! Where clients of `/mcp` read how to be let in: RFC 9728 and RFC 8414.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde_json::{Value, json};
use tieline_domain::access::Scope;
use url::Url;

use super::mcp::{TO_CALL, TO_LIST};
use crate::app::App;

/// What stands before the path of a resource in the address of its metadata (RFC 9728, 3).
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The scopes that a client needs to list and to call.
pub(super) fn scopes() -> [String; 2] {
    [TO_LIST, TO_CALL].map(|(area, right)| Scope::Of(area, right).to_string())
}

/// The address of the metadata of `/mcp` or of one agent's endpoint.
pub(super) fn url(public_url: &Url, agent: Option<&str>) -> String {
    let base = base(public_url);
    match agent.filter(|agent| {
        agent
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    }) {
        None => format!("{base}{RESOURCE}/mcp"),
        Some(agent) => format!("{base}{RESOURCE}/mcp/{agent}"),
    }
}

fn base(public_url: &Url) -> &str {
    public_url.as_str().trim_end_matches('/')
}

/// The pages.
pub(super) fn router() -> Router<App> {
    Router::new()
        .route(RESOURCE, get(whole))
        .route(&format!("{RESOURCE}/mcp"), get(whole))
        .route(&format!("{RESOURCE}/mcp/{{agent_id}}"), get(of_agent))
        .route(
            "/.well-known/oauth-authorization-server",
            get(authorization_server),
        )
}

/// The metadata of `/mcp` (RFC 9728, 2).
async fn whole(State(app): State<App>) -> Json<Value> {
    Json(metadata(&app, "/mcp"))
}

/// The metadata of one agent's endpoint; the same whether there is such an agent or not.
async fn of_agent(State(app): State<App>, Path(agent): Path<String>) -> Json<Value> {
    Json(metadata(&app, &format!("/mcp/{agent}")))
}

fn metadata(app: &App, path: &str) -> Value {
    let base = base(&app.public_url);
    json!({
        "resource": format!("{base}{path}"),
        "resource_name": "Tieline",
        "authorization_servers": [base],
        "bearer_methods_supported": ["header"],
        "scopes_supported": scopes(),
        "resource_documentation": format!("{base}/docs"),
    })
}

/// The metadata of the token endpoint (RFC 8414, 2): programs get tokens with their own credentials; there is no
/// page on which a user signs in.
async fn authorization_server(State(app): State<App>) -> Json<Value> {
    let base = base(&app.public_url);
    Json(json!({
        "issuer": base,
        "token_endpoint": format!("{base}/v1/auth/token"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": scopes(),
        "service_documentation": format!("{base}/docs"),
    }))
}
