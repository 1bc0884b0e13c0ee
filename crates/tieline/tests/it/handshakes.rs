//! Questions of senders: answered over HTTP, by the preset of the source alone, and never events.

use http::Method;
use serde_json::json;
use tieline_testkit::receiver::{Behaviour, Reply, Script};

use crate::{
    scene::{Scene, json_of, text},
    senders::{Asked, INCOMING, Source, nothing_happened, vector},
};

/// A question: the verification and secret of the source, whether the sender signs it, the request, and the status,
/// body and one header of the answer.
struct Row {
    verification: serde_json::Value,
    secret: Option<&'static str>,
    signed: bool,
    asked: Asked,
    status: u16,
    body: &'static str,
    header: (&'static str, &'static str),
}

const NOSNIFF: (&str, &str) = ("x-content-type-options", "nosniff");

fn row(scheme: &str, asked: Asked, status: u16, body: &'static str) -> Row {
    Row {
        verification: json!({"scheme": scheme}),
        secret: Some("abc123-is-the-secret"),
        signed: false,
        asked,
        status,
        body,
        header: NOSNIFF,
    }
}

fn with_token(scheme: &str, asked: Asked, status: u16, body: &'static str) -> Row {
    Row {
        verification: json!({"scheme": scheme, "verify_token": "verify-me"}),
        ..row(scheme, asked, status, body)
    }
}

fn signed(scheme: &str, asked: Asked, status: u16, body: &'static str) -> Row {
    Row {
        signed: true,
        ..row(scheme, asked, status, body)
    }
}

fn questions() -> Vec<Row> {
    let hub = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=verify-me";
    let wrong = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=other";
    let websub = "hub.mode=subscribe&hub.topic=verify-me&hub.challenge=c1&hub.lease_seconds=60";
    let zoom =
        r#"{"event":"endpoint.url_validation","payload":{"plainToken":"abc123"},"event_ts":1}"#;
    let twitch = r#"{"challenge":"pogchamp-kappa","subscription":{"id":"1"}}"#;
    let grid = r#"[{"id":"1","data":{"validationCode":"512d38b6"}}]"#;
    vec![
        signed(
            "slack",
            Asked::post(r#"{"type":"url_verification","challenge":"3eZbrw1a"}"#),
            200,
            "3eZbrw1a",
        ),
        Row {
            secret: Some("abc123"),
            ..signed("zoom", Asked::post(zoom), 200, ZOOM_ANSWER)
        },
        row(
            "microsoft-graph",
            Asked::get("validationToken=Validation%3A+Testing%20%3Cb%3E").by(Method::POST),
            200,
            "Validation: Testing &lt;b&gt;",
        ),
        with_token("meta", Asked::get(hub), 200, "1158201444"),
        with_token("meta", Asked::get(wrong), 403, ""),
        with_token(
            "strava",
            Asked::get(hub),
            200,
            r#"{"hub.challenge":"1158201444"}"#,
        ),
        with_token("strava", Asked::get(wrong), 403, ""),
        with_token("websub", Asked::get(websub), 200, "c1"),
        with_token(
            "websub",
            Asked::get("hub.mode=subscribe&hub.topic=other&hub.challenge=c1"),
            404,
            "",
        ),
        with_token(
            "websub",
            Asked::get("hub.mode=unsubscribe&hub.topic=verify-me&hub.challenge=c1"),
            404,
            "",
        ),
        Row {
            secret: Some("Convoy"),
            ..row("x", Asked::get("crc_token=uzwcfYtzr9"), 200, CONVOY_ANSWER)
        },
        row("dropbox", Asked::get("challenge=a1b2"), 200, "a1b2"),
        Row {
            secret: Some("client-1"),
            header: ("x-adobesign-clientid", "client-1"),
            ..row(
                "adobe-sign",
                Asked::get("").with("X-AdobeSign-ClientId", "client-1"),
                200,
                r#"{"xAdobeSignClientId":"client-1"}"#,
            )
        },
        row(
            "okta",
            Asked::get("")
                .with("Authorization", "abc123-is-the-secret")
                .with("X-Okta-Verification-Challenge", "okta-1"),
            200,
            r#"{"verification":"okta-1"}"#,
        ),
        Row {
            header: ("smartsheet-hook-response", "sheet-1"),
            ..row(
                "smartsheet",
                Asked::post("").with("Smartsheet-Hook-Challenge", "sheet-1"),
                200,
                r#"{"smartsheetHookResponse":"sheet-1"}"#,
            )
        },
        signed(
            "twitch",
            Asked::post(twitch).with(
                "Twitch-Eventsub-Message-Type",
                "webhook_callback_verification",
            ),
            200,
            "pogchamp-kappa",
        ),
        row(
            "monday",
            Asked::post(r#"{"challenge":"3eZbrw1a"}"#),
            200,
            r#"{"challenge":"3eZbrw1a"}"#,
        ),
        signed(
            "xero",
            Asked::post(r#"{"events":[],"firstEventSequence":0}"#),
            200,
            "",
        ),
        row(
            "event-grid",
            Asked::post(grid).with("aeg-event-type", "SubscriptionValidation"),
            200,
            r#"{"validationResponse":"512d38b6"}"#,
        ),
        Row {
            header: ("webhook-allowed-origin", "eventemitter.example.com"),
            ..row(
                "cloudevents",
                Asked::get("")
                    .by(Method::OPTIONS)
                    .with("WebHook-Request-Origin", "eventemitter.example.com"),
                200,
                "",
            )
        },
        Row {
            header: ("validation-token", "ring-1"),
            ..row(
                "ringcentral",
                Asked::post("").with("Validation-Token", "ring-1"),
                200,
                "",
            )
        },
        row("trello", Asked::get("").by(Method::HEAD), 200, ""),
        row("mandrill", Asked::get("").by(Method::HEAD), 200, ""),
    ]
}

/// For the token `abc123` under the secret `abc123`, computed with `openssl`: the secret of Zoom's own example is not
/// published.
const ZOOM_ANSWER: &str = r#"{"plainToken":"abc123","encryptedToken":"c10a04b78bcbcc1c4cba37f6afe0fa60cbf08f6e0a1d93b09387f7069be1aeff"}"#;
/// X's way with the secret and token of Convoy's own test (facts: webhooks 3.4).
const CONVOY_ANSWER: &str =
    r#"{"response_token":"sha256=HXvxTdsfShG6k2zC9NVANwFquJBdOugRYHax2vNiiOo="}"#;

#[tokio::test]
async fn every_question_is_answered_as_its_sender_wants() {
    let scene = Scene::open(Script::new()).await;
    for row in questions() {
        let name = format!("{} {}", row.verification, row.asked.query);
        let source = Source::of(&scene, row.verification, row.secret).await;
        let answer = if row.signed {
            source.send_signed(&scene, row.asked).await
        } else {
            source.send(&scene, row.asked).await
        };
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (row.status, row.body),
            "{name}"
        );
        assert_eq!(answer.header(row.header.0), Some(row.header.1), "{name}");
        let noted = |seen: &serde_json::Value| !seen["last_handshake_at"].is_null();
        let seen = scene.when(&source.path(), noted).await;
        assert_eq!(seen["status"], "active", "{name}");
    }
    nothing_happened(&scene).await;
}

/// A question is answered for its own preset alone, and where what it needs is configured.
#[tokio::test]
async fn other_sources_do_not_answer() {
    let scene = Scene::open(Script::new()).await;
    let hub = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=verify-me";
    let rows = [
        ("github", Asked::get(hub), 405),
        ("meta", Asked::get(hub), 405),
        (
            "meta",
            Asked::get("hub.mode=subscribe&hub.verify_token=verify-me"),
            405,
        ),
        ("github", Asked::get("crc_token=abc"), 405),
        ("github", Asked::get("challenge=abc"), 405),
        ("github", Asked::get("").by(Method::HEAD), 405),
        ("x", Asked::get("").by(Method::OPTIONS), 405),
        (
            "github",
            Asked::get("validationToken=a").by(Method::POST),
            401,
        ),
        ("github", Asked::post(r#"{"challenge":"a"}"#), 401),
        (
            "slack",
            Asked::post(r#"{"type":"url_verification","challenge":"a"}"#),
            401,
        ),
        (
            "zoom",
            Asked::post(r#"{"event":"endpoint.url_validation","payload":{"plainToken":"a"}}"#),
            401,
        ),
        (
            "okta",
            Asked::get("").with("X-Okta-Verification-Challenge", "a"),
            405,
        ),
        (
            "okta",
            Asked::get("")
                .with("Authorization", "no")
                .with("X-Okta-Verification-Challenge", "a"),
            405,
        ),
        (
            "adobe-sign",
            Asked::get("").with("X-AdobeSign-ClientId", "unknown"),
            405,
        ),
        ("dropbox", Asked::get("challenge=a").by(Method::PUT), 405),
    ];
    for (scheme, asked, status) in rows {
        let name = format!("{scheme} {}", asked.query);
        let source = Source::scheme(&scene, scheme, "abc123-is-the-secret").await;
        let answer = source.send(&scene, asked).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.text());
        assert!(
            scene.get(&source.path()).await["last_handshake_at"].is_null(),
            "{name}"
        );
    }
    let client = scene.server.client();
    let nobody = format!("/in/{}?challenge=a", "wh_in_01kb3f9z5qf8m9w2v7x4t6n0hc");
    assert_eq!(client.get(&nobody).await.unwrap().status.as_u16(), 405);
    nothing_happened(&scene).await;
}

/// Who can have a text signed for the asking can forge an event: the attack on X and on Zoom.
#[tokio::test]
async fn no_question_gets_the_signature_of_an_event() {
    let scene = Scene::open(Script::new()).await;
    let source = Source::scheme(&scene, "x", "consumer-secret").await;
    let forged = r#"{"for_user_id":"1"}"#;
    let queries = [
        "crc_token=%7B%22for_user_id%22%3A%221%22%7D",
        "crc_token=a%20b",
        "crc_token=",
        "crc_token=%00",
    ];
    for query in queries {
        let answer = source.send(&scene, Asked::get(query)).await;
        assert_eq!(answer.status.as_u16(), 405, "{query}: {}", answer.text());
    }
    let long: &'static str = format!("crc_token={}", "a".repeat(257)).leak();
    assert_eq!(
        source.send(&scene, Asked::get(long)).await.status.as_u16(),
        405
    );
    let genuine = source.send_signed(&scene, Asked::post(forged)).await;
    assert_eq!(
        genuine.status.as_u16(),
        202,
        "the same body, signed by its sender"
    );

    let zoom = Source::scheme(&scene, "zoom", "zoom-secret").await;
    let now = scene.server.app.clock.now().as_micros() / 1_000_000;
    let token = format!("v0:{now}:{{}}");
    let question = json!({"event": "endpoint.url_validation", "payload": {"plainToken": token}});
    let unsigned = zoom.send(&scene, Asked::post(question.to_string())).await;
    assert_eq!(unsigned.status.as_u16(), 401, "an asker whom nobody knows");
    let signed = zoom
        .send_signed(&scene, Asked::post(question.to_string()))
        .await;
    assert!(
        !signed.text().contains("encryptedToken"),
        "{}",
        signed.text()
    );
}

/// Asana and Notion bring the secret in their first request; later ones are not believed.
#[tokio::test]
async fn the_first_request_brings_the_secret_once() {
    let scene = Scene::open(Script::new()).await;
    let first = "b537207f20cbfa02357cf448134da559";
    let rows = [
        ("asana", Asked::post("{}").with("X-Hook-Secret", first)),
        ("keap", Asked::post("{}").with("X-Hook-Secret", first)),
        (
            "notion",
            Asked::post(json!({"verification_token": first}).to_string()),
        ),
    ];
    for (scheme, question) in rows {
        let source = Source::of(&scene, json!({"scheme": scheme}), None).await;
        assert_eq!(
            scene.get(&source.path()).await["status"],
            "pending",
            "{scheme}"
        );
        let token = format!("{}/verification-token", source.path());
        scene.missing(&token).await;
        let event = || Asked::post(r#"{"id":"1","type":"page.created"}"#);
        let early = source.send_signed_with(&scene, event(), first).await;
        assert_eq!(early.status.as_u16(), 401, "{scheme}: {}", early.text());

        let answer = source.send(&scene, question.clone()).await;
        assert_eq!(answer.status.as_u16(), 200, "{scheme}: {}", answer.text());
        if scheme != "notion" {
            assert_eq!(answer.header("x-hook-secret"), Some(first));
        }
        assert_eq!(
            scene.get(&source.path()).await["status"],
            "active",
            "{scheme}"
        );
        assert_eq!(scene.get(&token).await["token"], first, "{scheme}");
        let taken = source.send_signed_with(&scene, event(), first).await;
        assert_eq!(taken.status.as_u16(), 202, "{scheme}: {}", taken.text());

        let mut second = question;
        second.body = second.body.replace(first, "an-attackers-own-secret");
        for (_, value) in &mut second.headers {
            *value = "an-attackers-own-secret".to_owned();
        }
        assert_eq!(
            source.send(&scene, second).await.status.as_u16(),
            401,
            "{scheme}"
        );
        assert_eq!(scene.get(&token).await["token"], first, "{scheme}");
    }
}

/// What a user gave is not shown, whatever the scheme; and a user may give what the sender would bring.
#[tokio::test]
async fn a_secret_that_a_user_gave_is_not_shown() {
    let scene = Scene::open(Script::new()).await;
    let given = Source::scheme(&scene, "notion", "given-by-the-user").await;
    let pending = Source::of(&scene, json!({"scheme": "notion"}), None).await;
    let rotate = format!("{}/rotate-secret", pending.path());
    scene
        .post(&rotate, json!({"secret": "given-by-the-user"}), 200)
        .await;
    for source in [given, pending] {
        let token = format!("{}/verification-token", source.path());
        scene.missing(&token).await;
        assert_eq!(scene.get(&source.path()).await["status"], "active");
        let event = Asked::post(r#"{"id":"1","type":"page.created"}"#);
        let taken = source
            .send_signed_with(&scene, event, "given-by-the-user")
            .await;
        assert_eq!(taken.status.as_u16(), 202, "{}", taken.text());
    }
}

#[tokio::test]
async fn twitch_ends_a_subscription() {
    let scene = Scene::open(Script::new()).await;
    let source = Source::scheme(&scene, "twitch", "twitch-secret").await;
    let revocation = || {
        Asked::post(r#"{"subscription":{"id":"1","status":"authorization_revoked"}}"#)
            .with("Twitch-Eventsub-Message-Type", "revocation")
    };
    let forged = source.send_signed_with(&scene, revocation(), "other").await;
    assert_eq!(forged.status.as_u16(), 401);
    assert_eq!(scene.get(&source.path()).await["status"], "active");
    let answer = source.send_signed(&scene, revocation()).await;
    assert_eq!(answer.status.as_u16(), 204);
    let shown = scene.get(&source.path()).await;
    assert_eq!(shown["status"], "disabled");
    assert_eq!(
        shown["status_reason"],
        "its sender ended it: authorization_revoked"
    );
    assert_eq!(
        source
            .send_signed(&scene, revocation())
            .await
            .status
            .as_u16(),
        404
    );
    let again = scene
        .client
        .patch(&source.path(), json!({"status": "active"}))
        .await;
    let again = json_of(again.unwrap(), 200);
    assert_eq!(
        (&again["status"], again.get("status_reason")),
        (&json!("active"), None)
    );
    nothing_happened(&scene).await;
}

/// Xero looks for 401 without a body, Discord for 401 and for answers of its own.
#[tokio::test]
async fn some_senders_want_the_status_alone() {
    let scene = Scene::open(Script::new()).await;
    let xero = Source::scheme(&scene, "xero", "xero-secret").await;
    let event = || Asked::post(r#"{"events":[{"resourceId":"1"}]}"#);
    for (secret, status) in [("xero-secret", 200), ("other", 401)] {
        let answer = xero.send_signed_with(&scene, event(), secret).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (status, "")
        );
        assert_eq!(answer.header("set-cookie"), None);
    }
    let discord = Source::scheme(&scene, "discord", &vector("ed_hex")).await;
    let signed = |body: &str| {
        Asked::post(body)
            .with("x-signature-ed25519", vector("discord"))
            .with("x-signature-timestamp", "1700000000")
    };
    let taken = discord.send(&scene, signed(&vector("body"))).await;
    assert_eq!((taken.status.as_u16(), taken.text().as_str()), (204, ""));
    let probe = discord.send(&scene, signed(r#"{"type":1}"#)).await;
    assert_eq!(
        probe.status.as_u16(),
        401,
        "Discord probes with a bad signature"
    );
}

/// Azure Event Grid may miss the answer: its URL is called too, on its own hosts and no others.
#[tokio::test]
async fn event_grid_is_called_back_on_its_own_hosts() {
    let script = Script::new().otherwise(Behaviour::status(200));
    let mirror = Scene::open(script).await;
    let url = mirror.receiver.url("");
    let scene = Scene::with(Script::new(), &[("senders_mirror", &url)]).await;
    let source = Source::scheme(&scene, "event-grid", "token").await;
    let ask = async |url: &str| {
        let body =
            json!([{"id": "1", "data": {"validationCode": "512d38b6", "validationUrl": url}}]);
        let asked = Asked::post(body.to_string()).with("aeg-event-type", "SubscriptionValidation");
        let answer = source.send(&scene, asked).await;
        assert_eq!(answer.status.as_u16(), 200, "{url}");
        assert_eq!(answer.text(), r#"{"validationResponse":"512d38b6"}"#);
    };
    ask("https://evil.test/eventsubscriptions/sub/validate?id=0").await;
    ask("https://rp-eastus2.eventgrid.azure.net.evil.test/eventsubscriptions/sub/validate?id=0")
        .await;
    ask("https://rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/sub/validate?id=1").await;
    let called = mirror.receiver.wait_for(1).await.unwrap();
    assert_eq!(
        called[0].path,
        "/rp-eastus2.eventgrid.azure.net:553/eventsubscriptions/sub/validate"
    );
    ask("https://rp-eastus2.eventgrid.azure.net/eventsubscriptions/sub/validate?id=2").await;
    let called = mirror.receiver.wait_for(2).await.unwrap();
    assert_eq!(called[1].query.as_deref(), Some("id=2"));
    nothing_happened(&scene).await;
}

/// Salesforce Marketing Cloud wants the key of its first request back by its API, from a client of the account.
#[tokio::test]
async fn marketing_cloud_is_called_with_the_key_that_it_sent() {
    const TOKENS: &str = "/mc-1.auth.marketingcloudapis.com/v2/token";
    const VERIFY: &str = "/mc-1.rest.marketingcloudapis.com/platform/v1/ens-verify";
    let token = json!({"access_token": "eyJ-token", "token_type": "Bearer", "expires_in": 1079});
    let token = Behaviour::from(Reply::new(200).body(token.to_string()));
    let script = Script::new()
        .on(TOKENS, token)
        .on(VERIFY, Behaviour::status(200));
    let mirror = Scene::open(script.otherwise(Behaviour::status(404))).await;
    let url = mirror.receiver.url("");
    let scene = Scene::with(Script::new(), &[("senders_mirror", &url)]).await;
    let confirm = json!({"subdomain": "mc-1", "client_id": "client-1", "client_secret": "{{secrets.MARKETING_CLOUD}}"});
    let verification = json!({"scheme": "salesforce-ens", "confirm": confirm});
    let wanted = json!({"name": "ENS", "verification": verification});
    let refused = scene.post(INCOMING, wanted, 422).await;
    assert_eq!(
        refused["errors"][0],
        json!({"pointer": "/verification/confirm/client_secret",
            "detail": "there is no secret `MARKETING_CLOUD`; make it with POST /v1/secrets first"})
    );
    let secret = json!({"name": "MARKETING_CLOUD", "value": "shh-of-the-package"});
    scene.post("/v1/secrets", secret, 201).await;
    let source = Source::of(&scene, verification, Some("signature-key")).await;
    let question = || Asked::post(r#"{"callbackId":"cb-1","verificationKey":"vk-1"}"#);
    let answer = source.send(&scene, question()).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""));
    let called = mirror.receiver.wait_for(2).await.unwrap();
    assert_eq!(
        (called[0].path.as_str(), called[1].path.as_str()),
        (TOKENS, VERIFY)
    );
    assert_eq!(
        String::from_utf8_lossy(&called[0].body),
        "grant_type=client_credentials&client_id=client-1&client_secret=shh-of-the-package"
    );
    assert_eq!(called[1].header("authorization"), Some("Bearer eyJ-token"));
    assert_eq!(
        called[1].json().unwrap(),
        json!({"callbackId": "cb-1", "verificationKey": "vk-1"})
    );
    nothing_happened(&scene).await;

    // The secret is in use, and its new value is the one that is sent.
    let path = "/v1/secrets/MARKETING_CLOUD";
    let kept = scene.client.delete(path).await.unwrap();
    assert_eq!(kept.status.as_u16(), 409, "{}", kept.text());
    scene.put(path, json!({"value": "shh-anew"}), 200).await;
    source.send(&scene, question()).await;
    let called = mirror.receiver.wait_for(4).await.unwrap();
    assert!(String::from_utf8_lossy(&called[2].body).ends_with("client_secret=shh-anew"));

    let event = Asked::post(r#"[{"eventCategoryType":"TransactionalSendEvents.EmailSent"}]"#);
    assert_eq!(
        source.send(&scene, event.clone()).await.status.as_u16(),
        401
    );
    assert_eq!(source.send_signed(&scene, event).await.status.as_u16(), 202);
    let without = Source::scheme(&scene, "salesforce-ens", "signature-key").await;
    let answer = without.send(&scene, question()).await;
    assert_eq!(answer.status.as_u16(), 401, "nobody to call as");
}

/// Adobe Sign looks for its client id in the answer to every event, and calls no more where it is missing.
#[tokio::test]
async fn adobe_sign_reads_its_client_id_in_every_answer() {
    let scene = Scene::open(Script::new()).await;
    let source = Source::scheme(&scene, "adobe-sign", "client-1").await;
    let event = |client: &str| {
        let body = r#"{"webhookNotificationId":"1","event":"AGREEMENT_CREATED"}"#;
        Asked::post(body).with("X-AdobeSign-ClientId", client)
    };
    for status in [202, 200] {
        let answer = source.send(&scene, event("client-1")).await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.header("x-adobesign-clientid"), Some("client-1"));
    }
    let refused = source.send(&scene, event("client-2")).await;
    assert_eq!(refused.status.as_u16(), 401);
    assert_eq!(refused.header("x-adobesign-clientid"), None);
    assert_eq!(scene.list("/v1/events").await.len(), 1);
}

/// The sender of CloudEvents is called after its question is answered, and not by every request.
#[tokio::test]
async fn a_sender_is_called_back() {
    let script = Script::new().otherwise(Behaviour::status(200));
    let mirror = Scene::open(script).await;
    let url = mirror.receiver.url("");
    let scene = Scene::with(Script::new(), &[("senders_mirror", &url)]).await;
    let source = Source::scheme(&scene, "cloudevents", "token").await;
    let question = || {
        Asked::get("")
            .by(Method::OPTIONS)
            .with("WebHook-Request-Origin", "eventemitter.example.com")
            .with(
                "WebHook-Request-Callback",
                "https://emitter.example.com/confirm?id=1",
            )
    };
    for _ in 0..30 {
        assert_eq!(source.send(&scene, question()).await.status.as_u16(), 200);
    }
    let called = mirror.receiver.wait_for(10).await.unwrap();
    assert_eq!(called[0].path, "/emitter.example.com/confirm");
    assert_eq!(called[0].query.as_deref(), Some("id=1"));
    assert_eq!(mirror.received().len(), 10, "no more than ten a minute");
    scene.wait(60);
    source.send(&scene, question()).await;
    mirror.receiver.wait_for(11).await.unwrap();
    assert!(text(&scene.get(&source.path()).await["last_handshake_at"]).starts_with("2026-"));
}
