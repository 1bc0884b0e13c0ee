//! The only way out of the process (invariant 10).
//!
//! ```text
//! send ─► pool ─► connector: resolve → vet every address → dial those → TLS
//!   └──── one deadline over all of it, the head and the body ────┘
//! ```
//!
//! HTTP/1.1, and HTTP/2 where a receiver chooses it in the TLS handshake; no redirects; no proxy
//! but the operator's; bounded heads and bodies; typed errors. One [`Outbound`] serves one allow-list: its pool would otherwise lend a
//! connection that one list allows to a request under another.

mod addresses;
mod allow;
mod body;
mod certificate;
mod classify;
mod client;
mod connect;
mod destination;
mod error;
mod flow;
mod guard;
mod meter;
mod proxy;
mod redact;
mod request;
mod resolve;
mod tls;
mod wire;

pub use addresses::{ADDRESS_TABLE, Range};
pub use allow::{AllowList, BadEntry};
pub use body::BodyEnd;
pub use certificate::{BadCertificate, ClientCertificate, validity};
pub use client::{Outbound, Settings};
pub use destination::{BadUrl, Destination, MAX_URL_BYTES, check_url};
pub use error::{Error, Phase};
pub use flow::Flow;
pub use guard::{Guard, Refused};
pub use proxy::{BadProxy, Proxy};
pub use redact::{REDACTED, Redactor};
pub use request::{Answer, BodyLimit, Request, Timings};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use tls::{public_roots, roots_with};
pub use wire::Opening;
