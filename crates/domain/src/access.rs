//! Who may do what: scopes, API keys, OAuth clients.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{ApiKeyId, ClientId, TenantId, Timestamp};

/// A part of the API that a scope opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Tenants of the whole installation; never included in `*`.
    Platform,
    /// API keys and OAuth clients.
    Keys,
    /// Named secrets.
    Secrets,
    /// Incoming webhooks and outgoing subscriptions.
    Webhooks,
    /// Events.
    Events,
    /// Deliveries, attempts and dead letters.
    Deliveries,
    /// The audit log.
    Audit,
    /// Jobs: long work with progress.
    Jobs,
    /// Agents.
    Agents,
    /// Conversations, what was said in them, and consent to tool calls.
    Conversations,
    /// Tools and actions.
    Tools,
    /// Calls of tools and actions: to make them, and the log of them.
    Calls,
    /// Mappings: how the fields of two sides meet.
    Mappings,
    /// Triggers and their runs.
    Triggers,
}

/// Every area with the word that scopes use for it.
pub const AREAS: [(Area, &str); 14] = [
    (Area::Platform, "platform"),
    (Area::Keys, "keys"),
    (Area::Secrets, "secrets"),
    (Area::Webhooks, "webhooks"),
    (Area::Events, "events"),
    (Area::Deliveries, "deliveries"),
    (Area::Audit, "audit"),
    (Area::Jobs, "jobs"),
    (Area::Agents, "agents"),
    (Area::Conversations, "conversations"),
    (Area::Tools, "tools"),
    (Area::Calls, "calls"),
    (Area::Mappings, "mappings"),
    (Area::Triggers, "triggers"),
];

/// What a scope allows in its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// To look.
    Read,
    /// To change; includes looking.
    Write,
}

/// One scope: `*` (every area of the tenant, not `platform`), or `<area>:read` or `<area>:write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything within the tenant.
    All,
    /// One right in one area.
    Of(Area, Right),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Of(area, right) => {
                let word = AREAS
                    .iter()
                    .find(|(a, _)| a == area)
                    .map_or("", |(_, word)| word);
                let right = match right {
                    Right::Read => "read",
                    Right::Write => "write",
                };
                write!(f, "{word}:{right}")
            }
        }
    }
}

/// The text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope; use `*` or `<area>:read` or `<area>:write` with an area of {areas}", areas = area_words())]
pub struct UnknownScope(pub String);

fn area_words() -> String {
    AREAS.map(|(_, word)| word).join(", ")
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        if text == "*" {
            return Ok(Self::All);
        }
        let unknown = || UnknownScope(text.to_owned());
        let (word, right) = text.split_once(':').ok_or_else(unknown)?;
        let (area, _) = AREAS.iter().find(|(_, w)| *w == word).ok_or_else(unknown)?;
        match right {
            "read" => Ok(Self::Of(*area, Right::Read)),
            "write" => Ok(Self::Of(*area, Right::Write)),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A set of scopes, written as RFC 6749 does: separated by spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(pub BTreeSet<Scope>);

impl Scopes {
    /// Everything there is: the scopes of the owner of the installation.
    pub fn owner() -> Self {
        Self([Scope::All, Scope::Of(Area::Platform, Right::Write)].into())
    }

    /// Everything within a tenant.
    pub fn all() -> Self {
        Self([Scope::All].into())
    }

    /// Whether these scopes give `right` in `area`.
    pub fn allow(&self, area: Area, right: Right) -> bool {
        self.0.iter().any(|scope| match scope {
            Scope::All => area != Area::Platform,
            Scope::Of(a, r) => *a == area && *r >= right,
        })
    }

    /// Whether every one of `wanted` is covered by these scopes.
    pub fn cover(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|scope| match scope {
            Scope::All => self.0.contains(&Scope::All),
            Scope::Of(area, right) => self.allow(*area, *right),
        })
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { " " };
            write!(f, "{gap}{scope}")?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split_ascii_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// An API key as it is kept: without the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The tenant it opens.
    pub tenant_id: TenantId,
    /// Its name, for people.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// The last four characters of the key, to tell keys apart.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops to work; never if absent.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// An OAuth client (RFC 6749) for the client-credentials grant, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClient {
    /// Its id: the `client_id`.
    pub id: ClientId,
    /// The tenant it opens.
    pub tenant_id: TenantId,
    /// Its name, for people.
    pub name: String,
    /// The most that its tokens can allow.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_allow_what_they_say() {
        let rows = [
            ("*", Area::Events, Right::Write, true),
            ("*", Area::Platform, Right::Read, false),
            ("events:read", Area::Events, Right::Read, true),
            ("events:read", Area::Events, Right::Write, false),
            ("events:write", Area::Events, Right::Read, true),
            ("events:write", Area::Secrets, Right::Read, false),
            ("platform:read", Area::Platform, Right::Read, true),
            ("", Area::Events, Right::Read, false),
        ];
        for (text, area, right, allowed) in rows {
            let scopes: Scopes = text.parse().unwrap();
            assert_eq!(
                scopes.allow(area, right),
                allowed,
                "{text} {area:?} {right:?}"
            );
        }
    }

    #[test]
    fn scopes_cover_no_more_than_they_hold() {
        let rows = [
            ("*", "events:read secrets:write", true),
            ("*", "platform:read", false),
            ("events:write", "events:read", true),
            ("events:write", "*", false),
        ];
        for (held, wanted, covered) in rows {
            let held: Scopes = held.parse().unwrap();
            assert_eq!(
                held.cover(&wanted.parse().unwrap()),
                covered,
                "{held} {wanted}"
            );
        }
        assert!("events:admin".parse::<Scope>().is_err());
        assert!("event:read".parse::<Scope>().is_err());
    }
}
