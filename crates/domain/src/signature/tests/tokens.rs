//! Senders that sign a JSON Web Token.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use serde_json::{Value, json};

use super::public_keys::{RSA, vector, verifier};
use super::{JSON, NOW, Request, SECOND, URL, secret};
use crate::signature::key::{BASE64, BASE64_URL};
use crate::signature::{
    ConfigError, KeyedSecret, Rejection, SenderKeys, Signer, Trust, Verification, Verifier,
};

const BODY: &str = r#"{"id":"evt_1"}"#;
/// [`NOW`] in seconds.
const NOW_S: i64 = NOW / SECOND;

fn token(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| BASE64_URL.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL.encode(tag))
}

fn hs256(claims: &Value) -> String {
    token(
        &json!({"alg": "HS256", "typ": "JWT"}),
        claims,
        b"shh-current",
    )
}

fn hex_of(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// A sender with a shared secret: where its token stands and what it says.
struct Sender {
    scheme: &'static str,
    header: &'static str,
    prefix: &'static str,
    claims: Value,
    trust: Trust,
}

fn senders() -> Vec<Sender> {
    let base64 = BASE64.encode(digest::digest(&digest::SHA256, BODY.as_bytes()));
    let sender = |scheme, header, prefix, claims| Sender {
        scheme,
        header,
        prefix,
        claims,
        trust: Trust::Verified,
    };
    vec![
        sender(
            "netlify",
            "X-Webhook-Signature",
            "",
            json!({"iss": "netlify", "sha256": hex_of(BODY)}),
        ),
        sender(
            "vonage",
            "Authorization",
            "Bearer ",
            json!({"iss": "Vonage", "iat": NOW_S, "payload_hash": hex_of(BODY)}),
        ),
        sender(
            "fusionauth",
            "X-FusionAuth-Signature-JWT",
            "",
            json!({"request_body_sha256": base64}),
        ),
        sender(
            "messagebird",
            "MessageBird-Signature-JWT",
            "",
            json!({"iss": "MessageBird", "nbf": NOW_S, "exp": NOW_S + 60,
                "url_hash": hex_of(&format!("{URL}?a=1")), "payload_hash": hex_of(BODY)}),
        ),
        Sender {
            trust: Trust::OriginOnly,
            ..sender(
                "monday",
                "Authorization",
                "",
                json!({"aud": URL, "iat": NOW_S, "exp": NOW_S + 300}),
            )
        },
        Sender {
            trust: Trust::OriginOnly,
            ..sender(
                "jira-connect",
                "Authorization",
                "JWT ",
                json!({"iss": "key", "exp": NOW_S + 180, "qsh": hex_of("POST&/in/wh_in_1&a=1")}),
            )
        },
    ]
}

impl Sender {
    fn with(&self, token: &str) -> Request {
        Request::post(JSON, BODY)
            .with_query("a=1")
            .with(self.header, format!("{}{token}", self.prefix))
    }

    fn verify(&self, request: &Request, now: i64) -> String {
        match verifier(self.scheme, "shh-current").verify(&request.parts(), now) {
            Ok(verified) => verified.trust.as_str().to_owned(),
            Err(rejection) => rejection.code().to_owned(),
        }
    }

    /// What comes of a token with these claims changed.
    fn claiming(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.verify(&self.with(&hs256(&claims)), NOW)
    }
}

#[test]
fn genuine_tokens_prove_what_they_bind() {
    for sender in senders() {
        let request = sender.with(&hs256(&sender.claims));
        assert_eq!(
            sender.verify(&request, NOW),
            sender.trust.as_str(),
            "{}",
            sender.scheme
        );
    }
}

/// `none`, other algorithms, and an HMAC under a public key: the request has no say in it.
#[test]
fn the_algorithm_is_the_schemes() {
    for sender in senders() {
        let unsigned = |alg: &str| {
            let part = |value: &Value| BASE64_URL.encode(value.to_string());
            let header = json!({"alg": alg, "typ": "JWT"});
            format!("{}.{}.", part(&header), part(&sender.claims))
        };
        let other = |alg: &str| token(&json!({"alg": alg}), &sender.claims, b"shh-current");
        let critical = json!({"alg": "HS256", "crit": ["b64"], "b64": false});
        let rows = [
            ("none", unsigned("none"), "wrong_algorithm"),
            ("None", unsigned("None"), "wrong_algorithm"),
            ("NONE", unsigned("NONE"), "wrong_algorithm"),
            ("unsigned", unsigned("HS256"), "wrong_signature"),
            ("hs256", other("hs256"), "wrong_algorithm"),
            ("HS512", other("HS512"), "wrong_algorithm"),
            ("RS256", other("RS256"), "wrong_algorithm"),
            (
                "no alg",
                token(&json!({}), &sender.claims, b"shh-current"),
                "wrong_algorithm",
            ),
            (
                "crit",
                token(&critical, &sender.claims, b"shh-current"),
                "malformed_signature",
            ),
            (
                "another key",
                token(&json!({"alg": "HS256"}), &sender.claims, b"shh-other"),
                "wrong_signature",
            ),
            ("two parts", "e30.e30".to_owned(), "malformed_signature"),
            ("not base64", "*.*.*".to_owned(), "malformed_signature"),
            ("no objects", "MQ.MQ.MQ".to_owned(), "malformed_signature"),
            ("empty", String::new(), "malformed_signature"),
            ("endless", "a".repeat(9_000), "malformed_signature"),
        ];
        for (name, token, expected) in rows {
            let code = sender.verify(&sender.with(&token), NOW);
            assert_eq!(code, expected, "{}: {name}", sender.scheme);
        }
    }
}

#[test]
fn an_hmac_under_a_public_key_is_no_signature() {
    let claims = json!({"request_body_sha256": BASE64.encode(digest::digest(&digest::SHA256, BODY.as_bytes()))});
    let forged = token(&json!({"alg": "HS256"}), &claims, RSA.as_bytes());
    let request = Request::post(JSON, BODY).with("X-FusionAuth-Signature-JWT", forged);
    let outcome = verifier("fusionauth", RSA).verify(&request.parts(), NOW);
    assert_eq!(outcome.unwrap_err(), Rejection::WrongAlgorithm);
    for scheme in ["netlify", "vonage", "messagebird", "monday", "jira-connect"] {
        let made = Verifier::new(&Verification::of(scheme), &[secret(RSA)], URL);
        assert!(matches!(made, Err(ConfigError::Secret { .. })), "{scheme}");
    }
}

#[test]
fn rsa_tokens_are_checked_with_a_key_in_pem() {
    let request = Request::post(JSON, vector("body"))
        .with("X-FusionAuth-Signature-JWT", vector("fusionauth_rs256"));
    let verified = verifier("fusionauth", RSA);
    assert!(verified.verify(&request.parts(), NOW).is_ok());
    let shared = verifier("fusionauth", "shh-current").verify(&request.parts(), NOW);
    assert_eq!(shared.unwrap_err(), Rejection::WrongAlgorithm);
}

#[test]
fn claims_must_fit_the_request() {
    for sender in senders() {
        let bound = sender.claims.as_object().unwrap().keys();
        let bound = bound.filter(|name| !["iss", "iat", "nbf", "exp"].contains(&name.as_str()));
        for name in bound {
            assert_eq!(sender.claiming(name, json!("00")), "wrong_claim", "{name}");
            assert_eq!(sender.claiming(name, json!(1)), "wrong_claim", "{name}");
            assert_eq!(sender.claiming(name, Value::Null), "wrong_claim", "{name}");
        }
        let mut request = sender.with(&hs256(&sender.claims));
        request.body.push(b' ');
        let expected = if sender.trust == Trust::Verified {
            "wrong_claim"
        } else {
            "origin_only"
        };
        assert_eq!(sender.verify(&request, NOW), expected, "{}", sender.scheme);
    }
    let senders = senders();
    let of = |scheme: &str| senders.iter().find(|s| s.scheme == scheme).unwrap();
    let (netlify, messagebird) = (of("netlify"), of("messagebird"));
    assert_eq!(netlify.claiming("iss", json!("evil")), "wrong_claim");
    let mut elsewhere = messagebird.with(&hs256(&messagebird.claims));
    elsewhere.query = Some("a=2".to_owned());
    assert_eq!(messagebird.verify(&elsewhere, NOW), "wrong_claim");
}

/// A token of Atlassian Connect is for one method, path and query. The path is hashed as it stands below the base URL
/// of the app, which we are not told.
#[test]
fn a_token_of_connect_is_for_one_request() {
    let senders = senders();
    let jira = senders.iter().find(|s| s.scheme == "jira-connect").unwrap();
    let rows = [
        ("POST&/wh_in_1&a=1", "origin_only"),
        ("POST&/&a=1", "wrong_claim"),
        ("POST&&a=1", "wrong_claim"),
        ("POST&/in&a=1", "wrong_claim"),
        ("POST&/in/wh_in_2&a=1", "wrong_claim"),
        ("POST&/in/wh_in_1&a=2", "wrong_claim"),
        ("POST&/in/wh_in_1&", "wrong_claim"),
        ("GET&/in/wh_in_1&a=1", "wrong_claim"),
    ];
    for (request, expected) in rows {
        let outcome = jira.claiming("qsh", json!(hex_of(request)));
        assert_eq!(outcome, expected, "{request}");
    }
    // What Connect puts into tokens for pages, which are for no request.
    assert_eq!(jira.claiming("qsh", json!("context-qsh")), "wrong_claim");
}

#[test]
fn times_are_held() {
    let senders = senders();
    let of = |scheme: &str| senders.iter().find(|s| s.scheme == scheme).unwrap();
    let rows = [
        ("vonage", "iat", json!(NOW_S - 300), "verified"),
        ("vonage", "iat", json!(NOW_S - 301), "stale_timestamp"),
        ("vonage", "iat", json!(NOW_S + 61), "future_timestamp"),
        ("vonage", "iat", json!("now"), "malformed_timestamp"),
        ("vonage", "iat", Value::Null, "malformed_timestamp"),
        ("messagebird", "exp", json!(NOW_S - 61), "stale_timestamp"),
        ("messagebird", "nbf", json!(NOW_S + 61), "future_timestamp"),
        ("monday", "exp", json!(NOW_S - 61), "stale_timestamp"),
        ("monday", "exp", json!(1e300), "origin_only"),
        ("monday", "exp", json!(-1e300), "stale_timestamp"),
        ("jira-connect", "exp", json!(NOW_S - 61), "stale_timestamp"),
        ("jira-connect", "exp", Value::Null, "malformed_timestamp"),
    ];
    for (scheme, claim, value, expected) in rows {
        assert_eq!(
            of(scheme).claiming(claim, value.clone()),
            expected,
            "{scheme} {claim} {value}"
        );
    }
}

const PLAID_KEY: &[u8] = include_bytes!("published/plaid_key.json");
const KEY_SET: &[u8] = include_bytes!("published/jwks.json");

#[test]
fn plaid_is_asked_for_the_key_that_its_token_names() {
    let request =
        Request::post(JSON, vector("body")).with("Plaid-Verification", vector("plaid_1700000000"));
    let verifier = verifier("plaid", "5f8:c0ffee");
    let wanted = verifier.key_request(&request.parts()).unwrap().unwrap();
    assert_eq!(
        wanted.request.url,
        "https://production.plaid.com/webhook_verification_key/get"
    );
    assert_eq!(
        wanted.request.body.unwrap().as_str(),
        r#"{"client_id":"5f8","secret":"c0ffee","key_id":"bfbd5111-8e33-4643-8ced-b2e642a72f3c"}"#
    );
    let retired = String::from_utf8(PLAID_KEY.to_vec()).unwrap();
    let retired = retired.replace("\"expired_at\": null", "\"expired_at\": 1600000000");
    let rows: [(Option<&[u8]>, i64, &str); 7] = [
        (Some(PLAID_KEY), 0, "verified"),
        (Some(PLAID_KEY), 300, "verified"),
        (Some(PLAID_KEY), 301, "stale_timestamp"),
        (None, 0, "key_unavailable"),
        (Some(KEY_SET), 0, "unknown_key"),
        (Some(retired.as_bytes()), 0, "unknown_key"),
        (Some(b"{"), 0, "unknown_key"),
    ];
    for (document, later, expected) in rows {
        let outcome = verifier.verify_with(&request.parts(), NOW + later * SECOND, document);
        let code = outcome.map_or_else(|e| e.code(), |v| v.trust.as_str());
        assert_eq!(code, expected, "{later} s");
    }
    let mut tampered = request.clone();
    tampered.body.push(b' ');
    let outcome = verifier.verify_with(&tampered.parts(), NOW, Some(PLAID_KEY));
    assert_eq!(outcome.unwrap_err().code(), "wrong_claim");
}

#[test]
fn kinde_sends_a_token_as_the_body() {
    let verifier = verifier("kinde", "acme.kinde.com");
    let request = Request::post("application/jwt", vector("kinde"));
    let wanted = verifier.key_request(&request.parts()).unwrap().unwrap();
    assert_eq!(
        wanted.request.url,
        "https://acme.kinde.com/.well-known/jwks"
    );
    assert!(wanted.changes);
    let verified = verifier.verify_with(&request.parts(), NOW, Some(KEY_SET));
    assert_eq!(verified.unwrap().trust, Trust::Verified);
    for secret_text in [
        "evil.test",
        "a.b.kinde.com",
        ".kinde.com",
        "x@kinde.com",
        "acme.kinde.com.evil.test",
    ] {
        let made = Verifier::new(&Verification::of("kinde"), &[secret(secret_text)], URL);
        assert!(made.is_err(), "{secret_text}");
    }
}

/// Google signs for everyone with the same keys: the secret says whose subscription it is.
#[test]
fn google_pushes_for_one_service_account() {
    const ACCOUNT: &str = "push@acme.iam.gserviceaccount.com";
    const KEYS: &[u8] = include_bytes!("signing/jwks.json");
    let private = KeyedSecret::new("key", include_str!("signing/rsa.pem"));
    let pushed = |account: &str, url: &str| {
        let account = secret(account);
        let keys = SenderKeys {
            secret: Some(&account),
            private_key: Some(&private),
            key_id: None,
        };
        let signer = Signer::with(&Verification::of("google-pubsub"), &keys, url).unwrap();
        Request::post(JSON, BODY).signed(&signer)
    };
    let verifier = verifier("google-pubsub", ACCOUNT);
    let genuine = pushed(ACCOUNT, URL);
    let wanted = verifier.key_request(&genuine.parts()).unwrap().unwrap();
    assert_eq!(
        (wanted.request.url.as_str(), wanted.changes),
        ("https://www.googleapis.com/oauth2/v3/certs", true)
    );
    let hmac = json!({"iss": "https://accounts.google.com", "aud": URL, "email": ACCOUNT,
        "email_verified": true, "exp": NOW_S + 60});
    let forged =
        Request::post(JSON, BODY).with("Authorization", format!("Bearer {}", hs256(&hmac)));
    let rows = [
        (genuine.clone(), Some(KEYS), "origin_only"),
        (
            pushed("push@evil.iam.gserviceaccount.com", URL),
            Some(KEYS),
            "wrong_claim",
        ),
        (
            pushed(ACCOUNT, "https://evil.test/"),
            Some(KEYS),
            "wrong_claim",
        ),
        (genuine.clone(), Some(KEY_SET), "unknown_key"),
        (genuine, None, "key_unavailable"),
        (forged, Some(KEYS), "wrong_algorithm"),
    ];
    for (n, (request, document, expected)) in rows.into_iter().enumerate() {
        let outcome = verifier.verify_with(&request.parts(), NOW, document);
        let code = outcome.map_or_else(|e| e.code(), |v| v.trust.as_str());
        assert_eq!(code, expected, "{n}");
    }
}
