//! The configurations of seed 001 and the mapper of seed 002, word for word.

use serde_json::{Value, json};
use tieline_mapping::canonical::PROVIDERS;
use tieline_mapping::plan::IssueCode;

use super::plan;

/// Seed 001, "Field Mapping Configuration".
const FIELD_MAPPING: &str = r#"{
"source_field": "customer_email",
"target_field": "email",
"transformation": "lowercase",
"required": true,
"validation": {
"type": "email",
"pattern": "^[\\w-\\.]+@([\\w-]+\\.)+[\\w-]{2,4}$"
}
}"#;

/// Seed 001, "Example Mapping Configuration".
const EXAMPLE_CONFIGURATION: &str = r#"{
"mappings": [
{
"source": "first_name",
"target": "FirstName",
"transformation": "trim"
},
{
"source": "email",
"target": "Email",
"transformation": "lowercase",
"validation": "email"
},
{
"source": ["first_name", "last_name"],
"target": "FullName",
"transformation": "concat",
"separator": " "
}
]
}"#;

fn read(text: &str) -> Value {
    serde_json::from_str(text).expect("the seed is JSON")
}

#[test]
fn the_field_mapping_of_seed_001() {
    let plan = plan(&json!({"mappings": [read(FIELD_MAPPING)]}));
    let rows = [
        (
            json!({"customer_email": "Ada@Example.COM"}),
            Ok(json!({"email": "ada@example.com"})),
        ),
        (
            json!({"customer_email": "first.last-x_y@mail.example.org"}),
            Ok(json!({"email": "first.last-x_y@mail.example.org"})),
        ),
        (
            json!({"customer_email": "ada@localhost"}),
            Err(IssueCode::Invalid),
        ),
        // The seed's pattern allows four letters of the last label at most.
        (
            json!({"customer_email": "ada@example.museum"}),
            Err(IssueCode::Invalid),
        ),
        (json!({"customer_email": ""}), Err(IssueCode::Empty)),
        (json!({"customer_email": null}), Err(IssueCode::Null)),
        (json!({}), Err(IssueCode::Missing)),
    ];
    for (record, expected) in rows {
        let outcome = plan.to_external(&record);
        let found = outcome.output.ok_or_else(|| outcome.errors[0].code);
        assert_eq!(found, expected, "{record}");
    }
}

#[test]
fn the_example_configuration_of_seed_001() {
    let plan = plan(&read(EXAMPLE_CONFIGURATION));
    let rows = [
        (
            json!({"first_name": " Ada ", "last_name": "Lovelace", "email": "ADA@example.com"}),
            json!({"FirstName": "Ada", "Email": "ada@example.com", "FullName": " Ada  Lovelace"}),
            0,
        ),
        (
            json!({"first_name": "Ada", "email": "none"}),
            json!({"FirstName": "Ada", "FullName": "Ada"}),
            1,
        ),
        (
            json!({"last_name": "Lovelace", "email": null}),
            json!({"Email": null, "FullName": "Lovelace"}),
            0,
        ),
        (json!({"unknown": 1}), json!({}), 0),
    ];
    for (record, expected, warnings) in rows {
        let outcome = plan.to_external(&record);
        assert_eq!(
            (outcome.output, outcome.warnings.len()),
            (Some(expected), warnings),
            "{record}"
        );
    }
}

/// Seed 002, `DEFAULT_MAPPINGS`.
const DEFAULT_MAPPINGS: &str = r#"{
"salesforce": {
"contact.email": "Email",
"contact.first_name": "FirstName",
"contact.last_name": "LastName",
"contact.phone": "Phone",
"contact.company": "Account.Name",
"ticket.subject": "Subject",
"ticket.description": "Description",
"ticket.priority": "Priority"
},
"hubspot": {
"contact.email": "email",
"contact.first_name": "firstname",
"contact.last_name": "lastname",
"contact.phone": "phone",
"contact.company": "company",
"ticket.subject": "subject",
"ticket.description": "content",
"ticket.priority": "hs_ticket_priority"
}
}"#;

#[test]
fn the_default_mappings_of_seed_002() {
    let defaults = read(DEFAULT_MAPPINGS);
    for (provider, pairs) in defaults.as_object().expect("an object") {
        let (_, ours) = PROVIDERS
            .iter()
            .find(|(name, _)| name == provider)
            .expect("known");
        let ours: Value = ours
            .iter()
            .map(|(key, field)| ((*key).to_owned(), Value::from(*field)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        assert_eq!(ours, *pairs, "{provider}");
    }
}

#[test]
fn the_mapper_of_seed_002_both_ways() {
    let canonical = json!({
        "contact.email": "ada@example.com", "contact.first_name": "Ada", "contact.last_name": "Lovelace",
        "contact.phone": "+441234567890", "contact.company": "Analytical Engines",
        "ticket.subject": "Help", "ticket.description": "It does not turn", "ticket.priority": "high"});
    let rows = [
        (
            "salesforce",
            json!({"Email": "ada@example.com", "FirstName": "Ada", "LastName": "Lovelace", "Phone": "+441234567890",
                "Account": {"Name": "Analytical Engines"},
                "Subject": "Help", "Description": "It does not turn", "Priority": "high"}),
        ),
        (
            "hubspot",
            json!({"email": "ada@example.com", "firstname": "Ada", "lastname": "Lovelace", "phone": "+441234567890",
                "company": "Analytical Engines",
                "subject": "Help", "content": "It does not turn", "hs_ticket_priority": "high"}),
        ),
    ];
    for (provider, external) in rows {
        let plan = plan(&json!({"provider": provider}));
        assert_eq!(
            plan.to_external(&canonical).output.as_ref(),
            Some(&external),
            "{provider}"
        );
        assert_eq!(
            plan.from_external(&external).output.as_ref(),
            Some(&canonical),
            "{provider}"
        );
    }
}
