//! Calling an operation over HTTP.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde_json::Value;
use tieline_domain::{
    CallId, Violation,
    operation::{CallError, Class, ErrorKind, Operation, PreparedRequest, Recipe},
};

use super::{
    Call, Outcome, Parts, RequestView,
    answer::{Content, output, status_error, transport_error},
    redaction::Redaction,
    retry,
    values::Values,
};
use crate::{
    outbound::{Answer, BodyLimit, Error as OutboundError, MAX_URL_BYTES, Request},
    telemetry::traces,
};

/// How much of a request's body is shown, in bytes.
const SHOWN_BODY: usize = 16 * 1024;

/// What calls an operation over HTTP.
pub struct HttpExecutor {
    /// The recipe, or why there is none under today's rules.
    recipe: Result<Recipe, String>,
    idempotency_header: Option<HeaderName>,
    may_repeat: bool,
    class: Class,
}

/// A request in the form of the way out.
struct Ready {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl HttpExecutor {
    pub(super) fn new(recipe: Result<Recipe, String>, operation: &Operation) -> Self {
        let header = operation.endpoint.idempotency_header.as_deref();
        Self {
            recipe,
            idempotency_header: header.and_then(|name| HeaderName::try_from(name).ok()),
            may_repeat: operation.may_repeat(),
            class: operation.class(),
        }
    }

    /// Whether a call may be made again although the one before may have been carried out.
    pub(super) const fn may_repeat(&self) -> bool {
        self.may_repeat
    }

    /// What is wrong with an input, with pointers into it.
    pub(super) fn faults(&self, input: &Value) -> Vec<Violation> {
        let recipe = self.recipe.as_ref();
        recipe.map_or_else(|_| Vec::new(), |recipe| recipe.faults(input))
    }

    /// Makes the call.
    pub(super) async fn run(&self, parts: &Parts, call_id: CallId, call: &Call) -> Outcome {
        let recipe = match &self.recipe {
            Ok(recipe) => recipe,
            Err(reason) => {
                let message = format!("the operation cannot be used as it is: {reason}");
                return Outcome::refused(CallError::new(ErrorKind::Misconfigured, message));
            }
        };
        let faults = recipe.faults(&call.input);
        if !faults.is_empty() {
            return Outcome::refused(CallError::bad_input(faults));
        }
        let values = Values::open(
            &parts.registry,
            call.tenant_id,
            recipe.secrets().keys(),
            &call.input,
        );
        let values = match values.await {
            Ok(values) => values,
            Err(error) => return Outcome::refused(error),
        };
        let redaction = values.redaction();
        let prepared = match recipe.prepare(&call.input, &values) {
            Ok(prepared) => prepared,
            Err(faults) => return Outcome::refused(CallError::bad_input(faults)),
        };
        let view = view(&prepared, &redaction);
        let ready = match self.ready(prepared, call_id, call) {
            Ok(ready) => ready,
            Err(error) => return Outcome::refused(error),
        };
        let outcome = tokio::select! {
            outcome = self.send(parts, call, recipe, &ready, &redaction) => outcome,
            () = call.cancel.cancelled() => {
                let message = "the call was called off; the service may or may not have acted";
                Outcome::refused(CallError::new(ErrorKind::Cancelled, message))
            }
        };
        Outcome {
            request: Some(view),
            redaction,
            ..outcome
        }
    }

    /// The request in the form of the way out.
    fn ready(
        &self,
        prepared: PreparedRequest,
        call_id: CallId,
        call: &Call,
    ) -> Result<Ready, CallError> {
        let too_long = || {
            let message = format!("the values make the URL longer than {MAX_URL_BYTES} bytes");
            CallError::new(ErrorKind::BadInput, message)
        };
        if prepared.url.len() > MAX_URL_BYTES {
            return Err(too_long());
        }
        let mut headers = HeaderMap::new();
        let unusable = |name: &str| {
            let message = format!("the header `{name}` cannot be written with these values");
            CallError::new(ErrorKind::BadInput, message)
        };
        for (name, text, is_secret) in &prepared.headers {
            let value = HeaderValue::from_bytes(text.as_bytes());
            let mut value = value.map_err(|_| unusable(name))?;
            value.set_sensitive(*is_secret);
            let name = HeaderName::try_from(name).map_err(|_| unusable(name))?;
            headers.insert(name, value);
        }
        headers
            .entry(header::ACCEPT)
            .or_insert(HeaderValue::from_static("application/json, */*;q=0.5"));
        if let Some(name) = &self.idempotency_header {
            let key = call.idempotency_key.clone();
            let key = key.unwrap_or_else(|| call_id.to_string());
            let value = HeaderValue::try_from(key).map_err(|_| unusable(name.as_str()))?;
            headers.insert(name.clone(), value);
        }
        headers.insert(traces::TRACEPARENT, traces::header(&call.trace));
        let body = prepared.body.map_or_else(Bytes::new, |body| {
            if let Some(content_type) = body.content_type {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            Bytes::from(body.text)
        });
        Ok(Ready {
            method: Method::from_bytes(prepared.method.as_str().as_bytes())
                .expect("the methods of operations are those of HTTP"),
            uri: prepared.url.parse().map_err(|_| too_long())?,
            headers,
            body,
        })
    }

    /// Sends the request, again where that is harmless, until there is an answer or no time left.
    async fn send(
        &self,
        parts: &Parts,
        call: &Call,
        recipe: &Recipe,
        ready: &Ready,
        redaction: &Redaction,
    ) -> Outcome {
        let started = Instant::now();
        let timeout = call.operation.timeout;
        let timeout = call.deadline.map_or(timeout, |most| most.min(timeout));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let left = timeout.saturating_sub(started.elapsed());
            let answer = exchange(parts, ready, left).await;
            let nothing_was_sent = matches!(&answer, Err(error) if error.nothing_was_sent());
            let outcome = self.judge(parts, answer, recipe, redaction);
            let Err(error) = &outcome.result else {
                return outcome;
            };
            let left = timeout.saturating_sub(started.elapsed());
            let pause = retry::pause(
                error,
                outcome.status_code,
                attempt,
                nothing_was_sent,
                self.may_repeat,
                left,
            );
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return outcome,
            }
        }
    }

    fn judge(
        &self,
        parts: &Parts,
        answer: Result<Answer, OutboundError>,
        recipe: &Recipe,
        redaction: &Redaction,
    ) -> Outcome {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Outcome::refused(transport_error(&error, redaction)),
        };
        let content = Content::read(&answer, redaction);
        let result = match status_error(&answer, &content, parts.clock.now()) {
            Some(error) => Err(error),
            None => output(&answer, &content, self.class, recipe.output()),
        };
        Outcome {
            result,
            status_code: Some(answer.status.as_u16()),
            request: None,
            response: content.to_value(),
            bytes: answer.body_bytes_seen,
            redaction: Redaction::default(),
        }
    }
}

async fn exchange(parts: &Parts, ready: &Ready, left: Duration) -> Result<Answer, OutboundError> {
    let Ready {
        method,
        uri,
        headers,
        body,
    } = ready;
    let request = Request {
        method: method.clone(),
        uri: uri.clone(),
        headers: headers.clone(),
        body: body.clone(),
        deadline: left,
        body_limit: BodyLimit::Whole {
            at_most: parts.config.limits.calls.answer_bytes,
        },
    };
    parts.outbound.send(request).await
}

/// The request as it may be shown.
fn view(prepared: &PreparedRequest, redaction: &Redaction) -> RequestView {
    let headers = prepared.headers.iter().map(|(name, value, _)| {
        let value = redaction.header(value.as_bytes());
        (name.clone(), value)
    });
    let body = prepared.body.as_ref().map(|body| {
        let bytes = body.text.as_bytes();
        match bytes.get(..SHOWN_BODY) {
            Some(begin) => redaction.cut(begin),
            None => redaction.text(&body.text),
        }
    });
    RequestView {
        method: prepared.method.as_str(),
        url: redaction.text(&prepared.url),
        headers: headers.collect(),
        body,
    }
}
