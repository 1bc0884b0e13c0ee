//! What is known about one sender.

use super::config::Override;
use super::handshake::Handshake;
use super::scheme::Scheme;

/// A row of the table of presets: facts about one sender.
#[derive(Debug)]
pub struct Preset {
    /// The name users write as `scheme`.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// The name as people read it.
    pub title: &'static str,
    /// What a request that passes proves, for people.
    pub proves: &'static str,
    /// Where the secret is found or entered, for people.
    pub secret_help: &'static str,
    /// Who makes the secret.
    pub secret: SecretOwner,
    /// How a request is verified.
    pub scheme: Scheme,
    /// What the user may set.
    pub overrides: &'static [Override],
    /// What tells two copies of an event from two events, unless the user says otherwise.
    pub dedupe: Dedupe,
    /// Where the event's type stands, if the sender names one.
    pub event_type: Option<EventType>,
    /// Questions of the sender that are no events.
    pub handshakes: &'static [Handshake],
}

/// Who makes the secret of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretOwner {
    /// There is none.
    Nobody,
    /// We generate one if the user brings none, and the user enters it at the sender.
    Ours,
    /// The sender shows one, and the user brings it.
    Theirs,
    /// The sender brings it in its first request, unless the user does.
    Sender,
}

impl SecretOwner {
    /// Whether requests cannot be verified without a secret.
    pub fn is_needed(self) -> bool {
        self != Self::Nobody
    }
}

/// What identifies an event. Where it is absent from a request, the hash of the body stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dedupe {
    /// The id that the signature covers, as [`Verified::message_id`](super::Verified::message_id) gives it.
    MessageId,
    /// A header. It is not signed: who captured a request can send it again under another value.
    Header(&'static str),
    /// Several headers together, for senders whose ids count anew under each.
    Headers(&'static [&'static str]),
    /// What an RFC 9535 JSONPath finds in the body.
    Body(&'static str),
    /// The hash of the body.
    BodyHash,
    /// Nothing: the sender tells different events by equal requests, so that each is an event of its own.
    Never,
}

/// Where an event's type stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// In a header.
    Header(&'static str),
    /// Where an RFC 9535 JSONPath points in the body.
    Body(&'static str),
}
