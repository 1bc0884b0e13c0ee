//! Ids: a prefix that names the kind, an underscore, and a UUIDv7 in lower-case Crockford base32.
//!
//! The UUID carries 48 bits of milliseconds, 12 bits of the fraction of the millisecond (RFC 9562,
//! 6.2, method 3) and 62 random bits, so that ids sort by the microsecond in which they were made.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 26;

/// The text is not an id of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an id that begins with `{prefix}` and has 26 more characters")]
pub struct ParseIdError {
    /// The prefix that was expected, with its underscore.
    pub prefix: &'static str,
}

/// The 128 bits of a UUIDv7 made at `at` with 62 of the bits of `random`.
fn uuid_v7(at: Timestamp, random: u64) -> u128 {
    let micros = u128::from(at.as_micros().max(0).unsigned_abs());
    let millis = (micros / 1_000) & 0xffff_ffff_ffff;
    let fraction = (micros % 1_000) * 4_096 / 1_000;
    let tail = u128::from(random) & 0x3fff_ffff_ffff_ffff;
    millis << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | tail
}

fn encode(value: u128) -> [u8; DIGITS] {
    let mut text = [b'0'; DIGITS];
    for (i, digit) in text.iter_mut().rev().enumerate() {
        *digit = ALPHABET[(value >> (5 * i)) as usize & 31];
    }
    text
}

fn decode(text: &str) -> Option<u128> {
    if text.len() != DIGITS || text.as_bytes()[0] > b'7' {
        return None;
    }
    text.bytes().try_fold(0_u128, |value, byte| {
        let digit = ALPHABET.iter().position(|a| *a == byte)?;
        Some(value << 5 | digit as u128)
    })
}

/// Declares a typed id: its name, its prefix and what it identifies.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// The prefix of these ids, with its underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, made at `at` (give [`crate::clock::Clock::unique_now`]) with `random` bits.
            pub fn new(at: Timestamp, random: u64) -> Self {
                Self(uuid_v7(at, random))
            }

            /// The bare 128 bits.
            pub const fn as_u128(self) -> u128 {
                self.0
            }

            /// When the id was made, to the millisecond.
            pub fn made_at(self) -> Timestamp {
                Timestamp::from_micros(((self.0 >> 80) as i64).saturating_mul(1_000))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                let digits = encode(self.0);
                f.write_str(std::str::from_utf8(&digits).expect("the alphabet is ASCII"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(decode)
                    .map(Self)
                    .ok_or(ParseIdError { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

id! {
    /// A tenant.
    TenantId = "tn_";
    /// An API key.
    ApiKeyId = "key_";
    /// An OAuth client.
    ClientId = "cl_";
    /// A named secret.
    SecretId = "sec_";
    /// An incoming webhook endpoint.
    SourceId = "wh_in_";
    /// An outgoing webhook subscription.
    SubscriptionId = "wh_";
    /// An agent.
    AgentId = "agent_";
    /// A conversation.
    ConversationId = "conv_";
    /// A message of a conversation.
    MessageId = "msg_";
    /// One run of an agent: what it does about one message.
    TurnId = "turn_";
    /// A tool call that waits for a person's consent.
    ApprovalId = "apr_";
    /// An action.
    ActionId = "act_";
    /// A trigger.
    TriggerId = "trg_";
    /// A run of a trigger.
    TriggerRunId = "run_";
    /// An event.
    EventId = "evt_";
    /// What a tenant says of an event type.
    EventTypeId = "etype_";
    /// One event owed to one destination; also the `webhook-id` that its receiver sees.
    DeliveryId = "dlv_";
    /// One try of a delivery.
    AttemptId = "att_";
    /// A row of the audit log.
    AuditId = "aud_";
    /// A tool: an operation that is offered to agents.
    ToolId = "tool_";
    /// A mapping: how the fields of two sides meet.
    MappingId = "map_";
    /// A remote MCP server.
    McpServerId = "mcp_";
    /// One call of an operation.
    CallId = "call_";
    /// The whole of an output that was too large to hand over.
    ArtifactId = "art_";
    /// Long work with progress.
    JobId = "job_";
    /// One HTTP request to Tieline.
    RequestId = "req_";
}

impl TurnId {
    /// The turn about a message: each message that wants an answer has one.
    pub const fn about(message: MessageId) -> Self {
        Self(message.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let id = EventId::new(
            Timestamp::from_micros(1_700_000_000_123_456),
            0x1234_5678_9abc,
        );
        let text = id.to_string();
        assert_eq!(text.len(), 4 + 26);
        assert_eq!(text.parse::<EventId>().unwrap(), id);
        assert_eq!(id.made_at().as_micros(), 1_700_000_000_123_000);
    }

    #[test]
    fn text_sorts_by_microsecond() {
        let ids: Vec<_> = (0..2_000)
            .map(|i| {
                EventId::new(
                    Timestamp::from_micros(1_700_000_000_000_000 + i),
                    u64::MAX - i as u64,
                )
                .to_string()
            })
            .collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn is_a_uuid_of_version_7() {
        let bits = EventId::new(Timestamp::from_micros(1), u64::MAX).as_u128();
        let uuid = uuid::Uuid::from_u128(bits);
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn refuses_other_kinds_and_other_texts() {
        let id = EventId::new(Timestamp::from_micros(1), 1).to_string();
        let tail = &id["evt_".len()..];
        for wrong in [
            format!("dlv_{tail}"),
            tail.to_owned(),
            id.to_uppercase(),
            format!("{id}0"),
            format!("evt_8{}", &tail[1..]),
            format!("evt_{}u", &tail[..25]),
            String::new(),
        ] {
            assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
        }
        // `wh_in_…` begins with `wh_` and must not pass for a subscription.
        assert!(format!("wh_in_{tail}").parse::<SubscriptionId>().is_err());
    }
}
