//! Simulators of the services that seed 000's tools and actions call, as scripts of a receiver.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Map, Value, json};

use crate::receiver::{Behaviour, Received, Reply, Script};

/// A CRM: `POST /customers/lookup {"query", "select"?}` with `Authorization: Bearer <key>` answers with the customer whose
/// email or id is `query`, and of it the fields that are asked for.
pub fn crm(key: &str) -> Script {
    let expected = format!("Bearer {key}");
    Script::new()
        .otherwise(Behaviour::json(404, &json!({"error": "no such path"})))
        .on(
            "/customers/lookup",
            Behaviour::computed(move |request| look_up(request, &expected)),
        )
}

/// The customers that there are.
fn customers() -> [Value; 2] {
    [
        json!({
            "id": "cus_1", "email": "john@acme.com", "name": "John Smith", "status": "active",
            "subscription": "enterprise", "last_contact": "2024-01-15"
        }),
        json!({"id": "cus_2", "email": "test@example.com", "name": "Test User", "status": "active"}),
    ]
}

fn look_up(request: &Received, expected: &str) -> Reply {
    if request.header("authorization") != Some(expected) {
        return answer(401, &json!({"error": "unknown key"}));
    }
    let Ok(asked) = request.json() else {
        return answer(400, &json!({"error": "not JSON"}));
    };
    let query = &asked["query"];
    let is_asked_for = |customer: &&Value| customer["email"] == *query || customer["id"] == *query;
    let all = customers();
    let Some(customer) = all.iter().find(is_asked_for) else {
        return answer(404, &json!({"error": "no such customer"}));
    };
    match asked["select"].as_array() {
        None => answer(200, customer),
        Some(fields) => {
            let names = fields.iter().filter_map(Value::as_str);
            let known =
                names.filter_map(|name| Some((name.to_owned(), customer.get(name)?.clone())));
            answer(200, &Value::Object(known.collect::<Map<_, _>>()))
        }
    }
}

/// A help desk: `POST /api/tickets {"subject", "description", "customer_email", "priority"?}` with
/// `Authorization: Bearer <key>` answers 201 with the ticket.
pub fn helpdesk(key: &str) -> Script {
    let expected = format!("Bearer {key}");
    let count = Arc::new(AtomicU64::new(0));
    Script::new()
        .otherwise(Behaviour::json(404, &json!({"error": "no such path"})))
        .on(
            "/api/tickets",
            Behaviour::computed(move |request| open_ticket(request, &expected, &count)),
        )
}

fn open_ticket(request: &Received, expected: &str, count: &AtomicU64) -> Reply {
    if request.header("authorization") != Some(expected) {
        return answer(401, &json!({"error": "unknown key"}));
    }
    let Ok(ticket) = request.json() else {
        return answer(400, &json!({"error": "not JSON"}));
    };
    let missing = ["subject", "description", "customer_email"]
        .into_iter()
        .find(|name| !ticket[*name].is_string());
    if let Some(name) = missing {
        return answer(422, &json!({"error": format!("{name} is missing")}));
    }
    let id = count.fetch_add(1, Ordering::Relaxed) + 1;
    let host = request.header("host").unwrap_or_default();
    let opened = json!({
        "id": id,
        "web_url": format!("http://{host}/tickets/{id}"),
        "status": "open",
        "subject": ticket["subject"],
        "priority": ticket.get("priority").cloned().unwrap_or_else(|| json!("medium")),
    });
    answer(201, &opened)
}

fn answer(status: u16, body: &Value) -> Reply {
    Reply::new(status)
        .header("content-type", "application/json")
        .body(body.to_string())
}
