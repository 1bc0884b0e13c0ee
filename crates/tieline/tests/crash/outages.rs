//! The store goes away for a while: 503 with `Retry-After`, nothing half written, and service by itself again.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    postgres::{self, Postgres},
};

use crate::{
    books,
    cluster::{Cluster, quick_launch},
    ledger::given,
    stage::{eventually, report, skip, text},
    traffic::Promises,
};

/// A small file system of its own; unmounted with the value.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(directory.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that is left, in a file.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps it.
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.path())
            .status();
    }
}

fn assert_unavailable(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 503, "{what}: {answer:?}");
    assert!(answer.header("retry-after").is_some(), "{what}: {answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{what}"
    );
}

/// Sends until an answer is not 2xx; notes what was accepted.
async fn send_until_refused(cluster: &Cluster, client: &Client, promises: &mut Promises) -> Answer {
    for number in 0..200 {
        let answer = cluster
            .source
            .send(client, &message("full", number))
            .await
            .unwrap();
        if !answer.status.is_success() {
            return answer;
        }
        promises
            .accepted
            .insert(text(&answer.json().unwrap(), "/event_id").unwrap());
    }
    panic!("a full disk took 200 messages");
}

fn message(kind: &str, number: usize) -> Value {
    json!({"id": format!("{kind}-{number}"), "text": "x".repeat(40_000)})
}

#[tokio::test]
async fn a_full_disk_is_an_outage_and_no_loss() {
    let Some(disk) = SmallDisk::mount() else {
        let what = "mounting a tmpfs is not permitted";
        assert!(!(is_root() && postgres::required()), "{what} to root");
        return report(&format!("\n*** SKIPPED the full disk: {what} ***\n"));
    };
    let file = disk.path().join("tieline.db");
    let launch = quick_launch(&[]).database(file.to_str().unwrap());
    let cluster = Cluster::launch(launch, 1, None).await.unwrap();
    let client = Client::new(cluster.nodes[0].url());
    let mut promises = Promises {
        accepted: [].into(),
        refused: 0,
        unanswered: 0,
    };
    for round in 0..2 {
        let answer = cluster
            .source
            .send(&client, &message("before", round))
            .await
            .unwrap();
        promises
            .accepted
            .insert(text(&answer.expect(202).unwrap().json().unwrap(), "/event_id").unwrap());
        disk.fill();
        let refused = send_until_refused(&cluster, &client, &mut promises).await;
        assert_unavailable("/in on a full disk", &refused);
        let refused = cluster
            .owner()
            .post(
                "/v1/events",
                // Larger than the room in the log that the refused one has left.
                json!({"type": "order.created", "data": {"text": "x".repeat(400_000)}}),
            )
            .await
            .unwrap();
        assert_unavailable("/v1/events on a full disk", &refused);
        client.get("/healthz").await.unwrap().expect(200).unwrap();
        disk.free();
        let again = eventually("the server accepts again", async || {
            let answer = cluster
                .source
                .send(&client, &message("after", round))
                .await?;
            Ok(answer.status.is_success().then_some(answer))
        });
        let accepted = again.await.unwrap().json().unwrap();
        promises
            .accepted
            .insert(text(&accepted, "/event_id").unwrap());
    }
    books::close(&cluster, &promises).await.unwrap();
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_the_server_waits_for_it() {
    let Some(mut server) = Postgres::start().unwrap() else {
        return skip("the outage of Postgres", &postgres::missing_notice());
    };
    let database = server.create_database().unwrap();
    let launch = quick_launch(&[]).database(database.url());
    let cluster = Cluster::launch(launch, 1, None).await.unwrap();
    let (client, owner) = (Client::new(cluster.nodes[0].url()), cluster.owner());
    let mut promises = Promises::default();
    let mut accept = async |what: &str, client: &Client| {
        let answer = cluster
            .source
            .send(client, &message(what, 0))
            .await
            .unwrap();
        let accepted = answer.expect(202).unwrap().json().unwrap();
        promises
            .accepted
            .insert(text(&accepted, "/event_id").unwrap());
    };
    accept("before", &client).await;
    tokio::task::block_in_place(|| server.stop()).unwrap();

    // At once, because each waits a while for the database.
    let away = message("away", 0);
    let (received, listed, ready) = tokio::join!(
        cluster.source.send(&client, &away),
        owner.get("/v1/events"),
        client.get("/readyz")
    );
    for (what, answer) in [
        ("/in", received),
        ("/v1/events", listed),
        ("/readyz", ready),
    ] {
        assert_unavailable(what, &answer.unwrap());
    }
    // Over a new connection: the one whose body was not read is closed behind its answer.
    let anew = Client::new(cluster.nodes[0].url());
    anew.get("/healthz").await.unwrap().expect(200).unwrap();
    let mut refused = 1;
    // A soak keeps it away for longer.
    let longer = Duration::from_secs(given("TIELINE_TEST_OUTAGE_SECONDS").unwrap_or(0));
    let begun = Instant::now();
    while begun.elapsed() < longer {
        let again = cluster.source.send(&anew, &message("away", refused)).await;
        assert_unavailable("/in", &again.unwrap());
        refused += 1;
    }

    tokio::task::block_in_place(|| server.restart()).unwrap();
    eventually("the server is ready again", async || {
        Ok((client.get("/readyz").await?.status == 200).then_some(()))
    })
    .await
    .unwrap();
    accept("back", &client).await;
    promises.refused = refused;
    let balance = books::close(&cluster, &promises).await.unwrap();
    assert_eq!(
        balance.delivered, 2,
        "what was refused was not written: {balance:?}"
    );
}
