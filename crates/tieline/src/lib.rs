//! Tieline: one server between AI agents and everything else.

pub mod config;
pub mod telemetry;
