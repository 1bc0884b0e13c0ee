use serde_json::{Value, json};

use super::*;

fn fields(list: Value) -> Vec<Field> {
    Field::read_list(&list, "").expect("valid")
}

fn pairs(found: &[Suggestion]) -> Vec<String> {
    found
        .iter()
        .map(|s| format!("{}={} {}", s.source, s.target, s.score))
        .collect()
}

#[test]
fn words_types_and_defaults_decide() {
    let ours = fields(json!([
        {"name": "first_name"}, {"name": "last_name"}, {"name": "email", "type": "email", "object": "contact"},
        {"name": "telephone", "type": "phone"}, {"name": "organisation"}, {"name": "job_position"},
        {"name": "employees", "type": "number"}, {"name": "secret_plan"}, {"name": "website", "type": "url"},
        {"name": "created_at", "type": "datetime"}]));
    let theirs = fields(json!([
        {"name": "LastName"}, {"name": "FirstName"}, {"name": "Email", "type": "email"}, {"name": "PhoneNumber", "type": "phone"},
        {"name": "Company"}, {"name": "JobTitle", "label": "Position"}, {"name": "NumberOfEmployees", "type": "integer"},
        {"name": "CreatedDate", "type": "datetime", "read_only": true}, {"name": "Website", "type": "boolean"}]));
    let found = suggest(&ours, &theirs, Some("salesforce"));
    assert_eq!(
        pairs(&found),
        [
            "first_name=FirstName 100",
            "last_name=LastName 100",
            "email=Email 100",
            "organisation=Company 95",
            "job_position=JobTitle 95",
            "telephone=PhoneNumber 70",
            "employees=NumberOfEmployees 70",
        ]
    );
    let because = |n: usize| found[n].because.join(", ");
    assert_eq!(because(2), "default of the provider, same words, same type");
    assert_eq!(
        (because(3), because(5)),
        ("same words".to_owned(), "like words, same type".to_owned())
    );
}

#[test]
fn labels_count_where_names_say_nothing() {
    let ours = fields(json!([{"name": "priority"}, {"name": "city"}]));
    let theirs = fields(
        json!([{"name": "cf_1003", "label": "Urgency"}, {"name": "x7", "label": "Town"}, {"name": "other"}]),
    );
    assert_eq!(
        pairs(&suggest(&ours, &theirs, None)),
        ["priority=cf_1003 95", "city=x7 95"]
    );
}

#[test]
fn the_answer_does_not_depend_on_anything_else() {
    let ours = fields(json!([{"name": "email"}, {"name": "email_2"}, {"name": "mail"}]));
    let theirs = fields(json!([{"name": "Email"}, {"name": "E_Mail"}]));
    let first = pairs(&suggest(&ours, &theirs, None));
    assert_eq!(first[0], "email=Email 95", "of equals, the first");
    for _ in 0..20 {
        assert_eq!(pairs(&suggest(&ours, &theirs, None)), first);
    }
    assert_eq!(suggest(&[], &theirs, None), []);
}

#[test]
fn what_provider_defaults_say_comes_first() {
    let ours = fields(json!([{"name": "contact.description"}, {"name": "ticket.description"}]));
    let theirs = fields(json!([{"name": "content"}, {"name": "hs_ticket_priority"}]));
    assert_eq!(
        pairs(&suggest(&ours, &theirs, Some("hubspot"))),
        ["ticket.description=content 100"]
    );
}
