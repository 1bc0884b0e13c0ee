//! Death while actions are called, by a trigger and in the background: what is done is not repeated, what is not
//! known is said, and nothing is left open.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::http::Client;

use crate::{
    cluster::{Cluster, Engine},
    stage::{eventually, text},
};

/// The variable that names the place to die at, and at which pass.
const FAILPOINT: &str = "TIELINE_FAILPOINT";

/// Where the action posts to.
const PATH: &str = "/act";

/// A node that dies when it passes `place` for the first time, with an action and a trigger of two steps.
async fn cluster(engine: Engine, place: &str, idempotent: bool) -> Option<Cluster> {
    let plan = format!("{place}:1");
    let cluster = Cluster::start(engine, 1, &[(FAILPOINT, &plan)])
        .await
        .unwrap()?;
    let action = json!({
        "name": "act",
        "endpoint": {"url": cluster.receiver.url(PATH), "method": "POST"},
        "input_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
        "idempotent": idempotent,
    });
    let trigger = json!({
        "name": "two-steps",
        "event": "order.paid",
        "do": [{"action": "act", "input": {"n": "{{event.data.n}}"}}, {"event": {"type": "order.done", "data": {"n": "{{event.data.n}}"}}}],
    });
    let owner = cluster.owner();
    for (path, body) in [
        ("/v1/integrations/actions", action),
        ("/v1/triggers", trigger),
    ] {
        owner.post(path, body).await.unwrap().expect(201).unwrap();
    }
    Some(cluster)
}

/// Waits for the death, and starts the node again.
async fn dies_and_comes_back(cluster: &mut Cluster) {
    let status = cluster.nodes[0].ended().await.unwrap();
    assert!(!status.success(), "{status}");
    cluster.nodes[0].set_env(FAILPOINT, None);
    cluster.nodes[0].restart().await.unwrap();
}

async fn get(client: &Client, path: &str) -> anyhow::Result<Value> {
    client.get(path).await?.expect(200)?.json()
}

fn posts(cluster: &Cluster) -> usize {
    let requests = cluster.receiver.requests().into_iter();
    requests.filter(|one| one.path == PATH).count()
}

async fn a_run(engine: Engine, place: &str, idempotent: bool, status: &str, posted: usize) {
    let Some(mut cluster) = cluster(engine, place, idempotent).await else {
        return;
    };
    let event = json!({"type": "order.paid", "data": {"n": 7}});
    let published = cluster.owner().post("/v1/events", event).await.unwrap();
    published.expect(202).unwrap();
    dies_and_comes_back(&mut cluster).await;
    let owner = cluster.owner();
    let run = eventually("the end of the run", async || {
        let runs = get(&owner, "/v1/triggers/two-steps/runs").await?;
        let ended = !runs["data"][0]["ended_at"].is_null();
        if !ended {
            return Ok(None);
        }
        let id = text(&runs, "/data/0/id")?;
        get(&owner, &format!("/v1/trigger-runs/{id}"))
            .await
            .map(Some)
    })
    .await
    .unwrap();
    assert_eq!(run["status"], status, "{place} on {engine:?}: {run:#}");
    if status == "failed" {
        assert_eq!(run["error"]["kind"], "unknown_outcome", "{run:#}");
    }
    assert_eq!(posts(&cluster), posted, "{place} on {engine:?}");
    let told = get(&owner, "/v1/events?type=order.done").await.unwrap();
    let told = told["data"].as_array().unwrap().len();
    assert_eq!(
        told,
        usize::from(status == "completed"),
        "{place} on {engine:?}"
    );
}

async fn a_job(engine: Engine, place: &str, idempotent: bool, status: &str, posted: usize) {
    let Some(mut cluster) = cluster(engine, place, idempotent).await else {
        return;
    };
    let owner = cluster.owner();
    let request = owner.request(Method::POST, "/v1/integrations/actions/act/run");
    let request = request.header("prefer", "respond-async").unwrap();
    let answer = request
        .json(json!({"input": {"n": 7}}))
        .unwrap()
        .send()
        .await
        .unwrap();
    let job: Value = answer.expect(202).unwrap().json().unwrap();
    dies_and_comes_back(&mut cluster).await;
    let (owner, path) = (
        cluster.owner(),
        format!("/v1/jobs/{}", text(&job, "/id").unwrap()),
    );
    let ended = eventually("the end of the job", async || {
        let job = get(&owner, &path).await?;
        Ok((!job["ended_at"].is_null()).then_some(job))
    })
    .await
    .unwrap();
    assert_eq!(ended["status"], status, "{place} on {engine:?}: {ended:#}");
    if status == "failed" {
        assert_eq!(ended["errors"][0]["item"], "unknown_outcome", "{ended:#}");
    }
    assert_eq!(posts(&cluster), posted, "{place} on {engine:?}");
    let kind = format!("/v1/events?type=job.{status}");
    let told = get(&owner, &kind).await.unwrap();
    assert_eq!(
        told["data"].as_array().unwrap().len(),
        1,
        "{place} on {engine:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_goes_on_at_the_step_that_is_not_done() {
    for engine in Engine::ALL {
        // Between two steps: the first one is not repeated.
        a_run(engine, "step-ended", false, "completed", 1).await;
        // Between the call and what is written of it: repeated where that is harmless, else said to be unknown.
        a_run(engine, "step-called", true, "completed", 2).await;
        a_run(engine, "step-called", false, "failed", 1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_in_the_background_ends() {
    for engine in Engine::ALL {
        a_job(engine, "action-called", true, "completed", 2).await;
        a_job(engine, "action-called", false, "failed", 1).await;
    }
}
