//! The server as a process: its logs, its metrics, the signals that stop it.

use std::io::Write as _;

use anyhow::Context as _;
use tieline_domain::clock::Clock;
use tokio::signal::unix::{SignalKind, signal};

use crate::{config::Loaded, server, telemetry};

/// Runs the server until SIGTERM or SIGINT.
pub async fn serve(loaded: Loaded) -> anyhow::Result<()> {
    let Loaded {
        config,
        unread_env,
        settings: _,
    } = loaded;
    telemetry::init(&config.log)?;
    telemetry::label_tenants(config.metrics.tenant_labels);
    telemetry::metrics();
    for name in unread_env {
        tracing::warn!(name, "no setting has this name; the variable is not used");
    }
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    server::run(config, Clock::system(), stop, say).await?;
    Ok(())
}

/// Prints a line for whoever started the server; that nobody reads it is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
