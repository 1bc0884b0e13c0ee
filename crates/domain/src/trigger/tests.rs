use serde_json::{Value, json};

use super::*;
use crate::{EventId, TenantId, Timestamp, event::Event, filter::Document};

fn trigger(steps: Value) -> Trigger {
    serde_json::from_value(json!({"event": ["order.paid"], "do": steps})).unwrap()
}

fn faults(trigger: &Trigger) -> Vec<(String, String)> {
    let faults = trigger.compile(&Bounds::default()).err();
    let faults = faults.unwrap_or_default().into_iter();
    faults.map(|fault| (fault.pointer, fault.detail)).collect()
}

#[test]
fn what_is_wrong_with_a_trigger_is_found_when_it_is_saved() {
    let action =
        |input: Value| json!([{"name": "first", "action": "a"}, {"action": "b", "input": input}]);
    let rows = [
        (json!([]), "/do", "1 to 20 steps"),
        (json!([{}]), "/do/0", "exactly one"),
        (
            json!([{"action": "a", "webhook": "wh_01kb3f9z5qf8m9w2v7x4t6n0hd"}]),
            "/do/0",
            "exactly one",
        ),
        (
            json!([{"action": "a", "message": "m"}]),
            "/do/0/message",
            "belongs to `agent`",
        ),
        (
            json!([{"action": "a", "input": []}]),
            "/do/0/input",
            "object",
        ),
        (
            json!([{"agent": "a"}]),
            "/do/0/message",
            "what the agent is told",
        ),
        (
            json!([{"action": "a", "name": "1"}]),
            "/do/0/name",
            "a letter first",
        ),
        (
            json!([{"action": "a", "name": "n"}, {"action": "a", "name": "n"}]),
            "/do/1/name",
            "has this name",
        ),
        (
            json!([{"event": {"type": "webhook.received"}}]),
            "/do/0/event/type",
            "only Tieline",
        ),
        (
            action(json!({"x": "{{evnt.id}}"})),
            "/do/1/input/x",
            "did you mean `event`?",
        ),
        (
            action(json!({"x": "{{event.dat.id}}"})),
            "/do/1/input/x",
            "did you mean `data`?",
        ),
        (
            action(json!({"x": {"y": ["{{steps.frst.id}}"]}})),
            "/do/1/input/x/y/0",
            "did you mean `first`?",
        ),
        (
            action(json!({"x": "{{steps[1].id}}"})),
            "/do/1/input/x",
            "no earlier",
        ),
        (
            action(json!({"x": "{{steps}}"})),
            "/do/1/input/x",
            "name one step",
        ),
        (
            action(json!({"x": "{{secrets.KEY}}"})),
            "/do/1/input/x",
            "`secrets` is unknown",
        ),
        (action(json!({"x": "{{event.id"})), "/do/1/input/x", ""),
    ];
    for (steps, pointer, words) in rows {
        let found = faults(&trigger(steps.clone()));
        let [(at, detail)] = &*found else {
            panic!("{steps}: {found:?}");
        };
        assert_eq!(at, pointer, "{steps}: {detail}");
        assert!(detail.contains(words), "{steps}: {detail}");
    }
    assert_eq!(
        faults(&trigger(action(
            json!({"x": "{{steps[0].id}} {{steps.first.id}} {{event}}"})
        ))),
        []
    );
}

#[test]
fn conditions_and_names_are_checked() {
    let rows = [
        (
            json!({"condition": "event.data.total >"}),
            Some("/condition"),
        ),
        (
            json!({"condition": "evnt.data.total > 1"}),
            Some("/condition"),
        ),
        (json!({"condition": 7}), Some("/condition")),
        (
            json!({"condition": {"field": "data.total"}}),
            Some("/condition"),
        ),
        (json!({"condition": "event.data.total > 1"}), None),
        (json!({"condition": {"field": "data.total", "gt": 1}}), None),
        (json!({"event": []}), Some("/event")),
        (json!({"name": ""}), Some("/name")),
        (json!({"name": "trg_orders"}), Some("/name")),
    ];
    for (fields, pointer) in rows {
        let mut whole = json!({"event": ["a.b"], "do": [{"action": "a"}]});
        for (key, value) in fields.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let trigger: Trigger = serde_json::from_value(whole).unwrap();
        let found = faults(&trigger);
        let first = found.first().map(|(at, _)| &**at);
        assert_eq!(first, pointer, "{fields}: {found:?}");
    }
}

fn event(data: Value) -> Event {
    Event {
        id: EventId::new(Timestamp::from_micros(0), 1),
        tenant_id: TenantId::new(Timestamp::from_micros(0), 1),
        event_type: "order.paid".parse().unwrap(),
        source: "/v1/events".into(),
        subject: None,
        time: Timestamp::from_micros(0),
        data: data.to_string().into(),
        cause_id: None,
        trace_id: "0".into(),
        trust: None,
    }
}

#[test]
fn conditions_hold_or_say_why_they_cannot_be_told() {
    let rows = [
        (
            json!("event.data.total > 100"),
            json!({"total": 150}),
            Ok(true),
        ),
        (
            json!("event.data.total > 100"),
            json!({"total": 50}),
            Ok(false),
        ),
        // What is absent meets no condition, as in filters.
        (json!("event.data.total > 100"), json!({}), Ok(false)),
        (
            json!("event.data.total > 100"),
            json!({"total": "many"}),
            Err(()),
        ),
        (json!("event.data.total"), json!({"total": 1}), Err(())),
        (
            json!("event.type == 'order.paid' && event.subject == null"),
            json!({}),
            Ok(true),
        ),
        (
            json!({"field": "data.total", "gt": 100}),
            json!({"total": 150}),
            Ok(true),
        ),
        (
            json!({"field": "data.total", "gt": 100}),
            json!({}),
            Ok(false),
        ),
    ];
    for (condition, data, expected) in rows {
        let compiled = Condition::compile(&condition, &Bounds::default()).unwrap();
        let event = event(data.clone());
        let held = compiled.holds(&Document::of(&event));
        assert_eq!(
            held.as_ref().map_err(|_| &()),
            expected.as_ref(),
            "{condition} {data}: {held:?}"
        );
    }
}

#[test]
fn steps_are_rendered_with_the_event_and_earlier_outputs() {
    let steps = json!([
        {"name": "ticket", "action": "create", "input": {"id": "{{event.data.id}}", "tags": "{{event.data.tags}}", "none": "{{event.data.none}}"}},
        {"event": {"type": "ticket.made", "subject": "ticket/{{steps.ticket.number}}", "data": {"first": "{{steps[0].number}}", "all": "{{steps.ticket}}"}}},
        {"agent": "agent_x", "message": "Order {{event.data.id}}", "conversation_key": "{{event.data.id}}"}
    ]);
    let plan = trigger(steps).compile(&Bounds::default()).unwrap();
    let event = event(json!({"id": 7, "tags": ["a"]}));
    let mut values = Values::new(Document::of(&event).whole().clone());
    values.add(0, "ticket", json!({"number": 41}));
    let rendered: Vec<_> = plan
        .steps
        .iter()
        .map(|step| step.does.render(&values).unwrap())
        .collect();
    assert_eq!(rendered[0], json!({"id": 7, "tags": ["a"]}));
    assert_eq!(
        rendered[1],
        json!({"type": "ticket.made", "subject": "ticket/41", "data": {"first": 41, "all": {"number": 41}}})
    );
    assert_eq!(
        rendered[2],
        json!({"agent": "agent_x", "message": "Order 7", "conversation_key": "7"})
    );
    let sample = Sample::new(Document::of(&event).whole().clone());
    assert_eq!(
        plan.steps[1].does.render(&sample).unwrap()["subject"],
        json!("ticket/{{steps.ticket.number}}")
    );
    assert_eq!(plan.steps[1].name, "step_1");
}
