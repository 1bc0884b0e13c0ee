//! Questions that a sender asks before it trusts a URL: answered at once, and no events. Facts: webhooks 3.5.
//!
//! A row says how a question is recognized, who may ask it, what is answered, and what follows. Only the rows of
//! the preset that a source is configured with are looked at. What is echoed is short, text and not to be found;
//! what is signed for an asker whom nobody knows is a plain token, or it could be the body of a forged event.

mod place;
mod rows;

use std::borrow::Cow;

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use base64::Engine;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    SignedRequest, Verification,
    confirm::{Confirm, Confirmation},
    content::sha256_hex,
    documents::SenderRequest,
    key::{BASE64, KeyedSecret},
    preset::{Preset, SecretOwner},
};
use place::Asked;

pub use place::{Mark, Place};
pub(super) use rows::*;

/// The largest body that is looked at for a question, in bytes: those of senders are a few hundred.
const MAX_QUESTION: usize = 4096;
/// The longest value that is echoed, in bytes.
const MAX_ECHO: usize = 1024;
/// The longest token that is signed, and the longest secret that is taken over, in bytes.
const MAX_TOKEN: usize = 256;
/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 150;
/// Headers of every answer: what is echoed is text, not a page, and not to be found.
const ECHO_HEADERS: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
    ("referrer-policy", "no-referrer"),
];
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// One question of a sender.
#[derive(Clone, Copy, Debug)]
pub struct Handshake {
    /// Its name, for the log and the metrics.
    pub name: &'static str,
    /// The request's method.
    pub method: &'static str,
    /// How it differs from an event: all of these hold.
    pub marks: &'static [Mark],
    /// Who may ask.
    pub gate: Gate,
    /// What is answered.
    pub answer: Answer,
    /// What follows.
    pub effect: Effect,
}

/// Who may ask a question.
#[derive(Clone, Copy, Debug)]
pub enum Gate {
    /// Anyone: the answer is worth nothing to others.
    Anyone,
    /// Who signs as for an event.
    Verified,
    /// Who knows the `verify_token` of the source; others get this status. Nobody where none is configured.
    Token {
        /// Where the token stands.
        place: Place,
        /// The status for a wrong one.
        refusal: u16,
    },
    /// Who asks first: only while the source waits for its secret.
    Pending,
}

/// What a question is answered with.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// 200 with this text.
    Text(Place),
    /// 200 with this text, the characters that mean something in HTML escaped.
    EscapedText(Place),
    /// 200 with `{"<field>": "<text>"}`.
    Json {
        /// The field.
        field: &'static str,
        /// The text.
        from: Place,
    },
    /// 200 with the text in a header, and where `field` is given in a JSON body too.
    Header {
        /// The header.
        name: &'static str,
        /// The text.
        from: Place,
        /// The field of the body.
        field: Option<&'static str>,
    },
    /// This status and body.
    Fixed {
        /// The status.
        status: u16,
        /// The body: JSON, or empty.
        body: &'static str,
    },
    /// 200 with `{"plainToken": t, "encryptedToken": hex HMAC-SHA256(secret, t)}` (Zoom).
    SignedToken(Place),
    /// 200 with `{"response_token": "sha256=" base64 HMAC-SHA256(secret, t)}` (X).
    ResponseToken(Place),
    /// 200 with `{"challengeResponse": hex SHA-256(t, verify token, public URL)}` (eBay).
    ChallengeResponse(Place),
    /// 200 that lets an origin send events (CloudEvents webhook specification, 4).
    AllowOrigin(Place),
}

/// What follows an answer.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// Nothing.
    None,
    /// The text is the secret of the source from now on.
    Keep(Place),
    /// The source is disabled, for this reason.
    Disable(Place),
    /// The URL is called with GET after the answer, if it is there; its host must be one of `hosts`.
    Call {
        /// The URL.
        place: Place,
        /// Which hosts may be called.
        hosts: super::Hosts,
    },
    /// The sender's API is called after the answer, with the user's access, and told what it asked. Without an
    /// access (`confirm` of the verification) the request is no question.
    Confirm(Confirmation),
}

/// What is to be done because of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Consequence {
    /// Keep this as the source's secret, before the answer is sent.
    Keep(Zeroizing<String>),
    /// Disable the source, for this reason.
    Disable(String),
    /// Call the sender, after the answer is sent.
    Call(Box<SenderRequest>),
}

/// The answer to a question, to be sent as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct HandshakeAnswer {
    /// The question's name.
    pub name: &'static str,
    /// The status code.
    pub status: u16,
    /// The `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// What is to be done.
    pub consequence: Option<Consequence>,
}

/// The questions that one source answers, with what it takes to answer them.
pub struct Handshakes {
    rows: &'static [Handshake],
    key: Option<hmac::Key>,
    token: Option<String>,
    confirm: Option<Confirm>,
    public_url: String,
    pending: bool,
}

impl Handshakes {
    /// The questions of `preset` for a source with these secrets, the newest first; `public_url` is the URL that
    /// the sender was given.
    pub fn new(
        preset: &'static Preset,
        verification: &Verification,
        secrets: &[KeyedSecret],
        public_url: &str,
    ) -> Self {
        let newest = secrets.first();
        Self {
            rows: preset.handshakes,
            key: newest.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose())),
            token: verification.verify_token.clone(),
            confirm: verification.confirm.clone(),
            public_url: public_url.to_owned(),
            pending: preset.secret == SecretOwner::Sender && secrets.is_empty(),
        }
    }

    /// Whether any question comes by this method.
    pub fn come_by(&self, method: &str) -> bool {
        self.rows.iter().any(|row| row.method == method)
    }

    /// The answer, if `request` is one of the questions. `verified` says whether it is signed as an event is; it
    /// is asked at most once for each row. `None` leaves the request to be received, or refused, like any other.
    pub fn answer(
        &self,
        request: &SignedRequest<'_>,
        verified: &dyn Fn() -> bool,
    ) -> Option<HandshakeAnswer> {
        if !self.come_by(request.method) {
            return None;
        }
        let asked = Asked::new(request, MAX_QUESTION);
        let mut rows = self.rows.iter().filter(|row| row.method == request.method);
        rows.find_map(|row| self.answer_row(row, &asked, verified))
    }

    fn answer_row(
        &self,
        row: &Handshake,
        asked: &Asked<'_>,
        verified: &dyn Fn() -> bool,
    ) -> Option<HandshakeAnswer> {
        let (in_body, outside): (Vec<&Mark>, Vec<&Mark>) =
            row.marks.iter().partition(|mark| mark.is_in_body());
        if !outside.into_iter().all(|mark| asked.bears(mark)) {
            return None;
        }
        match row.gate {
            // Nothing reads the body of a request that nobody signed (DESIGN invariant 14).
            Gate::Verified if !verified() => return None,
            Gate::Pending if !self.pending => return None,
            _ => {}
        }
        if !in_body.into_iter().all(|mark| asked.bears(mark)) {
            return None;
        }
        if let Gate::Token { place, refusal } = row.gate
            && !self.knows_token(&asked.text(place)?)?
        {
            return Some(HandshakeAnswer::plain(row.name, refusal));
        }
        let mut answer = self.say(row, asked)?;
        answer.consequence = row.consequence(asked, self.confirm.as_ref()).ok()?;
        Some(answer)
    }

    /// Whether this is the configured token; `None` where none is configured.
    fn knows_token(&self, told: &str) -> Option<bool> {
        let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
        let expected = hash(self.token.as_deref()?);
        Some(verify_slices_are_equal(expected.as_ref(), hash(told).as_ref()).is_ok())
    }

    fn say(&self, row: &Handshake, asked: &Asked<'_>) -> Option<HandshakeAnswer> {
        let plain = HandshakeAnswer::plain(row.name, 200);
        let text = |place| asked.text(place).filter(|text| text.len() <= MAX_ECHO);
        let token = |place| asked.text(place).filter(|text| is_token(text));
        Some(match row.answer {
            Answer::Text(place) => plain.text(text(place)?.into_owned()),
            Answer::EscapedText(place) => plain.text(escaped(&text(place)?)),
            Answer::Json { field, from } => plain.json(&json!({field: text(from)?})),
            Answer::Header { name, from, field } => {
                let value = text(from).filter(|text| is_header_value(text))?;
                let plain = match field {
                    Some(field) => plain.json(&json!({field: value})),
                    None => plain,
                };
                plain.header(name, value)
            }
            Answer::Fixed { status, body } => HandshakeAnswer {
                status,
                content_type: if body.is_empty() { TEXT } else { JSON },
                body: body.to_owned(),
                ..plain
            },
            Answer::SignedToken(place) => {
                let token = token(place)?;
                let tag = hmac::sign(self.key.as_ref()?, token.as_bytes());
                plain.json(&json!({"plainToken": token, "encryptedToken": hex::encode(tag)}))
            }
            Answer::ResponseToken(place) => {
                let tag = hmac::sign(self.key.as_ref()?, token(place)?.as_bytes());
                plain.json(&json!({"response_token": format!("sha256={}", BASE64.encode(tag))}))
            }
            Answer::ChallengeResponse(place) => {
                let text = [&token(place)?, self.token.as_deref()?, &*self.public_url].concat();
                plain.json(&json!({"challengeResponse": sha256_hex(text.as_bytes())}))
            }
            Answer::AllowOrigin(place) => {
                let origin = text(place).filter(|text| is_header_value(text))?;
                plain
                    .header("webhook-allowed-origin", origin)
                    .header("webhook-allowed-rate", "*".into())
                    .header("allow", "POST".into())
            }
        })
    }
}

impl Handshake {
    /// What follows, if anything.
    fn consequence(
        &self,
        asked: &Asked<'_>,
        confirm: Option<&Confirm>,
    ) -> Result<Option<Consequence>, NoQuestion> {
        Ok(match self.effect {
            Effect::None => None,
            Effect::Keep(place) => {
                let secret = asked.text(place).filter(|text| is_secret(text));
                let secret = secret.ok_or(NoQuestion)?.into_owned();
                Some(Consequence::Keep(Zeroizing::new(secret)))
            }
            Effect::Disable(place) => {
                let reason = asked.text(place).unwrap_or_default();
                let printable = reason.chars().filter(|c| !c.is_control());
                Some(Consequence::Disable(printable.take(MAX_REASON).collect()))
            }
            Effect::Call { place, hosts } => match asked.text(place) {
                Some(url) => {
                    let url = hosts.admit(&url).ok_or(NoQuestion)?;
                    Some(Consequence::Call(SenderRequest::get(url).into()))
                }
                None => None,
            },
            Effect::Confirm(how) => {
                let request = confirm.and_then(|confirm| {
                    confirm.request(&how, |field| asked.field(field, MAX_ECHO))
                });
                Some(Consequence::Call(request.ok_or(NoQuestion)?.into()))
            }
        })
    }
}

/// What a question needs is not there, so that it is none.
struct NoQuestion;

impl HandshakeAnswer {
    fn plain(name: &'static str, status: u16) -> Self {
        let headers = ECHO_HEADERS.map(|(name, value)| (name, value.to_owned()));
        Self {
            name,
            status,
            content_type: TEXT,
            body: String::new(),
            headers: headers.into(),
            consequence: None,
        }
    }

    fn text(self, body: String) -> Self {
        Self { body, ..self }
    }

    fn json(self, body: &Value) -> Self {
        Self {
            content_type: JSON,
            body: body.to_string(),
            ..self
        }
    }

    fn header(mut self, name: &'static str, value: Cow<'_, str>) -> Self {
        self.headers.push((name, value.into_owned()));
        self
    }
}

/// Whether `text` may be signed for a stranger: neither JSON nor `v0:{time}:{body}` is made of these characters,
/// so that the answer is no signature of an event.
fn is_token(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~+/=-".contains(&b);
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(plain)
}

/// Whether `text` may become the secret of a source.
fn is_secret(text: &str) -> bool {
    (8..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

fn is_header_value(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
