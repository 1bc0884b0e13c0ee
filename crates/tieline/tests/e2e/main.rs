//! From one end to the other, with the real program: what the seeds show works as it stands, others' software
//! verifies what is delivered and sent, tenants and destinations do not feel each other, and no secret gets out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod canary;
mod demo;
mod fuzz;
mod hostile;
mod isolation;
mod lead;
mod mcp;
mod model;
mod neighbours;
mod official;
mod overload;
mod packages;
mod published_keys;
mod sdks;
mod seeds;
mod senders;
#[path = "../stage/mod.rs"]
mod stage;
mod streams;
mod traces;
mod turns;
