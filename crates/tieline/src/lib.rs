//! Tieline: one server between AI agents and everything else.
//!
//! The program's parts, as a library so that tests and the binary share them.

pub mod api;
pub mod app;
pub mod config;
pub mod deliver;
mod failpoint;
pub mod outbound;
pub mod publish;
pub mod receive;
pub mod registry;
pub mod telemetry;
pub mod vault;
pub mod webhooks;
