//! Incoming webhooks: made, changed, received, previewed.

use std::time::Instant;

use aws_lc_rs::hmac;
use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    http::Answer,
    receiver::Script,
    seed::{SEED_000, commands},
};

use crate::scene::{Scene, json_of, text};

const INCOMING: &str = "/v1/webhooks/incoming";

/// The command of seed 000 whose address ends in `path`.
fn seed(path: &str) -> tieline_testkit::seed::Curl {
    let mut all = commands(SEED_000).into_iter();
    all.find(|command| command.url.ends_with(path)).unwrap()
}

/// Sends `body` to a source as its sender would.
async fn send(scene: &Scene, source: &str, secret: &str, body: &str) -> Answer {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = format!("sha256={}", hex::encode(hmac::sign(&key, body.as_bytes())));
    let client = scene.server.client();
    let path = format!("/in/{source}");
    let request = client.request(Method::POST, &path);
    let request = request
        .header("content-type", "application/json")
        .and_then(|request| request.header("x-webhook-signature", signature));
    request.unwrap().body(body.to_owned()).send().await.unwrap()
}

#[tokio::test]
async fn seed_000_works_as_it_stands() {
    let scene = Scene::open(Script::new()).await;
    let agent = json!({"id": "agent_sales", "name": "Sales", "runtime": {"type": "inbox"}});
    scene.post("/v1/agents", agent, 201).await;
    let create = seed("/webhooks/incoming");
    let request = scene
        .client
        .request(Method::POST, "/api/v1/webhooks/incoming")
        .header("content-type", "application/json")
        .unwrap();
    let answer = request.body(create.body.unwrap()).send().await.unwrap();
    let location = answer.header("location").map(str::to_owned);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let made = json_of(answer, 201);
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    assert_eq!(location, Some(format!("{INCOMING}/{id}")));
    let url = text(&made["url"]);
    assert!(url.ends_with(&format!("/in/{id}")), "{url}");
    assert!(id.starts_with("wh_in_") && secret.starts_with("whsec_"));
    let shown = scene.get(&format!("{INCOMING}/{id}")).await;
    assert_eq!(shown["agent_id"], "agent_sales");
    assert_eq!(shown["status"], "active");
    assert!(!shown.to_string().contains(&secret), "shown only once");

    let body = seed("/in/wh_in_abc123").body.unwrap();
    let taken = json_of(send(&scene, &id, &secret, &body).await, 202);
    assert_eq!(taken["status"], "accepted");
    let event = scene
        .get(&format!("/v1/events/{}", text(&taken["event_id"])))
        .await;
    assert_eq!(event["type"], "webhook.received");
    let data = &event["data"];
    assert_eq!(data["message"], "Interested in enterprise plan");
    assert_eq!(
        data["metadata"],
        json!({"lead_id": "lead_123", "company": "Acme Corp"})
    );
    assert_eq!(data["agent_id"], "agent_sales");
    assert_eq!(data["body"]["event"], "lead.created");
    let again = json_of(send(&scene, &id, &secret, &body).await, 200);
    assert_eq!(
        again,
        json!({"status": "duplicate", "event_id": taken["event_id"]})
    );
}

/// A flood is refused before anything is read of it, and another source does not feel that.
#[tokio::test]
async fn what_comes_faster_than_a_source_takes_is_refused() {
    let allowed = [("limits.incoming_per_second", "2")];
    let scene = Scene::with(Script::new(), &allowed).await;
    let limited = json!({"name": "A", "rate_limit": {"per_second": 1, "burst": 5}});
    let wide = json!({"name": "B", "rate_limit": {"per_second": 1_000_000}});
    let by_default = json!({"name": "C"});
    for (wanted, burst) in [(limited, Some(5)), (wide, None), (by_default, Some(2))] {
        let made = scene.post(INCOMING, wanted, 201).await;
        let (id, secret) = (text(&made["id"]), text(&made["secret"]));
        let (start, mut taken, mut refused) = (Instant::now(), 0, 0);
        for n in 0..50 {
            let answer = send(&scene, &id, &secret, &format!("{{\"n\":{n}}}")).await;
            match answer.status.as_u16() {
                202 => taken += 1,
                429 => {
                    refused += 1;
                    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                    assert!((1..=5).contains(&wait), "{wait} s");
                    assert!(answer.text().contains("/docs/errors/rate-limited"));
                }
                other => panic!("{other}: {}", answer.text()),
            }
        }
        let Some(burst) = burst else {
            assert_eq!((taken, refused), (50, 0));
            continue;
        };
        // The bucket fills while the test runs, by two a second at most.
        let most = burst + 2 * (start.elapsed().as_secs() + 1);
        assert!(taken >= burst && taken <= most, "{taken} of at most {most}");
        let stored = scene.list("/v1/events?limit=100").await;
        let of_source = |event: &&Value| text(&event["source"]).ends_with(&id);
        assert_eq!(stored.iter().filter(of_source).count() as u64, taken);
    }
}

#[tokio::test]
async fn a_source_is_changed_paused_and_deleted() {
    let scene = Scene::open(Script::new()).await;
    let made = scene
        .post(INCOMING, json!({"name": "A", "event_type": "$.event"}), 201)
        .await;
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    let path = format!("{INCOMING}/{id}");
    let patch = json!({"status": "paused", "event_type": null, "dedupe": {"enabled": false}});
    let answer = scene.client.patch(&path, patch).await.unwrap();
    assert_eq!(answer.header("etag"), Some("\"2\""));
    let changed = json_of(answer, 200);
    assert_eq!(changed["name"], "A");
    assert_eq!(changed["event_type"], json!(null));
    assert_eq!(changed["dedupe"], json!({"enabled": false}));
    assert!(changed.get("secret").is_none());
    assert_eq!(send(&scene, &id, &secret, "{}").await.status, 404);

    let put = json!({"name": "B"});
    let replaced = scene.put(&path, put, 200).await;
    assert_eq!(replaced["dedupe"], json!(null));
    assert_eq!(replaced["status"], "active");
    assert_eq!(
        send(&scene, &id, &secret, "{}").await.status,
        202,
        "the secret stays"
    );
    assert_eq!(scene.list(INCOMING).await[0]["name"], "B");

    scene.delete(&path).await;
    scene.missing(&path).await;
    assert_eq!(send(&scene, &id, &secret, "{}").await.status, 404);
    assert!(scene.list(INCOMING).await.is_empty());
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_are_taken() {
    let scene = Scene::open(Script::new()).await;
    let source = json!({"name": "A", "secret": "first secret", "dedupe": {"enabled": false}});
    let made = scene.post(INCOMING, source, 201).await;
    assert_eq!(made["secret"], "first secret");
    let id = text(&made["id"]);
    let path = format!("{INCOMING}/{id}/rotate-secret");
    let rotated = scene.post(&path, json!({"overlap_hours": 1}), 200).await;
    let new = text(&rotated["secret"]);
    let status = async |secret: &str| send(&scene, &id, secret, "{}").await.status.as_u16();
    assert_eq!(
        [status("first secret").await, status(&new).await],
        [202, 202]
    );
    let given = json!({"secret": "third secret", "overlap_hours": 0});
    scene.post(&path, given, 200).await;
    let statuses = [
        status("first secret").await,
        status(&new).await,
        status("third secret").await,
    ];
    assert_eq!(statuses, [401, 401, 202]);
}

#[tokio::test]
async fn a_source_without_verification_has_no_secret_until_it_gets_a_scheme() {
    let scene = Scene::open(Script::new()).await;
    let source = json!({"name": "A", "verification": {"scheme": "none"}});
    let made = scene.post(INCOMING, source, 201).await;
    assert!(made.get("secret").is_none(), "{made}");
    let id = text(&made["id"]);
    assert_eq!(send(&scene, &id, "any", "{}").await.status, 202);
    let patch = json!({"verification": {"scheme": "hmac-sha256"}});
    let path = format!("{INCOMING}/{id}");
    let secured = scene.patch(&path, patch, 200).await;
    let secret = text(&secured["secret"]);
    assert_eq!(send(&scene, &id, "any", "{}").await.status, 401);
    assert_eq!(send(&scene, &id, &secret, "[]").await.status, 202);
}

#[tokio::test]
async fn refused_requests_are_listed_with_the_reason() {
    let scene = Scene::open(Script::new()).await;
    let made = scene.post(INCOMING, json!({"name": "A"}), 201).await;
    let id = text(&made["id"]);
    let refused = json_of(send(&scene, &id, "wrong", "{}").await, 401);
    assert_eq!(refused["type"], "/docs/errors/signature-rejected");
    let path = format!("{INCOMING}/{id}/rejected");
    let list = scene
        .when(&path, |list| !list["data"].as_array().unwrap().is_empty())
        .await;
    let row = &list["data"][0];
    assert_eq!(row["reason"], "wrong_signature");
    assert_eq!(row["detail"], refused["detail"]);
    assert_eq!(row["request"]["method"], "POST");
    assert_eq!(row["request"]["body_bytes"], 2);
    assert!(scene.list("/v1/events").await.is_empty());
}

#[tokio::test]
async fn a_preview_shows_what_would_come_of_a_request() {
    let scene = Scene::open(Script::new()).await;
    let hook = scene.subscribe("/hook", &["lead.*"], &[]).await;
    scene.subscribe("/other", &["other"], &[]).await;
    let source = json!({
        "name": "A",
        "event_type": "$.event",
        "transform": {"message": "$.data.text", "metadata": {"id": "$.data.id", "none": "$.x"}},
    });
    let id = text(&scene.post(INCOMING, source, 201).await["id"]);
    let path = format!("{INCOMING}/{id}/test");
    let preview = async |sample: Value| scene.post(&path, sample, 200).await;

    let body = json!({"event": "lead.created", "data": {"text": "Hi", "id": 7}});
    let good = preview(json!({"body": body})).await;
    assert_eq!(good["message"], "Hi");
    assert_eq!(good["metadata"], json!({"id": 7}));
    assert_eq!(good["errors"], json!([]));
    let types: Vec<_> = good["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| text(&e["event"]))
        .collect();
    assert_eq!(types, ["webhook.received", "lead.created"]);
    assert_eq!(good["events"][1]["data"], body);
    let route =
        json!({"webhook_id": hook, "url": scene.receiver.url("/hook"), "events": ["lead.created"]});
    assert_eq!(good["routes"], json!([route]));

    let missing = preview(json!({"body": {}})).await;
    assert_eq!(missing["message"], json!(null));
    assert_eq!(missing["errors"][0]["pointer"], "/transform/message");
    assert_eq!(missing["events"][1]["event"], "transform.failed");

    let form = json!({"body": "data=1&event=lead.lost", "headers": {"content-type": "application/x-www-form-urlencoded"}});
    let form = preview(form).await;
    assert_eq!(form["events"][1]["event"], "lead.lost");

    let plain = json!({"body": "hello", "headers": {"content-type": "text/plain"}});
    let plain = preview(plain).await;
    assert_eq!(plain["errors"][0]["pointer"], "/body");

    assert!(
        scene.list("/v1/events").await.is_empty(),
        "nothing is stored"
    );
    assert!(scene.received().is_empty());
}

#[tokio::test]
async fn the_schemes_are_listed() {
    let scene = Scene::open(Script::new()).await;
    let presets = scene.list("/v1/webhooks/presets").await;
    let named = |name: &str| {
        presets
            .iter()
            .find(|preset| preset["name"] == name)
            .unwrap()
    };
    assert_eq!(presets.len(), tieline_domain::signature::presets().len());
    assert_eq!(named("github")["event_type"], "header:X-GitHub-Event");
    assert_eq!(
        named("github")["dedupe"],
        json!({"by": "header", "value": "X-GitHub-Delivery"})
    );
    assert_eq!(named("stripe")["secret"], "theirs");
    assert_eq!(named("none")["secret"], "none");
    assert_eq!(named("basic")["overrides"], json!(["username"]));
    assert_eq!(named("slack")["tolerance_seconds"], 300);
    assert_eq!(
        named("slack")["handshakes"],
        json!(["slack url_verification"])
    );
    assert_eq!(named("twilio")["signs_url"], true);
    assert_eq!(named("mercado-pago")["trust"], "origin_only");
    assert_eq!(named("dropbox")["dedupe"]["by"], "never");
    assert_eq!(
        named("google-channel")["dedupe"]["headers"],
        json!(["X-Goog-Channel-ID", "X-Goog-Message-Number"])
    );
}

#[tokio::test]
async fn a_scheme_is_shown_by_its_name_and_by_its_aliases() {
    let scene = Scene::open(Script::new()).await;
    let meta = scene.get("/v1/webhooks/presets/meta").await;
    assert_eq!(meta["title"], "Meta");
    assert_eq!(meta["headers"], json!(["X-Hub-Signature-256"]));
    assert_eq!(meta, scene.get("/v1/webhooks/presets/whatsapp").await);
    for nobody in ["nobody", "Meta", "%20"] {
        let path = format!("/v1/webhooks/presets/{nobody}");
        scene.missing(&path).await;
    }
}

/// Requests of a sender whose body never differs: each is an event, unless its headers say that it is a repeat.
#[tokio::test]
async fn equal_bodies_are_told_apart_where_the_sender_has_no_others() {
    let scene = Scene::open(Script::new()).await;
    let body =
        json!({"name": "Calendar", "verification": {"scheme": "google-calendar"}, "secret": "shh"});
    let source = scene.post("/v1/webhooks/incoming", body, 201).await;
    let path = format!("/in/{}", text(&source["id"]));
    for (channel, number, status) in [
        ("a", Some("1"), 202),
        ("a", Some("2"), 202),
        ("b", Some("1"), 202),
        ("a", Some("1"), 200),
        ("b", None, 202),
        ("c", None, 200),
    ] {
        let mut request = scene
            .client
            .request(Method::POST, &path)
            .header("x-goog-channel-token", "shh")
            .unwrap()
            .header("x-goog-channel-id", channel)
            .unwrap();
        if let Some(number) = number {
            request = request.header("x-goog-message-number", number).unwrap();
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status, status, "{channel} {number:?}");
    }
}
