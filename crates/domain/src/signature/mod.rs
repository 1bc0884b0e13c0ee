//! Signatures of webhooks: one engine, described by data, that verifies what comes in and signs what goes out.
//!
//! - A [`Preset`] is a row of facts about one sender: its [`Scheme`], where its secret is found, how its events
//!   are told apart. A preset is added by adding a row and a vector.
//! - A [`Verification`] is what a user configures: the name of a preset and what differs from it.
//! - A [`Verifier`] answers for one source, with its keys prepared: [`Verifier::verify`] is the hot path.
//! - A [`Signer`] produces what a genuine sender would send, for `tieline send` and for tests.
//! - A [`StandardSigner`] signs our own deliveries by Standard Webhooks.
//! - [`handshake`] answers the questions senders ask before they trust a URL.
//!
//! Everything here is pure: the time is an argument, and nothing but the bytes of the request is read. A check
//! goes over the raw bytes and compares in constant time (DESIGN invariant 14). Facts: webhooks 3.

mod config;
mod content;
mod credentials;
mod format;
mod handshake;
mod key;
mod preset;
mod presets;
mod public_key;
mod public_url;
mod rejection;
mod request;
mod scheme;
mod signed;
mod signer;
mod standard;
mod template;
mod timestamp;
mod verifier;

#[cfg(test)]
mod tests;

pub use config::{ConfigError, Override, Verification};
pub use handshake::{Answer, Handshake, HandshakeAnswer, Question, handshake};
pub use key::KeyedSecret;
pub use preset::{Dedupe, EventType, Preset, SecretOwner};
pub use presets::{find, presets};
pub use public_key::{PublicKey, generate_signing_key};
pub use rejection::Rejection;
pub use request::{Headers, SignedRequest};
pub use scheme::{
    BasicScheme, Digest, Encoding, Format, HeaderNames, KeyForm, Part, Scheme, SignedScheme,
    TimestampRule, TimestampUnit, TokenScheme, UrlRule,
};
pub use signer::{Signature, Signer};
pub use standard::{StandardSigner, generate_secret};
pub use template::TemplateError;
pub use verifier::{Trust, Verified, Verifier};
