//! The only way out of the process (invariant 10).
//!
//! ```text
//! send ─► pool ─► connector: resolve → vet every address → dial those → TLS
//!   └──── one deadline over all of it, the head and the body ────┘
//! ```
//!
//! HTTP/1.1 only, no redirects, no proxies from the environment, bounded heads and bodies,
//! typed errors. One [`Outbound`] serves one allow-list: its pool would otherwise lend a
//! connection that one list allows to a request under another.

mod addresses;
mod allow;
mod body;
mod classify;
mod client;
mod connect;
mod destination;
mod error;
mod guard;
mod meter;
mod redact;
mod request;
mod resolve;
mod wire;

pub use addresses::{ADDRESS_TABLE, Range};
pub use allow::{AllowList, BadEntry};
pub use body::BodyEnd;
pub use client::{Outbound, Settings, public_roots};
pub use destination::{BadUrl, Destination, MAX_URL_BYTES, check_url};
pub use error::{Error, Phase};
pub use guard::{Guard, Refused};
pub use redact::{REDACTED, Redactor};
pub use request::{Answer, BodyLimit, Request, Timings};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use wire::Opening;
