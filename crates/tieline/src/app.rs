//! What the parts of the program share, put together in one place.

use std::{
    fs::{File, TryLockError},
    ops::Deref,
    sync::Arc,
};

use rand::random;
use rustls::crypto::aws_lc_rs;
use tieline_domain::clock::Clock;
use tieline_store::{
    Db, Options, Store,
    bell::Bell,
    spine::{Spine, SqlSpine, Tuning},
};
use url::Url;

use crate::{
    api::{caller::Callers, ratelimit::Limiter},
    config::{Config, Database, MasterKey, OutboundConfig},
    converse::{self, Agents, Conversations, Live, Turns},
    deliver::{self, Dispatcher},
    jobs::{
        self, Jobs,
        action_run::{self, ActionRuns},
    },
    mappings::Mappings,
    mcp,
    operate::{self, Operator},
    outbound::{AllowList, BadEntry, Outbound, Settings, public_roots, roots_with},
    publish::Publisher,
    receive::{self, Receiver},
    registry::Registry,
    streams::Streams,
    triggers::{self, Runner, Triggers},
    vault::{self, MasterKeys, Vault, VaultError},
    webhooks::{SigningKeys, Sources, Subscriptions},
};

/// The running program, as handlers see it. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// What lasts.
    pub store: Store,
    /// The hot path of the store.
    pub spine: Arc<dyn Spine>,
    /// The only holder of keys.
    pub vault: Vault,
    /// What the operator chose.
    pub config: Arc<Config>,
    /// The one clock.
    pub clock: Clock,
    /// Base of the links that others are given.
    pub public_url: Url,
    /// Configuration in memory.
    pub registry: Registry,
    /// Turns events into deliveries.
    pub publisher: Publisher,
    /// Takes requests to sources.
    pub receiver: Receiver,
    /// The streams of events that clients have open.
    pub streams: Streams,
    /// Sends deliveries.
    pub dispatcher: Arc<Dispatcher>,
    /// Makes and changes sources.
    pub sources: Sources,
    /// Makes and changes subscriptions.
    pub subscriptions: Subscriptions,
    /// Makes and changes mappings.
    pub mappings: Mappings,
    /// Makes and rotates the keys with which tenants sign.
    pub signing_keys: SigningKeys,
    /// Calls tools and actions.
    pub operator: Operator,
    /// Makes and changes agents.
    pub agents: Agents,
    /// What is said to agents, and what they answer.
    pub conversations: Conversations,
    /// Offers them to MCP clients.
    pub mcp: mcp::Endpoint,
    /// The calls of MCP clients under way on this node.
    pub mcp_running: mcp::running::Running,
    /// Long work with progress.
    pub jobs: Jobs,
    /// Runs of actions in the background.
    pub action_runs: ActionRuns,
    /// Makes and changes triggers.
    pub triggers: Triggers,
    /// Runs triggers.
    pub runner: Runner,
    /// The credentials seen lately.
    pub callers: Callers,
    /// How fast requests may come.
    pub limiter: Limiter,
    /// Where the master key was put, if it was made just now.
    pub new_master_key: Option<std::path::PathBuf>,
    /// Keeps other servers from the embedded database for as long as this one lives.
    _lock: Option<File>,
}

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be made.
    #[error("cannot make the data directory {path}: {error}")]
    Directory {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] tieline_store::Error),
    /// The vault cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Another server uses the embedded database.
    #[error(
        "another server uses {path}; stop it, or choose another directory with --data. Several nodes need Postgres"
    )]
    InUse {
        /// The file of the lock.
        path: String,
    },
    /// The demo cannot be prepared.
    #[error("cannot prepare the demo: {0:#}")]
    Demo(anyhow::Error),
    /// The list of what outgoing calls may reach is wrong.
    #[error("outbound_allow: {0}")]
    Allow(#[from] BadEntry),
    /// The certificate authorities cannot be read.
    #[error("outbound.ca_file {path}: {reason}")]
    Authorities {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

impl App {
    /// Opens the store that `config` names, brings its schema up to date, and puts the program together
    /// on it. Nothing is sent or looked for before [`Dispatcher::start`].
    pub async fn open(
        config: Arc<Config>,
        clock: Clock,
        public_url: Url,
    ) -> Result<Self, StartError> {
        // Another part of the process may have installed it already; it is the same one.
        let _ = aws_lc_rs::default_provider().install_default();
        let lock = lock_embedded(&config)?;
        let store = Store::new(open_database(&config).await?);
        let (master_keys, new_master_key) = master_keys(&config)?;
        let vault = Vault::open(store.clone(), clock.clone(), master_keys).await?;
        let outbound = Outbound::new(outbound_settings(&config)?);
        let tuning = Tuning {
            queue: config.limits.accept_queue,
            writers: config.database_pool.writers as usize,
        };
        let node = format!("node_{:016x}", random::<u64>());
        let spine: Arc<dyn Spine> =
            Arc::new(SqlSpine::start(store.db().clone(), &node, &clock, &tuning)?);
        let registry = Registry::new(
            store.clone(),
            vault.clone(),
            clock.clone(),
            Arc::clone(&config),
            public_url.clone(),
            outbound.clone(),
        );
        let operator = Operator::new(operate::Parts {
            clock: clock.clone(),
            config: Arc::clone(&config),
            store: store.clone(),
            registry: registry.clone(),
            outbound: outbound.clone(),
            public_url: public_url.clone(),
        });
        let conversing = converse::Parts {
            clock: clock.clone(),
            config: Arc::clone(&config),
            store: store.clone(),
            registry: registry.clone(),
            outbound: outbound.clone(),
            operator: operator.clone(),
        };
        let live = Live::default();
        let action_runs = ActionRuns::new(action_run::Parts {
            clock: clock.clone(),
            store: store.clone(),
            registry: registry.clone(),
            operator: operator.clone(),
        });
        let runner = Runner::new(triggers::Parts {
            clock: clock.clone(),
            config: Arc::clone(&config),
            store: store.clone(),
            registry: registry.clone(),
            operator: operator.clone(),
        });
        let dispatcher = Dispatcher::new(deliver::Parts {
            clock: clock.clone(),
            config: Arc::clone(&config),
            store: store.clone(),
            spine: Arc::clone(&spine),
            registry: registry.clone(),
            outbound: outbound.clone(),
            bell: Bell::new(store.db().clone()),
            turns: Turns::new(conversing.clone(), live.clone()),
            actions: action_runs.clone(),
            triggers: runner.clone(),
        });
        let jobs = Jobs::new(jobs::Parts {
            clock: clock.clone(),
            store: store.clone(),
            spine: Arc::clone(&spine),
            registry: registry.clone(),
            dispatcher: Arc::clone(&dispatcher),
            node,
            at_once: config.limits.jobs_at_once,
        });
        let publisher = Publisher::new(
            clock.clone(),
            Arc::clone(&spine),
            registry.clone(),
            Arc::clone(&dispatcher),
        );
        let sources = Sources::new(store.clone(), vault.clone(), registry.clone());
        let receiver = Receiver::new(receive::Parts {
            clock: clock.clone(),
            store: store.clone(),
            registry: registry.clone(),
            publisher: publisher.clone(),
            sources: sources.clone(),
            outbound: outbound.clone(),
            mirror: config.senders_mirror.clone(),
            kept: config.limits.rejected_log_per_source,
            max_depth: config.limits.json_depth_max,
            message_bytes: config.limits.turns.message_bytes,
        });
        let subscriptions = Subscriptions::new(
            store.clone(),
            vault.clone(),
            registry.clone(),
            outbound,
            Arc::clone(&dispatcher),
        );
        let triggers = Triggers::new(
            store.clone(),
            registry.clone(),
            operator.clone(),
            publisher.clone(),
        );
        Ok(Self(Arc::new(Parts {
            triggers,
            runner,
            agents: Agents::new(conversing.clone(), publisher.clone(), subscriptions.clone()),
            conversations: Conversations::new(conversing, live, Arc::clone(&dispatcher)),
            sources,
            mappings: Mappings::new(store.clone(), registry.clone()),
            signing_keys: SigningKeys::new(store.clone(), vault.clone(), registry.clone()),
            streams: Streams::new(config.limits.streams_per_tenant),
            limiter: Limiter::new(&config.limits),
            callers: Callers::default(),
            mcp: mcp::Endpoint::new(
                operator.clone(),
                &public_url,
                config.limits.api_body_max_bytes,
            ),
            mcp_running: mcp::running::Running::default(),
            operator,
            jobs,
            action_runs,
            store,
            spine,
            vault,
            config,
            clock,
            public_url,
            registry,
            publisher,
            receiver,
            dispatcher,
            subscriptions,
            new_master_key,
            _lock: lock,
        })))
    }
}

/// How outgoing calls are made, as the operator wants it.
fn outbound_settings(config: &Config) -> Result<Settings, StartError> {
    let OutboundConfig {
        proxy,
        proxy_by_name,
        no_proxy,
        ca_file,
    } = &config.outbound;
    let roots = match ca_file {
        None => public_roots(),
        Some(path) => std::fs::read(path)
            .map_err(|error| error.to_string())
            .and_then(|pem| roots_with(&pem))
            .map_err(|reason| StartError::Authorities {
                path: path.display().to_string(),
                reason,
            })?,
    };
    Ok(Settings {
        allow: config.outbound_allow.join(",").parse::<AllowList>()?,
        roots,
        proxy: proxy.clone().map(|proxy| proxy.told_names(*proxy_by_name)),
        no_proxy: no_proxy.join(",").parse::<AllowList>()?,
        idle_per_host: config.limits.in_flight_per_destination,
        ..Settings::default()
    })
}

/// Opens the database and applies the migrations that are missing.
pub async fn open_database(config: &Config) -> Result<Db, StartError> {
    let options = Options {
        connections: config.database_pool.connections,
    };
    let url = match &config.database {
        Database::Sqlite(path) => {
            let directory = path.parent().unwrap_or(&config.data);
            make_directory(directory)?;
            path.display().to_string()
        }
        Database::Postgres(url) => url.expose().to_owned(),
    };
    let db = Db::open(&url, &options).await?;
    db.migrate().await?;
    Ok(db)
}

/// Takes the embedded database for this server: what it keeps in memory, and that what it finds leased was
/// its own in an earlier life, is true for one server only. The system lets go of the lock when the
/// process ends, however it ends.
fn lock_embedded(config: &Config) -> Result<Option<File>, StartError> {
    let Database::Sqlite(database) = &config.database else {
        return Ok(None);
    };
    let path = database.with_extension("lock");
    let failed = |error| StartError::Directory {
        path: path.display().to_string(),
        error,
    };
    make_directory(database.parent().unwrap_or(&config.data))?;
    let file = File::create(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::Error(error)) => Err(failed(error)),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse {
            path: path.display().to_string(),
        }),
    }
}

fn make_directory(path: &std::path::Path) -> Result<(), StartError> {
    std::fs::create_dir_all(path).map_err(|error| StartError::Directory {
        path: path.display().to_string(),
        error,
    })
}

/// The master keys that are configured, or the one in the data directory, which is made if it is missing.
pub fn master_keys(
    config: &Config,
) -> Result<(MasterKeys, Option<std::path::PathBuf>), StartError> {
    if let Some(keys) = &config.master_key {
        let old = keys.old.iter().map(MasterKey::expose);
        return Ok((MasterKeys::new(keys.current.expose(), old), None));
    }
    make_directory(&config.data)?;
    let file = vault::load_or_generate_master_key(&config.data)?;
    let keys = MasterKeys::of_file(&file);
    Ok((keys, file.generated.then_some(file.path)))
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
