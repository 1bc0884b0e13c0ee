//! `Idempotency-Key` on every POST under `/v1`: the same request is done once and answered the same
//! each time (IETF draft "The Idempotency-Key HTTP Header Field").
//!
//! An answer may carry a secret that is shown only once, so the store gets it sealed.

use aws_lc_rs::digest;
use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use serde::{Deserialize, Serialize};
use tieline_domain::TenantId;
use tieline_store::{idempotency::Begun, sealed::SealedKind};

use super::{
    caller::Caller,
    frame::RequestId,
    json::{essence, read_body},
    problem::{Code, Problem},
};
use crate::app::App;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const MAX_KEY: usize = 255;
const RETRY_RUNNING_SECONDS: u64 = 1;
/// The largest answer that is read in full to be kept; handlers of POST make none that comes near.
const MAX_ANSWER: usize = 16 * 1024 * 1024;
/// What is kept of the head of an answer.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// Runs the request, unless it was run before: then it gives the first answer again.
pub async fn once(
    app: &App,
    caller: Option<Caller>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (Some(caller), Some(key)) = (caller, request.headers().get(IDEMPOTENCY_KEY)) else {
        return Ok(next.run(request).await);
    };
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let key = read_key(key)?;
    let (parts, body) = request.into_parts();
    let limits = &app.config.limits;
    let body = read_body(body, limits.api_body_max_bytes, limits.body_timeout).await?;
    let now = app.clock.now();
    let expires_at = now.plus(app.config.limits.idempotency);
    let hash = fingerprint(&parts, &body);
    let run = Run {
        app: app.clone(),
        tenant: caller.tenant_id,
        key,
    };
    match app
        .store
        .begin_idempotent(run.tenant, &run.key, &hash, now, expires_at)
        .await?
    {
        Begun::Fresh => {
            run.finish(Request::from_parts(parts, Body::from(body)), next)
                .await
        }
        Begun::Replay { status, answer } => run.replay(status, &answer).await,
        Begun::InProgress => {
            let detail =
                "the first request with this Idempotency-Key is still running; send it again later";
            Err(Problem::new(Code::RequestInProgress, detail).retry_after(RETRY_RUNNING_SECONDS))
        }
        Begun::Mismatch => {
            let detail = "this Idempotency-Key belongs to a request with another path or body; use a new key";
            Err(Problem::new(Code::IdempotencyKeyReused, detail))
        }
    }
}

fn read_key(value: &HeaderValue) -> Result<String, Problem> {
    let text = value.to_str().ok().map(str::trim);
    let visible = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
    let decent = text
        .filter(|text| (1..=MAX_KEY).contains(&text.len()))
        .filter(visible);
    decent.map(str::to_owned).ok_or_else(|| {
        let detail = format!(
            "Idempotency-Key: give 1 to {MAX_KEY} visible ASCII characters, such as a UUID"
        );
        Problem::new(Code::InvalidParameter, detail)
    })
}

/// What makes two requests the same: where they go and what they say.
fn fingerprint(parts: &Parts, body: &Bytes) -> [u8; 32] {
    let uri = &parts.uri;
    let path = uri
        .path_and_query()
        .map_or(uri.path(), |path| path.as_str());
    let head = format!(
        "{}\n{path}\n{}\n",
        parts.method,
        essence(&parts.headers).unwrap_or_default()
    );
    let mut digest = digest::Context::new(&digest::SHA256);
    digest.update(head.as_bytes());
    digest.update(body);
    digest
        .finish()
        .as_ref()
        .try_into()
        .expect("a SHA-256 has 32 bytes")
}

/// One request that has begun.
struct Run {
    app: App,
    tenant: TenantId,
    key: String,
}

/// An answer as it is kept, but for its status.
#[derive(Serialize, Deserialize)]
struct Kept {
    headers: Vec<(String, String)>,
    body: String,
}

impl Run {
    /// Runs the request to its end, even if the client goes away meanwhile, so that a repeat finds
    /// its answer.
    async fn finish(self, request: Request, next: Next) -> Result<Response, Problem> {
        let task = tokio::spawn(async move {
            let id = request.extensions().get::<RequestId>().cloned();
            let mut response = next.run(request).await;
            if let Some(id) = id {
                Problem::render(&mut response, id.as_str());
            }
            self.keep(response).await
        });
        match task.await {
            Ok(answer) => answer,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(
                    Problem::new(Code::Unavailable, "the server is stopping; try again")
                        .retry_after(1),
                ),
            },
        }
    }

    /// Keeps the answer for repeats. The client gets it whether or not that succeeds: it was earned.
    async fn keep(self, response: Response) -> Result<Response, Problem> {
        let status = response.status();
        if status.is_server_error()
            || status == StatusCode::TOO_MANY_REQUESTS
            || is_stream(&response)
        {
            let abandoned = self
                .app
                .store
                .abandon_idempotent(self.tenant, &self.key)
                .await;
            abandoned.unwrap_or_else(
                |error| tracing::warn!(%error, "an unanswered request stays marked as running"),
            );
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, MAX_ANSWER)
            .await
            .map_err(|error| {
                tracing::error!(%error, "an answer could not be read to be kept");
                Problem::internal()
            })?;
        let kept = Kept::of(&parts.headers, &body);
        if let Err(problem) = self.store(status, &kept).await {
            tracing::warn!(
                ?problem,
                "an answer could not be kept; a repeat will run the request again"
            );
        }
        Ok(Response::from_parts(parts, Body::from(body)))
    }

    async fn store(&self, status: StatusCode, kept: &[u8]) -> Result<(), Problem> {
        let Self { app, tenant, key } = self;
        let sealed = app
            .vault
            .seal(*tenant, SealedKind::Idempotency, key, kept)
            .await?;
        Ok(app
            .store
            .finish_idempotent(*tenant, key, status.as_u16(), &sealed)
            .await?)
    }

    async fn replay(self, status: u16, answer: &[u8]) -> Result<Response, Problem> {
        let opened = self
            .app
            .vault
            .unseal(self.tenant, SealedKind::Idempotency, &self.key, answer)
            .await?;
        let response = StatusCode::from_u16(status)
            .ok()
            .and_then(|status| Kept::response(status, opened.expose()));
        response.ok_or_else(|| {
            tracing::error!(key = self.key, "a kept answer cannot be read");
            Problem::internal()
        })
    }
}

fn is_stream(response: &Response) -> bool {
    essence(response.headers()).is_some_and(|essence| essence == "text/event-stream")
}

impl Kept {
    fn of(headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
        let text = |name: &HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        };
        let headers = KEPT_HEADERS.iter().filter_map(text).collect();
        let kept = Self {
            headers,
            body: STANDARD.encode(body),
        };
        serde_json::to_vec(&kept).expect("texts are JSON")
    }

    fn response(status: StatusCode, kept: &[u8]) -> Option<Response> {
        let Self { headers, body } = serde_json::from_slice(kept).ok()?;
        let mut response = Response::new(Body::from(STANDARD.decode(body).ok()?));
        *response.status_mut() = status;
        for (name, value) in headers {
            let name = HeaderName::try_from(name).ok()?;
            response
                .headers_mut()
                .insert(name, HeaderValue::try_from(value).ok()?);
        }
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
        Some(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_and_bounded() {
        let longest = "k".repeat(255);
        let longer = "k".repeat(256);
        let rows = [
            ("6a3f", true),
            ("\"quoted\"", true),
            (&longest, true),
            (&longer, false),
            ("", false),
            ("a b", false),
        ];
        for (key, taken) in rows {
            assert_eq!(read_key(&key.parse().unwrap()).is_ok(), taken, "{key:?}");
        }
    }
}
