//! The way out over real connections on loopback.

mod answers;
mod failures;
mod guarded;
mod receiver;
mod sent;
mod tls;
