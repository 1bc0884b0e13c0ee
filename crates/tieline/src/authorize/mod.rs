//! Authorising what is sent: what a request to a destination, or to a sender, carries beside its signature.
//!
//! ```text
//! document: auth without its secret ─┐
//! vault: auth and its secret ────────┴─► Credential ─► Authorization: a header,
//!                                                      a token that is fetched, or a certificate
//! ```

mod credential;
mod oauth;

use std::{sync::Arc, time::Instant};

use http::{HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION};
use tieline_domain::{Timestamp, auth::AuthKind};

use crate::outbound::{Answer, ClientCertificate, Error, Outbound, Redactor, Request};

pub use credential::Credential;
pub use oauth::{NoToken, Owner, Token, Tokens};

use credential::{basic, sensitive};
use oauth::TokenSource;

/// How the requests to one destination are authorised.
pub struct Authorization(Way);

enum Way {
    /// A header that is always the same.
    Header(HeaderName, HeaderValue),
    /// A token that is fetched, and fetched again.
    Token(TokenSource),
    /// A way out that shows a client certificate.
    Certificate(Outbound),
    /// None, for this reason.
    Unusable(String),
}

/// Why a request brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It could not be authorised, and was not sent.
    #[error("{0}; nothing was sent to the destination")]
    Unauthorised(String),
    /// It was on its way.
    #[error(transparent)]
    Call(#[from] Error),
}

impl Failure {
    /// The stable code of this failure, for attempts.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorised(_) => "auth",
            Self::Call(error) => error.kind(),
        }
    }
}

/// What came of a request.
pub struct Sent {
    /// The answer, of whatever status.
    pub answer: Result<Answer, Failure>,
    /// What takes the token that was used out of what is recorded.
    pub token: Option<Arc<Token>>,
}

impl Authorization {
    /// The authorisation that `credential` describes, for what `owner` sends over `outbound`: a subscription its
    /// deliveries, a source its calls of a sender.
    pub fn open(
        credential: &Credential,
        owner: impl Into<Owner>,
        outbound: &Outbound,
        tokens: &Tokens,
    ) -> Self {
        let Credential { auth, secret } = credential;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let header = |name: HeaderName, value: Option<HeaderValue>| match value {
            Some(value) => Way::Header(name, value),
            None => Way::Unusable("the secret of `auth` fits in no header".to_owned()),
        };
        Self(match auth.kind {
            AuthKind::Basic => header(AUTHORIZATION, basic(&text(&auth.username), secret)),
            AuthKind::Bearer => {
                let value = zeroize::Zeroizing::new(format!("Bearer {}", **secret));
                header(AUTHORIZATION, sensitive(&value))
            }
            AuthKind::Header => match HeaderName::try_from(text(&auth.name)) {
                Ok(name) => header(name, sensitive(secret)),
                Err(_) => Way::Unusable("`auth.name` is no header name".to_owned()),
            },
            AuthKind::OauthClientCredentials => {
                let url = outbound.check_url(&text(&auth.token_url));
                match url {
                    Ok(url) => {
                        let cell = tokens.cell(owner.into(), credential);
                        Way::Token(TokenSource::new(&url, auth, secret, cell))
                    }
                    Err(bad) => Way::Unusable(format!("`auth.token_url`: {bad}")),
                }
            }
            AuthKind::Mtls => match ClientCertificate::from_pem(&text(&auth.certificate), secret) {
                Ok(certificate) => Way::Certificate(outbound.with_certificate(&certificate)),
                Err(bad) => Way::Unusable(format!("the certificate of `auth`: {bad}")),
            },
        })
    }

    /// The authorisation of a subscription whose credential is missing or cannot be opened.
    pub fn unusable(reason: impl Into<String>) -> Self {
        Self(Way::Unusable(reason.into()))
    }

    /// The header that carries a secret, if one does.
    pub fn header(&self) -> Option<&HeaderName> {
        match &self.0 {
            Way::Header(name, _) => Some(name),
            Way::Token(_) => Some(&AUTHORIZATION),
            Way::Certificate(_) | Way::Unusable(_) => None,
        }
    }
}

/// Sends `request`, authorised if there is something to do it with; its deadline covers fetching
/// a token, too. A 401 is answered once with a token that is fetched afresh.
pub async fn send(
    outbound: &Outbound,
    authorization: Option<&Authorization>,
    mut request: Request,
    now: Timestamp,
) -> Sent {
    let plain = |answer: Result<Answer, Error>| Sent {
        answer: answer.map_err(Failure::Call),
        token: None,
    };
    match authorization.map(|Authorization(way)| way) {
        None => plain(outbound.send(request).await),
        Some(Way::Header(name, value)) => {
            request.headers.insert(name.clone(), value.clone());
            plain(outbound.send(request).await)
        }
        Some(Way::Certificate(own)) => plain(own.send(request).await),
        Some(Way::Unusable(reason)) => Sent {
            answer: Err(Failure::Unauthorised(reason.clone())),
            token: None,
        },
        // Boxed, as it is rare and large: every attempt would carry it.
        Some(Way::Token(source)) => Box::pin(send_with_token(outbound, source, request, now)).await,
    }
}

async fn send_with_token(
    outbound: &Outbound,
    source: &TokenSource,
    request: Request,
    now: Timestamp,
) -> Sent {
    let started = Instant::now();
    let left = || request.deadline.saturating_sub(started.elapsed());
    let send = async |token: &Token| {
        let mut request = Request {
            deadline: left(),
            ..request.clone()
        };
        request.headers.insert(AUTHORIZATION, token.header());
        outbound.send(request).await
    };
    let first = match source.token(outbound, now, left(), None).await {
        Ok(token) => token,
        Err(why) => {
            return Sent {
                answer: Err(Failure::Unauthorised(why.to_string())),
                token: None,
            };
        }
    };
    let answer = send(&first).await;
    let is_refused = matches!(&answer, Ok(answer) if answer.status == StatusCode::UNAUTHORIZED);
    // Without another token, the refusal tells more than that there is none.
    let second = if is_refused {
        source.token(outbound, now, left(), Some(&first)).await.ok()
    } else {
        None
    };
    let (answer, token) = match second {
        Some(second) => (send(&second).await, second),
        None => (answer, first),
    };
    Sent {
        answer: answer.map_err(Failure::Call),
        token: Some(token),
    }
}

/// What takes the secrets of a destination, and of a token that was used, out of what is recorded.
#[derive(Clone, Copy)]
pub struct Redaction<'a> {
    /// For what is always secret.
    pub own: &'a Redactor,
    /// For the token.
    pub token: Option<&'a Redactor>,
}

impl Redaction<'_> {
    /// `text` without the secrets.
    pub fn text(&self, text: &str) -> String {
        let clean = self.own.text(text);
        match self.token {
            None => clean.into_owned(),
            Some(token) => token.text(&clean).into_owned(),
        }
    }

    /// A header's value without the secrets, as text.
    pub fn header_value(&self, value: &[u8]) -> String {
        let clean = self.own.header_value(value);
        let clean = match self.token {
            None => clean,
            Some(token) => token.header_value(&clean).into_owned().into(),
        };
        String::from_utf8_lossy(&clean).replace('\0', "\u{fffd}")
    }

    /// Text that was cut at its end, without the secrets.
    pub fn cut(&self, bytes: &[u8]) -> String {
        let clean = self.own.cut(bytes);
        let clean = match self.token {
            None => clean,
            Some(token) => token.cut(&clean).into_owned().into(),
        };
        String::from_utf8_lossy(&clean).replace('\0', "\u{fffd}")
    }
}
