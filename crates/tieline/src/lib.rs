//! Tieline: one server between AI agents and everything else.
//!
//! The program's parts, as a library so that tests and the binary share them.

pub mod api;
pub mod app;
pub mod authorize;
pub mod cli;
pub mod config;
pub mod converse;
pub mod deliver;
pub mod demo;
pub mod door;
mod failpoint;
pub mod first_run;
pub mod housekeeping;
pub mod jobs;
pub mod mappings;
pub mod mcp;
pub mod operate;
pub mod outbound;
pub mod process;
pub mod publish;
pub mod receive;
pub mod references;
pub mod registry;
pub mod retention;
pub mod server;
pub mod streams;
pub mod telemetry;
pub mod triggers;
pub mod vault;
pub mod webhooks;
