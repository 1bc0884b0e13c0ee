//! Tieline: one server between AI agents and everything else.

pub mod vault;
