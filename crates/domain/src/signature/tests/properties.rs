//! Whatever is sent: no panic, and nothing forged is believed.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{Case, NOW, Request, Stamp, credential_cases, signed_cases};

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

/// Made once: there are many, and many requests.
static SIGNED: LazyLock<Vec<Case>> = LazyLock::new(signed_cases);
static COMPARED: LazyLock<Vec<Case>> = LazyLock::new(credential_cases);

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(14), failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_requests_are_never_believed(
        values in prop::collection::vec(value(), 4),
        body in prop::collection::vec(any::<u8>(), 0..300),
        query in prop::option::of("[ -~]{0,80}"),
        content_type in prop_oneof![Just(super::JSON), Just(super::FORM)],
    ) {
        for case in SIGNED.iter().chain(COMPARED.iter()) {
            let mut request = Request::post(content_type, body.clone());
            request.query = query.clone();
            let timestamp = match case.stamp {
                Stamp::Header(name) => Some(name),
                _ => None,
            };
            let names = [Some(case.signature_header), timestamp, Some("webhook-id"), Some("X-Webhook-Id")];
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
        // A body that must hold the time cannot be any bytes.
        for case in SIGNED.iter().filter(|case| !matches!(case.stamp, Stamp::Body(_))) {
            let mut request = Request::post(case.content_type, body.clone());
            request.query = query.clone().filter(|query| !query.contains("bodySHA256="));
            let signature = case.signer().sign(&request.parts(), now, "msg_1").unwrap();
            request.query = signature.query;
            request.headers.extend(signature.headers.into_iter().map(|(name, value)| (name, value.into_bytes())));
            prop_assert!(case.verifier().verify(&request.parts(), now).is_ok(), "{}", case.name);
            prop_assert_eq!(case.verify(&request).is_ok(), case.tolerance().is_none_or(|seconds| now.abs_diff(NOW) <= u64::from(seconds) * 1_000_000));
        }
    }
}
