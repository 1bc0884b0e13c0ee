//! Who sent a webhook, what it is, and whether to believe it.

use bytes::Bytes;
use http::{HeaderMap, request::Parts};
use serde_json::Value;
use tieline_domain::{
    Timestamp,
    signature::{
        Dedupe, EventType, HandshakeAnswer, Handshakes, KeyedSecret, Preset, Scheme, SignedRequest,
        Trust, Verification, Verifier, presets,
    },
};
use tieline_mapping::{
    check_depth,
    depth::DEFAULT_MAX_DEPTH,
    path::{Path, Selection},
};
use url::Url;

use crate::cli::scheme;

/// Headers that carry the id of a message in Standard Webhooks and its forerunner.
const ID_HEADERS: [&str; 2] = ["webhook-id", "svix-id"];
/// Fields that usually hold the type of an event.
const TYPE_FIELDS: [&str; 2] = ["type", "event"];

/// Judges requests.
pub(super) struct Judge {
    verification: Option<Verification>,
    secrets: Vec<KeyedSecret>,
    /// Scheme, host and port under which senders know this sink.
    origin: String,
}

/// What was found out about a request.
pub(super) struct Judged {
    /// How it was, or would be, verified.
    pub(super) preset: Option<&'static Preset>,
    /// Whether it is genuine.
    pub(super) verdict: Verdict,
    /// The type of its event.
    pub(super) event_type: Option<String>,
    /// What it repeats if it is a repeat.
    pub(super) id: Option<String>,
    /// The body, if it is JSON.
    pub(super) json: Option<Value>,
    /// The answer, if it is a sender's question.
    pub(super) handshake: Option<HandshakeAnswer>,
}

/// Whether a request is genuine.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is.
    Verified(Trust),
    /// It is not, for this reason.
    Rejected(String),
    /// Nobody can tell, for this reason.
    Unchecked(&'static str),
}

impl Judge {
    /// Judges by `verification`, or where there is none by what the headers of a request show.
    pub(super) fn new(
        verification: Option<Verification>,
        secrets: &[String],
        public_url: &Url,
    ) -> anyhow::Result<Self> {
        let secrets = scheme::keyed(secrets);
        if let Some(verification) = &verification {
            let made = Verifier::new(verification, &secrets, public_url.as_str());
            scheme::explain(made, "TIELINE_LISTEN_SECRET")?;
        }
        Ok(Self {
            verification,
            secrets,
            origin: public_url.origin().ascii_serialization(),
        })
    }

    /// Looks at a request that came at `at`.
    pub(super) fn judge(&self, parts: &Parts, body: &Bytes, at: Timestamp) -> Judged {
        let preset = match &self.verification {
            Some(verification) => verification.preset().ok(),
            None => detect(&parts.headers),
        };
        let readable = check_depth(body, DEFAULT_MAX_DEPTH).is_ok();
        let json: Option<Value> = readable
            .then(|| serde_json::from_slice(body).ok())
            .flatten();
        let mut judged = Judged {
            preset,
            event_type: event_type(preset, &parts.headers, json.as_ref()),
            id: id(preset, &parts.headers, json.as_ref()),
            json,
            ..Judged::unchecked("")
        };
        (judged.verdict, judged.handshake) = self.verify(preset, parts, body, at);
        judged
    }

    fn verify(
        &self,
        preset: Option<&'static Preset>,
        parts: &Parts,
        body: &Bytes,
        at: Timestamp,
    ) -> (Verdict, Option<HandshakeAnswer>) {
        if self.secrets.is_empty() && self.verification.is_none() {
            return (Verdict::Unchecked("give --secret to verify"), None);
        }
        let Some(preset) = preset else {
            let reason = "no header of a known scheme is there; if the sender signs, give --scheme";
            return (Verdict::Rejected(reason.to_owned()), None);
        };
        let detected = Verification::of(preset.name);
        let verification = self.verification.as_ref().unwrap_or(&detected);
        let url = format!("{}{}", self.origin, parts.uri.path());
        let verifier = match Verifier::new(verification, &self.secrets, &url) {
            Ok(verifier) => verifier,
            Err(error) => return (Verdict::Rejected(error.to_string()), None),
        };
        let headers: Vec<(&str, &[u8])> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let request = SignedRequest {
            method: parts.method.as_str(),
            url_query: parts.uri.query(),
            headers: &headers,
            body,
        };
        let verdict = match verifier.verify(&request, at.as_micros()) {
            Ok(verified) if verified.trust == Trust::Unsigned => {
                Verdict::Unchecked("the scheme `none` checks nothing")
            }
            Ok(verified) => Verdict::Verified(verified.trust),
            Err(rejection) => Verdict::Rejected(rejection.to_string()),
        };
        let verified = || verifier.verify(&request, at.as_micros()).is_ok();
        let question =
            Handshakes::new(preset, verification, &self.secrets, &url).answer(&request, &verified);
        (verdict, question)
    }
}

impl Judged {
    /// A request of which nothing is known.
    pub(super) fn unchecked(reason: &'static str) -> Self {
        Self {
            preset: None,
            verdict: Verdict::Unchecked(reason),
            event_type: None,
            id: None,
            json: None,
            handshake: None,
        }
    }
}

/// The preset that fits the headers best: one that signs the time before one that signs, and that
/// before one that only knows a token. Tieline's own deliveries are signed in two ways.
fn detect(headers: &HeaderMap) -> Option<&'static Preset> {
    let fitting = presets().iter().filter_map(|preset| {
        let (strength, fits) = match &preset.scheme {
            Scheme::Signed(scheme) => (
                u8::from(scheme.timestamp.is_none()),
                scheme
                    .headers
                    .iter()
                    .any(|names| headers.contains_key(&*names.signature)),
            ),
            Scheme::PublicKey(scheme) => (
                u8::from(scheme.timestamp.is_none()),
                headers.contains_key(scheme.header),
            ),
            // A token in `Authorization` may be anyone's, and a signature in the body shows in no header.
            Scheme::Jwt(_) | Scheme::Bespoke(_) => (4, false),
            Scheme::Token(scheme) => (2, headers.contains_key(&*scheme.header)),
            Scheme::Basic(_) => (3, headers.contains_key(http::header::AUTHORIZATION)),
            Scheme::Unsigned => (4, false),
        };
        fits.then_some((strength, preset))
    });
    fitting
        .min_by_key(|(strength, _)| *strength)
        .map(|(_, preset)| preset)
}

fn event_type(
    preset: Option<&Preset>,
    headers: &HeaderMap,
    json: Option<&Value>,
) -> Option<String> {
    let by_preset = match preset.and_then(|preset| preset.event_type) {
        Some(EventType::Header(name)) => header(headers, name),
        Some(EventType::Body(path)) => json.and_then(|json| text_at(json, path)),
        None => None,
    };
    by_preset.or_else(|| {
        let json = json?;
        let field = |name: &&str| json.get(name)?.as_str().map(str::to_owned);
        TYPE_FIELDS.iter().find_map(field)
    })
}

fn id(preset: Option<&Preset>, headers: &HeaderMap, json: Option<&Value>) -> Option<String> {
    let by_preset = match preset.map(|preset| preset.dedupe) {
        Some(Dedupe::Header(name)) => header(headers, name),
        Some(Dedupe::Body(path)) => json.and_then(|json| text_at(json, path)),
        Some(Dedupe::MessageId | Dedupe::BodyHash) | None => None,
    };
    by_preset.or_else(|| ID_HEADERS.iter().find_map(|name| header(headers, name)))
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn text_at(json: &Value, path: &str) -> Option<String> {
    match Path::parse(path).ok()?.select(json) {
        Selection::One(Value::String(text)) => Some(text.clone()),
        Selection::One(number @ Value::Number(_)) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_told_by_the_headers() {
        for (names, scheme) in [
            (
                &["webhook-signature", "x-webhook-signature"][..],
                Some("standard-webhooks"),
            ),
            (&["svix-signature"], Some("standard-webhooks")),
            (&["x-webhook-signature"], Some("hmac-sha256")),
            (&["authorization", "x-hub-signature-256"], Some("github")),
            (&["stripe-signature"], Some("stripe")),
            (&["x-webhook-token"], Some("header-value")),
            (&["authorization"], Some("basic")),
            (&["accept"], None),
        ] {
            let headers: HeaderMap = names
                .iter()
                .map(|name| (name.parse().expect("a name"), "x".parse().expect("a value")))
                .collect();
            assert_eq!(
                detect(&headers).map(|preset| preset.name),
                scheme,
                "{names:?}"
            );
        }
    }
}
