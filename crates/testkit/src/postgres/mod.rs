//! Throwaway PostgreSQL: a server per process or per test run, a fresh database per test.
//!
//! `with-postgres -- command…` starts one server and tells the command its address in
//! [`ADDRESS_VARIABLE`]; a test started without it starts a server of its own. Either way a test only says
//! [`fresh_database`].

mod database;
mod install;
mod process;
mod throwaway;

use std::sync::{Arc, Weak};

use anyhow::Context as _;
use parking_lot::Mutex;

pub use database::Database;
pub use install::{missing_notice, required};
pub use throwaway::{Builder, Postgres};

/// The environment variable with the address of a server that tests share: its `postgres` database, as
/// `postgres://…/postgres`, for a role that may create databases.
pub const ADDRESS_VARIABLE: &str = "TIELINE_TEST_POSTGRES";

/// The server that the running tests of this process share. It stops when the last of them lets go, which a
/// plain static would not do.
static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());

/// The address in [`ADDRESS_VARIABLE`], when set.
#[expect(
    clippy::disallowed_methods,
    reason = "the kit is configured by the test run, not by the program's settings"
)]
pub fn given_address() -> Option<String> {
    std::env::var(ADDRESS_VARIABLE)
        .ok()
        .filter(|address| !address.is_empty())
}

/// The server that the tests of this process share, started if need be; `None` when PostgreSQL is not
/// installed and not [`required`].
pub fn shared() -> anyhow::Result<Option<Arc<Postgres>>> {
    let mut shared = SHARED.lock();
    if let Some(running) = shared.upgrade() {
        return Ok(Some(running));
    }
    let started = Postgres::start()?.map(Arc::new);
    if let Some(server) = &started {
        *shared = Arc::downgrade(server);
    }
    Ok(started)
}

/// A new, empty database on the server named by [`ADDRESS_VARIABLE`], else on the [`shared`] one; `None`
/// when PostgreSQL is not installed and not [`required`]. It is dropped with the value.
pub fn fresh_database() -> anyhow::Result<Option<Database>> {
    if let Some(address) = given_address() {
        let installation = install::Installation::find()
            .with_context(|| format!("{ADDRESS_VARIABLE} is set, but `psql` is not installed"))?;
        return Database::create(&installation, &address).map(Some);
    }
    match shared()? {
        Some(server) => Ok(Some(server.create_database()?.keeping(server))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_gets_a_database_of_its_own() {
        let (Some(one), Some(two)) = (fresh_database().unwrap(), fresh_database().unwrap()) else {
            return;
        };
        assert_ne!(one.url(), two.url());
        one.run_sql("CREATE TABLE only_here (id BIGINT)").unwrap();
        assert!(two.run_sql("SELECT * FROM only_here").is_err());
    }

    #[test]
    fn a_dropped_database_is_gone() {
        let Some(kept) = fresh_database().unwrap() else {
            return;
        };
        let dropped = fresh_database().unwrap().unwrap();
        let name = dropped.name().to_owned();
        let count =
            format!("SELECT 'found ' || count(*) FROM pg_database WHERE datname = '{name}'");
        assert_eq!(kept.run_sql(&count).unwrap(), "found 1");
        drop(dropped);
        assert_eq!(kept.run_sql(&count).unwrap(), "found 0");
    }
}
