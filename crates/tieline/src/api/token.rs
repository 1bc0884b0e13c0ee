//! Access tokens by the client-credentials grant (RFC 6749, 4.4): `POST /v1/auth/token`.
//!
//! The client names itself by HTTP Basic, in a form, or in JSON. Errors have the form of RFC 6749, 5.2.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tieline_domain::access::{OauthClient, Scopes};
use tieline_store::{self as store, access::AccessToken};
use url::form_urlencoded;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, RefOr, ResponseBuilder},
};

use super::{
    answer::Shown,
    credential::{self, SecretText},
    json::{essence, is_json, read_body},
};
use crate::{
    app::App,
    vault::{hash_token, same_hash},
};

const LIFETIME: Duration = Duration::from_hours(1);
const GRANT: &str = "client_credentials";
const FORM: &str = "application/x-www-form-urlencoded";
const MAX_BODY: usize = 16 * 1024;

/// A request for an access token. `client_id` and `client_secret` may stand in HTTP Basic instead.
#[derive(Default, Deserialize, ToSchema)]
#[schema(example = json!({"grant_type": "client_credentials", "client_id": "cl_01kb3f9z5qf8m9w2v7x4t6n0hb", "client_secret": "tlcs_Jt0Zb4Z3u8n0o2c5m7p9r1t3v5x7z9b1d3f5h7j9x7Qk", "scope": "events:read"}))]
pub struct TokenRequest {
    /// `client_credentials`.
    #[schema(required, nullable = false)]
    grant_type: Option<String>,
    /// The id of the client.
    client_id: Option<String>,
    /// The secret of the client.
    #[schema(value_type = Option<String>)]
    client_secret: Option<SecretText>,
    /// The scopes that are wanted, separated by spaces; all that the client may have if absent.
    scope: Option<String>,
}

/// An access token (RFC 6749, 5.1).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"access_token": "tlat_Jt0Zb4Z3u8n0o2c5m7p9r1t3v5x7z9b1d3f5h7j9x7Qk", "token_type": "Bearer", "expires_in": 3600, "scope": "events:read"}))]
pub struct TokenView {
    /// The token.
    #[schema(value_type = String)]
    access_token: SecretText,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds until it stops to work.
    expires_in: u64,
    /// What it may do, separated by spaces.
    scope: String,
}

/// Why there is no token (RFC 6749, 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    error: Error,
    description: String,
    challenge: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Error {
    InvalidRequest,
    InvalidClient,
    UnsupportedGrantType,
    InvalidScope,
    Unavailable,
}

impl Error {
    fn word_and_status(self) -> (&'static str, StatusCode) {
        match self {
            Self::InvalidRequest => ("invalid_request", StatusCode::BAD_REQUEST),
            Self::InvalidClient => ("invalid_client", StatusCode::UNAUTHORIZED),
            Self::UnsupportedGrantType => ("unsupported_grant_type", StatusCode::BAD_REQUEST),
            Self::InvalidScope => ("invalid_scope", StatusCode::BAD_REQUEST),
            Self::Unavailable => ("server_error", StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    fn because(self, description: impl Into<String>) -> Refusal {
        Refusal {
            error: self,
            description: description.into(),
            challenge: false,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (word, status) = self.error.word_and_status();
        let body = json!({"error": word, "error_description": self.description}).to_string();
        let mut response =
            (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if self.challenge {
            let value = HeaderValue::from_static(r#"Basic realm="tieline""#);
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, value);
        }
        if self.error == Error::Unavailable {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        tracing::warn!(%error, "no token could be given");
        Error::Unavailable.because("storage cannot be reached; try again")
    }
}

impl IntoResponses for Refusal {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let example = |error: Error, description: &str| {
            let (word, status) = error.word_and_status();
            let example = json!({"error": word, "error_description": description});
            let content = ContentBuilder::new().example(Some(example)).build();
            let response = ResponseBuilder::new().description("No token (RFC 6749, 5.2)");
            (
                status.as_str().to_owned(),
                response.content("application/json", content).build().into(),
            )
        };
        BTreeMap::from([
            example(
                Error::UnsupportedGrantType,
                "only client_credentials is supported",
            ),
            example(
                Error::InvalidClient,
                "the client is unknown or its secret is wrong",
            ),
        ])
    }
}

/// Get an access token
///
/// The client-credentials grant of RFC 6749, 4.4. The client may also name itself by HTTP Basic.
#[utoipa::path(post, path = "/auth/token", operation_id = "create_token", tag = "Access", security(()),
    request_body(content(
        (TokenRequest = "application/json"),
        (TokenRequest = "application/x-www-form-urlencoded"))))]
pub async fn create(State(app): State<App>, request: Request) -> Result<Shown<TokenView>, Refusal> {
    let (parts, body) = request.into_parts();
    let body = read_body(body, MAX_BODY, app.config.limits.body_timeout);
    let body = body.await.map_err(|_| {
        Error::InvalidRequest.because(format!(
            "the body is incomplete or has more than {MAX_BODY} bytes"
        ))
    })?;
    let wanted = read(&parts.headers, &body)?;
    let basic = parts.headers.contains_key(header::AUTHORIZATION);
    let client = client(&app, &wanted).await.map_err(|refusal| Refusal {
        challenge: basic && refusal.error == Error::InvalidClient,
        ..refusal
    })?;
    let scopes = granted(&client, wanted.scope.as_deref())?;
    let text = SecretText::generate(credential::ACCESS_TOKEN);
    let scope = scopes.to_string();
    let token = AccessToken {
        tenant_id: client.tenant_id,
        client_id: client.id,
        scopes,
        expires_at: app.clock.now().plus(LIFETIME),
    };
    app.store
        .add_access_token(&hash_token(&text), &token)
        .await?;
    Ok(Shown::new(TokenView {
        access_token: text,
        token_type: "Bearer",
        expires_in: LIFETIME.as_secs(),
        scope,
    }))
}

/// Reads a request, whichever way the client sent it, and checks its grant type.
fn read(headers: &HeaderMap, body: &Bytes) -> Result<TokenRequest, Refusal> {
    let mut request = if is_json(headers) {
        serde_json::from_slice(body)
            .map_err(|error| Error::InvalidRequest.because(error.to_string()))?
    } else if essence(headers).is_none_or(|essence| essence == FORM) {
        read_form(body)?
    } else {
        return Err(Error::InvalidRequest
            .because(format!("send the body as {FORM} or as application/json")));
    };
    match request.grant_type.as_deref() {
        Some(GRANT) => {}
        Some(_) => {
            return Err(Error::UnsupportedGrantType.because(format!("only {GRANT} is supported")));
        }
        None => {
            return Err(
                Error::InvalidRequest.because(format!("grant_type is missing; send {GRANT}"))
            );
        }
    }
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        if request.client_id.is_some() || request.client_secret.is_some() {
            let twice = "the client names itself twice: by HTTP Basic and in the body";
            return Err(Error::InvalidRequest.because(twice));
        }
        let (id, secret) = value.to_str().ok().and_then(basic).ok_or_else(|| Refusal {
            challenge: true,
            ..Error::InvalidClient.because("the Authorization header is not HTTP Basic")
        })?;
        (request.client_id, request.client_secret) = (Some(id), Some(secret.into()));
    }
    Ok(request)
}

/// Unknown parameters are ignored and repeated ones refused (RFC 6749, 3.2).
fn read_form(body: &[u8]) -> Result<TokenRequest, Refusal> {
    let mut request = TokenRequest::default();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Some(value.into_owned());
        let before = match &*name {
            "grant_type" => std::mem::replace(&mut request.grant_type, value),
            "client_id" => std::mem::replace(&mut request.client_id, value),
            "client_secret" => {
                std::mem::replace(&mut request.client_secret, value.map(SecretText::from))
                    .map(|_| String::new())
            }
            "scope" => std::mem::replace(&mut request.scope, value),
            _ => None,
        };
        if before.is_some() {
            return Err(Error::InvalidRequest.because(format!("{name} is given twice")));
        }
    }
    Ok(request)
}

/// HTTP Basic, with both parts form-encoded inside (RFC 6749, 2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text
        .split_once(':')
        .filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = |part: &str| {
        percent_decode_str(part)
            .decode_utf8()
            .ok()
            .map(String::from)
    };
    Some((decoded(id)?, decoded(secret)?))
}

/// The client, if it exists and the secret is its own; the two faults look the same.
async fn client(app: &App, request: &TokenRequest) -> Result<OauthClient, Refusal> {
    let (Some(id), Some(secret)) = (&request.client_id, &request.client_secret) else {
        return Err(Error::InvalidClient.because("client_id or client_secret is missing"));
    };
    let unknown = || Error::InvalidClient.because("the client is unknown or its secret is wrong");
    let id = id.parse().map_err(|_| unknown())?;
    let found = app.store.find_oauth_client(id).await?;
    let own = found.filter(|(_, hash)| same_hash(&hash_token(secret), hash));
    own.map(|(client, _)| client).ok_or_else(unknown)
}

fn granted(client: &OauthClient, wanted: Option<&str>) -> Result<Scopes, Refusal> {
    let Some(wanted) = wanted.filter(|wanted| !wanted.trim().is_empty()) else {
        return Ok(client.scopes.clone());
    };
    let scopes: Scopes = wanted
        .parse()
        .map_err(|error| Error::InvalidScope.because(format!("{error}")))?;
    if client.scopes.cover(&scopes) {
        return Ok(scopes);
    }
    let most = format!("the client may have at most `{}`", client.scopes);
    Err(Error::InvalidScope.because(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_decoded_inside_too() {
        let encoded = |text: &str| format!("Basic {}", STANDARD.encode(text));
        let rows = [
            (encoded("cl_1:s%3Acret"), Some(("cl_1", "s:cret"))),
            (encoded("cl_1:a:b"), Some(("cl_1", "a:b"))),
            (encoded("no colon"), None),
            ("Basic !!!".to_owned(), None),
            ("Bearer abc".to_owned(), None),
            ("Basic".to_owned(), None),
        ];
        for (value, expected) in rows {
            let read = basic(&value);
            let read = read
                .as_ref()
                .map(|(id, secret)| (id.as_str(), secret.as_str()));
            assert_eq!(read, expected, "{value}");
        }
    }
}
