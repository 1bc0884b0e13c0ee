//! What senders send: a small payload of each, to try a receiver without writing one.

/// A message as a sender of a preset writes it; its texts are templates.
#[derive(Debug)]
pub(super) struct Sample {
    /// The preset.
    pub(super) preset: &'static str,
    /// The media type of the body.
    pub(super) content_type: &'static str,
    /// The type of the event, unless the user says otherwise.
    pub(super) event_type: &'static str,
    /// What the sender adds beside the signature.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// The body.
    pub(super) body: &'static str,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What is sent where the scheme tells nothing of the sender.
const PLAIN: Sample = Sample {
    preset: "",
    content_type: JSON,
    event_type: "contact.created",
    headers: &[],
    body: r#"{"id":"{{id}}","event":"{{type}}","timestamp":"{{time}}","data":{"id":"contact_{{n}}","email":"ada{{n}}@example.com","name":"Ada Lovelace","company_name":"Analytical Engines"}}"#,
};

const SAMPLES: [Sample; 8] = [
    Sample {
        preset: "standard-webhooks",
        content_type: JSON,
        event_type: "contact.created",
        headers: &[],
        body: r#"{"type":"{{type}}","timestamp":"{{time}}","data":{"id":"contact_{{n}}","email":"ada{{n}}@example.com","name":"Ada Lovelace"}}"#,
    },
    Sample {
        preset: "github",
        content_type: JSON,
        event_type: "issues",
        headers: &[
            ("x-github-event", "{{type}}"),
            ("x-github-delivery", "{{id}}"),
            ("x-github-hook-installation-target-type", "repository"),
        ],
        body: r#"{"action":"opened","issue":{"number":{{n}},"title":"The engine jams","state":"open","user":{"login":"ada"},"created_at":"{{time}}"},"repository":{"id":1296269,"full_name":"analytical/engine","private":false},"sender":{"login":"ada","type":"User"}}"#,
    },
    Sample {
        preset: "stripe",
        content_type: "application/json; charset=utf-8",
        event_type: "payment_intent.succeeded",
        headers: &[],
        body: r#"{"id":"evt_{{id}}","object":"event","api_version":"2025-09-30.clover","created":{{unix}},"type":"{{type}}","livemode":false,"pending_webhooks":1,"data":{"object":{"id":"pi_{{n}}","object":"payment_intent","amount":1999,"currency":"eur","status":"succeeded"}}}"#,
    },
    Sample {
        preset: "slack",
        content_type: JSON,
        event_type: "app_mention",
        headers: &[],
        body: r#"{"token":"unused","team_id":"T0001","api_app_id":"A0001","type":"event_callback","event_id":"Ev{{id}}","event_time":{{unix}},"event":{"type":"{{type}}","user":"U0001","channel":"C0001","text":"<@U0002> how is order {{n}}?","ts":"{{unix}}.000100"}}"#,
    },
    Sample {
        preset: "shopify",
        content_type: JSON,
        event_type: "orders/create",
        headers: &[
            ("x-shopify-topic", "{{type}}"),
            ("x-shopify-webhook-id", "{{id}}"),
            ("x-shopify-shop-domain", "engines.myshopify.com"),
        ],
        body: r#"{"id":{{millis}},"order_number":{{n}},"email":"ada@example.com","created_at":"{{time}}","currency":"EUR","total_price":"19.99","line_items":[{"title":"Punched cards","quantity":2,"price":"9.99"}]}"#,
    },
    Sample {
        preset: "hubspot-v3",
        content_type: JSON,
        event_type: "contact.propertyChange",
        headers: &[],
        body: r#"[{"eventId":{{n}},"subscriptionId":25,"portalId":62515,"appId":1160452,"occurredAt":{{millis}},"subscriptionType":"{{type}}","attemptNumber":0,"objectId":{{n}},"propertyName":"lifecyclestage","propertyValue":"customer","changeSource":"CRM"}]"#,
    },
    Sample {
        preset: "zendesk",
        content_type: JSON,
        event_type: "zen:event-type:ticket.created",
        headers: &[],
        body: r#"{"type":"{{type}}","id":"{{id}}","time":"{{time}}","zendesk_event_version":"2022-11-06","account_id":12514403,"subject":"zen:ticket:{{n}}","detail":{"id":"{{n}}","subject":"The engine jams","status":"NEW","priority":"HIGH","requester_id":"8447388090494"},"event":{}}"#,
    },
    Sample {
        preset: "twilio",
        content_type: FORM,
        event_type: "",
        headers: &[("i-twilio-idempotency-token", "{{id}}")],
        body: "MessageSid=SM{{id}}&AccountSid=AC0001&From=%2B14155550100&To=%2B14155550199&Body=How+is+order+{{n}}%3F&NumMedia=0",
    },
];

/// What the sender of a preset sends.
pub(super) fn of(preset: &str) -> &'static Sample {
    SAMPLES
        .iter()
        .find(|sample| sample.preset == preset)
        .unwrap_or(&PLAIN)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tieline_domain::{
        Timestamp,
        signature::{EventType, presets},
    };
    use tieline_mapping::path::{Path, Selection};

    use super::*;
    use crate::cli::send::template::{Values, render};

    #[test]
    fn every_sample_belongs_to_a_preset_and_has_its_type_where_the_preset_looks() {
        for sample in &SAMPLES {
            assert!(presets().iter().any(|preset| preset.name == sample.preset));
        }
        for preset in presets() {
            let sample = of(preset.name);
            let values = Values {
                n: 1,
                id: "id",
                event_type: sample.event_type,
                now: Timestamp::from_micros(1),
            };
            let body = render(sample.body, &values).expect("the sample is a template");
            let json: Option<Value> = serde_json::from_str(&body).ok();
            assert_eq!(json.is_none(), sample.content_type == FORM, "{body}");
            let found = match preset.event_type {
                None => continue,
                Some(EventType::Header(name)) => sample
                    .headers
                    .iter()
                    .find(|(header, _)| header.eq_ignore_ascii_case(name))
                    .map(|(_, value)| render(value, &values).expect("a template")),
                Some(EventType::Body(path)) => {
                    let path = Path::parse(path).expect("a path");
                    match path.select(json.as_ref().expect("the type stands in JSON")) {
                        Selection::One(Value::String(text)) => Some(text.clone()),
                        _ => None,
                    }
                }
            };
            assert_eq!(found.as_deref(), Some(sample.event_type), "{}", preset.name);
        }
    }
}
