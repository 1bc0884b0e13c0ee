//! The servers of a test: one or several nodes on one store, a source, a subscription, and its receiver.

use tieline_testkit::{
    http::Client,
    postgres::{self, Database},
    receiver::{Receiver, Script},
    server::{Launch, Server},
};

use crate::stage::{self, RECEIVED, Source, skip, subscribe};

/// One key for all nodes of a store: "0123456789abcdef" twice, in base64.
const MASTER_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Settings with which a node that died is soon replaced.
const QUICK: [(&str, &str); 4] = [
    ("TIELINE_DELIVERY_TIMEOUT_SECONDS", "4"),
    ("TIELINE_DELIVERY_LEASE_SECONDS", "5"),
    ("TIELINE_DELIVERY_RETRY", "0,1,1,1,1,1,1,1"),
    ("TIELINE_DELIVERY_PROBE_FIRST_SECONDS", "1"),
];

/// Where the nodes store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

/// What a test plays with. Cluster end before their database does.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
    pub(crate) source: Source,
    pub(crate) receiver: Receiver,
    _database: Option<Database>,
}

impl Cluster {
    /// Starts `count` nodes on a new store; `None`, said loudly, where the engine is not installed.
    pub(crate) async fn start(
        engine: Engine,
        count: usize,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Option<Self>> {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => {
                let Some(database) = postgres::fresh_database()? else {
                    skip("the tests on PostgreSQL", &postgres::missing_notice());
                    return Ok(None);
                };
                Some(database)
            }
        };
        let launch = quick_launch(settings);
        let launch = match &database {
            Some(database) => launch.database(database.url()),
            None => launch,
        };
        Self::launch(launch, count, database).await.map(Some)
    }

    /// Starts `count` nodes in this way: the first one before the others, so that they know what it set up.
    pub(crate) async fn launch(
        launch: Launch,
        count: usize,
        database: Option<Database>,
    ) -> anyhow::Result<Self> {
        let receiver = Receiver::start(Script::new()).await?;
        let mut nodes = vec![launch.clone().start().await?];
        let owner = stage::owner(nodes[0].url());
        let source = Source::create(&owner).await?;
        subscribe(&owner, &receiver.url("/"), &[RECEIVED]).await?;
        while nodes.len() < count {
            nodes.push(launch.clone().start().await?);
        }
        Ok(Self {
            nodes,
            source,
            receiver,
            _database: database,
        })
    }

    /// The owner at the first node.
    pub(crate) fn owner(&self) -> Client {
        stage::owner(self.nodes[0].url())
    }
}

/// The program as the crash tests start it.
pub(crate) fn quick_launch(settings: &[(&str, &str)]) -> Launch {
    let launch = stage::launch().env("TIELINE_MASTER_KEY", MASTER_KEY);
    // Of two values of one variable the last one holds.
    let settings = QUICK.iter().chain(settings);
    settings.fold(launch, |launch, (name, value)| launch.env(name, value))
}
