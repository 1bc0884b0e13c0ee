//! Tokens of OAuth clients (RFC 6749 4.4): fetched when needed, by one caller at a time for each
//! destination, kept until shortly before they expire.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use moka::sync::Cache;
use serde::Deserialize;
use tieline_domain::{
    SourceId, SubscriptionId, Timestamp,
    auth::{Auth, ClientAuth},
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::credential::{Credential, basic, sensitive};
use crate::outbound::{Answer, BodyLimit, Destination, Error, Outbound, Redactor, Request};

/// How many tokens are kept.
const CAPACITY: u64 = 10_000;
/// The longest answer of a token server, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// How long a token is used whose server does not say how long it lasts.
const UNSAID: Duration = Duration::from_mins(5);
/// A token is not used any longer when this is left of its time, or a tenth of it if that is less.
const MARGIN: Duration = Duration::from_mins(1);
/// What a token that is sent as `Bearer` is called: by RFC 6750, and by eBay.
const BEARER: [&str; 2] = ["Bearer", "Application Access Token"];
/// The longest that a token is used, whatever its server says.
const LONGEST: Duration = Duration::from_hours(24);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// The token server could not be asked.
    #[error("no token from {host}: {error}")]
    Call {
        /// The token server.
        host: String,
        /// Why.
        error: Error,
    },
    /// The token server refused.
    #[error("no token from {host}: it answered {status}{code}; check the credentials in `auth`")]
    Refused {
        /// The token server.
        host: String,
        /// Its status.
        status: u16,
        /// Its error code in brackets, if it gave one (RFC 6749 5.2).
        code: String,
    },
    /// The token server's answer is of no use.
    #[error("no token from {host}: {problem}")]
    Unusable {
        /// The token server.
        host: String,
        /// What is wrong with its answer.
        problem: &'static str,
    },
    /// Another request was fetching one for too long.
    #[error("no token from {host} in time")]
    Late {
        /// The token server.
        host: String,
    },
}

/// A token.
pub struct Token {
    header: HeaderValue,
    redactor: Redactor,
    text: Zeroizing<String>,
    good_until: Timestamp,
}

impl Token {
    /// The value of `Authorization`.
    pub fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// What takes it out of what is recorded, and the token before it.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }
}

/// The token of one destination; whoever holds the lock fetches it.
type Cell = Arc<Mutex<Option<Arc<Token>>>>;

/// Whose token it is: no two share one, though they hold the same credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A subscription, for its deliveries.
    Subscription(SubscriptionId),
    /// A source, for what it asks its sender.
    Source(SourceId),
}

impl From<SubscriptionId> for Owner {
    fn from(id: SubscriptionId) -> Self {
        Self::Subscription(id)
    }
}

impl From<SourceId> for Owner {
    fn from(id: SourceId) -> Self {
        Self::Source(id)
    }
}

/// The tokens of all owners; clones share them.
#[derive(Clone)]
pub struct Tokens(Cache<(Owner, [u8; 32]), Cell>);

impl Default for Tokens {
    fn default() -> Self {
        Self(Cache::new(CAPACITY))
    }
}

impl Tokens {
    /// Where the token for this owner and this credential is kept: another credential has another place.
    pub(super) fn cell(&self, owner: Owner, credential: &Credential) -> Cell {
        let hash = digest::digest(&digest::SHA256, &credential.to_bytes());
        let hash = hash.as_ref().try_into().expect("SHA-256 has 32 bytes");
        self.0.get_with((owner, hash), Cell::default)
    }
}

/// Fetches the tokens of one destination.
pub(super) struct TokenSource {
    uri: Uri,
    host: String,
    headers: HeaderMap,
    form: Zeroizing<String>,
    cell: Cell,
}

impl TokenSource {
    pub(super) fn new(url: &Destination, auth: &Auth, secret: &str, cell: Cell) -> Self {
        let client_id = auth.client_id.as_deref().unwrap_or_default();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        let optional = [("scope", &auth.scope), ("audience", &auth.audience)];
        for (name, value) in optional {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        let mut headers = HeaderMap::from_iter([
            (
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            ),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        match auth.client_auth.unwrap_or_default() {
            // RFC 6749 2.3.1: both are form-encoded before they are joined.
            ClientAuth::Basic => {
                let encoded = |text: &str| -> Zeroizing<String> {
                    Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect())
                };
                let value = basic(&encoded(client_id), &encoded(secret));
                headers.extend(value.map(|value| (AUTHORIZATION, value)));
            }
            ClientAuth::Body => {
                form.append_pair("client_id", client_id);
                form.append_pair("client_secret", secret);
            }
        }
        let uri = url.uri().clone();
        Self {
            host: uri.host().unwrap_or_default().to_owned(),
            uri,
            headers,
            form: Zeroizing::new(form.finish()),
            cell,
        }
    }

    /// A token that is good at `now`, and is another one than `refused`: the one that is kept, or
    /// a new one, which takes no longer than `budget`.
    pub(super) async fn token(
        &self,
        outbound: &Outbound,
        now: Timestamp,
        budget: Duration,
        refused: Option<&Arc<Token>>,
    ) -> Result<Arc<Token>, NoToken> {
        let until = Instant::now() + budget;
        let mut kept = timeout_at(until, self.cell.lock()).await.map_err(|_| {
            let host = self.host.clone();
            NoToken::Late { host }
        })?;
        let is_refused = |token: &Arc<Token>| refused.is_some_and(|bad| Arc::ptr_eq(bad, token));
        if let Some(token) = &*kept
            && now < token.good_until
            && !is_refused(token)
        {
            return Ok(Arc::clone(token));
        }
        let left = until.saturating_duration_since(Instant::now());
        let fetched = self.fetch(outbound, now, left, kept.as_deref()).await;
        *kept = fetched.as_ref().ok().cloned();
        fetched
    }

    async fn fetch(
        &self,
        outbound: &Outbound,
        now: Timestamp,
        deadline: Duration,
        before: Option<&Token>,
    ) -> Result<Arc<Token>, NoToken> {
        let request = Request {
            headers: self.headers.clone(),
            body: Bytes::copy_from_slice(self.form.as_bytes()),
            deadline,
            body_limit: BodyLimit::Whole {
                at_most: MAX_ANSWER,
            },
            ..Request::new(Method::POST, self.uri.clone())
        };
        let answer = outbound
            .send(request)
            .await
            .map_err(|error| NoToken::Call {
                host: self.host.clone(),
                error,
            })?;
        self.read(&answer, now, before).map(Arc::new)
    }

    fn read(
        &self,
        answer: &Answer,
        now: Timestamp,
        before: Option<&Token>,
    ) -> Result<Token, NoToken> {
        let host = || self.host.clone();
        if answer.status != StatusCode::OK {
            return Err(NoToken::Refused {
                host: host(),
                status: answer.status.as_u16(),
                code: error_code(&answer.body),
            });
        }
        let unusable = |problem| NoToken::Unusable {
            host: host(),
            problem,
        };
        let granted: Granted = serde_json::from_slice(&answer.body)
            .map_err(|_| unusable("its answer is no JSON object with an `access_token`"))?;
        let text = Zeroizing::new(granted.access_token);
        let kind = granted.token_type.as_deref().unwrap_or("Bearer");
        if !BEARER.iter().any(|name| kind.eq_ignore_ascii_case(name)) {
            return Err(unusable("the `token_type` is not Bearer"));
        }
        let header = sensitive(&Zeroizing::new(format!("Bearer {}", *text)))
            .filter(|_| !text.is_empty())
            .ok_or_else(|| unusable("no header can carry the `access_token`"))?;
        let lasts = granted
            .expires_in
            .map_or(UNSAID, Lifetime::duration)
            .min(LONGEST);
        let known = before.map(|token| token.text.clone());
        let secrets = known.iter().chain([&text]).map(|text| text.as_bytes());
        Ok(Token {
            header,
            redactor: Redactor::new(secrets),
            good_until: now.plus(lasts.saturating_sub(MARGIN.min(lasts / 10))),
            text,
        })
    }
}

/// What a token server answers (RFC 6749 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Lifetime>,
}

/// Seconds, which some servers write as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Lifetime {
    Number(f64),
    Text(String),
}

impl Lifetime {
    fn duration(self) -> Duration {
        let seconds = match self {
            Self::Number(seconds) => seconds,
            Self::Text(text) => text.parse().unwrap_or_default(),
        };
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }
}

/// The error code of a refusal, in brackets; nothing that a server could hide a secret in.
fn error_code(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let is_code = |code: &str| {
        (1..=40).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { error }) if is_code(&error) => format!(" ({error})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_error_codes_are_told() {
        for (body, told) in [
            (r#"{"error":"invalid_client"}"#, " (invalid_client)"),
            (r#"{"error":"the secret is S3cr3t"}"#, ""),
            (r#"{"error":7}"#, ""),
            ("<html>", ""),
        ] {
            assert_eq!(error_code(body.as_bytes()), told, "{body}");
        }
    }

    #[test]
    fn lifetimes_are_numbers_or_text() {
        for (json, seconds) in [
            ("3600", 3600),
            (r#""3600""#, 3600),
            ("-1", 0),
            (r#""soon""#, 0),
        ] {
            let lifetime: Lifetime = serde_json::from_str(json).unwrap();
            assert_eq!(lifetime.duration().as_secs(), seconds, "{json}");
        }
    }
}
