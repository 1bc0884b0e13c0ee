//! `tieline send` in the place of senders, against the running server: one sender of each kind of proof.

use std::process::Stdio;

use serde_json::{Value, json};
use tieline_testkit::{
    http::Client,
    receiver::{Behaviour, Receiver, Reply, Script},
    server::Server,
};
use tokio::process::Command;

use crate::stage::{launch, owner, text};

/// The file of a throwaway key, for `--private-key`.
macro_rules! key_file {
    ($name:literal) => {
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../domain/src/signature/tests/signing/",
            $name
        )
    };
}

/// The same as text, for a source or for the mirror.
macro_rules! key_text {
    ($name:literal) => {
        include_str!(concat!(
            "../../../domain/src/signature/tests/signing/",
            $name
        ))
    };
}

const ACCOUNT: &str = "push@acme.iam.gserviceaccount.com";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";

/// A sender: its scheme, the secret of the source, how it signs, and how another would.
type Sender = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const RSA: &[&str] = &["--private-key", key_file!("rsa.pem")];
const ECDSA: &[&str] = &["--private-key", key_file!("ecdsa.pem")];
const SHARED: &[&str] = &["--secret", "shh-current"];
const OTHER: &[&str] = &["--secret", "shh-other"];

const SENDERS: &[Sender] = &[
    ("github", "shh-current", SHARED, OTHER, "verified"),
    ("gitlab", "shh-current", SHARED, OTHER, "authenticated"),
    ("chargebee", "shh-current", SHARED, OTHER, "authenticated"),
    ("mailgun", "shh-current", SHARED, OTHER, "authenticated"),
    (
        "adyen",
        "00ff",
        &["--secret", "00ff"],
        &["--secret", "ff00"],
        "verified",
    ),
    (
        "braintree",
        "shh-current",
        &["--secret", "shh-current", "--key-id", "integration_public"],
        OTHER,
        "verified",
    ),
    (
        "microsoft-graph",
        "shh-current",
        SHARED,
        OTHER,
        "authenticated",
    ),
    ("netlify", "shh-current", SHARED, OTHER, "verified"),
    ("vonage", "shh-current", SHARED, OTHER, "verified"),
    ("messagebird", "shh-current", SHARED, OTHER, "verified"),
    ("monday", "shh-current", SHARED, OTHER, "origin_only"),
    ("jira-connect", "shh-current", SHARED, OTHER, "origin_only"),
    (
        "discord",
        key_text!("ed25519_public.pem"),
        &["--private-key", key_file!("ed25519.pem")],
        &["--private-key", key_file!("other.whsk")],
        "verified",
    ),
    (
        "sendgrid",
        key_text!("ecdsa_public.pem"),
        ECDSA,
        &["--private-key", key_file!("other_ecdsa.pem")],
        "verified",
    ),
    (
        "ebay",
        key_text!("ecdsa_public.pem"),
        ECDSA,
        &["--private-key", key_file!("other_ecdsa.pem")],
        "verified",
    ),
    (
        "ebay-sandbox",
        "client:secret",
        ECDSA,
        &["--private-key", key_file!("other_ecdsa.pem")],
        "verified",
    ),
    (
        "wise",
        key_text!("rsa_public.pem"),
        RSA,
        &["--private-key", key_file!("other_rsa.pem")],
        "verified",
    ),
    (
        "fusionauth",
        key_text!("rsa_public.pem"),
        RSA,
        SHARED,
        "verified",
    ),
    (
        "plaid",
        "client:secret",
        ECDSA,
        &["--private-key", key_file!("other_ecdsa.pem")],
        "verified",
    ),
    (
        "kinde",
        "acme.kinde.com",
        RSA,
        &["--private-key", key_file!("other_rsa.pem")],
        "verified",
    ),
    (
        "google-pubsub",
        ACCOUNT,
        &["--secret", ACCOUNT, "--private-key", key_file!("rsa.pem")],
        &[
            "--secret",
            "push@evil.iam.gserviceaccount.com",
            "--private-key",
            key_file!("rsa.pem"),
        ],
        "origin_only",
    ),
    (
        "sns",
        TOPIC,
        &["--secret", TOPIC, "--private-key", key_file!("rsa.pem")],
        &[
            "--secret",
            TOPIC,
            "--private-key",
            key_file!("other_rsa.pem"),
        ],
        "verified",
    ),
    (
        "paypal",
        "1JE4291016473214C",
        &[
            "--secret",
            "1JE4291016473214C",
            "--private-key",
            key_file!("rsa.pem"),
        ],
        &["--secret", "OTHER", "--private-key", key_file!("rsa.pem")],
        "verified",
    ),
];

/// The hosts where senders publish their keys, as the operator's mirror shows them.
async fn mirror() -> Receiver {
    let document = |text: &'static str| Behaviour::from(Reply::new(200).body(text));
    let ebay = json!({"key": key_text!("ecdsa_public.pem"), "algorithm": "ECDSA"}).to_string();
    let script = Script::new()
        .on(
            "/api.sandbox.ebay.com/identity/v1/oauth2/token",
            document(r#"{"access_token":"v^1.1#i^1","expires_in":7200,"token_type":"Application Access Token"}"#),
        )
        .on(
            "/api.sandbox.ebay.com/commerce/notification/v1/public_key/tieline",
            Behaviour::from(Reply::new(200).body(ebay)),
        )
        .on(
            "/acme.kinde.com/.well-known/jwks",
            document(key_text!("jwks.json")),
        )
        .on(
            "/www.googleapis.com/oauth2/v3/certs",
            document(key_text!("jwks.json")),
        )
        .on(
            "/production.plaid.com/webhook_verification_key/get",
            document(key_text!("plaid_key.json")),
        )
        .on(
            "/sns.us-east-1.amazonaws.com/tieline.pem",
            document(key_text!("certificate.pem")),
        )
        .on(
            "/api.sandbox.paypal.com/v1/notifications/certs/tieline",
            document(key_text!("certificate.pem")),
        )
        .otherwise(Behaviour::status(404));
    Receiver::start(script).await.unwrap()
}

async fn source(owner: &Client, scheme: &str, secret: Option<&str>) -> String {
    let mut wanted = json!({"name": scheme, "verification": {"scheme": scheme}});
    if let Some(secret) = secret {
        wanted["secret"] = json!(secret);
    }
    let made = owner.post("/v1/webhooks/incoming", wanted).await.unwrap();
    text(&made.expect(201).unwrap().json().unwrap(), "/url").unwrap()
}

/// What `tieline send` printed, and whether every answer was a 2xx.
async fn send(url: &str, scheme: &str, arguments: &[&str]) -> (bool, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_tieline"))
        .args(["send", url, "--as", scheme])
        .args(arguments)
        .env_remove("TIELINE_SEND_SECRET")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8(said).unwrap())
}

async fn events(owner: &Client) -> Vec<Value> {
    let list = owner.get("/v1/events?limit=100").await.unwrap();
    let list = list.expect(200).unwrap().json().unwrap();
    list["data"].as_array().unwrap().clone()
}

/// How much the request proved that became this event of a list.
async fn trust_of(owner: &Client, event: &Value) -> String {
    let path = format!("/v1/events/{}", text(event, "/id").unwrap());
    let event = owner.get(&path).await.unwrap().expect(200).unwrap();
    text(&event.json().unwrap(), "/trust").unwrap()
}

#[tokio::test]
async fn send_speaks_for_senders_of_each_kind() {
    let mirror = mirror().await;
    let server: Server = launch()
        .env("TIELINE_SENDERS_MIRROR", mirror.url(""))
        .start()
        .await
        .unwrap();
    let owner = owner(server.url());
    for (taken, (scheme, secret, genuine, other, trust)) in SENDERS.iter().enumerate() {
        let url = source(&owner, scheme, Some(secret)).await;
        let (accepted, said) = send(&url, scheme, other).await;
        assert!(!accepted && said.contains("401"), "{scheme}: {said}");
        assert_eq!(events(&owner).await.len(), taken, "{scheme}");
        let (accepted, said) = send(&url, scheme, genuine).await;
        assert!(accepted, "{scheme}: {said}");
        let events = events(&owner).await;
        assert_eq!(events.len(), taken + 1, "{scheme}: {said}");
        let told = trust_of(&owner, &events[0]).await;
        assert_eq!(told, *trust, "{scheme}: {said}");
    }
}

/// Discord asks with its own signature; who cannot sign gets no pong.
#[tokio::test]
async fn a_signed_ping_of_discord_is_answered() {
    let server = launch().start().await.unwrap();
    let owner = owner(server.url());
    let url = source(&owner, "discord", Some(key_text!("ed25519_public.pem"))).await;
    for (ping, answer) in [
        (r#"{"type":1}"#, r#"answer: 200 OK {"type":1}"#),
        (
            r#"{"version":1,"application_id":"1","type":0}"#,
            "answer: 204",
        ),
    ] {
        let genuine = ["--private-key", key_file!("ed25519.pem"), "--body", ping];
        let (accepted, said) = send(&url, "discord", &genuine).await;
        assert!(accepted && said.contains(answer), "{said}");
        let forged = ["--private-key", key_file!("other.whsk"), "--body", ping];
        let (accepted, said) = send(&url, "discord", &forged).await;
        assert!(!accepted && said.contains("401"), "{said}");
    }
    assert!(events(&owner).await.is_empty(), "a question is no event");
}

/// Salesforce sends a message again until it reads `true` in an envelope of its own.
#[tokio::test]
async fn an_outbound_message_of_salesforce_is_acknowledged() {
    let server = launch().start().await.unwrap();
    let owner = owner(server.url());
    let url = source(&owner, "salesforce-outbound", None).await;
    let message = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\"><OrganizationId>00D000000000001EAA</OrganizationId></notifications></soapenv:Body></soapenv:Envelope>";
    let arguments = [
        "--body",
        message,
        "--header",
        "content-type: text/xml; charset=utf-8",
    ];
    // What is sent again is acknowledged again, or it would be sent for ever.
    for _ in 0..2 {
        let (accepted, said) = send(&url, "salesforce-outbound", &arguments).await;
        assert!(accepted && said.contains("answer: 200 "), "{said}");
        assert!(said.contains("<Ack>true</Ack>"), "{said}");
    }
    let [event] = &*events(&owner).await else {
        panic!("not one event");
    };
    assert_eq!(trust_of(&owner, event).await, "unsigned");
}
