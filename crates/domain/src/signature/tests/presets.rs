//! The table of presets holds together.

use std::collections::HashSet;

use super::cases::secrets_of;
use super::public_keys::{RSA, vector};
use super::{URL, secret};
use crate::signature::presets::nearest;
use crate::signature::{
    Dedupe, EventType, Override, Preset, SecretOwner, Verification, Verifier, find, presets,
};

#[test]
fn names_and_aliases_are_unique_and_found() {
    let mut seen = HashSet::new();
    for preset in presets() {
        for name in preset.aliases.iter().chain([&preset.name]) {
            assert!(seen.insert(*name), "{name} is there twice");
            assert_eq!(find(name).unwrap().name, preset.name);
        }
    }
    assert!(find("hubspot").is_some() && find("nobody").is_none());
}

#[test]
fn every_preset_explains_itself_and_works_as_it_stands() {
    for preset in presets() {
        for text in [preset.proves, preset.secret_help] {
            assert!(text.ends_with('.'), "{}: {text}", preset.name);
        }
        let paths = [
            if let Dedupe::Body(path) = preset.dedupe {
                Some(path)
            } else {
                None
            },
            if let Some(EventType::Body(path)) = preset.event_type {
                Some(path)
            } else {
                None
            },
        ];
        assert!(
            paths.iter().flatten().all(|path| path.starts_with('$')),
            "{}",
            preset.name
        );
        let key = example_secret(preset);
        let made = Verifier::new(&Verification::of(preset.name), &[secret(&key)], URL);
        assert!(made.is_ok(), "{}: {:?}", preset.name, made.err());
    }
}

/// A secret of the form that the sender's have.
pub(super) fn example_secret(preset: &Preset) -> String {
    match preset.name {
        "discord" => vector("ed_hex"),
        "telnyx" => vector("ed_b64"),
        "sendgrid" | "ebay" | "ebay-sandbox" => vector("ec_b64"),
        "wise" | "highlevel" => RSA.to_owned(),
        "plaid" | "plaid-sandbox" => "client:secret".to_owned(),
        "kinde" => "acme.kinde.com".to_owned(),
        "google-pubsub" => "push@acme.iam.gserviceaccount.com".to_owned(),
        "adyen" => "00ff".to_owned(),
        "sns" => "arn:aws:sns:us-east-1:123456789012:orders".to_owned(),
        _ => secrets_of(preset).0.to_owned(),
    }
}

/// Few need no secret, and they must be asked for by name.
#[test]
fn what_needs_no_secret_is_never_the_default() {
    let without: Vec<&str> = presets()
        .iter()
        .filter(|p| p.secret == SecretOwner::Nobody)
        .map(|p| p.name)
        .collect();
    assert_eq!(without, ["none", "strava", "salesforce-outbound"]);
    assert_ne!(Verification::default().scheme, "none");
}

#[test]
fn a_window_can_be_set_where_a_timestamp_is_signed() {
    for case in super::signed_cases() {
        let preset = case.verification.preset().unwrap();
        let takes = preset.overrides.contains(&Override::ToleranceSeconds);
        assert_eq!(
            takes,
            case.is_timed() || preset.name == "hmac-sha256",
            "{}",
            case.name
        );
    }
}

#[test]
fn a_name_that_does_not_exist_is_answered_with_those_near_it() {
    for (asked, offered) in [
        ("GitHub", &["github"][..]),
        (
            "hubspot-v4",
            &["hubspot-v1", "hubspot-v2", "hubspot-v3", "hubspot"],
        ),
        ("stripes", &["stripe"]),
        ("md5", &[]),
        ("", &[]),
    ] {
        assert_eq!(nearest(asked)[..offered.len()], *offered, "{asked}");
        assert_eq!(nearest(asked).is_empty(), offered.is_empty(), "{asked}");
    }
}

#[test]
fn a_secret_that_cannot_be_decoded_is_refused() {
    for (name, given, why) in [
        ("authorize-net", "whsec_MfKQ9r8G", "not hexadecimal"),
        ("onfleet", "7368682", "not hexadecimal"),
        ("airtable", "not!base64", "not base64"),
        ("microsoft-teams", "====", "not base64"),
    ] {
        let made = Verifier::new(&Verification::of(name), &[secret(given)], URL);
        let told = made
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            told.contains(why) && !told.contains(given),
            "{name}: {told}"
        );
    }
}

#[test]
fn an_empty_secret_is_refused_by_every_preset() {
    for preset in presets().iter().filter(|preset| preset.secret.is_needed()) {
        for value in ["", " ", "\t\r\n"] {
            let made = Verifier::new(&Verification::of(preset.name), &[secret(value)], URL);
            assert!(made.is_err(), "{}: {value:?}", preset.name);
        }
    }
}
