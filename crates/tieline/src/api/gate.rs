//! What every request under `/v1` passes: who is it, is it too fast, was it made before.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};

use super::{
    caller::Found,
    frame::RequestId,
    idempotency,
    problem::Problem,
    ratelimit::{Allowance, Bucket},
};
use crate::app::App;

/// Identifies the caller for the handlers, counts the request against its limit, and replays answers.
pub async fn gate(
    State(app): State<App>,
    id: RequestId,
    mut request: Request,
    next: Next,
) -> Response {
    let found = app
        .callers
        .identify(&app.store, request.headers(), app.clock.now(), id)
        .await;
    let bucket = match &found {
        Ok(caller) => Bucket::Tenant(caller.tenant_id),
        Err(_) => Bucket::Stranger(peer(&request)),
    };
    match app.limiter.take(bucket) {
        Err(too_fast) => finish(Problem::from(too_fast).into_response(), too_fast.allowance),
        Ok(allowance) => {
            let caller = found.clone().ok();
            request.extensions_mut().insert(Found(found));
            let answer = idempotency::once(&app, caller, request, next).await;
            finish(answer.unwrap_or_else(Problem::into_response), allowance)
        }
    }
}

fn peer(request: &Request) -> Option<std::net::IpAddr> {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map(|ConnectInfo(address)| address.ip())
}

fn finish(mut response: Response, allowance: Allowance) -> Response {
    let headers = response.headers_mut();
    allowance.write(headers);
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
