//! Deliveries that are authorised with a token that is fetched.

use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Gate, Received, Reply, Script};

use crate::{
    destination_auth::{deliver, webhook},
    scene::{Scene, text},
};

fn at<'a>(received: &'a [Received], path: &str) -> Vec<&'a Received> {
    received.iter().filter(|one| one.path == path).collect()
}

fn granted(token: &str) -> Behaviour {
    let answer = json!({"access_token": token, "token_type": "bearer", "expires_in": 3600});
    Behaviour::json(200, &answer)
}

fn oauth(scene: &Scene) -> Value {
    json!({"type": "oauth2_client_credentials", "token_url": scene.receiver.url("/token"), "client_id": "acme client", "client_secret": "client-s3cr3t", "scope": "hooks.write", "audience": "https://hooks.example.com"})
}

#[tokio::test]
async fn a_token_is_fetched_once_kept_until_it_expires_and_refreshed_on_401() {
    let gate = Gate::new();
    let first = Behaviour::held(&gate, granted("token-number-one"));
    let tokens = Behaviour::Sequence(vec![
        first,
        granted("token-number-two"),
        granted("token-number-three"),
    ]);
    let script = Script::new()
        .on("/token", tokens)
        .on("/hook", Behaviour::Echo);
    let scene = Scene::with(script, &[("limits.in_flight_per_destination", "8")]).await;
    let made = webhook(&scene, "/hook", json!({"auth": oauth(&scene)})).await;

    for _ in 0..8 {
        scene.publish("a", json!({})).await;
    }
    scene.receiver.wait_for(1).await.unwrap();
    gate.open();
    let received = scene.receiver.wait_for(9).await.unwrap();
    let asked = at(&received, "/token");
    assert_eq!(asked.len(), 1, "eight deliveries at once fetch one token");
    assert_eq!(
        asked[0].header("authorization"),
        Some("Basic YWNtZStjbGllbnQ6Y2xpZW50LXMzY3IzdA==")
    );
    let form = std::str::from_utf8(&asked[0].body).unwrap();
    let expected =
        "grant_type=client_credentials&scope=hooks.write&audience=https%3A%2F%2Fhooks.example.com";
    assert_eq!(form, expected);
    for delivery in at(&received, "/hook") {
        assert_eq!(
            delivery.header("authorization"),
            Some("Bearer token-number-one")
        );
    }

    // It is kept until shortly before its time is over.
    scene.wait(3_500);
    let seen = deliver(&scene, &made, "delivered").await;
    assert!(!seen.to_string().contains("token-number"), "{seen:#}");
    scene.wait(60);
    deliver(&scene, &made, "delivered").await;
    let received = scene.received();
    assert_eq!(at(&received, "/token").len(), 2);
    let last = received.last().unwrap();
    assert_eq!(
        last.header("authorization"),
        Some("Bearer token-number-two")
    );

    // One that is refused is replaced once, within the same attempt.
    let once = Behaviour::Sequence(vec![
        Reply::new(401).body("token-number-two").into(),
        Behaviour::Echo,
    ]);
    scene.receiver.set("/hook", once);
    let seen = deliver(&scene, &made, "delivered").await;
    assert_eq!(seen["attempts"].as_array().unwrap().len(), 1);
    let received = scene.received();
    let last = received.last().unwrap();
    assert_eq!(
        last.header("authorization"),
        Some("Bearer token-number-three")
    );
    scene
        .receiver
        .set("/hook", Reply::new(401).body("not token-number-three"));
    let before = scene.received().len();
    let seen = deliver(&scene, &made, "pending").await;
    assert_eq!(seen["attempts"][0]["status_code"], 401);
    assert_eq!(seen["attempts"][0]["response_excerpt"], "not [redacted]");
    assert_eq!(
        scene.received().len() - before,
        3,
        "the hook, the token, the hook"
    );

    // Where there is no other token, the refusal is what is told.
    scene.receiver.set("/token", Behaviour::status(500));
    let seen = deliver(&scene, &made, "pending").await;
    assert_eq!(seen["attempts"][0]["status_code"], 401);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let scene = Scene::open(Script::new()).await;
    let refusal = json!({"error": "invalid_client", "error_description": "client-s3cr3t is wrong"});
    for (behaviour, words) in [
        (
            Behaviour::json(401, &refusal),
            "answered 401 (invalid_client)",
        ),
        (Behaviour::status(302), "answered 302"),
        (
            Behaviour::json(200, &json!({"token": "x"})),
            "no JSON object with an `access_token`",
        ),
        (
            Behaviour::json(200, &json!({"access_token": "a\r\nb"})),
            "no header can carry",
        ),
        (
            Behaviour::json(200, &json!({"access_token": "x", "token_type": "mac"})),
            "not Bearer",
        ),
        (Behaviour::Endless, "longer than 65536 bytes"),
        (Behaviour::CloseBeforeHead, "connection ended"),
        (Behaviour::Never, "no answer within"),
    ] {
        scene.receiver.set("/token", behaviour);
        let more = json!({"auth": oauth(&scene), "timeout_seconds": 1});
        let made = webhook(&scene, "/hook", more).await;
        let seen = deliver(&scene, &made, "pending").await;
        let attempt = &seen["attempts"][0];
        assert_eq!(attempt["error_kind"], "auth", "{attempt:#}");
        let error = text(&attempt["error"]);
        assert!(
            error.contains(words) && !error.contains("s3cr3t"),
            "{error}"
        );
        let path = format!("/v1/webhooks/{}", text(&made["id"]));
        scene.delete(&path).await;
    }
    assert!(at(&scene.received(), "/hook").is_empty());
}
