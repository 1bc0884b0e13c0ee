//! Canonical keys (`contact.email`) and where providers keep them by default (seed 002).
//!
//! A record in canonical keys is flat: `{"contact.email": "ada@example.com"}`. Nested records
//! (`{"contact": {"email": …}}`) are read as well; what comes back is flat, as the seed has it.

use crate::rules::{Direction, Form, Rule, key_rule};

/// Canonical key and external field of every default mapping, by provider.
///
/// Salesforce and HubSpot word for word from seed 002; Zendesk from its API (facts: providers 4.2).
pub const PROVIDERS: [(&str, &[(&str, &str)]); 3] = [
    (
        "salesforce",
        &[
            ("contact.email", "Email"),
            ("contact.first_name", "FirstName"),
            ("contact.last_name", "LastName"),
            ("contact.phone", "Phone"),
            ("contact.company", "Account.Name"),
            ("ticket.subject", "Subject"),
            ("ticket.description", "Description"),
            ("ticket.priority", "Priority"),
        ],
    ),
    (
        "hubspot",
        &[
            ("contact.email", "email"),
            ("contact.first_name", "firstname"),
            ("contact.last_name", "lastname"),
            ("contact.phone", "phone"),
            ("contact.company", "company"),
            ("ticket.subject", "subject"),
            ("ticket.description", "content"),
            ("ticket.priority", "hs_ticket_priority"),
        ],
    ),
    (
        "zendesk",
        &[
            ("contact.email", "email"),
            ("contact.name", "name"),
            ("contact.phone", "phone"),
            ("ticket.subject", "subject"),
            ("ticket.description", "comment.body"),
            ("ticket.priority", "priority"),
        ],
    ),
];

/// The default pairs of a provider, all of them or those of one object; `None` if it has none at all.
pub fn defaults(
    provider: &str,
    object: Option<&str>,
) -> Option<impl Iterator<Item = (&'static str, &'static str)>> {
    let (_, pairs) = PROVIDERS.iter().find(|(name, _)| *name == provider)?;
    let wanted = object.map(str::to_owned);
    Some(pairs.iter().copied().filter(move |(key, _)| {
        wanted
            .as_deref()
            .is_none_or(|object| key.split('.').next() == Some(object))
    }))
}

/// The default pairs as rules; their pointers name the default, not a place in the document.
pub(crate) fn default_rules(
    provider: &str,
    object: Option<&str>,
    direction: Direction,
) -> Option<Vec<Rule>> {
    let rules = defaults(provider, object)?.map(|(canonical, external)| {
        let pointer = format!("/provider/{canonical}");
        key_rule(canonical, external, pointer, direction, Form::Keys)
    });
    Some(rules.collect())
}
