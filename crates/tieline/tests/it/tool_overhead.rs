//! What a call through the engine costs over the bare call: a measurement, not a test. DESIGN wants at most 1 ms at the
//! median. Run it with a bench build:
//!
//! ```sh
//! cargo nextest run --cargo-profile bench --workspace --test it --run-ignored only -E 'test(tool_overhead)' --no-capture
//! ```

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use tieline::{
    operate::{Call, CalledBy},
    outbound::{BodyLimit, Outbound, Request, Settings},
};
use tieline_domain::trace::TraceContext;
use tieline_testkit::receiver::{Behaviour, Script};
use tokio_util::sync::CancellationToken;

use crate::{
    scene::Scene,
    tools::{lookup_customer, secret},
};

const WARM_UP: usize = 200;
const CALLS: usize = 3_000;

/// The median and the 99th percentile.
fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

async fn timed(mut once: impl AsyncFnMut()) -> (Duration, Duration) {
    for _ in 0..WARM_UP {
        once().await;
    }
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begun = Instant::now();
        once().await;
        times.push(begun.elapsed());
    }
    percentiles(times)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, for a bench build"]
#[expect(clippy::print_stderr, reason = "a figure is for whoever asked for it")]
async fn of_one_call_after_the_other() {
    let answer = json!({"name": "Test User", "status": "active", "subscription": "enterprise"});
    let settings = [
        ("limits.calls_per_second", "1000000"),
        ("limits.calls_burst", "1000000"),
        ("limits.requests_per_second", "1000000"),
    ];
    let script = Script::new().on("/lookup", Behaviour::json(200, &answer));
    let scene = Scene::with(script, &settings).await;
    secret(&scene, "CRM_API_KEY", "sk_live_abc123").await;
    let url = scene.receiver.url("/lookup");
    let made = scene.post("/v1/tools", lookup_customer(&url), 201).await;
    let id = made["id"].as_str().unwrap();

    let outbound = Outbound::new(Settings {
        allow: "127.0.0.0/8".parse().unwrap(),
        ..Settings::default()
    });
    let destination = outbound.check_url(&url).unwrap();
    let bare = timed(async || {
        let request = Request {
            body: r#"{"query":"test@example.com"}"#.into(),
            body_limit: BodyLimit::Whole { at_most: 65_536 },
            ..Request::new(Method::POST, destination.uri().clone())
        };
        outbound.send(request).await.unwrap();
    })
    .await;

    let tenant = scene
        .server
        .app
        .store
        .find_document_anywhere(tieline_store::documents::Kind::Tool, id)
        .await;
    let tenant_id = tenant.unwrap().unwrap().tenant_id;
    let operator = &scene.server.app.operator;
    let engine = timed(async || {
        let operation = operator
            .find(tenant_id, "lookup_customer")
            .await
            .unwrap()
            .unwrap();
        let call = Call {
            tenant_id,
            operation,
            input: json!({"identifier": "test@example.com"}),
            by: CalledBy::default(),
            trace: TraceContext {
                trace_id: 1,
                span_id: 1,
                sampled: false,
            },
            idempotency_key: None,
            deadline: None,
            cancel: CancellationToken::new(),
        };
        operator.call(call).await.result.unwrap();
    })
    .await;

    let body = json!({"parameters": {"identifier": "test@example.com"}});
    let api = timed(async || {
        let answer = scene
            .client
            .post("/v1/tools/lookup_customer/call", &body)
            .await;
        answer.unwrap().expect(200).unwrap();
    })
    .await;
    for (what, (median, late)) in [
        ("bare call", bare),
        ("through the engine", engine),
        ("through the API", api),
    ] {
        eprintln!(
            "{what}: p50 {median:?} (+{:?}), p99 {late:?}",
            median.saturating_sub(bare.0)
        );
    }
}
