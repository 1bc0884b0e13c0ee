//! What the server does for itself now and then: metrics, and the removal of what is over.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{app::App, telemetry};

/// How often the write-ahead log is moved into the database file, so that no request has to wait for it: often enough that
/// little is flushed at once, for whoever commits meanwhile waits behind that flush.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(50);
/// How often the gauges are set.
const GAUGES_EVERY: Duration = Duration::from_secs(10);
/// How often what is over is removed.
const REMOVAL_EVERY: Duration = Duration::from_mins(1);
/// How often work is looked for whose delivery goes out no more.
const ORPHANS_EVERY: Duration = Duration::from_secs(2);
/// How long after the content of an event was deleted an answer to it may still be written.
const LATE: Duration = Duration::from_mins(10);
/// How many rows are removed in one commit: few enough that accepting does not feel it.
const CHUNK: usize = 1_000;
/// The pause between two chunks of a long walk.
const BREATH: Duration = Duration::from_millis(20);

/// Runs until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    tokio::join!(
        every(&stop, CHECKPOINT_EVERY, || checkpoint(&app)),
        every(&stop, GAUGES_EVERY, || gauges(&app)),
        every(&stop, REMOVAL_EVERY, || removal(&app)),
        every(&stop, ORPHANS_EVERY, || orphans(&app)),
    );
}

async fn every<F: Future<Output = tieline_store::Result<()>>>(
    stop: &CancellationToken,
    wait: Duration,
    task: impl Fn() -> F,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        if let Err(error) = task().await {
            tracing::warn!(%error, "housekeeping could not do its work");
        }
    }
}

async fn checkpoint(app: &App) -> tieline_store::Result<()> {
    app.store.db().checkpoint().await
}

async fn gauges(app: &App) -> tieline_store::Result<()> {
    let depth = app.spine.depth(app.config.metrics.queue_count_max).await?;
    let now = app.clock.now();
    let age = depth
        .oldest_due
        .map_or(0.0, |due| now.since(due).as_secs_f64());
    metrics::gauge!(telemetry::QUEUE_DEPTH, "status" => "pending").set(depth.pending as f64);
    metrics::gauge!(telemetry::QUEUE_DEPTH, "status" => "held").set(depth.held as f64);
    metrics::gauge!(telemetry::QUEUE_DEPTH, "status" => "queued").set(depth.queued as f64);
    metrics::gauge!(telemetry::QUEUE_OLDEST_SECONDS).set(age);
    let (in_memory, bytes) = app.dispatcher.load();
    metrics::gauge!(telemetry::IN_FLIGHT).set(in_memory as f64);
    metrics::gauge!(telemetry::DELIVERY_MEMORY_BYTES).set(bytes as f64);
    telemetry::metrics().upkeep();
    Ok(())
}

/// Ends what waits for a delivery that was called off or removed.
async fn orphans(app: &App) -> tieline_store::Result<()> {
    app.action_runs.end_orphans().await?;
    app.runner.end_orphans().await
}

async fn removal(app: &App) -> tieline_store::Result<()> {
    let now = app.clock.now();
    forget_seen(app).await?;
    app.store.erase_late_answers(now.minus(LATE)).await?;
    while app.store.delete_expired_idempotent(now, CHUNK).await? == CHUNK as u64 {}
    let old = now.minus(Duration::from_hours(
        24 * u64::from(app.config.retention.days),
    ));
    while app.store.delete_old_minutes(old, CHUNK).await? == CHUNK as u64 {}
    while app.store.delete_expired_access_tokens(now, CHUNK).await? == CHUNK as u64 {}
    Ok(())
}

/// Goes once through the keys of seen events and removes those whose window is over.
async fn forget_seen(app: &App) -> tieline_store::Result<()> {
    let now = app.clock.now();
    let mut after = Vec::new();
    while let Some(last) = app.spine.forget_seen(now, after, CHUNK).await? {
        after = last;
        tokio::time::sleep(BREATH).await;
    }
    Ok(())
}
