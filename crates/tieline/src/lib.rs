//! Tieline: one server between AI agents and everything else.
//!
//! The program's parts, as a library so that tests and the binary share them.

pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod outbound;
pub mod telemetry;
pub mod vault;
