//! Stories that the store must live through on every engine: together they run every statement.
//!
//! SQLite always; Postgres where `TIELINE_TEST_POSTGRES` names a server, and always in CI.

#![expect(
    clippy::unwrap_used,
    reason = "a story ends where something unexpected happens"
)]

mod access;
mod audit;
mod conversations;
mod data_keys;
mod documents;
mod engines;
mod events_log;
mod handshakes;
mod health;
mod idempotency;
mod jobs;
mod lines;
mod mcp_tools;
mod missed;
mod operations;
mod pace;
mod rejected;
mod retention;
mod sealed;
mod searches;
mod set_back;
mod setting;
mod spine;
mod stream;
mod tenants;
mod trigger_runs;
