//! The operator's settings of outgoing calls, as deliveries feel them.

use http::Version;
use serde_json::json;
use tieline::{app::App, config::Config};
use tieline_domain::{Timestamp, clock::Clock};
use tieline_testkit::{
    proxy::{Protocol, Proxy},
    receiver::{Receiver, Script, Tls},
};

use crate::scene::{Scene, text};

#[tokio::test]
async fn deliveries_go_through_the_proxy_over_http_2_to_a_private_authority() {
    let tls = Tls {
        http2: true,
        ..Tls::default()
    };
    let receiver = Receiver::start_with(Script::new(), &tls).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    std::fs::write(&ca_file, receiver.certificate().unwrap()).unwrap();
    let proxy = Proxy::start(Protocol::Socks5, Some(("user", "the-proxy-password")))
        .await
        .unwrap();
    let url = format!("socks5://user:the-proxy-password@{}", proxy.address());
    let settings = [
        ("outbound.ca_file", ca_file.to_str().unwrap()),
        ("outbound.proxy", &*url),
    ];
    let scene = Scene::with(Script::new(), &settings).await;
    let body = json!({"url": receiver.url("/hook"), "events": ["a"]});
    let webhook = text(&scene.post("/v1/webhooks", body, 201).await["id"]);
    for _ in 0..3 {
        let event = scene.publish("a", json!({})).await;
        let delivery = scene.delivery(&event, &webhook).await;
        scene.settled(&delivery, "delivered", 1).await;
    }
    let received = receiver.requests();
    assert!(received.iter().all(|one| one.version == Version::HTTP_2));
    assert_eq!(
        proxy.asked(),
        [receiver.address().to_string()],
        "one connection"
    );

    // The guard stands before the proxy.
    let private = json!({"url": "http://10.1.2.3/hook", "events": ["a"]});
    scene.post("/v1/webhooks", private, 422).await;
    drop(proxy);
    drop(receiver);
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    let seen = scene
        .when(&format!("/v1/deliveries/{delivery}"), |seen| {
            seen["attempt_count"] == 1
        })
        .await;
    let attempt = seen["attempts"][0].to_string();
    assert!(!attempt.contains("the-proxy-password"), "{attempt}");
}

#[tokio::test]
async fn a_file_of_authorities_that_cannot_be_used_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    let missing = directory.path().join("missing.pem");
    for (path, words) in [
        (&empty, "no certificate is in it"),
        (&missing, "No such file"),
    ] {
        let settings = [("data", data), ("outbound.ca_file", path.to_str().unwrap())];
        let config = Config::from_overrides(&settings).unwrap();
        let clock = Clock::test(Timestamp::from_micros(1));
        let url = "https://tieline.test/".parse().unwrap();
        let Err(error) = App::open(config.into(), clock, url).await else {
            panic!("{words}");
        };
        let text = error.to_string();
        assert!(
            text.contains("outbound.ca_file") && text.contains(words),
            "{text}"
        );
    }
}
