//! The promise under fire: what was answered with 2xx is delivered, whatever dies meanwhile. The real program
//! is killed, stopped, starved of its database and of its disk; the seed of what is random is printed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod books;
mod cluster;
mod copies;
mod failpoints;
mod ledger;
mod missed;
mod order;
mod outages;
mod pace;
mod refusals;
mod replay;
mod rotation;
#[path = "../stage/mod.rs"]
mod stage;
mod stopping;
mod traffic;
mod triggers;
mod turns;
