//! Senders that sign with a private key. The vectors were made with `openssl`.

use base64::Engine;
use serde_json::{Value, json};

use super::{JSON, NOW, Request, SECOND, URL, secret};
use crate::signature::key::BASE64;
use crate::signature::{
    AccessSecret, ConfigError, Rejection, Trust, Verification, Verified, Verifier,
};

pub(super) const RSA: &str = include_str!("published/rsa_public.pem");

/// A signature, key or token of the file of vectors.
pub(super) fn vector(name: &str) -> String {
    let all: Value = serde_json::from_str(include_str!("published/signatures.json")).unwrap();
    all[name].as_str().unwrap().to_owned()
}

pub(super) fn verifier(scheme: &str, key: &str) -> Verifier {
    Verifier::new(&Verification::of(scheme), &[secret(key)], URL).unwrap()
}

fn code(outcome: &Result<Verified<'_>, Rejection>) -> &'static str {
    outcome
        .as_ref()
        .map_or_else(Rejection::code, |_| "accepted")
}

/// A sender: its scheme, its key, and what it adds to the request.
struct Sender {
    scheme: &'static str,
    key: String,
    signature: (&'static str, String),
    timestamp: Option<&'static str>,
}

impl Sender {
    fn genuine(&self) -> Request {
        let (header, value) = &self.signature;
        let request = Request::post(JSON, vector("body")).with(header, value.as_str());
        match self.timestamp {
            Some(header) => request.with(header, "1700000000"),
            None => request,
        }
    }
}

fn senders() -> Vec<Sender> {
    let sender = |scheme, key: String, header, name, timestamp| Sender {
        scheme,
        key,
        signature: (header, vector(name)),
        timestamp,
    };
    vec![
        sender(
            "discord",
            vector("ed_hex"),
            "X-Signature-Ed25519",
            "discord",
            Some("X-Signature-Timestamp"),
        ),
        sender(
            "telnyx",
            vector("ed_b64"),
            "telnyx-signature-ed25519",
            "telnyx",
            Some("telnyx-timestamp"),
        ),
        sender(
            "sendgrid",
            vector("ec_b64"),
            "X-Twilio-Email-Event-Webhook-Signature",
            "sendgrid",
            Some("X-Twilio-Email-Event-Webhook-Timestamp"),
        ),
        sender("wise", RSA.to_owned(), "X-Signature-SHA256", "wise", None),
        sender("highlevel", RSA.to_owned(), "x-wh-signature", "wise", None),
        sender("ebay", vector("ec_b64"), "X-EBAY-SIGNATURE", "ebay", None),
    ]
}

#[test]
fn genuine_requests_are_verified() {
    for sender in senders() {
        let request = sender.genuine();
        let verifier = verifier(sender.scheme, &sender.key);
        let verified = verifier.verify(&request.parts(), NOW).unwrap();
        assert_eq!(verified.trust, Trust::Verified, "{}", sender.scheme);
        assert_eq!(
            verified.key_id.as_deref(),
            Some("current"),
            "{}",
            sender.scheme
        );
    }
}

#[test]
fn one_change_is_enough_to_be_refused() {
    type Tamper = fn(&Sender, &mut Request);
    let rows: [(&str, Tamper, &str); 8] = [
        (
            "no signature",
            |s, r| r.remove(s.signature.0),
            "missing_header",
        ),
        (
            "empty",
            |s, r| r.set(s.signature.0, ""),
            "malformed_signature|wrong_signature",
        ),
        (
            "not decodable",
            |s, r| r.set(s.signature.0, "*"),
            "malformed_signature",
        ),
        (
            "endless",
            |s, r| r.set(s.signature.0, "A".repeat(4096)),
            "malformed_signature",
        ),
        (
            "twice",
            |s, r| r.headers.push((s.signature.0.to_owned(), b"00".to_vec())),
            "duplicate_header",
        ),
        ("a byte more", |_, r| r.body.push(b'\n'), "wrong_signature"),
        ("a byte changed", |_, r| r.body[2] ^= 1, "wrong_signature"),
        ("empty body", |_, r| r.body.clear(), "wrong_signature"),
    ];
    for sender in senders() {
        let verifier = verifier(sender.scheme, &sender.key);
        for (name, tamper, expected) in &rows {
            let mut request = sender.genuine();
            tamper(&sender, &mut request);
            let parts = request.parts();
            let code = code(&verifier.verify(&parts, NOW));
            let fits = expected.split('|').any(|one| one == code);
            assert!(fits, "{}: {name}: {code}", sender.scheme);
        }
    }
}

#[test]
fn the_timestamp_is_signed_and_where_a_window_is_known_it_is_held() {
    for sender in senders() {
        let Some(header) = sender.timestamp else {
            continue;
        };
        let verifier = verifier(sender.scheme, &sender.key);
        let mut request = sender.genuine();
        request.set(header, "1700000001");
        assert_eq!(
            code(&verifier.verify(&request.parts(), NOW)),
            "wrong_signature"
        );
        request.remove(header);
        assert_eq!(
            code(&verifier.verify(&request.parts(), NOW)),
            "missing_header"
        );
    }
    let telnyx = &senders()[1];
    let (verifier, request) = (verifier("telnyx", &telnyx.key), telnyx.genuine());
    for (seconds, expected) in [
        (300, "accepted"),
        (301, "stale_timestamp"),
        (-300, "accepted"),
        (-301, "future_timestamp"),
    ] {
        let outcome = verifier.verify(&request.parts(), NOW + seconds * SECOND);
        assert_eq!(code(&outcome), expected, "{seconds} s");
    }
}

#[test]
fn keys_of_no_use_are_refused_when_they_are_configured() {
    let zero = "00".repeat(32);
    let identity = format!("01{}", "00".repeat(31));
    let order_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05";
    let order_8_other_sign = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85";
    let private =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----";
    let ed = vector("ed_b64");
    let rows = [
        ("discord", zero.as_str(), "weak"),
        ("discord", &identity, "weak"),
        ("discord", order_8, "weak"),
        ("discord", order_8_other_sign, "weak"),
        ("discord", "00ff", "32 bytes"),
        ("discord", private, "private key"),
        ("telnyx", "not base64!", "neither PEM nor base64"),
        ("sendgrid", RSA, "no public key of the kind"),
        ("sendgrid", &ed, "no public key of the kind"),
        ("wise", "-----BEGIN PUBLIC KEY-----\nAA", "cannot be read"),
        ("wise", " ", "empty"),
        ("ebay", "client:", "neither PEM nor base64"),
        ("ebay", ":secret", "neither PEM nor base64"),
        ("wise", "client:secret", "neither PEM nor base64"),
    ];
    for (scheme, key, why) in rows {
        let made = Verifier::new(&Verification::of(scheme), &[secret(key)], URL);
        let Err(ConfigError::Secret { why: said, .. }) = made else {
            panic!("{scheme} took {key}");
        };
        assert!(said.contains(why), "{scheme}: {said}");
    }
}

/// Who has an application at eBay need not copy keys: they are asked for by the id in the envelope.
#[test]
fn ebay_tells_the_key_of_an_id() {
    let ebay = senders().pop().unwrap();
    let request = ebay.genuine();
    for (scheme, host) in [
        ("ebay", "api.ebay.com"),
        ("ebay-sandbox", "api.sandbox.ebay.com"),
    ] {
        let verifier = verifier(scheme, "client:secret");
        let asked = verifier.key_request(&request.parts()).unwrap().unwrap();
        let url = format!("https://{host}/commerce/notification/v1/public_key/k1");
        assert_eq!((&asked.request.url, &asked.request.body), (&url, &None));
        let access = asked.request.access.unwrap();
        let tokens = format!("https://{host}/identity/v1/oauth2/token");
        assert_eq!(access.auth.token_url, Some(tokens));
        assert_eq!(access.auth.client_id.as_deref(), Some("client"));
        assert_eq!(
            access.secret,
            AccessSecret::Known("secret".to_owned().into())
        );
        assert!(!format!("{access:?}").contains("\"secret\""));

        let told = |key: &str| json!({"key": key, "algorithm": "ECDSA", "digest": "SHA1"});
        // eBay writes the PEM in one line.
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----{}-----END PUBLIC KEY-----",
            vector("ec_b64")
        );
        for (document, expected) in [
            (told(&pem).to_string(), "accepted"),
            (told(RSA).to_string(), "unknown_key"),
            (told("").to_string(), "unknown_key"),
            ("{}".to_owned(), "unknown_key"),
            ("<html>".to_owned(), "unknown_key"),
        ] {
            let outcome = verifier.verify_with(&request.parts(), NOW, Some(document.as_bytes()));
            assert_eq!(code(&outcome), expected, "{document}");
        }
        let without = verifier.verify(&request.parts(), NOW);
        assert_eq!(code(&without), "key_unavailable");
    }
    let given = verifier("ebay", &vector("ec_b64"));
    assert_eq!(given.key_request(&request.parts()), Ok(None));
}

/// The id becomes part of a URL, so that it is one step of a path.
#[test]
fn an_id_that_is_none_asks_ebay_for_nothing() {
    let verifier = verifier("ebay", "client:secret");
    let long = "k".repeat(129);
    for kid in [
        json!("../v2/key"),
        json!("a/b"),
        json!("a?b"),
        json!("%2e"),
        json!(""),
        json!("."),
        json!(long),
        json!(1),
        Value::Null,
    ] {
        let envelope = json!({"kid": kid, "signature": "AAAA"}).to_string();
        let request =
            Request::post(JSON, vector("body")).with("X-EBAY-SIGNATURE", BASE64.encode(envelope));
        let asked = verifier.key_request(&request.parts());
        assert_eq!(asked.unwrap_err().code(), "malformed_signature", "{kid}");
    }
}

/// Under a key of small order one signature would fit many messages; it must not reach the check.
#[test]
fn a_key_in_pem_is_the_same_key() {
    let request = senders().swap_remove(2).genuine();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        vector("ec_b64")
    );
    assert!(
        verifier("sendgrid", &pem)
            .verify(&request.parts(), NOW)
            .is_ok()
    );
}
