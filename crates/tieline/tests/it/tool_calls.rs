//! Calls of tools and actions: what is sent, what comes back, what goes wrong, what is logged.

use serde_json::{Value, json};
use tieline_testkit::{
    http::Client,
    receiver::{Behaviour, Gate, Reply, Script},
};

use crate::{
    scene::{Scene, json_of, text},
    tools::{lookup_customer, secret},
};

const SECRET: &str = "sk_live_abc123";

/// Makes the tool of seed 000 at this path of the receiver.
async fn lookup(scene: &Scene, path: &str) {
    secret(scene, "CRM_API_KEY", SECRET).await;
    let tool = lookup_customer(&scene.receiver.url(path));
    scene.post("/v1/tools", tool, 201).await;
}

/// Makes a tool of this name and endpoint, which takes `id` and `x`.
async fn tool(scene: &Scene, name: &str, endpoint: Value, more: Value) {
    let mut body = json!({
        "name": name, "endpoint": endpoint,
        "parameters": {"type": "object", "properties": {"id": {}, "x": {}}}
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    scene.post("/v1/tools", body, 201).await;
}

async fn call(scene: &Scene, name: &str, parameters: Value) -> Value {
    let body = json!({"parameters": parameters});
    scene
        .post(&format!("/v1/tools/{name}/call"), body, 200)
        .await
}

#[tokio::test]
async fn a_tool_is_tested_and_called() {
    let answer = json!({"name": "Test User", "status": "active"});
    let scene = Scene::open(Script::new().on("/lookup", Behaviour::json(200, &answer))).await;
    lookup(&scene, "/lookup").await;
    let body = json!({"parameters": {"identifier": "test@example.com"}});
    let tested = scene
        .post("/v1/tools/lookup_customer/test", body, 200)
        .await;
    assert_eq!(
        (&tested["success"], &tested["status_code"]),
        (&json!(true), &json!(200))
    );
    assert_eq!(tested["response"], answer);
    assert!(tested["response_time_ms"].is_u64(), "{tested}");
    let sent = json!({
        "method": "POST",
        "url": scene.receiver.url("/lookup"),
        "headers": [{"name": "Authorization", "value": "Bearer [redacted]"}],
        "body": "{\"query\":\"test@example.com\"}",
    });
    assert_eq!(tested["request"], sent);

    let called = call(
        &scene,
        "lookup_customer",
        json!({"identifier": "a\"b", "fields": ["name"]}),
    )
    .await;
    assert_eq!(
        (&called["success"], &called["output"]),
        (&json!(true), &answer),
        "{called}"
    );
    let received = scene.received();
    assert_eq!(
        received[1].header("authorization"),
        Some("Bearer sk_live_abc123")
    );
    assert_eq!(
        received[1].json().unwrap(),
        json!({"query": "a\"b", "select": ["name"]})
    );
    assert!(received[1].header("traceparent").is_some());

    let wrong = json!({"parameters": {"identifier": 7, "fields": "x"}});
    for path in ["test", "call"] {
        let refused = scene
            .post(
                &format!("/v1/tools/lookup_customer/{path}"),
                wrong.clone(),
                422,
            )
            .await;
        let places: Vec<_> = refused["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| text(&e["pointer"]))
            .collect();
        assert_eq!(
            places,
            ["/parameters/identifier", "/parameters/fields"],
            "{refused}"
        );
    }
    assert_eq!(
        scene.received().len(),
        2,
        "nothing was sent for input that does not fit"
    );

    // A rotated secret holds for the next call.
    let rotated = scene
        .client
        .put(
            "/v1/secrets/CRM_API_KEY",
            json!({"value": "sk_live_def456"}),
        )
        .await;
    rotated.unwrap().expect(200).unwrap();
    call(&scene, "lookup_customer", json!({"identifier": "x"})).await;
    assert_eq!(
        scene.received()[2].header("authorization"),
        Some("Bearer sk_live_def456")
    );
}

#[tokio::test]
async fn what_goes_wrong_is_told_by_its_kind() {
    let html = Reply::new(200)
        .header("content-type", "text/html")
        .body("<!DOCTYPE html><p>Log in</p>");
    let sly = Reply::new(200)
        .header("content-type", "text/plain")
        .body("  <html><p>Log in</p>");
    let broken = Reply::new(200)
        .header("content-type", "application/json")
        .body("{\"a\":");
    let deep = Reply::new(200)
        .header("content-type", "application/json")
        .body("[".repeat(100));
    let text_body = Reply::new(200)
        .header("content-type", "text/plain")
        .body("plain words");
    let script = Script::new()
        .on("/html", html)
        .on("/sly", sly)
        .on("/broken", broken)
        .on("/deep", deep)
        .on("/text", text_body)
        .on("/empty", Behaviour::status(200))
        .on("/gone", Behaviour::status(204))
        .on(
            "/400",
            Behaviour::json(400, &json!({"error": "email is missing"})),
        )
        .on("/401", Behaviour::status(401))
        .on("/403", Behaviour::status(403))
        .on("/404", Behaviour::status(404))
        .on("/409", Behaviour::status(409))
        .on("/429", Behaviour::retry_after(429, "7"))
        .on("/500", Behaviour::status(500))
        .on("/503", Behaviour::retry_after(503, "9"))
        .on(
            "/302",
            Behaviour::redirect(302, "http://127.0.0.1/elsewhere"),
        )
        .on("/huge", Behaviour::Huge { bytes: 10_000_000 })
        .on("/endless", Behaviour::Endless)
        .on("/bomb", Behaviour::gzip_bomb(50_000_000))
        .on("/never", Behaviour::Never)
        .on("/trickle", Behaviour::trickle(1_000))
        .on("/close", Behaviour::CloseBeforeHead)
        .on("/reset", Behaviour::ResetAfterHead);
    let scene = Scene::open(script).await;
    let rows = [
        // path, the kind of the failure or what came out, status, when to come again
        ("html", Err("bad_answer"), Some(200), None),
        ("sly", Err("bad_answer"), Some(200), None),
        ("broken", Err("bad_answer"), Some(200), None),
        ("deep", Err("bad_answer"), Some(200), None),
        ("empty", Err("bad_answer"), Some(200), None),
        ("text", Ok(json!("plain words")), Some(200), None),
        ("gone", Ok(json!(null)), Some(204), None),
        ("400", Err("bad_input"), Some(400), None),
        ("401", Err("auth_required"), Some(401), None),
        ("403", Err("forbidden"), Some(403), None),
        ("404", Err("not_found"), Some(404), None),
        ("409", Err("conflict"), Some(409), None),
        ("429", Err("rate_limited"), Some(429), Some(7_000)),
        ("500", Err("upstream_error"), Some(500), None),
        ("503", Err("retry"), Some(503), Some(9_000)),
        ("302", Err("upstream_error"), Some(302), None),
        ("huge", Err("bad_answer"), None, None),
        ("endless", Err("bad_answer"), None, None),
        ("bomb", Err("bad_answer"), None, None),
        ("never", Err("timeout"), None, None),
        ("trickle", Err("timeout"), None, None),
        ("close", Err("unknown_outcome"), None, None),
        ("reset", Err("unknown_outcome"), None, None),
    ];
    for (path, expected, status, wait) in rows {
        let endpoint = json!({"url": scene.receiver.url(&format!("/{path}")), "method": "GET"});
        tool(&scene, path, endpoint, json!({"timeout_seconds": 1})).await;
        let called = call(&scene, path, json!({})).await;
        assert_eq!(called["status_code"], json!(status), "{path}: {called}");
        match expected {
            Ok(output) => {
                assert_eq!(called["success"], true, "{path}: {called}");
                assert_eq!(
                    called.get("output").unwrap_or(&Value::Null),
                    &output,
                    "{path}: {called}"
                );
            }
            Err(kind) => {
                assert_eq!(called["success"], false, "{path}: {called}");
                assert_eq!(called["error"]["kind"], kind, "{path}: {called}");
                assert!(!text(&called["error"]["advice"]).is_empty());
                assert_eq!(
                    called["error"].get("retry_after_ms"),
                    wait.map(|ms| json!(ms)).as_ref(),
                    "{path}: {called}"
                );
            }
        }
    }
    let said = call(&scene, "400", json!({})).await;
    assert_eq!(
        said["error"]["upstream"],
        "{\"error\":\"email is missing\"}"
    );

    // A port on which nobody listens: nothing was sent, so trying again is harmless, and was done.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    tool(
        &scene,
        "nobody",
        json!({"url": format!("http://{free}/"), "method": "POST"}),
        json!({"timeout_seconds": 2}),
    )
    .await;
    assert_eq!(
        call(&scene, "nobody", json!({})).await["error"]["kind"],
        "retry"
    );

    // What today's list of addresses refuses was allowed when it was saved.
    let mapped = json!({"url": scene.receiver.url("/text"), "method": "GET"});
    tool(
        &scene,
        "mapped",
        mapped,
        json!({"output_mapping": {"a": "$.a"}}),
    )
    .await;
    assert_eq!(
        call(&scene, "mapped", json!({})).await["error"]["kind"],
        "bad_answer"
    );
}

#[tokio::test]
async fn only_what_is_harmless_is_sent_again() {
    let failing = Behaviour::Sequence(vec![
        Behaviour::retry_after(503, "0"),
        Behaviour::status(502),
        Behaviour::json(200, &json!({"ok": true})),
    ]);
    let script = ["get", "put", "post", "declared", "keyed", "late", "unknown"]
        .into_iter()
        .fold(Script::new(), |script, path| {
            script.on(&format!("/{path}"), failing.clone())
        })
        .on("/late", Behaviour::retry_after(503, "3600"))
        .on("/unknown", Behaviour::CloseBeforeHead);
    let scene = Scene::open(script).await;
    let endpoint = |path: &str, method: &str| json!({"url": scene.receiver.url(&format!("/{path}")), "method": method});
    let mut keyed = endpoint("keyed", "POST");
    keyed["idempotency_header"] = json!("Idempotency-Key");
    let rows = [
        ("get", endpoint("get", "GET"), json!({}), true, 3),
        ("put", endpoint("put", "PUT"), json!({}), true, 3),
        ("post", endpoint("post", "POST"), json!({}), false, 1),
        (
            "declared",
            endpoint("declared", "POST"),
            json!({"idempotent": true}),
            true,
            3,
        ),
        ("keyed", keyed, json!({}), true, 3),
        ("late", endpoint("late", "GET"), json!({}), false, 1),
        ("unknown", endpoint("unknown", "GET"), json!({}), false, 1),
    ];
    for (name, endpoint, more, success, requests) in rows {
        tool(&scene, name, endpoint, more).await;
        let called = call(&scene, name, json!({})).await;
        assert_eq!(called["success"], success, "{name}: {called}");
        let path = format!("/{name}");
        let sent: Vec<_> = scene
            .received()
            .into_iter()
            .filter(|request| request.path == path)
            .collect();
        assert_eq!(sent.len(), requests, "{name}");
        if name == "keyed" {
            let keys: Vec<_> = sent
                .iter()
                .map(|request| request.header("idempotency-key"))
                .collect();
            let id = text(&called["call_id"]);
            assert_eq!(keys, [Some(&*id); 3], "the same key each time");
        }
    }
    // The key of the client goes on.
    let request = scene
        .client
        .request(http::Method::POST, "/v1/tools/keyed/call");
    let request = request
        .header("idempotency-key", "order-7")
        .unwrap()
        .json(json!({}))
        .unwrap();
    request.send().await.unwrap().expect(200).unwrap();
    assert_eq!(
        scene.received().last().unwrap().header("idempotency-key"),
        Some("order-7")
    );
}

#[tokio::test]
async fn secrets_do_not_come_back() {
    let scene = Scene::open(Script::new().on("/echo", Behaviour::Echo)).await;
    secret(&scene, "KEY", SECRET).await;
    secret(&scene, "PIN", "123456789").await;
    let endpoint = json!({
        "url": scene.receiver.url("/echo"), "method": "POST",
        "headers": {"X-Basic": "Basic {{secrets.KEY | base64}}", "X-Pin": "{{secrets.PIN}}"},
        "body_template": {"key": "{{secrets.KEY}}", "id": "{{id}}", "pin": "{{secrets.PIN}}"}
    });
    tool(&scene, "echo", endpoint, json!({})).await;
    // The caller guesses, and puts the secret in as well.
    let body = json!({"parameters": {"id": format!("{SECRET} {SECRET}")}});
    for path in ["call", "test"] {
        let answer = scene
            .client
            .post(&format!("/v1/tools/echo/{path}"), body.clone())
            .await
            .unwrap();
        let shown = answer.text();
        let seen = json_of(answer, 200);
        assert_eq!(seen["success"], true, "{seen}");
        for hidden in [SECRET, "123456789", "c2tfbGl2ZV9hYmMxMj"] {
            assert!(!shown.contains(hidden), "{hidden}: {shown}");
        }
        assert!(shown.contains("[redacted]"), "{shown}");
    }
    let log = scene.list("/v1/calls").await;
    assert!(
        !log.iter().any(|row| row.to_string().contains(SECRET)),
        "{log:?}"
    );
    assert_eq!(log.len(), 2);

    // A number that is a secret.
    scene.receiver.set(
        "/echo",
        Behaviour::json(200, &json!({"pin": 123_456_789, "n": 12})),
    );
    let called = call(&scene, "echo", json!({"id": 1})).await;
    assert_eq!(called["output"], json!({"pin": "[redacted]", "n": 12}));
}

#[tokio::test]
async fn large_outputs_are_cut_and_kept_whole_for_a_while() {
    let items: Vec<_> = (0..30_000)
        .map(|n| json!({"n": n, "text": format!("{SECRET} \"item\"")}))
        .collect();
    let script = Script::new().on("/many", Behaviour::json(200, &json!(items)));
    let scene = Scene::open(script).await;
    secret(&scene, "KEY", SECRET).await;
    let endpoint = json!({"url": scene.receiver.url("/many?k={{secrets.KEY}}"), "method": "GET"});
    tool(&scene, "many", endpoint, json!({})).await;
    let called = call(&scene, "many", json!({})).await;
    let marker = &called["output"];
    assert_eq!(
        (&called["truncated"], &marker["truncated"]),
        (&json!(true), &json!(true))
    );
    assert!(
        marker.to_string().len() <= 262_144,
        "{}",
        marker.to_string().len()
    );
    assert!(text(&marker["content"]).len() > 200_000);
    let url = text(&marker["artifact_url"]);
    let path = url.strip_prefix("https://tieline.test").unwrap();
    let answer = scene.client.get(path).await.unwrap().expect(200).unwrap();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(!answer.text().contains(SECRET));
    assert_eq!(answer.json().unwrap().as_array().unwrap().len(), 30_000);
    assert_eq!(
        marker["total_bytes"].as_u64().unwrap() as usize,
        answer.text().len()
    );

    let stranger = scene.server.tenant("*").await;
    stranger.get(path).await.unwrap().expect(404).unwrap();
    scene.wait(24 * 3_600 + 1);
    scene.missing(path).await;
    let app = scene.server.app.clone();
    let stop = tokio_util::sync::CancellationToken::new();
    tieline::retention::Remover::new(app.clone(), stop)
        .pass()
        .await
        .unwrap();
    let left = app
        .store
        .remove_expired_artifacts(app.clock.now(), 10)
        .await
        .unwrap();
    assert_eq!(left, 0, "the retention has removed it");
}

#[tokio::test]
async fn calls_have_a_pace_and_a_number_at_once() {
    let gate = Gate::new();
    let held = Behaviour::held(&gate, Behaviour::json(200, &json!({})));
    let scene = Scene::with(
        Script::new().on("/held", held),
        &[("limits.calls_in_flight_per_tenant", "2")],
    )
    .await;
    let endpoint = json!({"url": scene.receiver.url("/held"), "method": "GET"});
    tool(&scene, "one", endpoint.clone(), json!({"max_in_flight": 1})).await;
    tool(&scene, "other", endpoint.clone(), json!({})).await;
    tool(
        &scene,
        "slow",
        json!({"url": scene.receiver.url("/fast"), "method": "GET", "query": {}}),
        json!({"rate_limit": {"per_second": 1}, "class": "write"}),
    )
    .await;

    let refused = async |name: &str| {
        let answer = scene
            .client
            .post(&format!("/v1/tools/{name}/call"), json!({}))
            .await
            .unwrap();
        assert_eq!(answer.status, 429, "{answer:?}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(wait >= 1);
        answer.json().unwrap()
    };
    let calls = async {
        tokio::join!(
            call(&scene, "one", json!({})),
            call(&scene, "other", json!({}))
        )
    };
    let watch = async {
        scene.receiver.wait_for(2).await.unwrap();
        let busy = refused("one").await;
        assert!(
            text(&busy["detail"]).contains("`one` runs 1 times at once"),
            "{busy}"
        );
        let busy = refused("other").await;
        assert!(
            text(&busy["detail"]).contains("2 calls of the tenant"),
            "{busy}"
        );
        gate.open();
    };
    let ((one, other), ()) = tokio::join!(calls, watch);
    assert_eq!(
        (&one["success"], &other["success"]),
        (&json!(true), &json!(true))
    );

    call(&scene, "slow", json!({})).await;
    let fast = refused("slow").await;
    assert_eq!(fast["type"], "/docs/errors/rate-limited");
    let log = scene.list("/v1/calls?error_kind=rate_limited").await;
    assert_eq!(log.len(), 3);
    assert!(
        log.iter()
            .all(|row| row["decision"] == "refused: rate_limited"),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_call_that_is_given_up_ends_and_is_logged() {
    let scene = Scene::open(Script::new().on("/never", Behaviour::Never)).await;
    let endpoint = json!({"url": scene.receiver.url("/never"), "method": "POST"});
    tool(&scene, "never", endpoint, json!({"timeout_seconds": 300})).await;
    let asking = scene.client.post("/v1/tools/never/call", json!({}));
    tokio::select! {
        _ = asking => panic!("nobody answers"),
        sent = scene.receiver.wait_for(1) => drop(sent.unwrap()),
    }
    let log = scene
        .when("/v1/calls", |log| {
            log["data"][0]["error_kind"] == "cancelled"
        })
        .await;
    assert_eq!(log["data"][0]["decision"], "allowed", "{log}");
}

#[tokio::test]
async fn every_call_is_in_the_log() {
    let scene = Scene::open(Script::new().on("/lookup", Behaviour::json(404, &json!({})))).await;
    lookup(&scene, "/lookup").await;
    let body = json!({"parameters": {"identifier": "x"}, "user": "ann"});
    let called = scene
        .post("/v1/tools/lookup_customer/call", body, 200)
        .await;
    let id = text(&called["call_id"]);
    let row = scene.get(&format!("/v1/calls/{id}")).await;
    let expected = json!({
        "operation": "lookup_customer", "origin": "tool", "version": 1, "via": "api", "user": "ann", "agent_id": null,
        "decision": "allowed", "success": false, "error_kind": "not_found", "status_code": 404,
        "input": "{\"identifier\":\"x\"}", "input_truncated": false, "response_bytes": 2,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&row[name], value, "{name}: {row}");
    }
    assert!(text(&row["actor"]).starts_with("key_"), "{row}");
    let sent = scene.received();
    let trace = sent[0].header("traceparent").unwrap();
    assert!(trace.contains(&text(&row["trace_id"])), "{trace}");

    let count = async |query: &str| scene.list(&format!("/v1/calls?{query}")).await.len();
    let rows = [
        ("operation=lookup_customer", 1),
        ("operation=other", 0),
        ("via=api&success=false", 1),
        ("success=true", 0),
        ("error_kind=not_found", 1),
        ("agent_id=agent_sales", 0),
        ("conversation_id=conv_1", 0),
        ("to=2026-01-01T00:00:00Z", 0),
        ("from=2026-01-01T00:00:00Z", 1),
    ];
    for (query, expected) in rows {
        assert_eq!(count(query).await, expected, "{query}");
    }
    for bad in [
        "via=fax",
        "error_kind=oops",
        "success=maybe",
        "tool=x",
        "from=yesterday",
    ] {
        let answer = scene.client.get(&format!("/v1/calls?{bad}")).await.unwrap();
        answer.expect(400).unwrap();
    }
    let stranger = scene.server.tenant("*").await;
    stranger
        .get(&format!("/v1/calls/{id}"))
        .await
        .unwrap()
        .expect(404)
        .unwrap();

    // A clean stop writes what is left; age removes it.
    scene.server.app.operator.shut_down().await;
    scene.wait(31 * 24 * 3_600);
    let stop = tokio_util::sync::CancellationToken::new();
    let app = scene.server.app.clone();
    tieline::retention::Remover::new(app, stop)
        .pass()
        .await
        .unwrap();
    assert_eq!(count("").await, 0);
}

/// One who calls, with a key of their own.
struct User {
    tenant: usize,
    name: String,
    key_id: String,
    client: Client,
}

/// A tenant's tool and its secret, with two users.
async fn two_users(scene: &Scene, url: &str, tenant: usize) -> [User; 2] {
    let owner = scene.server.tenant("*").await;
    let value = json!({"name": "CRM_API_KEY", "value": format!("secret-of-tenant-{tenant}-a")});
    let made = [("/v1/secrets", value), ("/v1/tools", lookup_customer(url))];
    for (path, body) in made {
        owner.post(path, body).await.unwrap().expect(201).unwrap();
    }
    let user = async |number: usize| {
        let name = format!("tenant-{tenant}-user-{number}");
        let key = json!({"name": name, "scopes": ["*"]});
        let key = json_of(owner.post("/v1/api-keys", key).await.unwrap(), 201);
        User {
            tenant,
            name,
            key_id: text(&key["id"]),
            client: scene.server.client().bearer(text(&key["key"])),
        }
    };
    [user(0).await, user(1).await]
}

#[tokio::test]
async fn tenants_and_users_with_the_same_names_never_share_a_credential() {
    const TENANTS: usize = 4;
    const CALLS: usize = 30;
    let settings = [
        ("limits.calls_per_second", "1000000"),
        ("limits.calls_burst", "1000000"),
    ];
    let scene = Scene::with(Script::new().on("/echo", Behaviour::Echo), &settings).await;
    let url = scene.receiver.url("/echo");
    let mut users = Vec::new();
    for tenant in 0..TENANTS {
        users.extend(two_users(&scene, &url, tenant).await);
    }
    let calls = users.iter().flat_map(|user| {
        (0..CALLS).map(move |n| async move {
            let body = json!({"parameters": {"identifier": user.name}});
            let path = "/v1/tools/lookup_customer/call";
            let seen = json_of(user.client.post(path, body).await.unwrap(), 200);
            assert_eq!(seen["success"], true, "{seen}");
            if n == CALLS / 2 {
                let value = json!({"value": format!("secret-of-tenant-{}-b", user.tenant)});
                let rotated = user.client.put("/v1/secrets/CRM_API_KEY", value).await;
                rotated.unwrap().expect(200).unwrap();
            }
        })
    });
    futures::future::join_all(calls).await;
    let received = scene.received();
    assert_eq!(received.len(), users.len() * CALLS);
    for request in received {
        let asked = text(&request.json().unwrap()["query"]);
        let sent = request.header("authorization").unwrap();
        let own = users.iter().find(|user| user.name == asked).unwrap();
        assert!(
            sent.starts_with(&format!("Bearer secret-of-tenant-{}-", own.tenant)),
            "{asked}: {sent}"
        );
    }
    for user in &users {
        let log = json_of(user.client.get("/v1/calls?limit=100").await.unwrap(), 200);
        let calls = log["data"].as_array().unwrap();
        assert_eq!(calls.len(), 2 * CALLS, "of both users of the tenant");
        let own = |call: &&Value| text(&call["input"]).contains(&user.name);
        let actors = calls.iter().filter(own).map(|call| text(&call["actor"]));
        assert_eq!(actors.collect::<Vec<_>>(), vec![user.key_id.clone(); CALLS]);
    }
}
