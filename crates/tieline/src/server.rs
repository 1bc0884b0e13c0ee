//! The running server: from the listening socket to the graceful stop.

use std::{future::Future, net::SocketAddr, sync::Arc};

use tieline_domain::clock::Clock;
use tieline_store::ChangeBy;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    api,
    app::{App, StartError},
    config::Config,
    demo,
    door::Door,
    first_run, housekeeping, retention,
    telemetry::traces,
};

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another address with --listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The program cannot be put together.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Traces cannot be exported.
    #[error(transparent)]
    Traces(#[from] traces::Error),
    /// The socket failed while the server ran.
    #[error("the listening socket failed: {0}")]
    Socket(std::io::Error),
}

impl From<tieline_store::Error> for Error {
    fn from(error: tieline_store::Error) -> Self {
        Self::Start(error.into())
    }
}

/// Runs the server until `stop` is there; `say` gets what people should read, line by line: keys that
/// are shown once, and the line that says that the server is ready.
pub async fn run(
    config: Config,
    clock: Clock,
    stop: impl Future<Output = ()> + Send + 'static,
    say: impl Fn(&str),
) -> Result<(), Error> {
    let config = Arc::new(config);
    let address = config.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| Error::Listen { address, error })?;
    let bound = listener.local_addr().map_err(Error::Socket)?;
    traces::start(&config.telemetry)?;
    let app = App::open(Arc::clone(&config), clock, config.public_url_at(bound)).await?;
    let _services = greet(&app, &say).await?;

    let background = CancellationToken::new();
    if config.roles.worker {
        let recovered = app.spine.recover(app.clock.now()).await?;
        if recovered > 0 {
            tracing::info!(
                recovered,
                "took up deliveries that were under way when the server last stopped"
            );
        }
        app.store.recover_jobs(app.clock.now()).await?;
        app.dispatcher.start();
        app.jobs.start();
        tokio::spawn(retention::run(app.clone(), background.clone()));
    }
    tokio::spawn(app.registry.clone().watch(background.clone()));
    tokio::spawn(housekeeping::run(app.clone(), background.clone()));
    say(&format!(
        "Tieline is ready at http://{bound} ({})",
        app.store.db().engine()
    ));

    serve(&app, listener, stop).await;
    background.cancel();
    app.jobs.shut_down().await;
    app.dispatcher.shut_down(config.shutdown_grace).await;
    app.operator.shut_down().await;
    app.store.db().close().await;
    traces::finish().await;
    Ok(())
}

/// Shows what is shown once, and prepares the demo, whose services run for as long as they are kept.
async fn greet(app: &App, say: &impl Fn(&str)) -> Result<Option<demo::Services>, Error> {
    if let Some(path) = &app.new_master_key {
        say(&format!(
            "A master key was generated: {}. Keep a copy in a safe place: without it no secret can be read again.",
            path.display()
        ));
    }
    let by = ChangeBy {
        actor: "server".to_owned(),
        request_id: None,
        at: app.clock.unique_now(),
    };
    let owner = first_run::prepare(&app.store, app.config.owner_key.as_ref(), &by).await?;
    if let Some(key) = &owner.generated {
        say(&format!(
            "The owner's API key, shown only this once: {}",
            &**key
        ));
    }
    if !app.config.demo {
        return Ok(None);
    }
    Ok(Some(demo::prepare(app, owner.tenant, say).await?))
}

/// Answers requests until `stop`, then finishes those under way, within the grace.
async fn serve(app: &App, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) {
    let stopping = CancellationToken::new();
    let told = stopping.clone();
    let streams = app.streams.clone();
    tokio::spawn(async move {
        stop.await;
        tracing::info!("stopping: no new requests, finishing those under way");
        streams.close();
        told.cancel();
    });
    let door = Door::new(api::front(app.clone()), &app.config.limits);
    if !door
        .open(listener, stopping, app.config.shutdown_grace)
        .await
    {
        tracing::warn!("some requests did not end in time");
    }
}
