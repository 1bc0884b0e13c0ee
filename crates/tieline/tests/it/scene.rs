//! A scene of most tests about webhooks: a server that delivers, a tenant, and the other end.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    receiver::{Received, Receiver, Script},
};
use tokio::time::{Instant, sleep};

use crate::api_frame_server::Server;

/// How long something that must happen may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) receiver: Receiver,
}

impl Scene {
    /// A server with a worker, which may call loopback; a tenant with every right; a receiver that
    /// behaves as the script says.
    pub(crate) async fn open(script: Script) -> Self {
        Self::with(script, &[]).await
    }

    /// The same with these settings. The order of deliveries is that of their making.
    pub(crate) async fn with(script: Script, settings: &[(&str, &str)]) -> Self {
        let own = [
            ("outbound_allow", "127.0.0.0/8,::1/128"),
            ("limits.requests_burst", "1000000"),
            ("limits.in_flight_per_destination", "1"),
        ];
        let settings: Vec<_> = own.iter().chain(settings).copied().collect();
        let server = Server::with(&settings).await;
        server.app.dispatcher.start();
        Self {
            client: server.tenant("*").await,
            server,
            receiver: Receiver::start(script).await.unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        json_of(self.client.get(path).await.unwrap(), 200)
    }

    /// The `data` of a list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.get(path).await;
        list["data"].as_array().unwrap().clone()
    }

    pub(crate) async fn post(&self, path: &str, body: Value, status: u16) -> Value {
        json_of(self.client.post(path, body).await.unwrap(), status)
    }

    pub(crate) async fn put(&self, path: &str, body: Value, status: u16) -> Value {
        json_of(self.client.put(path, body).await.unwrap(), status)
    }

    pub(crate) async fn patch(&self, path: &str, body: impl Serialize, status: u16) -> Value {
        json_of(self.client.patch(path, body).await.unwrap(), status)
    }

    /// Deletes what is at `path`.
    pub(crate) async fn delete(&self, path: &str) {
        let deleted = self.client.delete(path).await.unwrap();
        deleted.expect(204).unwrap();
    }

    /// There is nothing at `path`.
    pub(crate) async fn missing(&self, path: &str) {
        let answer = self.client.get(path).await.unwrap();
        answer.expect(404).unwrap();
    }

    /// A webhook to `path` of the receiver; its id.
    pub(crate) async fn subscribe(&self, path: &str, events: &[&str], retry: &[u32]) -> String {
        let mut body = json!({"url": self.receiver.url(path), "events": events});
        if !retry.is_empty() {
            body["retry"] = json!(retry);
        }
        text(&self.post("/v1/webhooks", body, 201).await["id"])
    }

    /// Publishes an event; its id.
    pub(crate) async fn publish(&self, event_type: &str, data: Value) -> String {
        let body = json!({"type": event_type, "data": data});
        text(&self.post("/v1/events", body, 202).await["id"])
    }

    /// The only delivery of an event to a webhook.
    pub(crate) async fn delivery(&self, event: &str, webhook: &str) -> String {
        let path = format!("/v1/deliveries?event_id={event}&webhook_id={webhook}");
        let [only] = &*self.list(&path).await else {
            panic!("not one delivery of {event}");
        };
        text(&only["id"])
    }

    /// What is at `path` once it is as wanted.
    pub(crate) async fn when(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let seen = self.get(path).await;
            if wanted(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "{path} stays {seen:#}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// The delivery once it has this status after so many attempts.
    pub(crate) async fn settled(&self, delivery: &str, status: &str, attempts: u64) -> Value {
        self.when(&format!("/v1/deliveries/{delivery}"), |seen| {
            seen["status"] == status && seen["attempt_count"] == attempts
        })
        .await
    }

    /// The webhook once it has this status.
    pub(crate) async fn turned(&self, webhook: &str, status: &str) -> Value {
        self.when(&format!("/v1/webhooks/{webhook}"), |seen| {
            seen["status"] == status
        })
        .await
    }

    /// Moves the clock on.
    pub(crate) fn wait(&self, seconds: u64) {
        self.server.wait(Duration::from_secs(seconds));
    }

    /// What the receiver got so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.receiver.requests()
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

pub(crate) fn json_of(answer: Answer, status: u16) -> Value {
    answer.expect(status).unwrap().json().unwrap()
}
