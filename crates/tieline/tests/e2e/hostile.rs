//! Receivers that pour whatever they can into the real program: its memory stays bounded.

use serde_json::json;
use tieline_testkit::receiver::{Behaviour, Receiver, Script};

use crate::stage::{eventually, launch, owner, report, subscribe};

/// How many events each of the receivers gets, at once.
const EVENTS: usize = 60;

/// What the program may take more at its highest than before, in KiB: far below what is poured,
/// which is 1.9 GiB unpacked for the bombs alone.
const MORE: u64 = 128 * 1024;

/// The most memory that the process had so far, in KiB.
fn highest(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn memory_stays_bounded_whatever_is_answered() {
    let script = Script::new()
        .on("/huge", Behaviour::Huge { bytes: 10 << 20 })
        .on("/endless", Behaviour::Endless)
        .on("/bomb", Behaviour::gzip_bomb(32 << 20));
    let receiver = Receiver::start(script).await.unwrap();
    let server = launch().start().await.unwrap();
    let owner = owner(server.url());
    for path in ["/huge", "/endless", "/bomb"] {
        subscribe(&owner, &receiver.url(path), &["order.*"])
            .await
            .unwrap();
    }
    let before = highest(server.id().unwrap());
    let event = json!({"type": "order.created", "data": {}});
    let events = json!({"events": vec![event; EVENTS]});
    owner
        .post("/v1/events", events)
        .await
        .unwrap()
        .expect(202)
        .unwrap();
    receiver.wait_for(3 * EVENTS).await.unwrap();
    eventually("everything is delivered", async || {
        let pending = owner
            .get("/v1/deliveries?status=pending")
            .await?
            .expect(200)?
            .json()?;
        Ok(pending["data"]
            .as_array()
            .is_some_and(Vec::is_empty)
            .then_some(()))
    })
    .await
    .unwrap();
    let more = highest(server.id().unwrap()) - before;
    report(&format!(
        "{} hostile answers took {more} KiB at most",
        3 * EVENTS
    ));
    assert!(more < MORE, "{more} KiB");
    let dead = owner.get("/v1/dead-letters").await.unwrap().json().unwrap();
    assert_eq!(dead["data"], json!([]));
}
