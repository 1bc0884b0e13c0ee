//! Who sent a webhook, what it is, and whether to believe it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, request::Parts};
use serde_json::Value;
use tieline_domain::{
    Timestamp,
    signature::{
        Dedupe, EventType, Format, HandshakeAnswer, Handshakes, KeyedSecret, Preset, Scheme,
        SignedRequest, Trust, Verification, Verifier, presets,
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
        let candidates = match &self.verification {
            Some(verification) => verification.preset().ok().into_iter().collect(),
            None => detect(&parts.headers),
        };
        let (preset, verdict, handshake) = self.decide(&candidates, parts, body, at);
        let readable = check_depth(body, DEFAULT_MAX_DEPTH).is_ok();
        let json: Option<Value> = readable
            .then(|| serde_json::from_slice(body).ok())
            .flatten();
        Judged {
            preset,
            event_type: event_type(preset, &parts.headers, json.as_ref()),
            id: id(preset, &parts.headers, json.as_ref()),
            json,
            verdict,
            handshake,
        }
    }

    /// The candidate that the request proves itself under; the first if there is none. Many senders use the same
    /// header, so that its name alone does not tell them apart.
    fn decide(
        &self,
        candidates: &[&'static Preset],
        parts: &Parts,
        body: &Bytes,
        at: Timestamp,
    ) -> (Option<&'static Preset>, Verdict, Option<HandshakeAnswer>) {
        for preset in candidates {
            let (verdict, handshake) = self.verify(Some(preset), parts, body, at);
            if matches!(verdict, Verdict::Verified(_)) {
                return (Some(preset), verdict, handshake);
            }
        }
        let first = candidates.first().copied();
        let (verdict, handshake) = self.verify(first, parts, body, at);
        (first, verdict, handshake)
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

/// The presets that fit the headers, the best first: one that signs the time before one that signs, and that
/// before one that only knows a token; among equals one whose header of the type is there too. Tieline's own
/// deliveries are signed in two ways.
fn detect(headers: &HeaderMap) -> Vec<&'static Preset> {
    let begins = |name: &str, prefix: &str| {
        let value = headers.get(name).map(HeaderValue::as_bytes);
        let start = value.and_then(|value| value.get(..prefix.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let fit = |preset: &Preset| {
        let (strength, fits) = match &preset.scheme {
            Scheme::Signed(scheme) => {
                let prefix = match &scheme.format {
                    Format::Plain {
                        prefix,
                        optional: false,
                    } => prefix,
                    _ => "",
                };
                let mut names = scheme.headers.iter();
                let fits = names.any(|names| begins(&names.signature, prefix));
                (u8::from(scheme.timestamp.is_none()), fits)
            }
            Scheme::PublicKey(scheme) => (
                u8::from(scheme.timestamp.is_none()),
                headers.contains_key(scheme.header),
            ),
            // A token in `Authorization` may be anyone's, and a signature in the body shows in no header.
            Scheme::Jwt(_) | Scheme::Bespoke(_) | Scheme::Unsigned => (3, false),
            Scheme::Token(scheme) => (2, begins(&scheme.header, &scheme.prefix)),
            Scheme::Basic(_) => (2, begins("authorization", "Basic ")),
        };
        let lacks_type = match preset.event_type {
            Some(EventType::Header(name)) => !headers.contains_key(name),
            _ => true,
        };
        fits.then_some((strength, lacks_type))
    };
    let mut fitting: Vec<_> = presets()
        .iter()
        .filter_map(|preset| Some((fit(preset)?, preset)))
        .collect();
    fitting.sort_by_key(|(fit, _)| *fit);
    fitting.into_iter().map(|(_, preset)| preset).collect()
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
        Some(Dedupe::Headers(names)) => {
            let values: Option<Vec<String>> =
                names.iter().map(|name| header(headers, name)).collect();
            values.map(|values| values.join(" "))
        }
        Some(Dedupe::Body(path)) => json.and_then(|json| text_at(json, path)),
        Some(Dedupe::MessageId | Dedupe::BodyHash | Dedupe::Never) | None => None,
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
    use http::HeaderName;

    use super::*;

    #[test]
    fn the_scheme_is_told_by_the_headers() {
        for (fields, scheme) in [
            (
                &[("webhook-signature", "v1,x"), ("x-webhook-signature", "x")][..],
                Some("standard-webhooks"),
            ),
            (&[("svix-signature", "v1,x")], Some("standard-webhooks")),
            (&[("x-webhook-signature", "x")], Some("hmac-sha256")),
            (
                &[
                    ("authorization", "Basic x"),
                    ("x-hub-signature-256", "sha256=x"),
                ],
                Some("github"),
            ),
            (&[("x-hub-signature", "sha1=x")], Some("intercom")),
            (
                &[("x-hub-signature", "sha256=x"), ("x-event-key", "x")],
                Some("bitbucket"),
            ),
            (&[("stripe-signature", "x")], Some("stripe")),
            (&[("x-webhook-token", "x")], Some("header-value")),
            (&[("authorization", "Basic x")], Some("basic")),
            (&[("authorization", "HMAC x")], Some("microsoft-teams")),
            (&[("accept", "x")], None),
        ] {
            let headers: HeaderMap = fields
                .iter()
                .map(|(name, value)| {
                    let name: HeaderName = name.parse().expect("a name");
                    (name, value.parse().expect("a value"))
                })
                .collect();
            let best = detect(&headers).first().map(|preset| preset.name);
            assert_eq!(best, scheme, "{fields:?}");
        }
    }
}
