//! Around every request: its id, its panics, its problems, the headers of its response, its metrics.
//!
//! One layer, because the receivers of webhooks pass through it too; what only `/v1` needs is in
//! [`super::gate`].

use std::{
    borrow::Cow,
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request},
    http::request::Parts,
    response::{IntoResponse as _, Response},
};
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tieline_domain::{self as domain, clock::Clock, trace::TraceContext};
use tower::{Layer, Service};

use super::{meter::Meter, problem::Problem};
use crate::{
    app::App,
    telemetry::{
        spans::{self, Answered},
        traces,
    },
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;

/// The id of the request under way: the client's `x-request-id` if it is a decent one, else our own.
#[derive(Clone, Debug)]
pub struct RequestId(Arc<str>);

impl RequestId {
    fn of(headers: &HeaderMap, clock: &Clock) -> Self {
        let given = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok());
        match given.filter(|text| is_decent(text)) {
            Some(text) => Self(text.into()),
            None => Self(
                domain::RequestId::new(clock.unique_now(), rand::random())
                    .to_string()
                    .into(),
            ),
        }
    }

    /// Its text: 1 to 128 of `A-Z a-z 0-9 . _ -`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a client's id can go into logs and headers as it is.
fn is_decent(text: &str) -> bool {
    (1..=MAX_REQUEST_ID).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl FromRequestParts<App> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::of(&parts.headers, &app.clock)))
    }
}

/// Where the request under way stands in its trace: the client's, or a new one.
#[derive(Clone, Copy, Debug)]
pub struct RequestTrace {
    /// The request itself.
    pub context: TraceContext,
    /// The span of the client that it belongs to.
    pub parent: Option<u64>,
}

impl RequestTrace {
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(traces::TRACEPARENT);
        let given = given.and_then(|value| TraceContext::parse(value.to_str().ok()?));
        let trace_id = given.map_or_else(|| rand::random::<u128>().max(1), |given| given.trace_id);
        Self {
            context: traces::span_in(trace_id),
            parent: given.map(|given| given.span_id),
        }
    }

    /// The one that the frame has noted, or outside of it what the headers say.
    pub(super) fn noted(parts: &Parts) -> Self {
        let known = parts.extensions.get::<Self>().copied();
        known.unwrap_or_else(|| Self::of(&parts.headers))
    }
}

impl FromRequestParts<App> for RequestTrace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self::noted(parts))
    }
}

/// Puts the frame around a router.
#[derive(Clone)]
pub struct Frame {
    clock: Clock,
    meter: Arc<Meter>,
}

impl Frame {
    /// A frame whose request ids are made from `clock`.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            meter: Arc::default(),
        }
    }
}

impl Frame {
    /// Answers `request` with `answer`, inside the frame; the metrics call it `route`.
    pub(super) fn around<F>(
        &self,
        mut request: Request,
        route: Cow<'static, str>,
        answer: impl FnOnce(Request) -> F,
    ) -> BoxFuture<'static, Result<Response, Infallible>>
    where
        F: Future<Output = Result<Response, Infallible>> + Send + 'static,
    {
        let begun = Instant::now();
        let id = RequestId::of(request.headers(), &self.clock);
        request.extensions_mut().insert(id.clone());
        let trace = RequestTrace::of(request.headers());
        request.extensions_mut().insert(trace);
        let started_at = self.clock.now();
        let method = request.method().clone();
        let meter = Arc::clone(&self.meter);
        // A future of kilobytes, boxed before it is moved through what stands around it.
        let answer = AssertUnwindSafe(Box::pin(answer(request))).catch_unwind();
        Box::pin(async move {
            let answer = traces::within(trace.context, answer);
            let mut response = match answer.await {
                Ok(Ok(response)) => response,
                Err(panic) => after_panic(panic.as_ref(), &id),
            };
            Problem::render(&mut response, id.as_str());
            finish(response.headers_mut(), &id, &trace);
            meter.record(&route, &method, response.status(), begun.elapsed());
            traces::record(|| {
                let seen = Answered {
                    method: &method,
                    route: &route,
                    status: response.status().as_u16(),
                };
                spans::request(&trace, &seen, started_at, begun.elapsed())
            });
            Ok(response)
        })
    }
}

impl<S> Layer<S> for Frame {
    type Service = Framed<S>;

    fn layer(&self, inner: S) -> Framed<S> {
        Framed {
            inner,
            frame: self.clone(),
        }
    }
}

/// A service inside the frame.
#[derive(Clone)]
pub struct Framed<S> {
    inner: S,
    frame: Frame,
}

impl<S> Service<Request> for Framed<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let route = match request.extensions().get::<MatchedPath>() {
            Some(path) => Cow::Owned(path.as_str().to_owned()),
            None => Cow::Borrowed("unmatched"),
        };
        self.frame
            .around(request, route, |request| self.inner.call(request))
    }
}

/// A defect of ours: logged with its message, answered without it.
fn after_panic(panic: &(dyn std::any::Any + Send), id: &RequestId) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let message = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(request_id = id.as_str(), message, "a handler panicked");
    Problem::internal().into_response()
}

fn finish(headers: &mut HeaderMap, id: &RequestId, trace: &RequestTrace) {
    let id = HeaderValue::from_str(id.as_str()).expect("request ids are visible ASCII");
    headers.insert(X_REQUEST_ID, id);
    headers.insert(traces::TRACEPARENT, traces::header(&trace.context));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_as_a_problem_without_its_message() {
        let inner = tower::service_fn(|_: Request| async { panic!("secret detail") });
        let mut framed = Frame::new(Clock::system()).layer(inner);
        let answer: Result<Response, Infallible> = framed.call(Request::default()).await;
        let response = answer.unwrap();
        assert_eq!(response.status(), 500);
        let id = response.headers()[X_REQUEST_ID]
            .to_str()
            .unwrap()
            .to_owned();
        let body = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(
            text.contains(&id) && !text.contains("secret detail"),
            "{text}"
        );
    }

    #[test]
    fn only_decent_request_ids_are_taken_over() {
        let clock = Clock::test(tieline_domain::Timestamp::from_micros(1));
        let long = "a".repeat(128);
        let longer = "a".repeat(129);
        let rows: &[(&str, bool)] = &[
            ("req_1.A-b", true),
            (&long, true),
            (&longer, false),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("a/b", false),
        ];
        for (given, taken) in rows {
            let headers = HeaderMap::from_iter([(X_REQUEST_ID, given.parse().unwrap())]);
            let id = RequestId::of(&headers, &clock);
            assert_eq!(id.as_str() == *given, *taken, "{given:?}");
            assert!(*taken || id.as_str().starts_with("req_"), "{given:?}");
        }
    }
}
