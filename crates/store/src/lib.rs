//! What lasts: all SQL and nothing but SQL.
//!
//! Takes and returns domain types; rows stay private beside their SQL. Every method names its tenant;
//! only the worker's claim and the look-ups by an unguessable id cross tenants.

mod db;
mod error;
mod sql;
mod store;

pub mod access;
pub mod artifacts;
pub mod attempts;
pub mod audit;
pub mod bell;
pub mod calls;
pub mod conversations;
pub mod data_keys;
pub mod delivered_jobs;
pub mod deliveries;
pub mod destinations;
pub mod documents;
pub mod erasure;
pub mod events;
pub mod handshakes;
pub mod health;
pub mod idempotency;
pub mod jobs;
mod leases;
mod locks;
pub mod mcp_tools;
pub mod missed;
pub mod pace;
pub mod page;
pub mod rejected;
pub mod retention;
pub mod retries;
pub mod sealed;
pub mod spine;
pub mod statistics;
pub mod stream;
pub mod tenants;
pub mod trigger_runs;

pub use audit::ChangeBy;
pub use db::{Db, Options};
pub use error::Error;
pub use page::{Page, PageRequest};
pub use store::Store;

/// What the methods of the store return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
