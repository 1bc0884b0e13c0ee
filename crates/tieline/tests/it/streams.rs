//! Server-Sent Events: order, resume, filters, ends.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    events::{Event, EventStream},
    http::Client,
    receiver::Script,
};

use crate::scene::{Scene, json_of, text};

const PATH: &str = "/v1/events/stream";

async fn open(client: &Client, path: &str, last: Option<&str>) -> EventStream {
    let mut request = client.request(Method::GET, path);
    if let Some(last) = last {
        request = request.header("last-event-id", last).unwrap();
    }
    EventStream::open(request).await.unwrap()
}

async fn take(stream: &mut EventStream, count: usize) -> Vec<Event> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(stream.next().await.unwrap().expect("the stream goes on"));
    }
    taken
}

fn numbers(events: &[Event]) -> Vec<i64> {
    let number = |event: &Event| event.data["data"]["n"].as_i64().unwrap();
    events.iter().map(number).collect()
}

async fn publish(scene: &Scene, numbers: std::ops::Range<i64>) {
    for n in numbers {
        scene.publish("order.created", json!({"n": n})).await;
    }
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let scene = Scene::open(Script::new()).await;
    let before = scene.publish("order.created", json!({"n": -1})).await;
    let mut stream = open(&scene.client, PATH, None).await;
    publish(&scene, 0..3).await;
    let seen = take(&mut stream, 3).await;
    assert_eq!(numbers(&seen), [0, 1, 2], "from the opening on");
    assert_eq!(seen[0].event, "order.created");
    let mut shown = scene.get(&format!("/v1/events/{}", seen[0].id)).await;
    shown.as_object_mut().unwrap().remove("caused");
    assert_eq!(seen[0].data, shown);

    drop(stream);
    publish(&scene, 3..40).await;
    let mut stream = open(&scene.client, PATH, Some(&seen[2].id)).await;
    let rest = take(&mut stream, 37).await;
    assert_eq!(numbers(&rest), (3..40).collect::<Vec<_>>());
    // The query serves those who cannot set headers; where both are given, the header is the newer one.
    let path = format!("{PATH}?last_event_id={before}");
    let mut stream = open(&scene.client, &path, None).await;
    assert_eq!(numbers(&take(&mut stream, 2).await), [0, 1]);
    let mut stream = open(&scene.client, &path, Some(&seen[2].id)).await;
    assert_eq!(numbers(&take(&mut stream, 2).await), [3, 4]);
}

#[tokio::test]
async fn a_client_gets_what_it_asks_for_and_nothing_of_others() {
    let scene = Scene::open(Script::new()).await;
    let stranger = scene.server.tenant("*").await;
    let mut typed = open(&scene.client, &format!("{PATH}?types=order.*,a"), None).await;
    let mut about = open(&scene.client, &format!("{PATH}?subject=vip"), None).await;
    let mut foreign = open(&stranger, PATH, None).await;
    let events = json!({"events": [
        {"type": "b", "data": {"n": 1}},
        {"type": "a", "data": {"n": 2}, "subject": "vip"},
        {"type": "order.paid", "data": {"n": 3}},
    ]});
    scene.post("/v1/events", events, 202).await;
    assert_eq!(numbers(&take(&mut typed, 2).await), [2, 3]);
    assert_eq!(numbers(&take(&mut about, 1).await), [2]);
    let theirs = json!({"type": "theirs", "data": {"n": 9}});
    stranger
        .post("/v1/events", theirs)
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    assert_eq!(numbers(&take(&mut foreign, 1).await), [9]);
}

#[tokio::test]
async fn content_on_several_lines_arrives_whole() {
    let scene = Scene::open(Script::new()).await;
    let mut stream = open(&scene.client, PATH, None).await;
    let body = "{\"type\": \"a\", \"data\": {\n \"n\": 1,\r\n\"t\": \"x\\ny\"\r}}";
    let request = scene.client.request(Method::POST, "/v1/events");
    let request = request.header("content-type", "application/json").unwrap();
    request
        .body(body)
        .send()
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    let seen = take(&mut stream, 1).await;
    assert_eq!(seen[0].data["data"], json!({"n": 1, "t": "x\ny"}));
}

#[tokio::test]
async fn what_cannot_be_streamed_is_refused() {
    let settings = [("limits.streams_per_tenant", "2")];
    let scene = Scene::with(Script::new(), &settings).await;
    let stranger = scene.server.tenant("*").await;
    let theirs = stranger
        .post("/v1/events", json!({"type": "a"}))
        .await
        .unwrap();
    let foreign = text(&json_of(theirs, 202)["id"]);
    let weak = scene.server.tenant("webhooks:read").await;
    let rows = [
        (&scene.client, "", Some("evt_1"), 400),
        (&scene.client, "?types=a..b", None, 400),
        (&scene.client, "?types=", None, 400),
        (&scene.client, "?type=a", None, 400),
        (&scene.client, "?last_event_id=x", None, 400),
        (&scene.client, "", Some(&*foreign), 410),
        (&weak, "", None, 403),
    ];
    for (client, query, last, status) in rows {
        let mut request = client.request(Method::GET, &format!("{PATH}{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last).unwrap();
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status, status, "{query} {last:?}: {answer:?}");
    }
    let one = open(&scene.client, PATH, None).await;
    let _two = open(&scene.client, PATH, None).await;
    let answer = scene.client.get(PATH).await.unwrap().expect(429).unwrap();
    assert!(answer.header("retry-after").is_some());
    // A place is free again when its client has gone.
    drop(one);
    loop {
        let request = scene.client.request(Method::GET, PATH);
        if EventStream::open(request).await.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_key_and_with_the_server() {
    let scene = Scene::open(Script::new()).await;
    let body = json!({"name": "Streaming", "scopes": ["events:read"]});
    let key = scene.post("/v1/api-keys", body, 201).await;
    let client = scene.server.client().bearer(text(&key["key"]));
    let mut stream = open(&client, PATH, None).await;
    let mut other = open(&scene.client, PATH, None).await;
    let path = format!("/v1/api-keys/{}", text(&key["id"]));
    scene.delete(&path).await;
    assert_eq!(stream.next().await.unwrap(), None::<Event>);
    scene.publish("a", Value::Null).await;
    assert!(other.next().await.unwrap().is_some(), "only its own end");
    scene.server.app.streams.close();
    assert_eq!(other.next().await.unwrap(), None);
}
