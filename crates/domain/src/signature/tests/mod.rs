//! Tests of the signature engine: genuine requests, and every way to tamper with them.

mod config;
mod embedded;
mod handshake;
mod negative;
mod presets;
mod properties;
mod public_keys;
mod public_url;
mod rotation;
mod standard;
mod tokens;
mod vectors;

use super::{KeyedSecret, Rejection, SignedRequest, Signer, Verification, Verified, Verifier};

/// 2023-11-14T22:13:20Z in Unix microseconds.
const NOW: i64 = 1_700_000_000_000_000;
const SECOND: i64 = 1_000_000;
const URL: &str = "https://tie.example/in/wh_in_1";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// RFC 8032 section 7.1, test 1: seed and public key.
const WHSK: &str =
    "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==";
const WHPK: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A request that can be tampered with.
#[derive(Clone)]
struct Request {
    method: &'static str,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    fn post(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.into())];
        Self {
            method: "POST",
            query: None,
            headers,
            body: body.into(),
        }
    }

    fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn with_query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    fn parts(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: self.method,
            url_query: self.query.as_deref(),
            headers: &self.headers,
            body: &self.body,
        }
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.into()));
    }

    fn get(&self, name: &str) -> String {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = found.unwrap_or_else(|| panic!("no header {name}"));
        String::from_utf8(value.clone()).unwrap()
    }

    fn signed(mut self, signer: &Signer) -> Self {
        let signature = signer.sign(&self.parts(), NOW, "msg_1").unwrap();
        let headers = signature
            .headers
            .into_iter()
            .map(|(n, v)| (n, v.into_bytes()));
        self.headers.extend(headers);
        self.query = signature.query;
        self
    }
}

fn secret(value: &str) -> KeyedSecret {
    KeyedSecret::new("current", value)
}

fn verification(json: &str) -> Verification {
    serde_json::from_str(json).unwrap()
}

/// One way to be verified, with the secrets of both sides.
struct Case {
    name: &'static str,
    verification: Verification,
    sender_secret: &'static str,
    receiver_secret: &'static str,
    other_secret: &'static str,
    content_type: &'static str,
    body: &'static str,
    signature_header: &'static str,
    timestamp_header: Option<&'static str>,
}

impl Case {
    fn signer(&self) -> Signer {
        Signer::new(&self.verification, Some(&secret(self.sender_secret)), URL).unwrap()
    }

    fn verifier(&self) -> Verifier {
        self.verifier_with(&[secret(self.receiver_secret)])
    }

    fn verifier_with(&self, secrets: &[KeyedSecret]) -> Verifier {
        Verifier::new(&self.verification, secrets, URL).unwrap()
    }

    fn genuine(&self) -> Request {
        Request::post(self.content_type, self.body).signed(&self.signer())
    }

    fn verify<'r>(&self, request: &'r Request) -> Result<Verified<'r>, Rejection> {
        self.verifier().verify(&request.parts(), NOW)
    }

    fn is_timed(&self) -> bool {
        self.timestamp_header.is_some()
    }
}

const fn case(
    name: &'static str,
    verification: Verification,
    signature_header: &'static str,
) -> Case {
    Case {
        name,
        verification,
        sender_secret: "shh-current",
        receiver_secret: "shh-current",
        other_secret: "shh-other",
        content_type: JSON,
        body: r#"{"id":"evt_1","data":{"amount":10}}"#,
        signature_header,
        timestamp_header: None,
    }
}

/// Every way to be verified that signs the body.
fn signed_cases() -> Vec<Case> {
    let of = Verification::of;
    let templated = r#"{"scheme":"hmac-sha256","header":"X-Acme-Signature","encoding":"base64url","prefix":"v0=",
        "content":"{timestamp}.{id}.{method}.{url}.{body}","timestamp_header":"X-Acme-Time","tolerance_seconds":300}"#;
    let standard = |name, sender_secret, receiver_secret, other_secret| Case {
        sender_secret,
        receiver_secret,
        other_secret,
        timestamp_header: Some("webhook-timestamp"),
        ..case(name, of("standard-webhooks"), "webhook-signature")
    };
    let timed = |timestamp_header, case| Case {
        timestamp_header: Some(timestamp_header),
        ..case
    };
    vec![
        case("hmac-sha256", of("hmac-sha256"), "X-Webhook-Signature"),
        timed(
            "X-Acme-Time",
            case(
                "hmac-sha256 templated",
                verification(templated),
                "X-Acme-Signature",
            ),
        ),
        standard(
            "standard-webhooks v1",
            WHSEC,
            WHSEC,
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        ),
        standard(
            "standard-webhooks v1a",
            WHSK,
            WHPK,
            "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
        ),
        case("github", of("github"), "X-Hub-Signature-256"),
        timed(
            "Stripe-Signature",
            case("stripe", of("stripe"), "Stripe-Signature"),
        ),
        timed(
            "X-Slack-Request-Timestamp",
            case("slack", of("slack"), "X-Slack-Signature"),
        ),
        case("shopify", of("shopify"), "X-Shopify-Hmac-SHA256"),
        timed(
            "X-HubSpot-Request-Timestamp",
            case("hubspot-v3", of("hubspot"), "X-HubSpot-Signature-v3"),
        ),
        timed(
            "X-Zendesk-Webhook-Signature-Timestamp",
            case("zendesk", of("zendesk"), "X-Zendesk-Webhook-Signature"),
        ),
        Case {
            content_type: FORM,
            body: "Body=hi+there&From=%2B14158675309&Empty=",
            ..case("twilio form", of("twilio"), "X-Twilio-Signature")
        },
        case("twilio json", of("twilio"), "X-Twilio-Signature"),
    ]
}

/// The ways that compare a shared secret.
fn credential_cases() -> Vec<Case> {
    let bearer = r#"{"scheme":"header-value","header":"Authorization","prefix":"Bearer "}"#;
    vec![
        case("basic", Verification::of("basic"), "Authorization"),
        case(
            "basic named",
            verification(r#"{"scheme":"basic","username":"crm"}"#),
            "Authorization",
        ),
        case(
            "header-value",
            Verification::of("header-value"),
            "X-Webhook-Token",
        ),
        case("header-value bearer", verification(bearer), "Authorization"),
    ]
}
