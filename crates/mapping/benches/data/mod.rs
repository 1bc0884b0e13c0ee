//! The mappings and records of the benchmarks.

use serde_json::{Value, json};
use tieline_mapping::plan::Plan;
use tieline_mapping::rules::{Definition, Overrides};

/// Records that are mapped in turn, so that none stays in the nearest cache.
pub(crate) const RECORDS: usize = 1_000;

/// The document compiled.
pub(crate) fn plan(document: &Value) -> Plan {
    let definition = Definition::read(document).expect("the bench's mappings are valid");
    Plan::compile(&definition, &Overrides::default()).expect("the bench's mappings are valid")
}

/// A lead as forms and chats send them.
pub(crate) fn record(number: usize) -> Value {
    json!({
        "first_name": format!(" Ada{number}"),
        "last_name": "Lovelace",
        "email": format!("Ada.Lovelace{number}@Example.com"),
        "phone": "+441234567890",
        "company": {"name": "Analytical Engines", "address": {"city": "London", "country": "GB"}},
        "priority": (["low", "normal", "high"][number % 3]),
        "tags": ["vip", "newsletter", "spring"],
        "score": number,
        "note": "Called about the engine, wants an offer by Friday."
    })
}

/// The record of the Python run: seed 002's keys.
pub(crate) fn canonical_record(number: usize) -> Value {
    json!({
        "contact.email": format!("ada{number}@example.com"),
        "contact.first_name": "Ada",
        "contact.last_name": "Lovelace",
        "contact.phone": "+441234567890",
        "contact.company": "Analytical Engines",
        "ticket.subject": format!("Ticket {number}"),
        "ticket.description": "It does not turn.",
        "ticket.priority": "high"
    })
}

pub(crate) fn tables() -> Value {
    json!({"priority": {"low": "P3", "normal": "P2", "high": "P1"}})
}

/// Ten rules as people write them, as many times over as asked, each time with targets of their own.
pub(crate) fn rules(times: usize) -> Value {
    let ten = |n: usize| {
        let at = |target: &str| {
            if n == 0 {
                target.to_owned()
            } else {
                format!("Copy{n}.{target}")
            }
        };
        [
            json!({"source": "first_name", "target": at("FirstName"), "transformation": "trim"}),
            json!({"source": "last_name", "target": at("LastName"), "transformation": "trim", "required": true}),
            json!({"source": "email", "target": at("Email"), "transformation": "lowercase", "validation": "email", "required": true}),
            json!({"source": "phone", "target": at("Phone")}),
            json!({"source": ["first_name", "last_name"], "target": at("FullName"), "transformation": "concat", "separator": " "}),
            json!({"source": "company.name", "target": at("Account.Name")}),
            json!({"source": "company.address.city", "target": at("Account.City")}),
            json!({"source": "priority", "target": at("Priority"), "transformation": "lookup", "table": "priority"}),
            json!({"source": "tags", "target": at("Tags"), "transformation": "join", "separator": ";"}),
            json!({"source": "score", "target": at("Score")}),
        ]
    };
    (0..times).flat_map(ten).collect()
}
