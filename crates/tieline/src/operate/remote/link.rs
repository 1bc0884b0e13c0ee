//! A way to a remote server: its URL and headers with the secrets in them, and one message at a time over it.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use tieline_domain::{
    TenantId,
    mcp_server::{MAX_TOOLS, RemoteTool},
    operation::{CallError, ErrorKind, Recipe},
};

use super::{
    super::{
        Parts,
        answer::{Content, status_error, transport_error},
        redaction::Redaction,
        values::Values,
    },
    wire::{self, RpcError, Session},
};
use crate::outbound::{Answer, BodyEnd, BodyLimit, Request};

/// The largest answer that is taken, in bytes.
const LARGEST_ANSWER: usize = 5 * 1024 * 1024;
/// The most pages of a list that are asked for.
const MOST_PAGES: usize = 20;

/// A way to a remote server, for as long as one call or one look at its tools takes.
pub(super) struct Link<'a> {
    parts: &'a Parts,
    uri: Uri,
    headers: HeaderMap,
    /// What takes the secrets out of whatever is shown.
    pub(super) redaction: Redaction,
    begun: Instant,
    timeout: Duration,
}

/// Why a message brought no result.
pub(super) enum Failure {
    /// The server does not know the session (any more); nothing was done.
    NoSession,
    /// The server answered with an error.
    Rpc(RpcError),
    /// Anything else.
    Call(CallError),
}

impl Failure {
    /// As the error of a call.
    pub(super) fn into_call_error(self) -> CallError {
        match self {
            Self::NoSession => CallError::new(
                ErrorKind::Retry,
                "the MCP server has ended the session; nothing was done",
            ),
            Self::Rpc(error) => error.into_call_error(),
            Self::Call(error) => error,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// What a server offers: what can be used, and what cannot, with the reason.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// What can be used.
    pub(super) tools: Vec<RemoteTool>,
    /// What cannot: the name and why.
    pub(super) unusable: Vec<(String, String)>,
}

impl<'a> Link<'a> {
    /// Opens the secrets that the way needs. Everything over it has to be done within `timeout`.
    pub(super) async fn open(
        parts: &'a Parts,
        tenant: TenantId,
        recipe: &Recipe,
        timeout: Duration,
    ) -> Result<Self, CallError> {
        let nothing = json!({});
        let values =
            Values::open(&parts.registry, tenant, recipe.secrets().keys(), &nothing).await?;
        let redaction = values.redaction();
        let prepared = recipe
            .prepare(&nothing, &values)
            .map_err(CallError::bad_input)?;
        let unusable = || {
            let message =
                "the URL or a header of the MCP server cannot be written with its secrets";
            CallError::new(ErrorKind::Misconfigured, message)
        };
        let mut headers = HeaderMap::new();
        for (name, text, is_secret) in &prepared.headers {
            let name = HeaderName::try_from(name).map_err(|_| unusable())?;
            let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| unusable())?;
            value.set_sensitive(*is_secret);
            headers.insert(name, value);
        }
        wire::common_headers(&mut headers);
        Ok(Self {
            parts,
            uri: prepared.url.parse().map_err(|_| unusable())?,
            headers,
            redaction,
            begun: Instant::now(),
            timeout,
        })
    }

    /// Agrees with the server on a revision.
    pub(super) async fn agree(&self) -> Result<Session, Failure> {
        let fresh = HeaderMap::new();
        let answer = self.send(&wire::handshake(), fresh).await?;
        let result = match self.result(&answer) {
            Err(Failure::Rpc(error)) if wire::wants_no_handshake(&error) => {
                return Ok(Session::None);
            }
            result => result?,
        };
        let agreed = wire::agreed(&result, &answer.headers);
        let session =
            agreed.ok_or_else(|| bad_answer("its handshake names no protocol version"))?;
        let done = wire::handshake_done();
        let headers = session.headers(&done);
        self.send(&done, headers).await?;
        Ok(session)
    }

    /// Asks for something, and waits for the result.
    pub(super) async fn ask(
        &self,
        session: &Session,
        method: &str,
        params: Value,
        trace: Option<HeaderValue>,
    ) -> Result<Value, Failure> {
        let message = session.request(method, params);
        let mut headers = session.headers(&message);
        if let Some(trace) = trace {
            headers.insert(crate::telemetry::traces::TRACEPARENT, trace);
        }
        let answer = self.send(&message, headers).await?;
        if answer.status == StatusCode::NOT_FOUND && session.can_end() {
            return Err(Failure::NoSession);
        }
        self.result(&answer)
            .map(|result| self.redaction.value(result))
    }

    /// Asks for everything that the server offers.
    pub(super) async fn list(&self, session: &Session) -> Result<Listing, Failure> {
        let mut listing = Listing::default();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let params = match &cursor {
                None => json!({}),
                Some(cursor) => json!({"cursor": cursor}),
            };
            let page = self.ask(session, "tools/list", params, None).await?;
            let entries = page.get("tools").and_then(Value::as_array);
            let entries = entries.ok_or_else(|| bad_answer("its list has no `tools`"))?;
            for entry in entries {
                listing.add(entry);
            }
            if listing.tools.len() > MAX_TOOLS {
                let why = format!("it offers more than the {MAX_TOOLS} tools that are taken");
                return Err(bad_answer(&why).into());
            }
            cursor = page
                .get("nextCursor")
                .filter(|next| next.is_string())
                .cloned();
            if cursor.is_none() {
                return Ok(listing);
            }
        }
        Err(bad_answer("its list of tools does not end").into())
    }

    async fn send(&self, message: &Value, more: HeaderMap) -> Result<Answer, CallError> {
        let mut headers = self.headers.clone();
        headers.extend(more);
        let request = Request {
            method: Method::POST,
            uri: self.uri.clone(),
            headers,
            body: message.to_string().into(),
            deadline: self.timeout.saturating_sub(self.begun.elapsed()),
            // A stream that stays open after the answer is only cut short.
            body_limit: BodyLimit::Excerpt {
                keep: LARGEST_ANSWER,
            },
        };
        let answer = self.parts.outbound.send(request).await;
        let answer = answer.map_err(|error| transport_error(&error, &self.redaction))?;
        match answer.body_end {
            BodyEnd::TooLong => {
                let why = format!("it has more than {LARGEST_ANSWER} bytes");
                Err(bad_answer(&why))
            }
            _ => Ok(answer),
        }
    }

    /// The result that an answer brings.
    fn result(&self, answer: &Answer) -> Result<Value, Failure> {
        let content_type = answer.headers.get(header::CONTENT_TYPE);
        let is_stream = content_type
            .and_then(|value| value.to_str().ok())
            .is_some_and(|text| text.starts_with("text/event-stream"));
        let read = wire::answer(&answer.body, is_stream);
        let content = Content::read(answer, &self.redaction);
        // A refusal can come with an HTTP status or without one; its own words tell more.
        if let Ok(Err(RpcError { code, message })) = &read {
            let message = self.redaction.text(message);
            return Err(Failure::Rpc(RpcError {
                code: *code,
                message,
            }));
        }
        if let Some(error) = status_error(answer, &content, self.parts.clock.now()) {
            return Err(Failure::Call(error));
        }
        match read {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => Err(Failure::Rpc(error)),
            Err(_) if answer.body_end != BodyEnd::Complete => Err(Failure::Call(CallError::new(
                ErrorKind::Timeout,
                "the MCP server did not finish its answer in time",
            ))),
            Err(why) => Err(Failure::Call(bad_answer(&self.redaction.text(&why)))),
        }
    }
}

impl Listing {
    fn add(&mut self, entry: &Value) {
        let name = entry
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match RemoteTool::read(entry) {
            Ok(tool) if self.tools.iter().any(|known| known.name == tool.name) => {
                self.unusable
                    .push((tool.name, "another tool has the same name".to_owned()));
            }
            Ok(tool) => self.tools.push(tool),
            Err(why) if self.unusable.len() < MAX_TOOLS => {
                let shown: String = name.chars().take(128).collect();
                self.unusable.push((shown, why.to_string()));
            }
            Err(_) => {}
        }
    }
}

fn bad_answer(why: &str) -> CallError {
    CallError::new(
        ErrorKind::BadAnswer,
        format!("the answer of the MCP server cannot be used: {why}"),
    )
}
