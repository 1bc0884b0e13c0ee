//! What deliveries carry beside the signature: headers of the tenant's, and what authorises them.

use http::Method;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tieline_testkit::receiver::{Behaviour, Receiver, Script, Tls};

use crate::{
    bad_input::{Row, check},
    scene::{Scene, text},
};

/// Makes a webhook to `path`, with what `more` says.
pub(crate) async fn webhook(scene: &Scene, path: &str, more: Value) -> Value {
    let mut body = json!({"url": scene.receiver.url(path), "events": ["a"], "retry": [0, 60]});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    scene.post("/v1/webhooks", body, 201).await
}

/// Delivers one event; answers with the settled delivery.
pub(crate) async fn deliver(scene: &Scene, webhook: &Value, status: &str) -> Value {
    let event = scene.publish("a", json!({})).await;
    let delivery = scene.delivery(&event, &text(&webhook["id"])).await;
    scene.settled(&delivery, status, 1).await
}

#[tokio::test]
async fn headers_are_sent_shown_and_changed_one_by_one() {
    let scene = Scene::open(Script::new()).await;
    let headers = json!({"x-region": "eu-1", "X-Version": "2026-11"});
    let made = webhook(&scene, "/hook", json!({"headers": headers})).await;
    assert_eq!(made["headers"], headers);
    let seen = deliver(&scene, &made, "delivered").await;
    let first = &scene.received()[0];
    assert_eq!(first.header("x-region"), Some("eu-1"));
    assert_eq!(first.header("x-version"), Some("2026-11"));
    let recorded = seen["attempts"][0]["request_headers"].to_string();
    assert!(recorded.contains("eu-1"), "{recorded}");

    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    let patch = json!({"headers": {"X-Version": null, "x-team": "core"}});
    let changed = scene.patch(&path, patch, 200).await;
    assert_eq!(
        changed["headers"],
        json!({"x-region": "eu-1", "x-team": "core"})
    );
    deliver(&scene, &made, "delivered").await;
    let second = &scene.received()[1];
    assert_eq!(
        (second.header("x-version"), second.header("x-team")),
        (None, Some("core"))
    );
}

#[tokio::test]
async fn each_kind_sends_its_header_and_no_secret_is_recorded() {
    let scene = Scene::open(Script::new().otherwise(Behaviour::Echo)).await;
    let secret = "s3cr3t/of+the=receiver";
    // kind, what is sent, under which name
    for (auth, name, sent) in [
        (
            json!({"type": "basic", "username": "tieline", "password": secret}),
            "authorization",
            "Basic dGllbGluZTpzM2NyM3Qvb2YrdGhlPXJlY2VpdmVy".to_owned(),
        ),
        (
            json!({"type": "bearer", "token": secret}),
            "authorization",
            format!("Bearer {secret}"),
        ),
        (
            json!({"type": "header", "name": "X-Api-Key", "value": secret}),
            "x-api-key",
            secret.to_owned(),
        ),
        (
            json!({"type": "header", "name": "Authorization", "value": format!("Key {secret}")}),
            "authorization",
            format!("Key {secret}"),
        ),
    ] {
        let made = webhook(&scene, "/hook", json!({"auth": auth})).await;
        let kind = &auth["type"];
        assert!(!made.to_string().contains(secret), "{made}");
        assert_eq!(&made["auth"]["type"], kind);
        let seen = deliver(&scene, &made, "delivered").await;
        let received = scene.received();
        assert_eq!(
            received.last().unwrap().header(name),
            Some(&*sent),
            "{kind}"
        );
        let shown = seen.to_string();
        let encoded = sent.strip_prefix("Basic ").unwrap_or(secret);
        assert!(
            !shown.contains(secret) && !shown.contains(encoded),
            "{shown}"
        );
        let attempt = &seen["attempts"][0];
        let redacted = json!({"name": name, "value": "[redacted]"});
        assert!(
            attempt["request_headers"]
                .as_array()
                .unwrap()
                .contains(&redacted),
            "{attempt:#}"
        );
        assert!(
            text(&attempt["response_excerpt"]).contains("[redacted]"),
            "{attempt:#}"
        );
        let path = format!("/v1/webhooks/{}", text(&made["id"]));
        scene.delete(&path).await;
    }
}

#[tokio::test]
async fn a_secret_that_is_left_out_stays_but_only_for_where_it_went() {
    let scene = Scene::open(Script::new()).await;
    let auth = json!({"type": "basic", "username": "one", "password": "first-password"});
    let made = webhook(&scene, "/hook", json!({"auth": auth})).await;
    let path = format!("/v1/webhooks/{}", text(&made["id"]));
    let sent = async || {
        deliver(&scene, &made, "delivered").await;
        scene
            .received()
            .last()
            .unwrap()
            .header("authorization")
            .map(str::to_owned)
    };
    let basic = |pair: &str| {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        Some(format!("Basic {}", STANDARD.encode(pair)))
    };
    let put = json!({"url": scene.receiver.url("/other"), "events": ["a"], "auth": {"type": "basic", "username": "put"}});
    let rows = [
        (
            Method::PATCH,
            json!({"description": "x"}),
            basic("one:first-password"),
        ),
        (
            Method::PATCH,
            json!({"auth": {"username": "two"}}),
            basic("two:first-password"),
        ),
        (
            Method::PATCH,
            json!({"auth": {"password": "second-password"}}),
            basic("two:second-password"),
        ),
        (Method::PUT, put, basic("put:second-password")),
        (
            Method::PATCH,
            json!({"auth": {"type": "bearer", "token": "tok"}}),
            Some("Bearer tok".to_owned()),
        ),
        (Method::PATCH, json!({"auth": null}), None),
    ];
    for (method, body, expected) in rows {
        let request = scene.client.request(method, &path).json(&body).unwrap();
        request.send().await.unwrap().expect(200).unwrap();
        assert_eq!(sent().await, expected, "{body}");
    }

    // Nothing is kept of what was removed, of another kind, or for another place.
    let bearer = json!({"auth": {"type": "bearer"}});
    let refused = scene.patch(&path, &bearer, 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/auth/token", "{refused}");
    let bearer = json!({"auth": {"type": "bearer", "token": "secret-token"}});
    scene
        .client
        .patch(&path, bearer)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let elsewhere = json!({"url": "http://127.0.0.1:1/hook"});
    let refused = scene.patch(&path, &elsewhere, 422).await;
    assert_eq!(refused["errors"][0]["pointer"], "/auth/token", "{refused}");
    let detail = text(&refused["errors"][0]["detail"]);
    assert!(detail.contains("another host"), "{detail}");
}

/// An authority, and a certificate of it for a client that is valid until the end of `until`, with its
/// key: all in PEM.
fn client_certificate(until: i32) -> (String, String, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap().pem();
    let mut params = CertificateParams::new(["client.example.com".to_owned()]).unwrap();
    (params.not_before, params.not_after) =
        (date_time_ymd(2020, 1, 1), date_time_ymd(until, 12, 31));
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let certificate = params.signed_by(&key, &issuer).unwrap().pem();
    (root, certificate, key.serialize_pem())
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_receivers_that_demand_one() {
    let (authority, certificate, key) = client_certificate(2500);
    let directory = tempfile::tempdir().unwrap();
    let ca_file = directory.path().join("ca.pem");
    for http2 in [false, true] {
        let tls = Tls {
            http2,
            client_authority: Some(authority.clone()),
        };
        let receiver = Receiver::start_with(Script::new(), &tls).await.unwrap();
        std::fs::write(&ca_file, receiver.certificate().unwrap()).unwrap();
        let settings = [("outbound.ca_file", ca_file.to_str().unwrap())];
        let scene = Scene::with(Script::new(), &settings).await;
        let body = json!({"url": receiver.url("/hook"), "events": ["a"], "retry": [0, 60]});
        let stranger = scene.post("/v1/webhooks", body.clone(), 201).await;
        let seen = deliver(&scene, &stranger, "pending").await;
        assert_eq!(seen["attempts"][0]["error_kind"], "tls", "{seen:#}");

        let mut body = body;
        body["auth"] = json!({"type": "mtls", "certificate": certificate, "private_key": key});
        let made = scene.post("/v1/webhooks", body, 201).await;
        assert_eq!(
            made["auth"]["certificate_expires_at"],
            "2500-12-31T00:00:00.000Z"
        );
        assert!(!made.to_string().contains("PRIVATE KEY"), "{made}");
        deliver(&scene, &made, "delivered").await;
        // Both webhooks go to the same host and port: the other one must not borrow the connection.
        let seen = deliver(&scene, &stranger, "pending").await;
        assert_eq!(seen["attempts"][0]["error_kind"], "tls", "{seen:#}");

        // The key stays when only the rest changes, wherever it goes.
        let path = format!("/v1/webhooks/{}", text(&made["id"]));
        let moved = json!({"url": receiver.url("/moved")});
        scene
            .client
            .patch(&path, moved)
            .await
            .unwrap()
            .expect(200)
            .unwrap();
        deliver(&scene, &made, "delivered").await;
        assert_eq!(receiver.requests().last().unwrap().path, "/moved");
    }
}

#[tokio::test]
async fn what_cannot_authorise_is_refused_when_it_is_saved() {
    let scene = Scene::open(Script::new()).await;
    let (_, certificate, key) = client_certificate(2500);
    let (_, expired, expired_key) = client_certificate(2021);
    let with = |auth: Value| {
        json!({"url": "https://example.com/hook", "events": ["a"], "auth": auth}).to_string()
    };
    let oauth = |url: &str| json!({"type": "oauth2_client_credentials", "token_url": url, "client_id": "c", "client_secret": "s"});
    let mtls = |certificate: &str, key: &str| json!({"type": "mtls", "certificate": certificate, "private_key": key});
    let invalid = "invalid-input";
    let plain =
        json!({"url": "http://example.com/", "events": ["a"], "auth": mtls(&certificate, &key)})
            .to_string();
    let cases = [
        (
            with(json!({"type": "digest"})),
            400,
            "invalid-body",
            "/auth/type",
            "unknown variant",
        ),
        (
            with(json!({"type": "basic", "pass": "x"})),
            400,
            "invalid-body",
            "/auth/pass",
            "unknown field",
        ),
        (
            with(json!({"type": "basic", "password": "x"})),
            422,
            invalid,
            "/auth/username",
            "needs this",
        ),
        (
            with(json!({"type": "basic", "username": "u"})),
            422,
            invalid,
            "/auth/password",
            "give the secret",
        ),
        (
            with(json!({"type": "basic", "username": "u", "password": "p", "token": "t"})),
            422,
            invalid,
            "/auth/token",
            "does not belong",
        ),
        (
            with(json!({"type": "bearer", "token": "a\r\nhost: x"})),
            422,
            invalid,
            "/auth/token",
            "line breaks",
        ),
        (
            with(json!({"type": "header", "name": "content-length", "value": "1"})),
            422,
            invalid,
            "/auth/name",
            "connection",
        ),
        (
            with(oauth("http://169.254.169.254/token")),
            422,
            invalid,
            "/auth/token_url",
            "169.254.169.254",
        ),
        (
            with(oauth("nowhere")),
            422,
            invalid,
            "/auth/token_url",
            "not a URL",
        ),
        (
            with(mtls("x", &key)),
            422,
            invalid,
            "/auth/certificate",
            "no certificate",
        ),
        (
            with(mtls(&certificate, "x")),
            422,
            invalid,
            "/auth/private_key",
            "no private key",
        ),
        (
            with(mtls(&certificate, &expired_key)),
            422,
            invalid,
            "/auth/private_key",
            "not the key",
        ),
        (
            with(mtls(&expired, &expired_key)),
            422,
            invalid,
            "/auth/certificate",
            "expired at 2021-12-31",
        ),
        (plain, 422, invalid, "/url", "https://"),
    ];
    let rows: Vec<Row> = cases
        .iter()
        .map(|(body, status, code, pointer, words)| {
            (body.as_str(), *status, *code, Some(*pointer), *words)
        })
        .collect();
    check(&scene.client, Method::POST, "/v1/webhooks", &rows).await;
}
