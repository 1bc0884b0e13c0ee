//! What the API says when it cannot do what was asked: RFC 9457 problems with a closed list of codes.
//!
//! Each [`Code`] is one row of the table below: where its page stands, its status, its title, and what
//! its reader can do. The OpenAPI document and the pages under `/docs/errors` are made from the table.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;
use tieline_domain::Violation;
use tieline_store as store;
use utoipa::{
    IntoResponses,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use crate::vault::VaultError;

/// The media type of a problem (RFC 9457, section 3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Seconds after which a client may try again when the store was unavailable.
const RETRY_UNAVAILABLE_SECONDS: u64 = 1;

/// Declares the closed list of codes: variant, slug of its page, status, title, meaning, an example of `detail`.
macro_rules! codes {
    ($($variant:ident = $slug:literal, $status:ident, $title:literal, $meaning:literal, $example:literal;)*) => {
        /// What kind of problem it is. A client may rely on these; the texts may change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $meaning] $variant,)*
        }

        impl Code {
            /// Every code, by status.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in the `type` URI.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// The HTTP status it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// A few words, the same for each occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means and what to do.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// A `detail` as one occurrence could have it.
            pub const fn example(self) -> &'static str {
                match self { $(Self::$variant => $example,)* }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed-json", BAD_REQUEST, "The body is not JSON",
        "The body could not be read as JSON. `detail` gives the line and the column; send the body through a JSON checker.",
        "the body is not JSON: expected value at line 1, column 10";
    JsonTooDeep = "json-too-deep", BAD_REQUEST, "The JSON nests too deeply",
        "Arrays and objects stand inside one another on more levels than the server takes. Flatten the body.",
        "JSON nests more than 64 levels deep at byte 64: flatten it or raise limits.json_depth_max";
    InvalidBody = "invalid-body", BAD_REQUEST, "The body has the wrong shape",
        "A field is unknown, missing, given twice or of the wrong type. Each entry of `errors` points at the place (RFC 6901) and says what was expected. Unknown fields are refused so that a misspelt one is noticed.",
        "/nmae: unknown field `nmae`, expected `name`";
    InvalidParameter = "invalid-parameter", BAD_REQUEST, "A parameter is not valid",
        "A query parameter or a header has a value that it cannot have; `detail` names it and says what it takes.",
        "limit: give a whole number from 1 to 100";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "No valid credential",
        "The request carries no API key or access token, or one that is unknown, expired or revoked. Send `Authorization: Bearer <key or access token>` or `x-api-key: <key>`.",
        "the credential is unknown, expired or revoked; use another one";
    SignatureRejected = "signature-rejected", UNAUTHORIZED, "The webhook's signature was not accepted",
        "The request does not prove that it comes from the sender: its signature is missing or wrong, or its timestamp is too old or too new. `detail` says which. Check the secret, and that the body is signed as it is sent.",
        "the signature does not match the body and the secret";
    InsufficientScope = "insufficient-scope", FORBIDDEN, "The credential does not allow this",
        "The credential is valid but lacks the scope that `detail` names. Use a key with that scope, or have one made.",
        "this needs the scope `keys:write`, which the credential does not have";
    NotFound = "not-found", NOT_FOUND, "There is no such thing",
        "Nothing is there, or it belongs to another tenant: the two look the same. Check the path and the id.",
        "there is no such tenant; check the id";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The path does not take this method",
        "The path exists but not with this method; the `Allow` header lists the methods it takes.",
        "this path does not take PUT; the `Allow` header lists what it takes";
    RequestTimeout = "request-timeout", REQUEST_TIMEOUT, "The request was not sent in time",
        "The body of the request came too slowly or not at all. Send it at once, or over a better connection.",
        "the body was not there after 30 seconds; send it faster";
    NameTaken = "name-taken", CONFLICT, "The name is taken",
        "Another object of this kind has the name. Choose another one, or change the existing object.",
        "another object of this kind has the name; choose another one";
    InUse = "in-use", CONFLICT, "Something else still uses it",
        "The object cannot be deleted while others refer to it; `detail` lists them. Change or delete those first.",
        "the secret is used by tool_01kb3f9z5qf8m9w2v7x4t6n0hg; change or delete that first";
    Conflict = "conflict", CONFLICT, "The state does not allow this",
        "The object is in a state in which this cannot be done; `detail` says which states or steps are possible.",
        "this is the tenant of your own credential; delete it with one of another tenant";
    RequestInProgress = "request-in-progress", CONFLICT, "The same request is still running",
        "An earlier request with this `Idempotency-Key` has not been answered yet. Wait as long as `Retry-After` says and send the same request again.",
        "the first request with this Idempotency-Key is still running; send it again later";
    PositionGone = "position-gone", GONE, "The place to go on from is gone",
        "`Last-Event-ID` names an event that is not on the log (any more): it was removed with age, or is not of this tenant. Read what you missed with `GET /v1/events`, then connect without it.",
        "there is no event evt_01kb3f9z5qf8m9w2v7x4t6n0hf to go on from; list the events, then connect without Last-Event-ID";
    VersionConflict = "version-conflict", PRECONDITION_FAILED, "Someone else changed it meanwhile",
        "`If-Match` names another version than the object has. Read it again, repeat your change on what you read, and send the new `ETag`.",
        "the object has the ETag \"4\" by now; read it again and repeat the change on what you read";
    BodyTooLarge = "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "The body has more bytes than the server takes; `detail` gives the limit. Send less at once.",
        "the body has more than 1048576 bytes, the most that is taken; send less at once";
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The body has an unsupported content type",
        "The `content-type` header is missing or names a format that this operation does not read; `detail` names the one it reads.",
        "this takes JSON: send `content-type: application/json` (given: `text/plain`)";
    InvalidInput = "invalid-input", UNPROCESSABLE_ENTITY, "The input breaks a rule",
        "The body has the right shape but a value is not allowed. Each entry of `errors` points at the place (RFC 6901) and says what is.",
        "/name: must have at least 1 character(s), has 0";
    IdempotencyKeyReused = "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The Idempotency-Key was used for another request",
        "The key belongs to a request with another path or body. Use a new key for each new request, and the same key only to repeat one.",
        "this Idempotency-Key belongs to a request with another path or body; use a new key";
    RateLimited = "rate-limited", TOO_MANY_REQUESTS, "Too many requests",
        "The tenant's requests come faster than allowed. Wait as long as `Retry-After` says; `RateLimit-Remaining` tells how many are left.",
        "more requests than the 2000 that may come at once; wait 1 second(s)";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here",
        "The server made a mistake, which its log describes under the `request_id`. Report that id.",
        "the server made a mistake; report the request id";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The server cannot do this right now",
        "Storage cannot be reached or is overloaded; nothing was accepted. Try again after the time in `Retry-After`.",
        "storage cannot be reached; nothing was changed; try again";
}

impl Code {
    /// The path of its page, which is also its `type` URI.
    pub fn path(self) -> String {
        format!("/docs/errors/{}", self.slug())
    }
}

/// One problem, on its way to becoming a response. The request id is filled in by [`Problem::render`].
#[derive(Clone, Debug)]
pub struct Problem(Box<Content>);

#[derive(Clone, Debug)]
struct Content {
    code: Code,
    detail: String,
    errors: Vec<Violation>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem of kind `code`; `detail` says what is wrong with this request and what to do.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Content {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: HeaderMap::new(),
        }))
    }

    /// The object that the path names is not there, or belongs to another tenant.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("there is no such {what}; check the id"),
        )
    }

    /// Adds the fault `detail` at `pointer` (RFC 6901).
    pub fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(Violation::new(pointer, detail));
        self
    }

    /// Adds a header to the response.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Says when to try again, in seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }

    /// Its kind.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Refuses an input with its faults, if there are any.
    pub fn check(violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() {
            Ok(())
        } else {
            Err(violations.into())
        }
    }

    /// The body as JSON.
    fn body(&self, request_id: &str) -> serde_json::Value {
        let Content {
            code,
            detail,
            errors,
            headers: _,
        } = &*self.0;
        let mut body = json!({
            "type": code.path(),
            "title": code.title(),
            "status": code.status().as_u16(),
            "detail": detail,
            "request_id": request_id,
        });
        if !errors.is_empty() {
            body["errors"] = json!(errors);
        }
        body
    }

    /// An example of a problem of kind `code`, for the documentation.
    pub fn example(code: Code) -> serde_json::Value {
        let problem = Self::new(code, code.example());
        let problem = match (code, code.example().split_once(": ")) {
            (Code::InvalidBody | Code::InvalidInput, Some((pointer, detail))) => {
                problem.at(pointer, detail)
            }
            _ => problem,
        };
        problem.body("req_01kb3f9z5qf8m9w2v7x4t6n0ha")
    }

    /// Gives a response that carries a problem its body; leaves every other response alone.
    pub fn render(response: &mut Response, request_id: &str) {
        let Some(problem) = response.extensions_mut().remove::<Self>() else {
            return;
        };
        *response.body_mut() = Body::from(problem.body(request_id).to_string());
    }
}

impl IntoResponse for Problem {
    /// The head of the response; [`Problem::render`] writes the body once the request id is known.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.code.status();
        response.headers_mut().clone_from(&self.0.headers);
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, media_type);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Vec<Violation>> for Problem {
    /// The input breaks these rules.
    fn from(violations: Vec<Violation>) -> Self {
        let detail = match &*violations {
            [only] => only.to_string(),
            several => format!("{} values are not allowed; see `errors`", several.len()),
        };
        let mut problem = Self::new(Code::InvalidInput, detail);
        problem.0.errors = violations;
        problem
    }
}

impl From<store::Error> for Problem {
    /// Never shows what the database said: that goes to the log.
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Conflict { current } => Self::new(
                Code::VersionConflict,
                format!(
                    "the object has version {current} by now; read it again and repeat the change"
                ),
            ),
            store::Error::NameTaken => Self::new(
                Code::NameTaken,
                "another object of this kind has the name; choose another one",
            )
            .at("/name", "the name is taken"),
            store::Error::Unavailable(reason) => {
                tracing::warn!(reason, "the store is unavailable");
                Self::new(
                    Code::Unavailable,
                    "storage cannot be reached; nothing was changed; try again",
                )
                .retry_after(RETRY_UNAVAILABLE_SECONDS)
            }
            error => {
                tracing::error!(%error, "the store gave what cannot be used");
                Self::internal()
            }
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Store(error) => error.into(),
            error => {
                tracing::error!(%error, "the vault does not open");
                Self::internal()
            }
        }
    }
}

impl Problem {
    /// Our own mistake; whoever calls this has logged what happened.
    pub fn internal() -> Self {
        Self::new(
            Code::Internal,
            "the server made a mistake; report the request id",
        )
    }
}

/// The key under which an operation first documents its problems; the document's last pass puts the
/// statuses that the operation can have in its place.
pub const ANY_PROBLEM: &str = "4XX";

impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let response = ResponseBuilder::new()
            .description("A problem")
            .content(MEDIA_TYPE, content);
        BTreeMap::from([(ANY_PROBLEM.to_owned(), response.build().into())])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_its_own_page_and_an_error_status() {
        let slugs: HashSet<_> = Code::ALL.iter().map(|code| code.slug()).collect();
        assert_eq!(slugs.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(
                code.status().is_client_error() || code.status().is_server_error(),
                "{code:?}"
            );
        }
        assert!(Code::ALL.is_sorted_by_key(|code| code.status().as_u16()));
    }

    #[test]
    fn the_store_s_words_stay_in_the_log() {
        let error = store::Error::Unavailable("UNIQUE constraint failed: tenants.id".into());
        let problem = Problem::from(error);
        assert_eq!(problem.code(), Code::Unavailable);
        assert!(!problem.body("req_1").to_string().contains("tenants.id"));
    }

    #[test]
    fn a_problem_is_rendered_once_with_the_request_id() {
        let mut response = Problem::new(Code::NotFound, "gone")
            .at("/a", "b")
            .into_response();
        Problem::render(&mut response, "req_1");
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        assert!(response.extensions().get::<Problem>().is_none());
    }
}
