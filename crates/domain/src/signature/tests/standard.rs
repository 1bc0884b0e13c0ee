//! Signing our own deliveries, with the official library as the receiver.

use aws_lc_rs::hmac;

use super::{JSON, NOW, Request, SECOND, URL, WHPK, WHSEC, WHSK, secret};
use crate::signature::{KeyedSecret, StandardSigner, Verification, Verifier, generate_secret};

const BODY: &[u8] = br#"{"test": 2432232314}"#;
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SENT_S: i64 = 1_614_265_330;
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn signer(secrets: &[&str]) -> StandardSigner {
    let secrets: Vec<KeyedSecret> = secrets.iter().map(|value| secret(value)).collect();
    StandardSigner::new(&secrets).unwrap()
}

#[test]
fn signs_as_the_official_library_does() {
    for (value, body) in [
        (WHSEC, BODY),
        (OTHER, b"" as &[u8]),
        (&generate_secret([7; 32]), b"{}"),
    ] {
        let oracle = standardwebhooks::Webhook::new(value)
            .unwrap()
            .sign(ID, SENT_S, body)
            .unwrap();
        assert_eq!(signer(&[value]).sign(ID, SENT_S, body), oracle);
    }
}

#[test]
fn one_signature_per_secret_during_rotation() {
    let both = signer(&[OTHER, WHSEC]).sign(ID, SENT_S, BODY);
    let expected = [OTHER, WHSEC]
        .map(|value| signer(&[value]).sign(ID, SENT_S, BODY))
        .join(" ");
    assert_eq!(both, expected);
    assert!(both.ends_with(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}

#[test]
fn every_signature_verifies_with_the_key_that_belongs_to_it() {
    let plain = "not-a-whsec-secret";
    let value = signer(&[WHSEC, WHSK, plain]).sign("msg_1", NOW / SECOND, BODY);
    let request = Request::post(JSON, BODY)
        .with("webhook-id", "msg_1")
        .with("webhook-timestamp", (NOW / SECOND).to_string())
        .with("webhook-signature", value);
    for key in [WHSEC, WHPK, plain] {
        let verifier =
            Verifier::new(&Verification::of("standard-webhooks"), &[secret(key)], URL).unwrap();
        assert!(verifier.verify(&request.parts(), NOW).is_ok(), "{key}");
    }
}

#[test]
fn the_body_signature_uses_the_newest_shared_secret_as_text() {
    let expected = |value: &str| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, value.as_bytes()), BODY);
        Some(format!("sha256={}", hex::encode(tag)))
    };
    assert_eq!(signer(&[WHSEC]).body_hex(BODY), expected(WHSEC));
    assert_eq!(signer(&[OTHER, WHSEC]).body_hex(BODY), expected(OTHER));
    assert_eq!(signer(&[WHSK, "plain"]).body_hex(BODY), expected("plain"));
    assert_eq!(signer(&[WHSK]).body_hex(BODY), None);
}

#[test]
fn our_own_receiver_takes_the_body_signature() {
    let request = Request::post(JSON, BODY).with(
        "X-Webhook-Signature",
        signer(&[WHSEC]).body_hex(BODY).unwrap(),
    );
    let verifier = Verifier::new(&Verification::default(), &[secret(WHSEC)], URL).unwrap();
    assert!(verifier.verify(&request.parts(), NOW).is_ok());
}

#[test]
fn a_generated_secret_is_its_random_bytes() {
    assert_eq!(
        generate_secret([0xff; 32]),
        format!("whsec_{}8=", "/".repeat(42))
    );
}
