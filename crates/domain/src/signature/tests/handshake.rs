//! Questions of senders.

use super::public_keys::vector;
use super::{JSON, NOW, Request, URL, secret, verification};
use crate::signature::{
    Consequence, HandshakeAnswer, Handshakes, Hosts, SenderRequest, Signer, Verification, Verifier,
    find,
};

const QUESTION: &str = r#"{"token":"Jhj5","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;

/// A source of this verification, with a secret or without, asked with `request`.
fn asked(
    verification: &Verification,
    key: Option<&str>,
    request: &Request,
) -> Option<HandshakeAnswer> {
    let secrets: Vec<_> = key.map(secret).into_iter().collect();
    let verifier = Verifier::new(verification, &secrets, URL).unwrap();
    let preset = find(&verification.scheme).unwrap();
    let parts = request.parts();
    let verified = || verifier.verify(&parts, NOW).is_ok();
    Handshakes::new(preset, verification, &secrets, URL).answer(&parts, &verified)
}

fn get(query: &str) -> Request {
    Request {
        method: "GET",
        query: Some(query.to_owned()),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

fn post(body: &str) -> Request {
    Request::post(JSON, body)
}

/// A question signed as an event is.
fn signed(scheme: &str, request: Request) -> Request {
    let signer = Signer::new(&Verification::of(scheme), Some(&secret("shh")), URL).unwrap();
    request.signed(&signer)
}

fn ask(scheme: &str, tamper: impl Fn(&mut Request), body: &str) -> Option<HandshakeAnswer> {
    let mut request = signed(scheme, post(body));
    tamper(&mut request);
    asked(&Verification::of(scheme), Some("shh"), &request)
}

#[test]
fn slack_is_answered_with_its_challenge() {
    let answer = ask("slack", |_| {}, QUESTION).unwrap();
    assert_eq!(
        (answer.status, answer.content_type),
        (200, "text/plain; charset=utf-8")
    );
    assert_eq!(
        answer.body,
        "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert!(answer.headers.contains(&(name, value.to_owned())), "{name}");
    }
}

#[test]
fn what_is_no_genuine_question_gets_no_answer() {
    let untouched = |_: &mut Request| {};
    assert_eq!(
        ask("slack", |r| r.remove("X-Slack-Signature"), QUESTION),
        None,
        "unsigned"
    );
    assert_eq!(
        ask("slack", |r| r.body.push(b' '), QUESTION),
        None,
        "wrongly signed"
    );
    assert_eq!(
        ask("slack", |r| r.method = "PUT", QUESTION),
        None,
        "another method"
    );
    assert_eq!(
        ask("github", untouched, QUESTION),
        None,
        "of another preset"
    );
    let long = format!(
        r#"{{"type":"url_verification","challenge":"{}"}}"#,
        "x".repeat(1025)
    );
    let padded = format!("{QUESTION}{}", " ".repeat(4096));
    let nested = "[".repeat(4096);
    let bodies = [
        r#"{"type":"event_callback","challenge":"x"}"#,
        r#"{"type":"url_verification"}"#,
        r#"{"type":"url_verification","challenge":1}"#,
        r#"["url_verification"]"#,
        "no json",
        "",
        &long,
        &padded,
        &nested,
    ];
    for body in bodies {
        assert_eq!(ask("slack", untouched, body), None, "{body:.60}");
    }
}

/// One question: the verification and secret of the source, the request, and the status and body of the answer;
/// `None` where it is no question for this source.
struct Row(
    &'static str,
    Option<&'static str>,
    Request,
    Option<(u16, &'static str)>,
);

fn check(rows: Vec<Row>) {
    for Row(config, key, request, expected) in rows {
        let verification = if config.starts_with('{') {
            verification(config)
        } else {
            Verification::of(config)
        };
        let answer = asked(&verification, key, &request);
        let said = answer.as_ref().map(|a| (a.status, a.body.as_str()));
        assert_eq!(said, expected, "{config}: {:?}", request.query);
    }
}

const EBAY: &str = r#"{"scheme":"ebay","verify_token":"verification-token-of-ebay-0123456789"}"#;

#[test]
fn questions_that_anyone_may_ask() {
    check(vec![
        Row(
            "microsoft-graph",
            Some("s"),
            Request {
                method: "POST",
                ..get("validationToken=Validation%3A+a%20b")
            },
            Some((200, "Validation: a b")),
        ),
        Row(
            "microsoft-graph",
            Some("s"),
            Request {
                method: "POST",
                ..get("validationToken=%3Cscript%3E%26%22%27")
            },
            Some((200, "&lt;script&gt;&amp;&quot;&#39;")),
        ),
        Row(
            "microsoft-graph",
            Some("s"),
            post("{}").with_query("validationToken=a"),
            None,
        ),
        Row("microsoft-graph", Some("s"), get("validationToken=a"), None),
        Row(
            "microsoft-graph",
            Some("s"),
            Request {
                method: "POST",
                ..get("validationToken=%ff")
            },
            None,
        ),
        Row(
            "microsoft-graph",
            Some("s"),
            Request {
                method: "POST",
                ..get("validationToken=a&validationToken=b")
            },
            None,
        ),
        Row(
            "monday",
            Some("s"),
            post(r#"{"challenge":"3eZbrw1a"}"#),
            Some((200, r#"{"challenge":"3eZbrw1a"}"#)),
        ),
        Row(
            "monday",
            Some("s"),
            post(r#"{"challenge":"3eZbrw1a","event":{}}"#),
            None,
        ),
        Row(
            "event-grid",
            Some("s"),
            post(r#"[{"data":{"validationCode":"512d38b6"}}]"#)
                .with("aeg-event-type", "SubscriptionValidation"),
            Some((200, r#"{"validationResponse":"512d38b6"}"#)),
        ),
        Row(
            "event-grid",
            Some("s"),
            post(r#"[{"data":{"validationCode":"512d38b6"}}]"#)
                .with("aeg-event-type", "Notification"),
            None,
        ),
    ]);
    let mut long = "validationToken=".to_owned();
    long.push_str(&"x".repeat(1025));
    check(vec![Row(
        "microsoft-graph",
        Some("s"),
        Request {
            method: "POST",
            ..get(&long)
        },
        None,
    )]);
}

/// eBay's own example: the hash of the code, the token and the URL.
#[test]
fn ebay_is_answered_with_a_hash() {
    let endpoint = "https://tie.example/in/wh_in_1";
    let text = format!(
        "a8628072-3d33-45ee-9004-bee86830a22dverification-token-of-ebay-0123456789{endpoint}"
    );
    let hash = hex::encode(aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        text.as_bytes(),
    ));
    let request = get("challenge_code=a8628072-3d33-45ee-9004-bee86830a22d");
    let key = vector("ec_b64");
    let answer = asked(&verification(EBAY), Some(&key), &request).unwrap();
    assert_eq!(answer.body, format!("{{\"challengeResponse\":\"{hash}\"}}"));
    assert_eq!(
        asked(&Verification::of("ebay"), Some(&key), &request),
        None,
        "no token is configured"
    );
}

#[test]
fn discord_is_answered_when_it_signs() {
    let key = vector("ed_hex");
    let ping = post(r#"{"type":1}"#);
    assert_eq!(
        asked(&Verification::of("discord"), Some(&key), &ping),
        None,
        "unsigned"
    );
    let event = post(&vector("body"))
        .with("X-Signature-Ed25519", vector("discord"))
        .with("X-Signature-Timestamp", "1700000000");
    assert_eq!(
        asked(&Verification::of("discord"), Some(&key), &event),
        None,
        "an event"
    );
}

#[test]
fn cloud_events_are_let_in_and_the_sender_is_called_back() {
    let options = Request {
        method: "OPTIONS",
        ..get("")
    };
    let with = |name: &str, value: &str| {
        options
            .clone()
            .with("WebHook-Request-Origin", "eventemitter.example.com")
            .with(name, value)
    };
    let of = Verification::of("cloudevents");
    let answer = asked(&of, Some("s"), &with("WebHook-Request-Rate", "120")).unwrap();
    assert!(
        answer
            .headers
            .contains(&("webhook-allowed-origin", "eventemitter.example.com".into()))
    );
    assert_eq!(answer.consequence, None);
    let callback = with(
        "WebHook-Request-Callback",
        "https://example.com/confirm?token=1",
    );
    let answer = asked(&of, Some("s"), &callback).unwrap();
    assert_eq!(
        answer.consequence,
        Some(Consequence::Call(Box::new(SenderRequest {
            url: "https://example.com/confirm?token=1".into(),
            body: None,
            access: None,
        })))
    );
    for url in [
        "http://example.com/",
        "https://u@example.com/",
        "https://example.com:8443/",
        "nonsense",
    ] {
        let answer = asked(&of, Some("s"), &with("WebHook-Request-Callback", url));
        assert_eq!(answer, None, "{url}");
    }
    assert_eq!(asked(&of, Some("s"), &options), None);
}

/// The key of the question goes back over the API of the account that is configured, and of no other.
#[test]
fn marketing_cloud_gets_its_key_back() {
    let confirming = verification(
        r#"{"scheme":"salesforce-ens","confirm":{"subdomain":"mc-1","client_id":"client","client_secret":"{{secrets.MC}}"}}"#,
    );
    let question = r#"{"callbackId":"cb-1","verificationKey":"key-1","url":"https://evil.test/"}"#;
    let answer = asked(&confirming, Some("shh"), &post(question)).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    let Some(Consequence::Call(call)) = answer.consequence else {
        panic!("no call");
    };
    assert_eq!(
        call.url,
        "https://mc-1.rest.marketingcloudapis.com/platform/v1/ens-verify"
    );
    assert_eq!(
        call.body.as_deref().map(String::as_str),
        Some(r#"{"callbackId":"cb-1","verificationKey":"key-1"}"#)
    );
    let auth = call.access.unwrap().auth;
    assert_eq!(
        auth.token_url.as_deref(),
        Some("https://mc-1.auth.marketingcloudapis.com/v2/token")
    );
    let long = format!(
        r#"{{"callbackId":"cb-1","verificationKey":"{}"}}"#,
        "k".repeat(1_025)
    );
    for body in [
        r#"{"callbackId":"cb-1"}"#,
        r#"{"callbackId":"cb-1","verificationKey":""}"#,
        r#"{"callbackId":1,"verificationKey":"key-1"}"#,
        r#"[{"callbackId":"cb-1","verificationKey":"key-1"}]"#,
        &long,
    ] {
        assert_eq!(asked(&confirming, Some("shh"), &post(body)), None, "{body}");
    }
    // Without an access there is nobody to call as.
    let of = Verification::of("salesforce-ens");
    assert_eq!(asked(&of, Some("shh"), &post(question)), None);
}

#[test]
fn event_grid_is_called_back_on_its_own_hosts_alone() {
    for (url, admitted) in [
        (
            "https://rp-eastus2.eventgrid.azure.net/eventsubscriptions/s/validate?id=1",
            true,
        ),
        (
            "https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/s/validate",
            true,
        ),
        (
            "https://rp-eastus2.eventgrid.azure.net:8443/eventsubscriptions/s/validate",
            false,
        ),
        (
            "http://rp-eastus2.eventgrid.azure.net/eventsubscriptions/s/validate",
            false,
        ),
        ("https://rp-eastus2.eventgrid.azure.net/other", false),
        (
            "https://rp-a.evil.eventgrid.azure.net/eventsubscriptions/s",
            false,
        ),
        (
            "https://eastus2.eventgrid.azure.net/eventsubscriptions/s",
            false,
        ),
        (
            "https://rp-eastus2.eventgrid.azure.net.evil.test/eventsubscriptions/s",
            false,
        ),
        (
            "https://evil.test/eventsubscriptions/#rp-eastus2.eventgrid.azure.net",
            false,
        ),
        ("https://sns.us-east-1.amazonaws.com:553/a.pem", false),
    ] {
        assert_eq!(Hosts::EventGrid.admit(url).is_some(), admitted, "{url}");
        assert!(Hosts::Sns.admit(url).is_none(), "{url}");
    }
}
