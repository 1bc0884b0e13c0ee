//! Vectors: published by the vendors (facts webhooks 3.4), or computed with Python's `hmac` where none is.

mod hex_body;
mod other_body;
mod standard;
mod timed;
mod urls;

use super::{FORM, JSON, KeyedSecret, Request, SECOND, URL, signed_cases};
use crate::signature::{Verification, Verifier, find};

/// A request of the reference, sent at 1 700 000 000 s to [`URL`].
#[derive(Clone, Copy)]
struct Row {
    scheme: &'static str,
    secret: &'static str,
    headers: &'static [(&'static str, &'static str)],
    query: Option<&'static str>,
    /// The body, where it is a form; [`REFERENCE_BODY`] otherwise.
    form: Option<&'static str>,
}

/// The secret of the reference, and what is configured where the sender shows it encoded.
const SECRET: &str = "shh-reference";
const IN_BASE64: &str = "c2hoLXJlZmVyZW5jZQ==";
const IN_HEX: &str = "7368682d7265666572656e6365";
const REFERENCE_BODY: &str = r#"{"id":"evt_1","webhookTimestamp":1700000000000}"#;

const fn row(
    scheme: &'static str,
    secret: &'static str,
    headers: &'static [(&'static str, &'static str)],
) -> Row {
    Row {
        scheme,
        secret,
        headers,
        query: None,
        form: None,
    }
}

impl Row {
    fn vector(&self) -> Vector {
        let mut request = match self.form {
            Some(form) => Request::post(FORM, form),
            None => Request::post(JSON, REFERENCE_BODY),
        };
        for (name, value) in self.headers {
            request = request.with(name, *value);
        }
        request.query = self.query.map(str::to_owned);
        Vector {
            public_url: URL,
            ..plain(self.scheme, self.secret, request)
        }
    }
}

fn reference() -> Vec<Vector> {
    let rows = [
        hex_body::ROWS,
        other_body::ROWS,
        standard::ROWS,
        timed::ROWS,
        urls::ROWS,
    ];
    rows.concat().iter().map(Row::vector).collect()
}

struct Vector {
    scheme: &'static str,
    secret: &'static str,
    public_url: &'static str,
    /// Unix seconds.
    now: i64,
    request: Request,
}

fn check(vector: &Vector) {
    let secrets = [KeyedSecret::new("vector", vector.secret)];
    let verifier = Verifier::new(
        &Verification::of(vector.scheme),
        &secrets,
        vector.public_url,
    )
    .unwrap();
    let verified = verifier.verify(&vector.request.parts(), vector.now * SECOND);
    let verified = verified.unwrap_or_else(|rejection| panic!("{}: {rejection}", vector.scheme));
    let told = find(vector.scheme).unwrap().trust();
    assert_eq!(verified.trust, told, "{}", vector.scheme);
    assert_eq!(
        verified.key_id.as_deref(),
        Some("vector"),
        "{}",
        vector.scheme
    );
}

const SLACK_BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow\
    &channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner\
    &command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands\
    %2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
    &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
const TWILIO_BODY: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309\
    &To=%2B18005551212";
const TWILIO_SIGNATURE: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
const STANDARD_BODY: &str = r#"{"test": 2432232314}"#;

fn plain(scheme: &'static str, secret: &'static str, request: Request) -> Vector {
    Vector {
        scheme,
        secret,
        public_url: "https://tie.example/in/wh_in_1",
        now: 1_700_000_000,
        request,
    }
}

fn standard(family: &str, secret: &'static str, signature: &str) -> Vector {
    let request = Request::post(JSON, STANDARD_BODY)
        .with(&format!("{family}-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek")
        .with(&format!("{family}-timestamp"), "1614265330")
        .with(&format!("{family}-signature"), signature);
    Vector {
        now: 1_614_265_330,
        ..plain("standard-webhooks", secret, request)
    }
}

fn twilio(public_url: &'static str, signature: &str) -> Vector {
    let request = Request::post(FORM, TWILIO_BODY)
        .with_query("foo=1&bar=2")
        .with("X-Twilio-Signature", signature);
    Vector {
        public_url,
        ..plain("twilio", "12345", request)
    }
}

fn published() -> Vec<Vector> {
    let hubspot_v2 = |method, body: &'static str, signature: &str| {
        let request = Request {
            method,
            ..Request::post(JSON, body).with("X-HubSpot-Signature", signature)
        };
        Vector {
            public_url: "https://www.example.com/webhook_uri",
            ..plain(
                "hubspot-v2",
                "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
                request,
            )
        }
    };
    vec![
        hubspot_v2(
            "GET",
            "",
            "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e",
        ),
        hubspot_v2(
            "POST",
            r#"{"example_field":"example_value"}"#,
            "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
        ),
        plain(
            "github",
            "It's a Secret to Everybody",
            Request::post(JSON, "Hello, World!").with(
                "X-Hub-Signature-256",
                "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            ),
        ),
        Vector {
            now: 1_531_420_618,
            ..plain(
                "slack",
                "8f742231b10e8888abcd99yyyzzz85a5",
                Request::post(FORM, SLACK_BODY)
                    .with("X-Slack-Request-Timestamp", "1531420618")
                    .with(
                        "X-Slack-Signature",
                        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                    ),
            )
        },
        Vector {
            now: 1_649_367_553,
            ..plain(
                "standard-webhooks",
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                Request::post(
                    JSON,
                    r#"{"email":"test@example.com","username":"test_user"}"#,
                )
                .with("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk")
                .with("webhook-timestamp", "1649367553")
                .with(
                    "webhook-signature",
                    "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
                ),
            )
        },
        standard(
            "webhook",
            super::WHSEC,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        standard(
            "svix",
            super::WHSEC,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        standard(
            "webhook",
            "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
        ),
        twilio("https://mycompany.com/myapp.php", TWILIO_SIGNATURE),
        twilio("https://mycompany.com:443/myapp.php", TWILIO_SIGNATURE),
        twilio(
            "https://mycompany.com/myapp.php",
            "kvajT1Ptam85bY51eRf/AJRuM3w=",
        ),
    ]
}

/// The HMAC-SHA256 of `{"id":"1"}` under `shh`.
const SHH: &str = "3cc923f642cf3cabca616eefabf662742f49d5da134c7cb183069145c9469a34";

fn computed() -> Vec<Vector> {
    let generic = "7a546a5c3c2459b8934bfaf4bd5d7823feca5cc4d5efaecfa3305a6499da8669";
    let generic_request = |value: &str| {
        Request::post(JSON, r#"{"data":{"id":"1"}}"#).with("X-Webhook-Signature", value)
    };
    vec![
        plain("asana", "shh", Request::post(JSON, r#"{"id":"1"}"#).with("X-Hook-Signature", SHH)),
        plain("keap", "shh", Request::post(JSON, r#"{"id":"1"}"#).with("X-Hook-Signature", SHH)),
        plain(
            "websub",
            "shh",
            Request::post(JSON, r#"{"id":"1"}"#).with("X-Hub-Signature", format!("sha256={SHH}")),
        ),
        plain("hmac-sha256", "whsec_xyz789", generic_request(&format!("sha256={generic}"))),
        plain("hmac-sha256", "whsec_xyz789", generic_request(generic)),
        plain("hmac-sha256", "whsec_xyz789", generic_request(&format!("sha256={}", generic.to_uppercase()))),
        plain(
            "stripe",
            "whsec_test_secret",
            Request::post(JSON, r#"{"id":"evt_1","type":"charge.succeeded"}"#).with(
                "Stripe-Signature",
                "t=1700000000,v1=c0475716eb2200f1fe97fcf35a3c05d1fd4f8ba9a07a596730c8d18bb87c0672,v0=00",
            ),
        ),
        plain(
            "shopify",
            "shpss_hush",
            Request::post(JSON, r#"{"id":820982911946154500}"#)
                .with("X-Shopify-Hmac-SHA256", "ff0f11gVlQFx4RqkfrlpwPdRIJrIhD/BsRCIQxqzY3s="),
        ),
        plain(
            "shopify",
            "shpss_hush",
            Request::post(JSON, r#"{"id":820982911946154500}"#)
                .with("Shopify-Hmac-SHA256", "ff0f11gVlQFx4RqkfrlpwPdRIJrIhD/BsRCIQxqzY3s="),
        ),
        // HubSpot signs `?a=b:c/d@e%20f`: its own escapes decoded, the space not.
        plain(
            "hubspot-v3",
            "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
            Request::post(JSON, r#"[{"eventId":1}]"#)
                .with_query("a=b%3Ac%2fd%40e%20f")
                .with("X-HubSpot-Request-Timestamp", "1700000000000")
                .with("X-HubSpot-Signature-v3", "kFFQSneW7a+mjMKqKfhIgBfp57W8H5K2Kw4GJJmp3J4="),
        ),
        Vector {
            now: 1_616_648_967,
            ..plain(
                "zendesk",
                "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==",
                Request::post(JSON, r#"{"test":true}"#)
                    .with("X-Zendesk-Webhook-Signature-Timestamp", "2021-03-25T05:09:27Z")
                    .with("X-Zendesk-Webhook-Signature", "RxLbIp9KSDfssTjJc6Uq77cGvsNzqzBjsNB95xsurew="),
            )
        },
        Vector {
            public_url: "https://mycompany.com/myapp.php",
            ..plain(
                "twilio",
                "12345",
                Request::post(JSON, r#"{"sid":"SM1"}"#)
                    .with_query("bodySHA256=b8c220fe23c7d98994b38ae901074800e621b4674cb210d9b5c2627f96196224")
                    .with("X-Twilio-Signature", "O+bLzKrM6ThviQ9JNoDwyYqLybw="),
            )
        },
    ]
}

#[test]
fn published_vectors_verify() {
    published().iter().for_each(check);
}

#[test]
fn computed_vectors_verify() {
    computed().iter().for_each(check);
}

#[test]
fn requests_of_the_reference_verify() {
    reference().iter().for_each(check);
}

#[test]
fn every_signing_preset_has_a_vector() {
    let all = [published(), computed(), reference()];
    let covered: Vec<&str> = all.iter().flatten().map(|vector| vector.scheme).collect();
    for case in signed_cases() {
        let preset = case.verification.preset().unwrap();
        assert!(
            covered.contains(&preset.name),
            "{} has no vector",
            preset.name
        );
    }
}
