//! What senders send: a small payload of each, to try a receiver without writing one.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use tieline_domain::signature::{Dedupe, EventType, Preset};

/// A message as a sender of a preset writes it; its texts are templates.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// The preset.
    pub(super) preset: &'static str,
    /// The media type of the body.
    pub(super) content_type: &'static str,
    /// The type of the event, unless the user says otherwise.
    pub(super) event_type: &'static str,
    /// What the sender adds beside the signature.
    pub(super) headers: Cow<'static, [(&'static str, &'static str)]>,
    /// The body.
    pub(super) body: Cow<'static, str>,
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The type of the event where the preset tells nothing of the sender.
const ANY_TYPE: &str = "contact.created";

const SAMPLES: [Sample; 19] = [
    Sample {
        preset: "standard-webhooks",
        content_type: JSON,
        event_type: "contact.created",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"type":"{{type}}","timestamp":"{{time}}","data":{"id":"contact_{{n}}","email":"ada{{n}}@example.com","name":"Ada Lovelace"}}"#,
        ),
    },
    Sample {
        preset: "github",
        content_type: JSON,
        event_type: "issues",
        headers: Cow::Borrowed(&[
            ("x-github-event", "{{type}}"),
            ("x-github-delivery", "{{id}}"),
            ("x-github-hook-installation-target-type", "repository"),
        ]),
        body: Cow::Borrowed(
            r#"{"action":"opened","issue":{"number":{{n}},"title":"The engine jams","state":"open","user":{"login":"ada"},"created_at":"{{time}}"},"repository":{"id":1296269,"full_name":"analytical/engine","private":false},"sender":{"login":"ada","type":"User"}}"#,
        ),
    },
    Sample {
        preset: "stripe",
        content_type: "application/json; charset=utf-8",
        event_type: "payment_intent.succeeded",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"id":"evt_{{id}}","object":"event","api_version":"2025-09-30.clover","created":{{unix}},"type":"{{type}}","livemode":false,"pending_webhooks":1,"data":{"object":{"id":"pi_{{n}}","object":"payment_intent","amount":1999,"currency":"eur","status":"succeeded"}}}"#,
        ),
    },
    Sample {
        preset: "slack",
        content_type: JSON,
        event_type: "app_mention",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"token":"unused","team_id":"T0001","api_app_id":"A0001","type":"event_callback","event_id":"Ev{{id}}","event_time":{{unix}},"event":{"type":"{{type}}","user":"U0001","channel":"C0001","text":"<@U0002> how is order {{n}}?","ts":"{{unix}}.000100"}}"#,
        ),
    },
    Sample {
        preset: "shopify",
        content_type: JSON,
        event_type: "orders/create",
        headers: Cow::Borrowed(&[
            ("x-shopify-topic", "{{type}}"),
            ("x-shopify-webhook-id", "{{id}}"),
            ("x-shopify-shop-domain", "engines.myshopify.com"),
            ("x-shopify-api-version", "2026-07"),
        ]),
        body: Cow::Borrowed(
            r#"{"id":{{millis}},"order_number":{{n}},"email":"ada@example.com","created_at":"{{time}}","currency":"EUR","total_price":"19.99","line_items":[{"title":"Punched cards","quantity":2,"price":"9.99"}]}"#,
        ),
    },
    Sample {
        preset: "hubspot-v3",
        content_type: JSON,
        event_type: "contact.propertyChange",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"[{"eventId":{{n}},"subscriptionId":25,"portalId":62515,"appId":1160452,"occurredAt":{{millis}},"subscriptionType":"{{type}}","attemptNumber":0,"objectId":{{n}},"propertyName":"lifecyclestage","propertyValue":"customer","changeSource":"CRM"}]"#,
        ),
    },
    Sample {
        preset: "zendesk",
        content_type: JSON,
        event_type: "zen:event-type:ticket.created",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"type":"{{type}}","id":"{{id}}","time":"{{time}}","zendesk_event_version":"2022-11-06","account_id":12514403,"subject":"zen:ticket:{{n}}","detail":{"id":"{{n}}","subject":"The engine jams","status":"NEW","priority":"HIGH","requester_id":"8447388090494"},"event":{}}"#,
        ),
    },
    Sample {
        preset: "twilio",
        content_type: FORM,
        event_type: "",
        headers: Cow::Borrowed(&[("i-twilio-idempotency-token", "{{id}}")]),
        body: Cow::Borrowed(
            "MessageSid=SM{{id}}&AccountSid=AC0001&From=%2B14155550100&To=%2B14155550199&Body=How+is+order+{{n}}%3F&NumMedia=0",
        ),
    },
    Sample {
        preset: "linear",
        content_type: JSON,
        event_type: "Issue",
        headers: Cow::Borrowed(&[("linear-event", "{{type}}"), ("linear-delivery", "{{id}}")]),
        body: Cow::Borrowed(
            r#"{"action":"create","type":"{{type}}","createdAt":"{{time}}","data":{"id":"issue_{{n}}","title":"The engine jams"},"webhookTimestamp":{{millis}}}"#,
        ),
    },
    Sample {
        preset: "mandrill",
        content_type: FORM,
        event_type: "",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            "mandrill_events=%5B%7B%22event%22%3A%22send%22%2C%22_id%22%3A%22{{id}}%22%2C%22ts%22%3A{{unix}}%7D%5D",
        ),
    },
    Sample {
        preset: "event-grid",
        content_type: JSON,
        event_type: "Contoso.Contacts.Created",
        headers: Cow::Borrowed(&[("aeg-event-type", "Notification")]),
        body: Cow::Borrowed(
            r#"[{"id":"{{id}}","topic":"/subscriptions/1/contacts","subject":"contacts/{{n}}","eventType":"{{type}}","eventTime":"{{time}}","data":{"email":"ada{{n}}@example.com"},"dataVersion":"1"}]"#,
        ),
    },
    Sample {
        preset: "discord",
        content_type: JSON,
        event_type: "APPLICATION_AUTHORIZED",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"version":1,"application_id":"1234560123453231555","type":1,"id":"{{id}}","event":{"type":"{{type}}","timestamp":"{{time}}","data":{"integration_type":1,"scopes":["applications.commands"],"user":{"id":"{{n}}","username":"ada"}}}}"#,
        ),
    },
    Sample {
        preset: "sendgrid",
        content_type: JSON,
        event_type: "delivered",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"[{"email":"ada{{n}}@example.com","timestamp":{{unix}},"event":"{{type}}","sg_event_id":"{{id}}","sg_message_id":"14c5d75ce93.dfd.64b469"}]"#,
        ),
    },
    Sample {
        preset: "mailgun",
        content_type: JSON,
        event_type: "delivered",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"event-data":{"event":"{{type}}","id":"{{id}}","timestamp":{{unix}},"recipient":"ada{{n}}@example.com","log-level":"info"}}"#,
        ),
    },
    Sample {
        preset: "adyen",
        content_type: JSON,
        event_type: "AUTHORISATION",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"live":"false","notificationItems":[{"NotificationRequestItem":{"pspReference":"{{id}}","merchantAccountCode":"TestMerchant","merchantReference":"order-{{n}}","amount":{"value":1999,"currency":"EUR"},"eventCode":"{{type}}","eventDate":"{{time}}","success":"true"}}]}"#,
        ),
    },
    Sample {
        preset: "braintree",
        content_type: FORM,
        event_type: "check",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"<notification><timestamp type="datetime">{{time}}</timestamp><kind>{{type}}</kind><subject><check type="boolean">true</check><id>{{id}}</id></subject></notification>"#,
        ),
    },
    Sample {
        preset: "microsoft-graph",
        content_type: JSON,
        event_type: "created",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"value":[{"id":"{{id}}","subscriptionId":"7f105c7d-2dc5-4530-97cd-4e7ae6534c07","changeType":"{{type}}","resource":"Users/1/Messages/{{n}}","subscriptionExpirationDateTime":"{{time}}"}]}"#,
        ),
    },
    Sample {
        preset: "sns",
        content_type: "text/plain; charset=UTF-8",
        event_type: "",
        headers: Cow::Borrowed(&[("x-amz-sns-message-type", "Notification")]),
        body: Cow::Borrowed(
            r#"{"Type":"Notification","MessageId":"{{id}}","Subject":"Order {{n}}","Message":"The engine jams","Timestamp":"{{time}}"}"#,
        ),
    },
    Sample {
        preset: "kinde",
        content_type: "application/jwt",
        event_type: "user.created",
        headers: Cow::Borrowed(&[]),
        body: Cow::Borrowed(
            r#"{"event_id":"{{id}}","type":"{{type}}","timestamp":"{{time}}","source":"admin","data":{"user":{"id":"kp_{{n}}","email":"ada{{n}}@example.com"}}}"#,
        ),
    },
];

/// What the sender of a preset sends; where none is known, a contact, with type and id where the preset looks for
/// them.
pub(super) fn of(preset: &Preset) -> Sample {
    let known = SAMPLES.iter().find(|sample| sample.preset == preset.name);
    known.cloned().unwrap_or_else(|| derived(preset))
}

fn derived(preset: &Preset) -> Sample {
    let mut body = json!({"id": "{{id}}", "event": "{{type}}", "timestamp": "{{time}}", "data": {
        "id": "contact_{{n}}", "email": "ada{{n}}@example.com", "name": "Ada Lovelace",
        "company_name": "Analytical Engines"}});
    let mut headers = Vec::new();
    match preset.dedupe {
        Dedupe::Header(name) => headers.push((name, "{{id}}")),
        Dedupe::Headers(names) => headers.extend(names.iter().map(|name| (*name, "{{id}}"))),
        Dedupe::Body(path) => put(&mut body, path, "{{id}}"),
        Dedupe::MessageId | Dedupe::BodyHash | Dedupe::Never => {}
    }
    match preset.event_type {
        Some(EventType::Header(name)) => headers.push((name, "{{type}}")),
        Some(EventType::Body(path)) => put(&mut body, path, "{{type}}"),
        None => {}
    }
    Sample {
        preset: preset.name,
        content_type: JSON,
        event_type: ANY_TYPE,
        headers: headers.into(),
        body: body.to_string().into(),
    }
}

/// Puts a text where a JSONPath of names and of first elements points, such as `$.events[0].type`; what stands in
/// its way is replaced.
fn put(body: &mut Value, path: &str, text: &str) {
    let mut place = body;
    for name in path.trim_start_matches("$.").split('.') {
        let (name, is_list) = match name.strip_suffix("[0]") {
            Some(name) => (name, true),
            None => (name, false),
        };
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
        if is_list {
            *place = json!([{}]);
            place = &mut place[0];
        }
    }
    *place = text.into();
}

#[cfg(test)]
mod tests {
    use tieline_domain::{Timestamp, signature::presets};
    use tieline_mapping::path::{Path, Selection};

    use super::*;
    use crate::cli::send::template::{Values, render};

    #[test]
    fn every_sample_belongs_to_a_preset_and_has_its_type_where_the_preset_looks() {
        for sample in &SAMPLES {
            assert!(presets().iter().any(|preset| preset.name == sample.preset));
        }
        for preset in presets() {
            let sample = of(preset);
            let values = Values {
                n: 1,
                id: "id",
                event_type: sample.event_type,
                now: Timestamp::from_micros(1),
            };
            let body = render(&sample.body, &values).expect("the sample is a template");
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
