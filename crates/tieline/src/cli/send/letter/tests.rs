//! Every sender that can be signed for, over its sample.

use tieline_domain::signature::{
    BespokeScheme, KeyForm, KeyRequest, KeyedSecret, Rejection, Scheme, Trust, Verifier, presets,
};

use super::*;
use crate::cli::way_out::way_to;

const URL: &str = "https://tie.example/in/wh_in_1";

/// A key or document of the throwaway keys.
macro_rules! throwaway {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../../domain/src/signature/tests/signing/",
            $name
        ))
    };
}

/// What sender and source of a preset hold.
struct Pair {
    keys: Keys,
    source: KeyedSecret,
}

impl Pair {
    fn of(preset: &Preset) -> Self {
        let secret = KeyedSecret::new("1", secret_of(preset));
        let Some(algorithm) = preset.signed_with().algorithm() else {
            return Self::sharing(secret);
        };
        let (private, public) = match algorithm.key_kind() {
            "Ed25519" => (throwaway!("ed25519.pem"), throwaway!("ed25519_public.pem")),
            "RSA" => (throwaway!("rsa.pem"), throwaway!("rsa_public.pem")),
            _ => (throwaway!("ecdsa.pem"), throwaway!("ecdsa_public.pem")),
        };
        let source = match preset.scheme {
            Scheme::Signed(_) => return Self::sharing(secret),
            _ if preset.publishes_keys() => secret.clone(),
            _ => KeyedSecret::new("1", public),
        };
        let keys = Keys {
            secret: Some(secret),
            private_key: Some(KeyedSecret::new("2", private)),
            key_id: None,
        };
        Self { keys, source }
    }

    fn sharing(secret: KeyedSecret) -> Self {
        let keys = Keys {
            secret: Some(secret.clone()),
            ..Keys::default()
        };
        Self {
            keys,
            source: secret,
        }
    }
}

/// A secret that the preset can read.
fn secret_of(preset: &Preset) -> &'static str {
    match (&preset.scheme, preset.name) {
        (Scheme::Signed(scheme), _) if scheme.key == KeyForm::Base64 => "c2hoLWN1cnJlbnQ=",
        (Scheme::Signed(scheme), _) if scheme.key == KeyForm::Hex => "7368682d63757272656e74",
        (_, "adyen") => "7368682d63757272656e74",
        (_, "sns") => "arn:aws:sns:us-east-1:123456789012:orders",
        (_, "kinde") => "acme.kinde.com",
        (_, "plaid" | "plaid-sandbox") => "client:secret",
        _ => "shh-current",
    }
}

/// What the operator's mirror shows in place of a sender's host.
fn published(request: &KeyRequest) -> &'static [u8] {
    let known = [
        ("https://acme.kinde.com/", throwaway!("jwks.json")),
        ("https://www.googleapis.com/", throwaway!("jwks.json")),
        (
            "https://production.plaid.com/",
            throwaway!("plaid_key.json"),
        ),
        ("https://sandbox.plaid.com/", throwaway!("plaid_key.json")),
        (
            "https://sns.us-east-1.amazonaws.com/tieline.pem",
            throwaway!("certificate.pem"),
        ),
        (
            "https://api.sandbox.paypal.com/v1/notifications/certs/tieline",
            throwaway!("certificate.pem"),
        ),
    ];
    let shown = known
        .iter()
        .find(|(url, _)| request.request.url.starts_with(url));
    shown.map_or(b"", |(_, document)| document.as_bytes())
}

fn judged(
    preset: &Preset,
    source: &KeyedSecret,
    request: &Request,
    body: &[u8],
    at_us: i64,
) -> Result<Trust, Rejection> {
    let secrets = std::slice::from_ref(source);
    let verifier = Verifier::new(&Verification::of(preset.name), secrets, URL)
        .unwrap_or_else(|error| panic!("{}: {error}", preset.name));
    let headers: Vec<(&str, &[u8])> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let seen = SignedRequest {
        method: "POST",
        url_query: request.uri.query(),
        headers: &headers,
        body,
    };
    let document = verifier.key_request(&seen)?.map(|asked| published(&asked));
    let verified = verifier.verify_with(&seen, at_us, document)?;
    Ok(verified.trust)
}

fn letter(preset: &Preset, keys: &Keys, clock: &Clock) -> Request {
    let (_, destination) = way_to(URL).expect("a URL");
    let wording = Wording {
        body: Body::Sample,
        headers: Vec::new(),
        event_type: None,
        id: None,
    };
    Letters::new(&Verification::of(preset.name), keys, destination, wording)
        .and_then(|letters| letters.request(1, clock))
        .unwrap_or_else(|error| panic!("{}: {error}", preset.name))
}

/// The body with one byte changed that the sender signs; one more at its end where it signs none.
fn changed(preset: &Preset, body: &[u8]) -> Vec<u8> {
    if preset.trust() != Trust::Verified {
        return [body, b" "].concat();
    }
    let signed: &[u8] = match &preset.scheme {
        Scheme::Bespoke(BespokeScheme::Adyen) => br#""pspReference":""#,
        Scheme::Bespoke(BespokeScheme::Sns) => br#""MessageId":""#,
        Scheme::Bespoke(BespokeScheme::Braintree) => b"bt_payload=",
        _ => b"",
    };
    let windows = body.windows(signed.len().max(1));
    let at = match signed {
        b"" => body.len() / 2,
        _ => windows.take_while(|window| *window != signed).count() + signed.len(),
    };
    let mut changed = body.to_vec();
    changed[at] ^= 1;
    changed
}

/// Every sender's sample is let in by the source of that sender; with one byte changed it is not, where the body is
/// signed.
#[test]
fn what_is_sent_as_a_preset_is_taken_by_it() {
    let clock = Clock::system();
    for preset in presets() {
        let name = preset.name;
        let pair = Pair::of(preset);
        let request = letter(preset, &pair.keys, &clock);
        let now = clock.now().as_micros();
        let genuine = judged(preset, &pair.source, &request, &request.body, now);
        assert_eq!(genuine, Ok(preset.trust()), "{name}");
        let changed = changed(preset, &request.body);
        let outcome = judged(preset, &pair.source, &request, &changed, now);
        let is_refused = preset.trust() == Trust::Verified;
        assert_eq!(outcome.is_err(), is_refused, "{name}: {outcome:?}");
    }
}

/// Where either will do, a private key signs as well as a secret.
#[test]
fn a_private_key_signs_where_a_secret_does() {
    let clock = Clock::system();
    let whsk = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==";
    let whpk = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let hex = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    for (name, private, public) in [
        ("standard-webhooks", whsk, whpk),
        ("discord", whsk, hex),
        (
            "fusionauth",
            throwaway!("rsa.pem"),
            throwaway!("rsa_public.pem"),
        ),
    ] {
        let preset = presets().iter().find(|preset| preset.name == name);
        let preset = preset.expect("it is a preset");
        let keys = Keys {
            private_key: Some(KeyedSecret::new("1", private)),
            ..Keys::default()
        };
        let request = letter(preset, &keys, &clock);
        let source = KeyedSecret::new("1", public);
        let now = clock.now().as_micros();
        let outcome = judged(preset, &source, &request, &request.body, now);
        assert_eq!(outcome, Ok(Trust::Verified), "{name}");
    }
}

/// What cannot be signed is told before anything is sent.
#[test]
fn keys_of_no_use_are_told() {
    let ed25519 = throwaway!("ed25519.pem");
    for (name, secret, private, says) in [
        ("discord", Some("shh"), None, "give --private-key"),
        (
            "github",
            Some("shh"),
            Some(ed25519),
            "does not sign with a private key",
        ),
        ("github", None, None, "give --secret"),
        (
            "sendgrid",
            None,
            Some(ed25519),
            "no private key of the kind",
        ),
        (
            "discord",
            None,
            Some(throwaway!("ed25519_public.pem")),
            "this is the public key",
        ),
        ("discord", None, Some("shh"), "PKCS #8"),
        (
            "discord",
            None,
            Some("-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----"),
            "PKCS #8",
        ),
        (
            "discord",
            None,
            Some("-----BEGIN PRIVATE KEY-----\nAA"),
            "cannot be read",
        ),
        (
            "wise",
            None,
            Some(
                "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==",
            ),
            "uses another kind",
        ),
        (
            "ebay",
            None,
            Some(throwaway!("rsa.pem")),
            "no private key of the kind",
        ),
        ("paypal", None, Some(throwaway!("rsa.pem")), "give --secret"),
        (
            "netlify",
            Some(throwaway!("rsa_public.pem")),
            None,
            "this is a public key",
        ),
    ] {
        let (_, destination) = way_to(URL).expect("a URL");
        let keys = Keys {
            secret: secret.map(|secret| KeyedSecret::new("--secret", secret)),
            private_key: private.map(|key| KeyedSecret::new("--private-key", key)),
            key_id: None,
        };
        let wording = Wording {
            body: Body::Sample,
            headers: Vec::new(),
            event_type: None,
            id: None,
        };
        let made = Letters::new(&Verification::of(name), &keys, destination, wording);
        let told = made
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(told.contains(says), "{name}: {told}");
    }
}

/// A body that has no place for the signature is refused, and says what it should be.
#[test]
fn bodies_without_a_place_for_the_signature_are_told() {
    let clock = Clock::system();
    for (name, body, says) in [
        ("mailgun", "[]", "a JSON object"),
        ("mailgun", "{", "a JSON object"),
        ("adyen", r#"{"notificationItems":[]}"#, "notificationItems"),
        (
            "adyen",
            r#"{"notificationItems":[{}]}"#,
            "NotificationRequestItem",
        ),
        (
            "adyen",
            r#"{"notificationItems":[1]}"#,
            "NotificationRequestItem",
        ),
        ("microsoft-graph", r#"{"value":[1]}"#, "a list of objects"),
        ("microsoft-graph", r#"{"value":{}}"#, "a list of objects"),
        ("sns", r#"{"Type":"Notification"}"#, "MessageId"),
        ("sns", "[]", "MessageId"),
        ("kinde", "text", "the claims"),
        ("kinde", "[]", "the claims"),
    ] {
        let preset = presets().iter().find(|preset| preset.name == name);
        let preset = preset.expect("it is a preset");
        let (_, destination) = way_to(URL).expect("a URL");
        let wording = Wording {
            body: Body::Fixed(body.into()),
            headers: Vec::new(),
            event_type: None,
            id: None,
        };
        let keys = Pair::of(preset).keys;
        let letters = Letters::new(&Verification::of(name), &keys, destination, wording);
        let request = letters.and_then(|letters| letters.request(1, &clock));
        let told = request
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(told.contains(says), "{name}: {told}");
    }
}
