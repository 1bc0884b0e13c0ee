//! `v1a` signatures: made with the tenant's key, verified with what is published of it.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::Method;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tieline_testkit::receiver::{Received, Script};

use crate::{
    bad_input::check,
    deliveries::is_signed,
    scene::{Scene, json_of, text},
};

/// How many of the signatures of this version fit the public key in the JWK.
fn fitting(request: &Received, jwk: &Value) -> usize {
    let key = URL_SAFE_NO_PAD.decode(text(&jwk["x"])).unwrap();
    let key = UnparsedPublicKey::new(&ED25519, key);
    let header = |name: &str| request.header(name).unwrap().to_owned();
    let message = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp"));
    let message = [message.as_bytes(), &request.body].concat();
    let list = header("webhook-signature");
    let signatures = list.split(' ').filter_map(|one| one.strip_prefix("v1a,"));
    signatures
        .filter(|one| key.verify(&message, &STANDARD.decode(one).unwrap()).is_ok())
        .count()
}

fn versions(request: &Received) -> Vec<String> {
    let list = request.header("webhook-signature").unwrap();
    list.split(' ')
        .map(|one| one.split(',').next().unwrap().to_owned())
        .collect()
}

async fn tenant(scene: &Scene) -> String {
    text(&scene.get("/v1/me").await["tenant"]["id"])
}

/// What is published, as a stranger gets it.
async fn published(scene: &Scene, tenant: &str) -> Vec<Value> {
    let path = format!("/.well-known/webhooks/{tenant}/keys.json");
    let answer = scene.server.client().get(&path).await.unwrap();
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    json_of(answer, 200)["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_webhook_chooses_who_signs() {
    let scene = Scene::open(Script::new()).await;
    for (path, signatures, expected) in [
        ("/unsaid", json!(null), &["v1"][..]),
        ("/own", json!(["v1"]), &["v1"]),
        ("/tenant", json!(["v1a"]), &["v1a"]),
        ("/both", json!(["v1", "v1a"]), &["v1", "v1a"]),
    ] {
        let body =
            json!({"url": scene.receiver.url(path), "events": ["a"], "signatures": signatures});
        let made = scene.post("/v1/webhooks", body, 201).await;
        assert_eq!(made["signatures"], signatures);
        let before = scene.received().len();
        scene.publish("a", json!({"text": "Grüße"})).await;
        let received = scene.receiver.wait_for(before + 1).await.unwrap();
        let request = received.iter().find(|one| one.path == path).unwrap();
        assert_eq!(versions(request), expected, "{path}");
        let by_secret = expected.contains(&"v1");
        assert_eq!(
            request.header("x-webhook-signature").is_some(),
            by_secret,
            "{path}"
        );
        if by_secret {
            let secret = Webhook::new(&text(&made["secret"])).unwrap();
            assert!(is_signed(request, &secret), "{path}");
        }
        if expected.contains(&"v1a") {
            let keys = published(&scene, &tenant(&scene).await).await;
            assert_eq!(fitting(request, &keys[0]), 1, "{path}");
            let standard = text(&keys[0]["key"]);
            let raw = STANDARD
                .decode(standard.strip_prefix("whpk_").unwrap())
                .unwrap();
            assert_eq!(URL_SAFE_NO_PAD.encode(raw), text(&keys[0]["x"]));
        }
        let path = format!("/v1/webhooks/{}", text(&made["id"]));
        scene.delete(&path).await;
    }
}

#[tokio::test]
async fn the_key_is_rotated_with_an_overlap() {
    let scene = Scene::open(Script::new()).await;
    let body = json!({"url": scene.receiver.url("/hook"), "events": ["a"], "signatures": ["v1a"]});
    scene.post("/v1/webhooks", body, 201).await;
    let id = tenant(&scene).await;
    let [old] = &*published(&scene, &id).await else {
        panic!("one key");
    };
    assert_eq!(old["not_after"], json!(null));
    let rotated = scene
        .post("/v1/signing-keys/rotate", json!({"overlap_hours": 1}), 200)
        .await;
    let keys = published(&scene, &id).await;
    assert_eq!(json!(keys), rotated["keys"]);
    assert_eq!(json!(keys), scene.get("/v1/signing-keys").await["data"]);
    let [new, last] = &*keys else {
        panic!("two keys");
    };
    assert_eq!(last["kid"], old["kid"]);
    assert!(last["not_after"].is_string(), "{last}");

    scene.publish("a", json!({})).await;
    let received = scene.receiver.wait_for(1).await.unwrap();
    assert_eq!(versions(&received[0]), ["v1a", "v1a"]);
    assert_eq!(
        (fitting(&received[0], old), fitting(&received[0], new)),
        (1, 1)
    );

    scene.wait(3_601);
    assert_eq!(published(&scene, &id).await, std::slice::from_ref(new));
    scene.server.app.registry.forget_all();
    scene.publish("a", json!({})).await;
    let received = scene.receiver.wait_for(2).await.unwrap();
    assert_eq!(
        (fitting(&received[1], old), fitting(&received[1], new)),
        (0, 1)
    );
}

#[tokio::test]
async fn nothing_is_told_of_tenants_without_keys() {
    let scene = Scene::open(Script::new()).await;
    let unused = tenant(&scene).await;
    let stranger = scene.server.client();
    let mut problems = Vec::new();
    for id in [&*unused, "tn_01kb3f9z5qf8m9w2v7x4t6n0hc", "nonsense"] {
        let path = format!("/.well-known/webhooks/{id}/keys.json");
        let mut problem = json_of(stranger.get(&path).await.unwrap(), 404);
        for own in ["request_id", "instance"] {
            problem.as_object_mut().unwrap().shift_remove(own);
        }
        problems.push(problem);
    }
    assert_eq!(problems[0], problems[1]);
    assert_eq!(problems[0], problems[2]);

    let rows = [(
        r#"{"overlap_hours":721}"#,
        422,
        "invalid-input",
        Some("/overlap_hours"),
        "0 to 720",
    )];
    check(
        &scene.client,
        Method::POST,
        "/v1/signing-keys/rotate",
        &rows,
    )
    .await;
    let hook = |signatures: Value| {
        json!({"url": "https://example.com/", "events": ["a"], "signatures": signatures})
            .to_string()
    };
    let [none, twice, unknown] = [json!([]), json!(["v1", "v1"]), json!(["v2"])].map(hook);
    let rows = [
        (
            &*none,
            422,
            "invalid-input",
            Some("/signatures"),
            "each once",
        ),
        (
            &*twice,
            422,
            "invalid-input",
            Some("/signatures"),
            "each once",
        ),
        (
            &*unknown,
            400,
            "invalid-body",
            Some("/signatures/0"),
            "unknown variant",
        ),
    ];
    check(&scene.client, Method::POST, "/v1/webhooks", &rows).await;
    assert_eq!(scene.get("/v1/signing-keys").await["data"], json!([]));
}
