//! Signatures inside bodies, and under published certificates.

use aws_lc_rs::{digest, hmac};
use serde_json::{Value, json};

use super::public_keys::{vector, verifier};
use super::{FORM, JSON, NOW, Request, SECOND};
use crate::signature::{Hosts, Rejection, Trust};

/// 2026-11-18, when the certificate is valid; 2050, when it is not any more.
const VALID: i64 = 1_795_000_000 * SECOND;
const TOO_LATE: i64 = 2_540_000_000 * SECOND;
const CERTIFICATE: &[u8] = include_bytes!("published/certificate.pem");
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";

fn judged(scheme: &str, key: &str, request: &Request, document: Option<&[u8]>, now: i64) -> String {
    let verifier = verifier(scheme, key);
    match verifier.verify_with(&request.parts(), now, document) {
        Ok(verified) => verified.trust.as_str().to_owned(),
        Err(rejection) => rejection.code().to_owned(),
    }
}

fn post(body: &Value) -> Request {
    Request::post(JSON, body.to_string())
}

const ADYEN_KEY: &str = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056";

/// The published vector of Adyen (facts: webhooks 3.4).
fn adyen_item() -> Value {
    json!({"NotificationRequestItem": {
        "additionalData": {"hmacSignature": "coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0="},
        "pspReference": "7914073381342284", "merchantAccountCode": "TestMerchant",
        "merchantReference": "TestPayment-1407325143704",
        "amount": {"value": 1130, "currency": "EUR"}, "eventCode": "AUTHORISATION", "success": "true"}})
}

#[test]
fn adyen_signs_every_item() {
    let with = |items: Vec<Value>| post(&json!({"live": "false", "notificationItems": items}));
    let mut bad = adyen_item();
    bad["NotificationRequestItem"]["amount"]["value"] = json!(1131);
    let mut unsigned = adyen_item();
    unsigned["NotificationRequestItem"]["additionalData"] = json!({});
    let rows = [
        (vec![adyen_item()], "verified"),
        (vec![adyen_item(), adyen_item()], "verified"),
        (vec![bad.clone()], "wrong_signature"),
        (vec![adyen_item(), bad.clone()], "wrong_signature"),
        (vec![bad, adyen_item()], "wrong_signature"),
        (vec![adyen_item(), unsigned], "malformed_signature"),
        (vec![adyen_item(), json!(1)], "malformed_signature"),
        (vec![], "malformed_signature"),
        (vec![adyen_item(); 1001], "malformed_signature"),
    ];
    for (items, expected) in rows {
        let said = format!("{} items", items.len());
        assert_eq!(
            judged("adyen", ADYEN_KEY, &with(items), None, NOW),
            expected,
            "{said}"
        );
    }
    let request = with(vec![adyen_item()]);
    assert_eq!(
        judged("adyen", &"00".repeat(32), &request, None, NOW),
        "wrong_signature"
    );
}

#[test]
fn graph_repeats_the_client_state_in_every_item() {
    let good = || json!({"clientState": "state-1", "changeType": "created"});
    let rows = [
        (json!({"value": [good(), good()]}), "authenticated"),
        (
            json!({"value": [good(), {"clientState": "other"}]}),
            "wrong_credentials",
        ),
        (
            json!({"value": [{"clientState": "other"}, good()]}),
            "wrong_credentials",
        ),
        (
            json!({"value": [good(), {"changeType": "created"}]}),
            "malformed_signature",
        ),
        (
            json!({"value": [good(), {"clientState": null}]}),
            "malformed_signature",
        ),
        (json!({"value": []}), "malformed_signature"),
        (
            json!({"value": {"clientState": "state-1"}}),
            "malformed_signature",
        ),
        (json!({"clientState": "state-1"}), "malformed_signature"),
    ];
    for (body, expected) in rows {
        let code = judged("microsoft-graph", "state-1", &post(&body), None, NOW);
        assert_eq!(code, expected, "{body}");
    }
}

#[test]
fn mailgun_proves_who_but_not_what() {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"key-1");
    let signature = hex::encode(hmac::sign(&key, b"1700000000abc"));
    let body = json!({"signature": {"timestamp": "1700000000", "token": "abc", "signature": signature},
        "event-data": {"event": "opened"}});
    assert_eq!(
        judged("mailgun", "key-1", &post(&body), None, NOW),
        "authenticated"
    );
    assert_eq!(
        judged("mailgun", "key-2", &post(&body), None, NOW),
        "wrong_signature"
    );
    for (pointer, value, expected) in [
        ("/signature/token", json!("abd"), "wrong_signature"),
        ("/signature/token", json!(""), "malformed_signature"),
        (
            "/signature/timestamp",
            json!(1_700_000_000),
            "malformed_signature",
        ),
        ("/signature/signature", json!("zz"), "malformed_signature"),
        ("/signature", Value::Null, "malformed_signature"),
    ] {
        let mut changed = body.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert_eq!(
            judged("mailgun", "key-1", &post(&changed), None, NOW),
            expected,
            "{pointer}"
        );
    }
}

fn braintree(payload: &str, signatures: &str) -> Request {
    let escaped = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let body = format!(
        "bt_signature={}&bt_payload={}",
        escaped(signatures),
        escaped(payload)
    );
    Request::post(FORM, body)
}

#[test]
fn braintree_signs_its_payload() {
    let hashed = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, b"private-1");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, hashed.as_ref());
    let sign = |payload: &str| hex::encode(hmac::sign(&key, payload.as_bytes()));
    let (right, with_break) = (sign("cGF5bG9hZA=="), sign("cGF5bG9hZA==\n"));
    let many = |count: usize| vec!["pub|00"; count].join("&");
    let rows = [
        (format!("pub|{right}"), "verified"),
        (format!("pub|{with_break}"), "verified"),
        (format!("other|00&pub|{right}"), "verified"),
        (format!("{}&pub|{right}", many(15)), "verified"),
        (format!("{}&pub|{right}", many(1000)), "too_many_signatures"),
        ("pub|00".to_owned(), "wrong_signature"),
        (right.clone(), "malformed_signature"),
        (String::new(), "malformed_signature"),
    ];
    for (signatures, expected) in rows {
        let request = braintree("cGF5bG9hZA==", &signatures);
        let code = judged("braintree", "private-1", &request, None, NOW);
        assert_eq!(code, expected, "{signatures:.60}");
    }
    let other = braintree("b3RoZXI=", &format!("pub|{right}"));
    assert_eq!(
        judged("braintree", "private-1", &other, None, NOW),
        "wrong_signature"
    );
}

const SNS: [&str; 3] = [
    include_str!("published/sns_v1.json"),
    include_str!("published/sns_v2.json"),
    include_str!("published/sns_confirmation.json"),
];

#[test]
fn sns_messages_are_checked_with_the_certificate_that_they_name() {
    for message in SNS {
        let request = Request::post("text/plain", message);
        let wanted = verifier("sns", TOPIC)
            .key_request(&request.parts())
            .unwrap()
            .unwrap();
        assert_eq!(
            wanted.request.url,
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem"
        );
        let rows: [(&str, Option<&[u8]>, i64, &str); 6] = [
            (TOPIC, Some(CERTIFICATE), VALID, "verified"),
            (TOPIC, Some(CERTIFICATE), TOO_LATE, "unknown_key"),
            (TOPIC, Some(CERTIFICATE), 0, "unknown_key"),
            (TOPIC, Some(b"<html>"), VALID, "unknown_key"),
            (TOPIC, None, VALID, "key_unavailable"),
            (
                "arn:aws:sns:us-east-1:123456789012:other",
                Some(CERTIFICATE),
                VALID,
                "wrong_credentials",
            ),
        ];
        for (topic, document, now, expected) in rows {
            assert_eq!(judged("sns", topic, &request, document, now), expected);
        }
    }
}

#[test]
fn a_changed_sns_message_is_refused() {
    let changes: [(&str, Value, &str); 8] = [
        ("Message", json!("other"), "wrong_signature"),
        ("Subject", Value::Null, "wrong_signature"),
        ("Subject", json!(1), "malformed_signature"),
        ("Type", json!("Other"), "malformed_signature"),
        ("SignatureVersion", json!("3"), "wrong_algorithm"),
        ("SignatureVersion", json!("1"), "wrong_signature"),
        ("Signature", json!("*"), "malformed_signature"),
        ("TopicArn", Value::Null, "malformed_signature"),
    ];
    for (name, value, expected) in changes {
        let mut message: Value = serde_json::from_str(SNS[1]).unwrap();
        message[name] = value;
        let request = post(&message);
        let code = judged("sns", TOPIC, &request, Some(CERTIFICATE), VALID);
        assert_eq!(code, expected, "{name}");
    }
}

fn paypal() -> Request {
    Request::post(JSON, vector("body"))
        .with(
            "PAYPAL-TRANSMISSION-ID",
            "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
        )
        .with("PAYPAL-TRANSMISSION-TIME", "2026-11-18T10:00:00Z")
        .with("PAYPAL-TRANSMISSION-SIG", vector("paypal"))
        .with(
            "PAYPAL-CERT-URL",
            "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        )
        .with("PAYPAL-AUTH-ALGO", "SHA256withRSA")
}

#[test]
fn paypal_signs_the_checksum_of_the_body() {
    const WEBHOOK: &str = "1JE4291016473214C";
    type Tamper = fn(&mut Request);
    let rows: [(&str, Tamper, &str); 6] = [
        (WEBHOOK, |_| {}, "verified"),
        ("OTHER", |_| {}, "wrong_signature"),
        (WEBHOOK, |r| r.body.push(b' '), "wrong_signature"),
        (
            WEBHOOK,
            |r| r.set("PAYPAL-TRANSMISSION-TIME", "2026-11-18T10:00:01Z"),
            "wrong_signature",
        ),
        (
            WEBHOOK,
            |r| r.set("PAYPAL-AUTH-ALGO", "none"),
            "wrong_algorithm",
        ),
        (
            WEBHOOK,
            |r| r.remove("PAYPAL-TRANSMISSION-SIG"),
            "missing_header",
        ),
    ];
    for (webhook, tamper, expected) in rows {
        let mut request = paypal();
        tamper(&mut request);
        let code = judged("paypal", webhook, &request, Some(CERTIFICATE), VALID);
        assert_eq!(code, expected, "{webhook}");
    }
}

#[test]
fn keys_are_taken_from_the_senders_own_hosts_alone() {
    let sns = [
        ("https://sns.us-east-1.amazonaws.com/a.pem", true),
        ("https://sns.cn-north-1.amazonaws.com.cn/a.pem", true),
        ("https://sns.us-east-1.amazonaws.com:443/a.pem", true),
        ("https://sns.us-east-1.amazonaws.com.evil.test/", false),
        ("https://evil.test/?x=.amazonaws.com", false),
        ("https://evil.test/#sns.us-east-1.amazonaws.com", false),
        ("http://sns.us-east-1.amazonaws.com/a.pem", false),
        ("https://sns.us-east-1.amazonaws.com@evil.test/a.pem", false),
        ("https://user@sns.us-east-1.amazonaws.com/a.pem", false),
        ("https://sns.us-east-1.amazonaws.com:8443/a.pem", false),
        ("https://sns.us-east-1.amazonaws.com./a.pem", false),
        ("https://sns.evil.test.amazonaws.com/a.pem", false),
        ("https://sns.s3.amazonaws.com/a.pem", false),
        ("https://evil-sns.us-east-1.amazonaws.com/a.pem", false),
        ("https://snsxus-east-1.amazonaws.com/a.pem", false),
        ("https://127.0.0.1/a.pem", false),
        ("https:\\\\evil.test\\sns.us-east-1.amazonaws.com", false),
        ("//sns.us-east-1.amazonaws.com/a.pem", false),
        ("file:///etc/passwd", false),
        ("", false),
    ];
    for (url, admitted) in sns {
        assert_eq!(Hosts::Sns.admit(url).is_some(), admitted, "{url}");
        let mut message: Value = serde_json::from_str(SNS[1]).unwrap();
        message["SigningCertURL"] = json!(url);
        let request = post(&message);
        let wanted = verifier("sns", TOPIC).key_request(&request.parts());
        assert_eq!(wanted.is_ok(), admitted, "{url}");
    }
    let paypal_urls = [
        ("https://api.paypal.com/v1/notifications/certs/CERT-1", true),
        (
            "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
            true,
        ),
        ("https://api.paypal.com/v1/other/CERT-1", false),
        (
            "https://api.paypal.com/v1/notifications/certs/../../../x",
            false,
        ),
        (
            "https://api.paypal.com.evil.test/v1/notifications/certs/CERT-1",
            false,
        ),
        (
            "https://www.paypal.com/v1/notifications/certs/CERT-1",
            false,
        ),
        ("http://api.paypal.com/v1/notifications/certs/CERT-1", false),
    ];
    for (url, admitted) in paypal_urls {
        let mut request = paypal();
        request.set("PAYPAL-CERT-URL", url);
        let wanted = verifier("paypal", "1JE4291016473214C").key_request(&request.parts());
        match wanted {
            Ok(wanted) => assert!(admitted && wanted.is_some(), "{url}"),
            Err(rejection) => {
                assert_eq!(
                    (admitted, rejection),
                    (false, Rejection::ForeignKeyHost),
                    "{url}"
                );
            }
        }
    }
    assert_eq!(Trust::of_word("verified"), Some(Trust::Verified));
}
