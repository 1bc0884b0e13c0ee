//! The bell: a node that leaves work for others rings, and those that look for work hear it. Whoever
//! misses it finds the work a little later, when it looks anyway.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::Notify, task::AbortHandle};

use crate::{Db, Result};

/// The channel of LISTEN and NOTIFY.
const CHANNEL: &str = "tieline_bell";

/// The shortest time between two rings: one tells of all that came meanwhile.
const PAUSE: Duration = Duration::from_millis(20);

/// A bell that every node on the same database hears; clones share it. On SQLite, which serves one node,
/// only that node does.
#[derive(Clone)]
pub struct Bell(Arc<Inner>);

struct Inner {
    db: Db,
    rung: Arc<Notify>,
    /// Passes rings on to the database.
    ringing: Option<AbortHandle>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(ringing) = &self.ringing {
            ringing.abort();
        }
    }
}

impl Bell {
    /// The bell of a database.
    pub fn new(db: Db) -> Self {
        let rung = Arc::new(Notify::new());
        let ringing = match &db {
            Db::Sqlite(_) => None,
            Db::Postgres(pool) => {
                let task = tokio::spawn(pass_on(pool.clone(), Arc::clone(&rung)));
                Some(task.abort_handle())
            }
        };
        Self(Arc::new(Inner { db, rung, ringing }))
    }

    /// Rings; never waits.
    pub fn ring(&self) {
        self.0.rung.notify_one();
    }

    /// Calls `heard` for each ring, until the database is lost.
    pub async fn listen(&self, heard: impl Fn()) -> Result<()> {
        match &self.0.db {
            Db::Sqlite(_) => loop {
                self.0.rung.notified().await;
                heard();
            },
            Db::Postgres(pool) => {
                let mut listener = PgListener::connect_with(pool).await?;
                listener.listen(CHANNEL).await?;
                loop {
                    listener.recv().await?;
                    heard();
                }
            }
        }
    }
}

async fn pass_on(pool: PgPool, rung: Arc<Notify>) {
    loop {
        rung.notified().await;
        let notify = sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL);
        if let Err(error) = notify.execute(&pool).await {
            tracing::debug!(%error, "cannot ring; others find the work when they look");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
