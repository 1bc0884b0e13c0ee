//! The way out over real connections on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod failures;
mod guarded;
mod http2;
mod proxies;
mod receiver;
mod sent;
mod tls;
