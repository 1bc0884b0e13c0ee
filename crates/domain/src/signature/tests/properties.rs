//! Whatever is sent: no panic, and nothing forged is believed.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{NOW, Request, credential_cases, signed_cases};

/// Text that comes near to what the readers look for.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "(sha256=|v0=|t=1700000000,v1=|v1,|v1a,|Basic |Bearer )?[a-zA-Z0-9+/=]{0,140}"
            .prop_map(String::into_bytes),
        "((v1|v1a|t)[=,][a-f0-9]{0,64}[ ,;]{0,2}){0,20}".prop_map(String::into_bytes),
        Just(b"1700000000".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(14), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_requests_are_never_believed(
        values in prop::collection::vec(value(), 4),
        body in prop::collection::vec(any::<u8>(), 0..300),
        query in prop::option::of("[ -~]{0,80}"),
        content_type in prop_oneof![Just(super::JSON), Just(super::FORM)],
    ) {
        for case in signed_cases().iter().chain(&credential_cases()) {
            let mut request = Request::post(content_type, body.clone());
            request.query = query.clone();
            let names = [Some(case.signature_header), case.timestamp_header, Some("webhook-id"), Some("X-Webhook-Id")];
            for (name, value) in names.into_iter().flatten().zip(&values) {
                request.set(name, value.clone());
            }
            prop_assert!(case.verify(&request).is_err(), "{}", case.name);
        }
    }

    #[test]
    fn whatever_is_signed_is_believed(
        body in prop::collection::vec(any::<u8>(), 0..300),
        query in prop::option::of("[ -~]{0,80}"),
        now in 0..4_000_000_000_000_000_i64,
    ) {
        for case in signed_cases() {
            let mut request = Request::post(case.content_type, body.clone());
            request.query = query.clone().filter(|query| !query.contains("bodySHA256="));
            let signature = case.signer().sign(&request.parts(), now, "msg_1").unwrap();
            request.query = signature.query;
            request.headers.extend(signature.headers.into_iter().map(|(name, value)| (name, value.into_bytes())));
            prop_assert!(case.verifier().verify(&request.parts(), now).is_ok(), "{}", case.name);
            prop_assert_eq!(case.verify(&request).is_ok(), !case.is_timed() || now.abs_diff(NOW) <= 300_000_000);
        }
    }
}
