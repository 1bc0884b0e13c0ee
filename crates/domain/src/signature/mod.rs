//! Signatures of webhooks: one engine, described by data, that verifies what comes in and signs what goes out.
//!
//! - A [`Preset`] is a row of facts about one sender: its [`Scheme`], where its secret is found, how its events
//!   are told apart. A preset is added by adding a row and a vector.
//! - A [`Verification`] is what a user configures: the name of a preset and what differs from it.
//! - A [`Verifier`] answers for one source, with its keys prepared: [`Verifier::verify`] is the hot path.
//! - A [`Signer`] produces what a genuine sender would send, for `tieline send` and for tests.
//! - A [`StandardSigner`] signs our own deliveries by Standard Webhooks.
//! - [`Handshakes`] answers the questions senders ask before they trust a URL.
//! - A [`KeyRequest`] names the document of keys that a request must be checked with, where the sender publishes
//!   them; fetching it is for the caller.
//!
//! Everything here is pure: the time is an argument, and nothing but the bytes of the request is read. A check
//! goes over the raw bytes and compares in constant time (DESIGN invariant 14). Facts: webhooks 3.

mod acknowledgement;
mod asymmetric;
mod bespoke;
mod certificate;
mod config;
mod config_error;
mod confirm;
mod content;
mod credentials;
mod described;
mod documents;
mod ebay;
mod form;
mod format;
mod handshake;
mod hosts;
mod jwt;
mod key;
mod key_pair;
mod preset;
mod presets;
mod private_key;
mod public_key;
mod public_url;
mod published;
mod rejection;
mod request;
mod scheme;
mod signed;
mod signed_with;
mod signer;
mod standard;
mod template;
mod timestamp;
mod verifier;

#[cfg(test)]
mod tests;

pub use acknowledgement::{Acknowledgement, acknowledgement};
pub use asymmetric::PublicKeyScheme;
pub use bespoke::BespokeScheme;
pub use config::{Override, Verification};
pub use config_error::ConfigError;
pub use confirm::{Confirm, Confirmation};
pub use documents::{Access, AccessSecret, KeyRequest, SenderRequest};
pub use handshake::{
    Answer, Consequence, Effect, Gate, Handshake, HandshakeAnswer, Handshakes, Mark, Place,
};
pub use hosts::Hosts;
pub use jwt::{Claim, JwtAlgorithm, JwtKeys, JwtLife, JwtPlace, JwtScheme};
pub use key::KeyedSecret;
pub use key_pair::{PublicKey, generate_signing_key};
pub use preset::{Dedupe, EventType, Preset, SecretOwner};
pub use presets::{find, presets};
pub use public_key::Algorithm;
pub use rejection::Rejection;
pub use request::{Headers, SignedRequest};
pub use scheme::{
    BasicScheme, Digest, Encoding, Format, HeaderNames, KeyForm, Mac, MoreSignatures, Part, Scheme,
    SignedScheme, TimestampRule, TimestampUnit, TokenScheme, UrlRule, Value,
};
pub use signed_with::SignedWith;
pub use signer::{SenderKeys, Signature, Signer, SigningError};
pub use standard::{StandardSigner, generate_secret};
pub use template::TemplateError;
pub use verifier::{Trust, Verified, Verifier};
