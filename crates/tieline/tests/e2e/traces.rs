//! One trace from the incoming request to every attempt, also after a restart.

use anyhow::{Context as _, ensure};
use http::Method;
use serde_json::json;
use tieline_testkit::{
    collector::{Span, spans},
    receiver::{Behaviour, Receiver, Script},
};

use crate::stage::{Source, eventually, launch, owner, subscribe, text};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const KEY: &str = "key-of-the-collector-which-nobody-sees";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_holds_request_event_and_every_attempt() -> anyhow::Result<()> {
    let collector = Receiver::start(Script::new()).await?;
    let script = Script::new().on("/fails", Behaviour::status(500));
    let receiver = Receiver::start(script).await?;
    let mut server = launch()
        .env("TIELINE_TELEMETRY_OTLP_ENDPOINT", collector.url("/"))
        .env("TIELINE_TELEMETRY_OTLP_HEADERS", format!("x-api-key={KEY}"))
        .env("TIELINE_DELIVERY_RETRY", "0,1,1")
        .env("TIELINE_DELIVERY_JITTER_PERCENT", "0")
        .start()
        .await?;
    let client = owner(server.url());
    let source = Source::create(&client).await?;
    subscribe(
        &client,
        &receiver.url("/fails?token=in-the-query"),
        &["webhook.received"],
    )
    .await?;
    subscribe(
        &client,
        &receiver.url("/works"),
        &["delivery.dead_lettered"],
    )
    .await?;

    let body = json!({"id": "1", "name": "payload-of-the-event"}).to_string();
    let request = client.request(Method::POST, &format!("/in/{}", source.id));
    let answer = request
        .header("content-type", "application/json")?
        .header("x-webhook-signature", source.signature(body.as_bytes()))?
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))?
        .body(body)
        .send()
        .await?
        .expect(202)?;
    let answered = answer
        .header("traceparent")
        .context("a traceparent")?
        .to_owned();
    ensure!(answered.starts_with(&format!("00-{TRACE}-")), "{answered}");
    let event = text(&answer.json()?, "/event_id")?;
    let shown = client.get(&format!("/v1/events/{event}")).await?.json()?;
    ensure!(shown["trace_id"] == TRACE, "{shown}");
    receiver.wait_for(1).await?;
    // The next attempts are those of another life of the server.
    server.terminate().await?;
    server.restart().await?;
    let received = receiver.wait_for(4).await?;
    let parents: Vec<_> = received
        .iter()
        .map(|request| request.headers["traceparent"].to_str().unwrap().to_owned())
        .collect();
    ensure!(
        parents
            .iter()
            .all(|parent| parent.starts_with(&format!("00-{TRACE}-"))),
        "{parents:?}"
    );

    let complete = async || {
        let found = spans(&collector.requests())?;
        let of_trace: Vec<Span> = found
            .into_iter()
            .filter(|span| span.trace_id == TRACE)
            .collect();
        // The request, its event, three attempts, the event of the dead letter, its delivery.
        Ok((of_trace.len() >= 7).then_some(of_trace))
    };
    let found = eventually("the collector has the trace", complete).await?;
    check(&found, &answered, &parents)?;
    for request in collector.requests() {
        ensure!(
            request.headers["x-api-key"] == KEY,
            "the collector's key goes along"
        );
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        for hidden in ["payload-of-the-event", "in-the-query", KEY] {
            ensure!(!sent.contains(hidden), "{hidden} is among the spans");
        }
    }
    ensure!(!server.logs().contains(KEY), "the key is in the log");
    server.terminate().await?;
    Ok(())
}

fn check(found: &[Span], answered: &str, parents: &[String]) -> anyhow::Result<()> {
    let named =
        |name: &str| -> Vec<&Span> { found.iter().filter(|span| span.name == name).collect() };
    let [request] = *named("POST /in/{id}") else {
        anyhow::bail!("not one request: {found:#?}");
    };
    assert_eq!(request.parent_id, PARENT, "it belongs to the sender's span");
    assert_eq!(format!("00-{TRACE}-{}-01", request.span_id), answered);
    assert_eq!(request.attributes["http.response.status_code"], "202");
    assert_eq!(request.service, "tieline");
    let [accepted] = *named("accept webhook.received") else {
        anyhow::bail!("not one event: {found:#?}");
    };
    assert_eq!(accepted.parent_id, request.span_id);
    let attempts = named("deliver webhook.received");
    assert_eq!(attempts.len(), 3);
    for attempt in &attempts {
        assert_eq!(attempt.parent_id, accepted.span_id);
        assert_eq!(attempt.attributes["error.type"], "status");
        assert_eq!(attempt.attributes["http.response.status_code"], "500");
        assert!(attempt.failed);
    }
    let [told] = *named("accept delivery.dead_lettered") else {
        anyhow::bail!("the dead letter is not told: {found:#?}");
    };
    assert_eq!(told.parent_id, accepted.span_id);
    let delivered = named("deliver delivery.dead_lettered");
    assert_eq!(delivered[0].parent_id, told.span_id);
    assert!(!delivered[0].failed);
    // What each receiver saw is a span that the collector has.
    for parent in parents {
        let known = found.iter().any(|span| parent.contains(&span.span_id));
        assert!(known, "{parent} leads nowhere");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_fails_delays_nothing() -> anyhow::Result<()> {
    let collector = Receiver::start(Script::new().otherwise(Behaviour::status(503))).await?;
    let receiver = Receiver::start(Script::new()).await?;
    let mut server = launch()
        .env("TIELINE_TELEMETRY_OTLP_ENDPOINT", collector.url("/"))
        .start()
        .await?;
    let client = owner(server.url());
    subscribe(&client, &receiver.url("/"), &["a"]).await?;
    for _ in 0..200 {
        client
            .post("/v1/events", json!({"type": "a"}))
            .await?
            .expect(202)?;
    }
    receiver.wait_for(200).await?;
    collector.wait_for(1).await?;
    eventually("the outage is told", async || {
        Ok(server
            .logs()
            .contains("the collector takes no traces")
            .then_some(()))
    })
    .await?;
    server.terminate().await?;
    Ok(())
}
