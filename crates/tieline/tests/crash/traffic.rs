//! A sender with several connections that keeps its promises: it repeats each request until it is accepted, and
//! notes every event that it was promised.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use parking_lot::Mutex;
use serde_json::json;
use tieline_testkit::http::{Answer, Client};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    cluster::Cluster,
    stage::{Source, text},
};

/// How many requests are under way at once.
const SENDERS: usize = 12;

/// How long the sender may be without a success before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// The requests under way, until [`Traffic::finish`].
pub(crate) struct Traffic {
    sender: Arc<Sender>,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// What was promised, and what it took.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    /// The ids of the accepted events.
    pub(crate) accepted: BTreeSet<String>,
    /// How many requests were answered with 503.
    pub(crate) refused: usize,
    /// How many requests were never answered.
    pub(crate) unanswered: usize,
}

struct Sender {
    source: Source,
    nodes: Vec<Node>,
    next: AtomicUsize,
    stopping: AtomicBool,
    accepted: Mutex<BTreeSet<String>>,
    /// How many answers with 2xx there were, and how many with 503.
    answered: watch::Sender<(usize, usize)>,
    unanswered: AtomicUsize,
}

struct Node {
    client: Client,
    life: watch::Sender<Life>,
}

/// Whether a node is up, and how often it was started.
#[derive(Clone, Copy)]
struct Life {
    up: bool,
    number: usize,
}

impl Traffic {
    /// Begins to send to all nodes in turn.
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let node = |url: &str| Node {
            client: Client::new(url),
            life: watch::Sender::new(Life {
                up: true,
                number: 0,
            }),
        };
        let sender = Arc::new(Sender {
            source: cluster.source.clone(),
            nodes: cluster
                .nodes
                .iter()
                .map(|server| node(server.url()))
                .collect(),
            next: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            accepted: Mutex::default(),
            answered: watch::Sender::new((0, 0)),
            unanswered: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        for _ in 0..SENDERS {
            tasks.spawn(Arc::clone(&sender).run());
        }
        Self { sender, tasks }
    }

    /// Waits until so many more requests were accepted.
    pub(crate) async fn accepts(&self, more: usize) -> anyhow::Result<()> {
        let goal = self.sender.answered.borrow().0 + more;
        self.wait(|(accepted, _)| accepted >= goal, "accepted")
            .await
    }

    /// Waits until so many more requests were answered with 503.
    pub(crate) async fn refuses(&self, more: usize) -> anyhow::Result<()> {
        let goal = self.sender.answered.borrow().1 + more;
        self.wait(|(_, refused)| refused >= goal, "refused").await
    }

    async fn wait(
        &self,
        enough: impl Fn((usize, usize)) -> bool,
        what: &str,
    ) -> anyhow::Result<()> {
        let mut answered = self.sender.answered.subscribe();
        let reached = answered.wait_for(|now| enough(*now));
        let outcome = tokio::time::timeout(PATIENCE, reached).await.map(drop);
        outcome.with_context(|| {
            let (accepted, refused) = *self.sender.answered.borrow();
            format!("not enough requests were {what} within {PATIENCE:?}: {accepted} accepted, {refused} refused")
        })
    }

    /// Says that a node is about to go away: nothing new is sent to it.
    pub(crate) fn down(&self, node: usize) {
        self.sender.nodes[node]
            .life
            .send_modify(|life| life.up = false);
    }

    /// Says that a node was started again.
    pub(crate) fn up(&self, node: usize) {
        self.sender.nodes[node].life.send_modify(|life| {
            life.up = true;
            life.number += 1;
        });
    }

    /// Lets every request under way come to its end; some node must be up.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Promises> {
        self.sender.stopping.store(true, Ordering::SeqCst);
        let ended = async {
            while let Some(task) = self.tasks.join_next().await {
                task??;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .context("the requests under way did not end")??;
        let refused = self.sender.answered.borrow().1;
        Ok(Promises {
            accepted: std::mem::take(&mut *self.sender.accepted.lock()),
            refused,
            unanswered: self.sender.unanswered.load(Ordering::Relaxed),
        })
    }
}

impl Sender {
    async fn run(self: Arc<Self>) -> anyhow::Result<()> {
        while !self.stopping.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let body = json!({"id": format!("message-{number}"), "text": "x".repeat(number % 300)});
            let mut tries = 0;
            while !self.accepts(&body, number + tries).await? {
                tries += 1;
            }
        }
        Ok(())
    }

    /// Sends a request once, to a node that is up; says whether it was accepted.
    async fn accepts(&self, body: &serde_json::Value, turn: usize) -> anyhow::Result<bool> {
        let (node, number) = self.choose(turn).await?;
        let Ok(answer) = self.source.send(&node.client, body).await else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            node.life.send_if_modified(|life| {
                let it_died = life.up && life.number == number;
                life.up &= !it_died;
                it_died
            });
            return Ok(false);
        };
        if answer.status.is_success() {
            self.accepted
                .lock()
                .insert(text(&answer.json()?, "/event_id")?);
            self.answered.send_modify(|(accepted, _)| *accepted += 1);
            return Ok(true);
        }
        let wait = wait_asked_for(&answer)?;
        self.answered.send_modify(|(_, refused)| *refused += 1);
        tokio::time::sleep(wait).await;
        Ok(false)
    }

    /// A node that is up, waiting for one if need be, and which of its lives this is.
    async fn choose(&self, turn: usize) -> anyhow::Result<(&Node, usize)> {
        let begun = tokio::time::Instant::now();
        loop {
            for i in 0..self.nodes.len() {
                let node = &self.nodes[(turn + i) % self.nodes.len()];
                let life = *node.life.borrow();
                if life.up {
                    return Ok((node, life.number));
                }
            }
            ensure!(begun.elapsed() < PATIENCE, "no node came back");
            let mut lives: Vec<_> = self
                .nodes
                .iter()
                .map(|node| node.life.subscribe())
                .collect();
            let any = lives
                .iter_mut()
                .map(|life| Box::pin(life.wait_for(|life| life.up)));
            // Whichever it was is found by the next turn of the loop.
            let _ = tokio::time::timeout(PATIENCE, futures::future::select_all(any)).await;
        }
    }
}

/// The wait that a 503 asks for; any other answer is an error.
fn wait_asked_for(answer: &Answer) -> anyhow::Result<Duration> {
    ensure!(
        answer.status == 503,
        "a good request was answered {answer:?}"
    );
    let seconds = answer
        .header("retry-after")
        .context("a 503 says when to come back")?;
    Ok(Duration::from_secs(seconds.parse()?))
}
