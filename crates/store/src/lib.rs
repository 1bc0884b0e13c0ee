//! What lasts: all SQL and nothing but SQL.
//!
//! Takes and returns domain types; rows stay private beside their SQL. Every method names its tenant;
//! only the worker's claim and the look-ups by an unguessable id cross tenants.

mod db;
mod error;

pub mod deliveries;
pub mod destinations;
pub mod events;
pub mod page;
pub mod spine;
pub mod store;

pub use db::{Db, Options};
pub use error::Error;

/// What the methods of the store return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
