//! Verifications, secrets and URLs that cannot be used.

use super::{URL, WHPK, WHSK, secret, verification};
use crate::signature::{
    ConfigError, KeyedSecret, SecretOwner, Signer, StandardSigner, Verification, Verifier,
};

/// What the error of a verification points at, and a part of its text.
fn check(json: &str, pointer: Option<&str>, text: &str) {
    let error = Verifier::new(&verification(json), &[secret("shh")], URL).err();
    let error = error.unwrap_or_else(|| panic!("{json} was taken"));
    assert_eq!(error.pointer(), pointer, "{json}: {error}");
    assert!(error.to_string().contains(text), "{json}: {error}");
}

#[test]
fn faulty_fields_are_named() {
    let rows = [
        (
            r#"{"scheme":"md5"}"#,
            "/scheme",
            "senders without a preset may fit `hmac-sha256`",
        ),
        (
            r#"{"scheme":""}"#,
            "/scheme",
            "there is no verification scheme ``",
        ),
        (
            r#"{"scheme":"GitHub"}"#,
            "/scheme",
            "there is no verification scheme `GitHub`; did you mean `github`",
        ),
        (
            r#"{"scheme":"github","header":"X-Mine"}"#,
            "/header",
            "it takes no settings",
        ),
        (
            r#"{"scheme":"stripe","encoding":"hex"}"#,
            "/encoding",
            "it takes `tolerance_seconds`",
        ),
        (
            r#"{"scheme":"shopify","prefix":""}"#,
            "/prefix",
            "does not take `prefix`",
        ),
        (
            r#"{"scheme":"slack","content":"{body}"}"#,
            "/content",
            "does not take `content`",
        ),
        (
            r#"{"scheme":"zendesk","timestamp_header":"T"}"#,
            "/timestamp_header",
            "does not take",
        ),
        (
            r#"{"scheme":"twilio","tolerance_seconds":1}"#,
            "/tolerance_seconds",
            "does not take",
        ),
        (
            r#"{"scheme":"hmac-sha256","username":"me"}"#,
            "/username",
            "does not take `username`",
        ),
        (
            r#"{"scheme":"github","confirm":{"subdomain":"a","client_id":"b","client_secret":"{{secrets.C}}"}}"#,
            "/confirm",
            "does not take `confirm`",
        ),
        (
            r#"{"scheme":"salesforce-ens","confirm":{"subdomain":"a.evil.test/","client_id":"b","client_secret":"{{secrets.C}}"}}"#,
            "/confirm/subdomain",
            "before the sender's domain",
        ),
        (
            r#"{"scheme":"salesforce-ens","confirm":{"subdomain":"","client_id":"b","client_secret":"{{secrets.C}}"}}"#,
            "/confirm/subdomain",
            "1 to 63",
        ),
        (
            r#"{"scheme":"salesforce-ens","confirm":{"subdomain":"a","client_id":"","client_secret":"{{secrets.C}}"}}"#,
            "/confirm/client_id",
            "1 to 128",
        ),
        (
            r#"{"scheme":"salesforce-ens","confirm":{"subdomain":"a","client_id":"b","client_secret":"plain"}}"#,
            "/confirm/client_secret",
            "POST /v1/secrets",
        ),
        (
            r#"{"scheme":"none","header":"X"}"#,
            "/header",
            "it takes no settings",
        ),
        (
            r#"{"scheme":"hmac-sha256","header":""}"#,
            "/header",
            "no name of a header",
        ),
        (
            r#"{"scheme":"hmac-sha256","header":"a b"}"#,
            "/header",
            "no name of a header",
        ),
        (
            r#"{"scheme":"header-value","header":"a:b"}"#,
            "/header",
            "no name of a header",
        ),
        (
            r#"{"scheme":"header-value","prefix":"a\nb"}"#,
            "/prefix",
            "visible ASCII",
        ),
        (
            r#"{"scheme":"hmac-sha256","content":"{timestamp}"}"#,
            "/content",
            "must hold `{body}`",
        ),
        (
            r#"{"scheme":"hmac-sha256","content":"{body"}"#,
            "/content",
            "byte 0 has no partner",
        ),
        (
            r#"{"scheme":"hmac-sha256","content":"{body}.}"}"#,
            "/content",
            "byte 7 has no partner",
        ),
        (
            r#"{"scheme":"hmac-sha256","content":"{body}{nonce}"}"#,
            "/content",
            "`{nonce}`",
        ),
        (
            r#"{"scheme":"hmac-sha256","timestamp_header":"X-T"}"#,
            "/timestamp_header",
            "needs a signed timestamp",
        ),
        (
            r#"{"scheme":"hmac-sha256","tolerance_seconds":60}"#,
            "/tolerance_seconds",
            "needs a signed timestamp",
        ),
        (
            r#"{"scheme":"stripe","tolerance_seconds":0}"#,
            "/tolerance_seconds",
            "between 1 and 604800",
        ),
        (
            r#"{"scheme":"stripe","tolerance_seconds":604801}"#,
            "/tolerance_seconds",
            "between 1 and 604800",
        ),
        (
            r#"{"scheme":"basic","username":"a:b"}"#,
            "/username",
            "without a colon",
        ),
        (
            r#"{"scheme":"basic","username":""}"#,
            "/username",
            "1 to 128 bytes",
        ),
    ];
    for (json, pointer, text) in rows {
        check(json, Some(pointer), text);
    }
    let long = format!(
        r#"{{"scheme":"hmac-sha256","content":"{}{{body}}"}}"#,
        "x".repeat(256)
    );
    check(&long, Some("/content"), "longer than 256 bytes");
}

#[test]
fn unknown_fields_and_encodings_are_refused() {
    for json in [
        r#"{"scheme":"none","algorithm":"none"}"#,
        r#"{"scheme":"hmac-sha256","encoding":"rot13"}"#,
        "{}",
    ] {
        assert!(
            serde_json::from_str::<Verification>(json).is_err(),
            "{json}"
        );
    }
}

#[test]
fn a_verification_is_written_as_it_was_read() {
    let json = r#"{"scheme":"hmac-sha256","encoding":"base64url","tolerance_seconds":60}"#;
    assert_eq!(serde_json::to_string(&verification(json)).unwrap(), json);
    assert_eq!(
        serde_json::to_string(&Verification::default()).unwrap(),
        r#"{"scheme":"hmac-sha256"}"#
    );
}

/// An Ed25519 public key as Standard Webhooks writes it.
fn public_key(bytes: [u8; 32]) -> String {
    use base64::Engine;
    format!(
        "whpk_{}",
        base64::engine::general_purpose::STANDARD.encode(bytes)
    )
}

#[test]
fn faulty_secrets_are_refused() {
    let identity = {
        let mut key = [0; 32];
        key[0] = 1;
        key
    };
    let order_two = {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (0xec, 0x7f);
        key
    };
    let negative_identity = {
        let mut key = identity;
        key[31] = 0x80;
        key
    };
    let weak = "signatures under it can be forged";
    let rows = [
        ("hmac-sha256", String::new(), "it is empty"),
        ("hmac-sha256", " \t\n".to_owned(), "it is empty"),
        ("github", "  ".to_owned(), "it is empty"),
        ("basic", "  ".to_owned(), "it is empty"),
        ("header-value", String::new(), "it is empty"),
        ("header-value", "shh\n".to_owned(), "no header can carry it"),
        ("basic", "s\0h".to_owned(), "no header can carry it"),
        (
            "standard-webhooks",
            "whsec_".to_owned(),
            "nothing follows `whsec_`",
        ),
        ("standard-webhooks", "whsec_!!".to_owned(), "not base64"),
        ("standard-webhooks", "whpk_AAAA".to_owned(), "32 bytes"),
        ("standard-webhooks", WHSK.to_owned(), "private key"),
        ("standard-webhooks", public_key([0; 32]), weak),
        ("standard-webhooks", public_key(identity), weak),
        ("standard-webhooks", public_key(negative_identity), weak),
        ("standard-webhooks", public_key(order_two), weak),
    ];
    for (scheme, value, text) in rows {
        let secrets = [
            secret("fine-or-not-reached"),
            KeyedSecret::new("faulty", value.clone()),
        ];
        let error = Verifier::new(&Verification::of(scheme), &secrets, URL)
            .err()
            .unwrap_or_else(|| panic!("{scheme} {value}"));
        assert_eq!(error.pointer(), None);
        assert!(
            matches!(&error, ConfigError::Secret { id, .. } if id == "faulty"),
            "{scheme} {value}: {error}"
        );
        assert!(
            error.to_string().contains(text),
            "{scheme} {value}: {error}"
        );
    }
}

/// Why weak keys are refused: under the identity, this signature fits any message.
#[test]
fn a_key_of_small_order_lets_one_signature_fit_all() {
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    for message in [&b"pay 1"[..], b"pay 1000"] {
        assert!(
            UnparsedPublicKey::new(&ED25519, identity)
                .verify(message, &signature)
                .is_ok()
        );
    }
}

#[test]
fn a_secret_is_needed_where_one_is_used() {
    for preset in crate::signature::presets() {
        let verification = Verification::of(preset.name);
        let refused = matches!(
            Verifier::new(&verification, &[], URL),
            Err(ConfigError::NoSecret { .. })
        );
        // One that is to be brought by the sender is waited for.
        let needed = preset.secret.is_needed() && preset.secret != SecretOwner::Sender;
        assert_eq!(refused, needed, "{}", preset.name);
        assert_eq!(
            Signer::new(&verification, None, URL).is_err(),
            preset.secret.is_needed(),
            "{}",
            preset.name
        );
    }
    assert!(StandardSigner::new(&[]).is_err());
}

#[test]
fn a_signed_url_must_be_one() {
    for url in [
        "",
        "tie.example/in/x",
        "ftp://tie.example/",
        "https://",
        "/in/wh_in_1",
    ] {
        for scheme in ["hubspot-v3", "twilio"] {
            let error = Verifier::new(&Verification::of(scheme), &[secret("shh")], url).err();
            assert!(
                matches!(error, Some(ConfigError::PublicUrl { .. })),
                "{scheme} {url}"
            );
        }
        assert!(
            Verifier::new(&Verification::of("github"), &[secret("shh")], url).is_ok(),
            "{url}"
        );
    }
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    let standard = Verification::of("standard-webhooks");
    let mismatched = WHSK.replace("RGg==", "RGQ==");
    for value in [WHPK, "whsk_AAAA", "whsk_?", &mismatched] {
        assert!(
            Signer::new(&standard, Some(&secret(value)), URL).is_err(),
            "{value}"
        );
        assert!(StandardSigner::new(&[secret(value)]).is_err(), "{value}");
    }
}
