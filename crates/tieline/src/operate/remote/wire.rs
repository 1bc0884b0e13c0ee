//! The messages of the Model Context Protocol, as a client writes and reads them (JSON-RPC 2.0; an answer is JSON or
//! a stream of Server-Sent Events that ends with it).

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use tieline_domain::operation::{CallError, ErrorKind};
use tieline_mapping::{check_depth, depth::DEFAULT_MAX_DEPTH};

/// The revision that is asked for in a handshake.
pub(super) const WITH_HANDSHAKE: &str = "2025-11-25";
/// The first revision that has none.
pub(super) const WITHOUT_HANDSHAKE: &str = "2026-07-28";
/// The answer of a server that does not know the revision it is asked in (MCP 2026-07-28, "Error codes").
const UNSUPPORTED_REVISION: i64 = -32_022;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const REVISION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// What was agreed with a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Session {
    /// After a handshake: the revision, and the id if the server gave one.
    Shaken {
        /// The revision that both speak.
        revision: String,
        /// What the server tells its clients apart by.
        id: Option<String>,
    },
    /// Nothing: every message says what it needs.
    None,
}

/// What a client says of itself.
fn own() -> Value {
    json!({"name": "tieline", "version": env!("CARGO_PKG_VERSION")})
}

/// The first message of a handshake.
pub(super) fn handshake() -> Value {
    let params =
        json!({"protocolVersion": WITH_HANDSHAKE, "capabilities": {}, "clientInfo": own()});
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

/// The last message of a handshake, which is not answered.
pub(super) fn handshake_done() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
}

/// What came of a handshake; `None` if what the server says is none.
pub(super) fn agreed(result: &Value, headers: &HeaderMap) -> Option<Session> {
    let revision = result.get("protocolVersion")?.as_str()?.to_owned();
    let id = headers.get(SESSION).and_then(|id| id.to_str().ok());
    Some(Session::Shaken {
        revision,
        id: id.map(str::to_owned),
    })
}

/// Whether this refusal of a handshake says that the server knows only revisions without one.
pub(super) fn wants_no_handshake(error: &RpcError) -> bool {
    matches!(error.code, UNSUPPORTED_REVISION | -32_601)
}

impl Session {
    /// A request, with what the revision wants in it.
    pub(super) fn request(&self, method: &str, mut params: Value) -> Value {
        if *self == Self::None {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": WITHOUT_HANDSHAKE,
                "io.modelcontextprotocol/clientInfo": own(),
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    }

    /// The headers that a message of this session carries beside those of every message.
    pub(super) fn headers(&self, message: &Value) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut put = |name: HeaderName, text: &str| {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        };
        match self {
            Self::Shaken { revision, id } => {
                put(REVISION, revision);
                if let Some(id) = id {
                    put(SESSION, id);
                }
            }
            Self::None => {
                put(REVISION, WITHOUT_HANDSHAKE);
                put(METHOD, message["method"].as_str().unwrap_or_default());
                if let Some(name) = message.pointer("/params/name").and_then(Value::as_str) {
                    put(NAME, name);
                }
            }
        }
        headers
    }

    /// Whether the server may have forgotten it.
    pub(super) fn can_end(&self) -> bool {
        matches!(self, Self::Shaken { id: Some(_), .. })
    }
}

/// What every message is sent with.
pub(super) fn common_headers(headers: &mut HeaderMap) {
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(header::ACCEPT, accept);
}

/// What a server answers instead of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcError {
    /// Its code (JSON-RPC 2.0, 5.1).
    pub(super) code: i64,
    /// What it says.
    pub(super) message: String,
}

impl RpcError {
    /// As the error of a call.
    pub(super) fn into_call_error(self) -> CallError {
        let kind = match self.code {
            -32_602 => ErrorKind::BadInput,
            -32_601 => ErrorKind::NotFound,
            _ => ErrorKind::UpstreamError,
        };
        CallError::new(
            kind,
            format!("the MCP server answered with the error {}", self.code),
        )
        .saying(Some(self.message))
    }
}

/// The answer to a request in a body: its result or its error. `Err` if there is none.
pub(super) fn answer(body: &[u8], is_stream: bool) -> Result<Result<Value, RpcError>, String> {
    if !is_stream {
        let message = parsed(body)?;
        return outcome(&message).ok_or_else(|| "it is no JSON-RPC response".to_owned());
    }
    let text = String::from_utf8_lossy(body);
    let found = events(&text).find_map(|data| outcome(&parsed(data.as_bytes()).ok()?));
    found.ok_or_else(|| "the stream ended without the response".to_owned())
}

fn parsed(text: &[u8]) -> Result<Value, String> {
    check_depth(text, DEFAULT_MAX_DEPTH).map_err(|error| error.to_string())?;
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// The data of each event of a stream (WHATWG HTML, 9.2.6).
fn events(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.split(['\n', '\r']).chain(std::iter::once(""));
    let mut data: Vec<String> = Vec::new();
    std::iter::from_fn(move || {
        for line in lines.by_ref() {
            if let Some(value) = line.strip_prefix("data:") {
                data.push(value.strip_prefix(' ').unwrap_or(value).to_owned());
            } else if line.is_empty() && !data.is_empty() {
                return Some(std::mem::take(&mut data).join("\n"));
            }
        }
        None
    })
}

/// The result or the error in a message; `None` if it is a request or a notification of the server.
fn outcome(message: &Value) -> Option<Result<Value, RpcError>> {
    if let Some(result) = message.get("result") {
        return Some(Ok(result.clone()));
    }
    let error = message.get("error")?;
    Some(Err(RpcError {
        code: error
            .get("code")
            .and_then(Value::as_i64)
            .unwrap_or_default(),
        message: error
            .get("message")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
    }))
}

/// What a tool's result is worth: its structured content, or else its text.
pub(super) fn output(result: &Value) -> Result<Value, CallError> {
    let content = result.get("content").and_then(Value::as_array);
    let content = content.map(Vec::as_slice).unwrap_or_default();
    let texts: Vec<_> = content
        .iter()
        .filter_map(|part| part.get("text")?.as_str())
        .collect();
    if result.get("isError") == Some(&json!(true)) {
        let said = texts.join("\n");
        let end = said.floor_char_boundary(2_048);
        let error = CallError::new(ErrorKind::UpstreamError, "the remote tool reports an error");
        return Err(error.saying(Some(said[..end].to_owned())));
    }
    if let Some(structured) = result.get("structuredContent") {
        return Ok(structured.clone());
    }
    match (content, &*texts) {
        ([_], [text]) => Ok(as_json(text).unwrap_or_else(|| json!(text))),
        _ => Ok(json!({"content": content})),
    }
}

/// The object or array that a text is; other texts stay texts.
fn as_json(text: &str) -> Option<Value> {
    text.trim_start()
        .starts_with(['{', '['])
        .then(|| parsed(text.as_bytes()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_in_json_and_in_streams() {
        let notice = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#;
        let good = r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#;
        let bad = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no"}}"#;
        let refused = RpcError {
            code: -32_602,
            message: "no".to_owned(),
        };
        let rows = [
            (good.to_owned(), false, Ok(Ok(json!({"a": 1})))),
            (bad.to_owned(), false, Ok(Err(refused.clone()))),
            (notice.to_owned(), false, Err(())),
            ("<html>".to_owned(), false, Err(())),
            (
                format!("id: 1\ndata: {notice}\n\nevent: message\ndata: {good}\n\n"),
                true,
                Ok(Ok(json!({"a": 1}))),
            ),
            (format!("data:{bad}\r\n\r\n"), true, Ok(Err(refused))),
            (
                "data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":1,\"result\":7}".to_owned(),
                true,
                Ok(Ok(json!(7))),
            ),
            (format!("data: {notice}\n\n: bye\n\n"), true, Err(())),
        ];
        for (body, is_stream, expected) in rows {
            assert_eq!(
                answer(body.as_bytes(), is_stream).map_err(drop),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn results_become_values() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let image = json!({"type": "image", "data": "AA==", "mimeType": "image/png"});
        let rows = [
            (
                json!({"content": [text("hi")], "structuredContent": {"a": 1}}),
                Ok(json!({"a": 1})),
            ),
            (json!({"content": [text("hi")]}), Ok(json!("hi"))),
            (
                json!({"content": [text("{\"a\": 1}")]}),
                Ok(json!({"a": 1})),
            ),
            (json!({"content": [text("{a")]}), Ok(json!("{a"))),
            (
                json!({"content": [text("a"), image]}),
                Ok(json!({"content": [text("a"), image]})),
            ),
            (
                json!({"content": [text("broken")], "isError": true}),
                Err(Some("broken".to_owned())),
            ),
        ];
        for (result, expected) in rows {
            assert_eq!(
                output(&result).map_err(|error| error.upstream),
                expected,
                "{result}"
            );
        }
    }
}
