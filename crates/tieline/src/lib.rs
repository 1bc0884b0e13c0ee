//! Tieline: one server between AI agents and everything else.

pub mod api;
pub mod app;
pub mod config;
pub mod telemetry;
pub mod vault;
