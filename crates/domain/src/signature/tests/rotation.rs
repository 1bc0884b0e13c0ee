//! Several secrets, and those of others.

use super::{Case, NOW, credential_cases, secret, signed_cases};
use crate::signature::KeyedSecret;

#[test]
fn the_previous_secret_is_accepted_for_as_long_as_it_is_listed() {
    for case in signed_cases().iter().chain(&credential_cases()) {
        let current = KeyedSecret::new("new", case.other_secret);
        let previous = KeyedSecret::new("old", case.receiver_secret);
        let request = case.genuine();

        let during = case
            .verifier_with(&[current.clone(), previous])
            .verify(&request.parts(), NOW)
            .unwrap();
        assert_eq!(during.key_id.as_deref(), Some("old"), "{}", case.name);

        let after = case
            .verifier_with(&[current])
            .verify(&request.parts(), NOW)
            .unwrap_err();
        assert!(
            ["wrong_signature", "wrong_credentials"].contains(&after.code()),
            "{}: {after}",
            case.name
        );
    }
}

#[test]
fn what_a_request_proves_is_told() {
    let told = |case: &Case| case.verification.preset().unwrap().trust();
    for case in signed_cases().iter().chain(&credential_cases()) {
        let request = case.genuine();
        let verified = case.verify(&request).unwrap();
        assert_eq!(
            (verified.trust, verified.key_id.as_deref()),
            (told(case), Some("current")),
            "{}",
            case.name
        );
    }
}

#[test]
fn no_rejection_and_no_debug_output_tells_a_secret() {
    assert!(!format!("{:?}", secret("hush-hush")).contains("hush"));
    for case in signed_cases().iter().chain(&credential_cases()) {
        let right = case.genuine().get(case.signature_header);
        let mut request = case.genuine();
        request.body.push(b'x');
        request.set(case.signature_header, "hush-hush");
        let rejection = case.verify(&request).unwrap_err();
        let told = format!("{rejection} {rejection:?}");
        for hidden in [case.receiver_secret, &right, "hush"] {
            assert!(!told.contains(hidden), "{}: {told}", case.name);
        }
    }
}
