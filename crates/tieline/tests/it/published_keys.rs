//! Senders that publish their keys: fetched once, from their hosts alone, and not for every request.

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Reply, Script};

use crate::{
    scene::Scene,
    senders::{Asked, Source, nothing_happened, published, vector},
};

const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:orders";
const CERTIFICATE: &str = "/sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem";

/// The senders' hosts, as a mirror shows them.
fn hosts() -> Script {
    let document = |text: &str| Behaviour::from(Reply::new(200).body(text.to_owned()));
    Script::new()
        .on(CERTIFICATE, document(published!("certificate.pem")))
        .on(
            "/api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
            document(published!("certificate.pem")),
        )
        .on(
            "/production.plaid.com/webhook_verification_key/get",
            document(published!("plaid_key.json")),
        )
        .on(
            "/acme.kinde.com/.well-known/jwks",
            document(published!("jwks.json")),
        )
        .on("/sns.us-east-1.amazonaws.com/", Behaviour::status(200))
        .otherwise(Behaviour::status(404))
}

/// A server whose senders are asked at `hosts`.
async fn with_mirror(hosts: &Scene) -> Scene {
    let url = hosts.receiver.url("");
    Scene::with(Script::new(), &[("senders_mirror", &url)]).await
}

fn sns(message: &str) -> Asked {
    Asked::post(message).with("content-type", "text/plain; charset=UTF-8")
}

#[tokio::test]
async fn sns_is_believed_by_its_certificate_which_is_fetched_once() {
    let hosts = Scene::open(hosts()).await;
    let scene = with_mirror(&hosts).await;
    let source = Source::scheme(&scene, "sns", TOPIC).await;
    let taken = source.send(&scene, sns(published!("sns_v1.json"))).await;
    let event = source.event(&scene, taken).await;
    assert_eq!(
        (&event["trust"], &event["data"]["key_id"]),
        (&json!("verified"), &json!("1"))
    );
    let again = source.send(&scene, sns(published!("sns_v2.json"))).await;
    assert_eq!(
        again.status.as_u16(),
        200,
        "the same message, signed anew: {}",
        again.text()
    );
    assert_eq!(hosts.received().len(), 1, "one certificate");

    let asked = source
        .send(&scene, sns(published!("sns_confirmation.json")))
        .await;
    assert_eq!(asked.status.as_u16(), 200);
    let called = hosts.receiver.wait_for(2).await.unwrap();
    assert_eq!(called[1].path, "/sns.us-east-1.amazonaws.com/");
    assert!(
        called[1]
            .query
            .as_ref()
            .unwrap()
            .contains("Action=ConfirmSubscription")
    );
    assert_eq!(
        scene.list("/v1/events").await.len(),
        1,
        "a question is no event"
    );

    let forged = published!("sns_confirmation.json").replace("ConfirmSubscription", "Other");
    let refused = source.send(&scene, sns(&forged)).await;
    assert_eq!(refused.status.as_u16(), 401);
    assert_eq!(
        hosts.received().len(),
        2,
        "what is not signed is not called"
    );
}

#[tokio::test]
async fn paypal_plaid_and_kinde_are_believed_by_what_they_publish() {
    let hosts = Scene::open(hosts()).await;
    let scene = with_mirror(&hosts).await;
    let paypal = Asked::post(vector("body"))
        .with(
            "paypal-transmission-id",
            "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
        )
        .with("paypal-transmission-time", "2026-11-18T10:00:00Z")
        .with("paypal-transmission-sig", vector("paypal"))
        .with(
            "paypal-cert-url",
            "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        )
        .with("paypal-auth-algo", "SHA256withRSA");
    let plaid = Asked::post(vector("body")).with("plaid-verification", vector("plaid_1795000000"));
    let rows = [
        ("paypal", "1JE4291016473214C", paypal),
        ("plaid", "client:secret", plaid),
        ("kinde", "acme.kinde.com", Asked::post(vector("kinde"))),
    ];
    for (scheme, secret, request) in rows {
        let source = Source::scheme(&scene, scheme, secret).await;
        let event = source
            .event(&scene, source.send(&scene, request.clone()).await)
            .await;
        assert_eq!(event["trust"], "verified", "{scheme}");
        if scheme == "kinde" {
            assert_eq!(
                event["data"]["body"]["type"], "user.created",
                "what the token says"
            );
        }
        let mut forged = request;
        forged.body.insert(10, 'x');
        let refused = source.send(&scene, forged).await;
        assert_eq!(refused.status.as_u16(), 401, "{scheme}: {}", refused.text());
    }
    assert_eq!(hosts.received().len(), 3, "each document once");
    let asked = hosts.received();
    let plaid = asked.iter().find(|r| r.path.contains("plaid")).unwrap();
    assert_eq!(
        plaid.json().unwrap()["key_id"],
        "bfbd5111-8e33-4643-8ced-b2e642a72f3c"
    );
}

/// eBay tells its keys to applications: who holds one gets a token, and with it the key, each once.
#[tokio::test]
async fn ebay_tells_its_keys_to_an_application() {
    const TOKENS: &str = "/api.ebay.com/identity/v1/oauth2/token";
    const KEY: &str = "/api.ebay.com/commerce/notification/v1/public_key/k1";
    let document = |json: Value| Behaviour::from(Reply::new(200).body(json.to_string()));
    let token = json!({"access_token": "v^1.1#i^1#token", "expires_in": 7200, "token_type": "Application Access Token"});
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----{}-----END PUBLIC KEY-----",
        vector("ec_b64")
    );
    let key = json!({"key": pem, "algorithm": "ECDSA", "digest": "SHA1"});
    let script = Script::new()
        .on(TOKENS, document(token))
        .on(KEY, document(key));
    let hosts = Scene::open(script.otherwise(Behaviour::status(404))).await;
    let scene = with_mirror(&hosts).await;
    let source = Source::scheme(&scene, "ebay", "app-id:cert-id").await;
    let signed = |body: &str| Asked::post(body).with("x-ebay-signature", vector("ebay"));
    let taken = source.send(&scene, signed(&vector("body"))).await;
    let event = source.event(&scene, taken).await;
    assert_eq!(event["trust"], "verified");
    let forged = source.send(&scene, signed("{}")).await;
    assert_eq!(forged.status.as_u16(), 401);
    let asked = hosts.received();
    let paths: Vec<&str> = asked.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, [TOKENS, KEY], "each once");
    assert_eq!(
        asked[0].header("authorization"),
        Some("Basic YXBwLWlkOmNlcnQtaWQ=")
    );
    assert_eq!(
        String::from_utf8_lossy(&asked[0].body),
        "grant_type=client_credentials&scope=https%3A%2F%2Fapi.ebay.com%2Foauth%2Fapi_scope"
    );
    assert_eq!(
        asked[1].header("authorization"),
        Some("Bearer v^1.1#i^1#token")
    );

    // An application that eBay does not know is no word on the key: the sender comes again, and other sources
    // are not touched.
    hosts.receiver.set(TOKENS, Behaviour::status(401));
    scene.wait(3_601);
    let other = Source::scheme(&scene, "ebay", "app-id:wrong").await;
    let answer = other.send(&scene, signed(&vector("body"))).await;
    assert_eq!(
        answer.status.as_u16(),
        202,
        "the key is known, and the same for all"
    );
    scene.wait(86_401);
    let answer = other.send(&scene, signed(&vector("body"))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, Some("30"))
    );
    hosts.receiver.set(
        TOKENS,
        document(json!({"access_token": "again", "expires_in": 7200})),
    );
    let answer = source.send(&scene, signed(&vector("body"))).await;
    assert_eq!(answer.status.as_u16(), 202, "{}", answer.text());
}

/// Forged requests name keys as they like. They cost ten fetches a minute, and take nothing from a key that is
/// known.
#[tokio::test]
async fn forged_requests_do_not_cause_a_fetch_each() {
    let hosts = Scene::open(hosts()).await;
    let scene = with_mirror(&hosts).await;
    let source = Source::scheme(&scene, "sns", TOPIC).await;
    let genuine = || source.send(&scene, sns(published!("sns_v1.json")));
    assert_eq!(genuine().await.status.as_u16(), 202);
    for n in 0..40 {
        let named = format!("SimpleNotificationService-forged-{n}.pem");
        let forged = published!("sns_v1.json").replace("SimpleNotificationService-1.pem", &named);
        let status = source.send(&scene, sns(&forged)).await.status.as_u16();
        let expected = if n < 9 { 401 } else { 503 };
        assert_eq!(status, expected, "{n}");
    }
    assert_eq!(hosts.received().len(), 10);
    assert_eq!(
        genuine().await.status.as_u16(),
        200,
        "a repeat, under the key that is known"
    );

    let same = published!("sns_v1.json").replace("-1.pem", "-forged-0.pem");
    assert_eq!(
        source.send(&scene, sns(&same)).await.status.as_u16(),
        401,
        "known to be missing"
    );
    assert_eq!(hosts.received().len(), 10);
    scene.wait(61);
    assert_eq!(source.send(&scene, sns(&same)).await.status.as_u16(), 401);
    assert_eq!(
        hosts.received().len(),
        11,
        "a minute later it is looked for again"
    );
}

/// A request that may be genuine is not refused for good because its key cannot be had.
#[tokio::test]
async fn without_the_key_the_sender_is_asked_to_come_again() {
    let broken = Scene::open(Script::new().otherwise(Behaviour::status(500))).await;
    let scene = with_mirror(&broken).await;
    let source = Source::scheme(&scene, "sns", TOPIC).await;
    let answer = source.send(&scene, sns(published!("sns_v1.json"))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, Some("30"))
    );
    for url in [
        "https://evil.test/a.pem",
        "http://sns.us-east-1.amazonaws.com/a.pem",
    ] {
        let forged = published!("sns_v1.json").replace(
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
            url,
        );
        assert_eq!(
            source.send(&scene, sns(&forged)).await.status.as_u16(),
            401,
            "{url}"
        );
    }
    assert_eq!(broken.received().len(), 1, "no other host is asked");
    nothing_happened(&scene).await;
}

/// A key is fetched anew every hour, and while it cannot be, the one that is known is used for a day.
#[tokio::test]
async fn a_known_key_is_used_while_its_host_is_away() {
    let hosts = Scene::open(hosts()).await;
    let scene = with_mirror(&hosts).await;
    let source = Source::scheme(&scene, "sns", TOPIC).await;
    let message = || source.send(&scene, sns(published!("sns_v1.json")));
    assert_eq!(message().await.status.as_u16(), 202);
    assert_eq!(hosts.received().len(), 1);
    scene.wait(3_601);
    assert_eq!(message().await.status.as_u16(), 200, "a repeat");
    assert_eq!(hosts.received().len(), 2, "an hour later");
    hosts.receiver.set(CERTIFICATE, Behaviour::status(500));
    scene.wait(3_601);
    assert_eq!(message().await.status.as_u16(), 200);
    assert_eq!(hosts.received().len(), 3, "it was looked for");
    scene.wait(86_400);
    assert_eq!(message().await.status.as_u16(), 503, "a day later");
}
