//! Where clients of `/mcp` read how to be let in: RFC 9728 and RFC 8414.

use axum::{
    Json,
    extract::{Path, State},
};
use serde_json::{Value, json};
use tieline_domain::access::Scope;
use url::Url;

use super::mcp::NEEDED;
use crate::app::App;

/// What stands before the path of a resource in the address of its metadata (RFC 9728, 3).
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// The scope that a client needs, as text.
pub(super) fn scope() -> String {
    Scope::Of(NEEDED.0, NEEDED.1).to_string()
}

/// The address of the metadata of `/mcp` or of one agent's endpoint.
pub(super) fn url(public_url: &Url, agent: Option<&str>) -> String {
    let base = base(public_url);
    match agent.filter(|agent| agent.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))) {
        None => format!("{base}{RESOURCE}/mcp"),
        Some(agent) => format!("{base}{RESOURCE}/mcp/{agent}"),
    }
}

fn base(public_url: &Url) -> &str {
    public_url.as_str().trim_end_matches('/')
}

/// The metadata of `/mcp` (RFC 9728, 2).
pub(super) async fn whole(State(app): State<App>) -> Json<Value> {
    Json(metadata(&app, "/mcp"))
}

/// The metadata of one agent's endpoint; the same whether there is such an agent or not.
pub(super) async fn of_agent(State(app): State<App>, Path(agent): Path<String>) -> Json<Value> {
    Json(metadata(&app, &format!("/mcp/{agent}")))
}

fn metadata(app: &App, path: &str) -> Value {
    let base = base(&app.public_url);
    json!({
        "resource": format!("{base}{path}"),
        "resource_name": "Tieline",
        "authorization_servers": [base],
        "bearer_methods_supported": ["header"],
        "scopes_supported": [scope()],
        "resource_documentation": format!("{base}/docs"),
    })
}

/// The metadata of the token endpoint (RFC 8414, 2): programs get tokens with their own credentials; there is no
/// page on which a user signs in.
pub(super) async fn authorization_server(State(app): State<App>) -> Json<Value> {
    let base = base(&app.public_url);
    Json(json!({
        "issuer": base,
        "token_endpoint": format!("{base}/v1/auth/token"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": [scope()],
        "service_documentation": format!("{base}/docs"),
    }))
}
