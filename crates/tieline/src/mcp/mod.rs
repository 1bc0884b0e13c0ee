//! The Model Context Protocol: the caller's operations offered as tools (Streamable HTTP).
//!
//! ```text
//! api/mcp (who asks, which agent) ─► rmcp (the protocol, three revisions) ─► Desk ─► operate ─► the service
//! ```
//!
//! One endpoint serves 2025-06-18, 2025-11-25 and 2026-07-28, and keeps nothing between two requests, so that any
//! node answers any of them. What a session id is given for, and all it is good for, says [`running`].

mod desk;
mod progress;
pub mod running;
mod shape;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use url::Url;

use crate::operate::Operator;

pub use desk::{Agent, Asking, Desk};

/// What rmcp answers with.
pub type Answer = Response<http_body_util::combinators::BoxBody<Bytes, std::convert::Infallible>>;

/// The endpoint, for every tenant and agent.
#[derive(Clone)]
pub struct Endpoint(StreamableHttpService<Desk, NeverSessionManager>);

impl Endpoint {
    /// An endpoint that offers what `operator` has, to clients that reach it under `public_url`, and takes
    /// messages of at most `max_bytes`.
    pub fn new(operator: Operator, public_url: &Url, max_bytes: usize) -> Self {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(max_bytes)
            .with_allowed_hosts(hosts(public_url))
            .with_allowed_origins(origins(public_url))
            .enforce_origin_validation();
        let desk = Desk::new(operator);
        let sessions = Arc::new(NeverSessionManager::default());
        Self(StreamableHttpService::new(
            move || Ok(desk.clone()),
            sessions,
            config,
        ))
    }

    /// Answers one message of the caller that `asking` is.
    pub async fn answer(&self, mut request: Request<Full<Bytes>>, asking: Asking) -> Answer {
        request.extensions_mut().insert(asking);
        self.0.handle(request).await
    }
}

/// The names under which a client may reach this server: its public one, and the machine itself.
fn hosts(public_url: &Url) -> Vec<String> {
    let own = public_url.host_str().map(str::to_owned);
    let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    own.into_iter().chain(local).collect()
}

/// The pages whose scripts may speak with this server: its own.
fn origins(public_url: &Url) -> Vec<String> {
    vec![public_url.origin().ascii_serialization()]
}
