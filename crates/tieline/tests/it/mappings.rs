//! Mappings over HTTP: saved, versioned, tried out, applied to many records, and run by webhooks of both directions.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    receiver::Script,
};

use crate::{
    api_frame_server::Server,
    scene::{Scene, json_of, text},
};

/// Seed 001's example mapping configuration, as it stands there.
const SEED_001: &str = r#"{
"mappings": [
{ "source": "first_name", "target": "FirstName", "transformation": "trim" },
{ "source": "email", "target": "Email", "transformation": "lowercase", "validation": "email" },
{ "source": ["first_name", "last_name"], "target": "FullName", "transformation": "concat", "separator": " " }
]
}"#;

/// Seed 001's field mapping configuration: one rule, as it stands there.
const SEED_001_FIELD: &str = r#"{
"source_field": "customer_email",
"target_field": "email",
"transformation": "lowercase",
"required": true,
"validation": { "type": "email", "pattern": "^[\\w-\\.]+@([\\w-]+\\.)+[\\w-]{2,4}$" }
}"#;

async fn open() -> (Server, Client) {
    let server = Server::with(&[("limits.requests_burst", "1000000")]).await;
    let client = server.tenant("*").await;
    (server, client)
}

async fn post(client: &Client, path: &str, body: Value, status: u16) -> Value {
    json_of(client.post(path, body).await.unwrap(), status)
}

async fn send(client: &Client, path: &str, media_type: &str, body: &'static str) -> Answer {
    let request = client.request(Method::POST, path);
    let request = request.header("content-type", media_type).unwrap();
    request.body(body).send().await.unwrap()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn the_seed_s_configurations_are_taken_as_they_stand() {
    let (_server, client) = open().await;
    let made = post(&client, "/v1/mappings", read(SEED_001), 201).await;
    let id = text(&made["id"]);
    assert!(id.starts_with("map_"), "{id}");
    assert_eq!(made["mappings"], read(SEED_001)["mappings"]);
    let record = json!({"record": {"first_name": " Ada ", "last_name": "Lovelace", "email": "Ada@Example.COM"}});
    let preview = post(&client, &format!("/v1/mappings/{id}/preview"), record, 200).await;
    assert_eq!(preview["accepted"], true);
    assert_eq!(
        preview["output"],
        json!({"FirstName": "Ada", "Email": "ada@example.com", "FullName": " Ada  Lovelace"})
    );
    let step = json!([{"function": "lowercase", "output": "ada@example.com"}]);
    assert_eq!(
        preview["trace"][1]["items"][0]["steps"], step,
        "{preview:#}"
    );

    let field = post(&client, "/v1/mappings", read(SEED_001_FIELD), 201).await;
    let path = format!("/v1/mappings/{}/preview", text(&field["id"]));
    let good = json!({"record": {"customer_email": "Ada@Example.com"}});
    assert_eq!(
        post(&client, &path, good, 200).await["output"],
        json!({"email": "ada@example.com"})
    );
    for bad in [
        json!({}),
        json!({"customer_email": "ada@example.museum"}),
        json!({"customer_email": null}),
    ] {
        let preview = post(&client, &path, json!({"record": bad}), 200).await;
        assert_eq!(
            (&preview["accepted"], &preview["output"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(
            preview["errors"].as_array().map(Vec::len),
            Some(1),
            "{preview:#}"
        );
    }
}

#[tokio::test]
async fn mappings_are_kept_with_their_versions_and_found_by_name() {
    let (_server, client) = open().await;
    let mut body = read(SEED_001);
    body["name"] = json!("contacts to Salesforce");
    let made = post(&client, "/v1/mappings", body.clone(), 201).await;
    let by_name = "/v1/mappings/contacts%20to%20Salesforce";
    let shown = client.get(by_name).await.unwrap();
    assert_eq!(shown.header("etag"), Some("\"1\""));
    assert_eq!(json_of(shown, 200)["id"], made["id"]);
    let taken = client.post("/v1/mappings", body.clone()).await.unwrap();
    assert_eq!(json_of(taken, 409)["type"], "/docs/errors/name-taken");

    let patch = json!({"direction": "to_external", "description": "for the nightly export"});
    let patched = client.patch(by_name, patch).await.unwrap();
    assert_eq!(patched.header("etag"), Some("\"2\""));
    assert_eq!(json_of(patched, 200)["mappings"], body["mappings"]);
    let one_rule =
        json!({"name": "contacts to Salesforce", "mappings": [{"source": "a", "target": "b"}]});
    json_of(client.put(by_name, one_rule).await.unwrap(), 200);
    let versions = json_of(
        client.get(&format!("{by_name}/versions")).await.unwrap(),
        200,
    );
    let numbers: Vec<_> = versions["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["version"].as_i64())
        .collect();
    assert_eq!(numbers, [Some(3), Some(2), Some(1)]);
    let back = post(
        &client,
        &format!("{by_name}/rollback"),
        json!({"version": 1}),
        200,
    )
    .await;
    assert_eq!(back["mappings"], body["mappings"]);
    assert_eq!(back["description"], Value::Null);

    assert_eq!(client.delete(by_name).await.unwrap().status, 204);
    assert_eq!(client.get(by_name).await.unwrap().status, 404);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_the_place_and_the_nearest_name() {
    let (_server, client) = open().await;
    let body = json!({"mappings": [
        {"source": "a", "target": "A", "transformation": "lowercas"},
        {"source": "b", "target": "B", "transformation": {"name": "concat", "seperator": " "}},
        {"source": "c", "target": "C", "validation": {"type": "text", "pattern": "(c"}},
        {"source": "d", "target": "D", "transformation": "lookup", "table": "countries"},
        {"source": "e", "target": "A"}
    ], "lookup_tables": {"country": {"DE": "Germany"}}, "directions": "both"});
    let problem = post(&client, "/v1/mappings", body, 422).await;
    let told: Vec<(String, String)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (text(&error["pointer"]), text(&error["detail"])))
        .collect();
    // The form comes first: what the rules mean is told when it can be read.
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "/directions");
    assert!(told[0].1.contains("`direction`"), "{told:?}");
    let body = json!({"mappings": [
        {"source": "a", "target": "A", "transformation": "lowercas"},
        {"source": "c", "target": "C", "validation": {"type": "text", "pattern": "(c"}},
        {"source": "d", "target": "D", "transformation": "lookup", "table": "countrys"}
    ], "lookup_tables": {"country": {"DE": "Germany"}}});
    let problem = post(&client, "/v1/mappings", body, 422).await;
    let told: Vec<String> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| text(&e["pointer"]))
        .collect();
    assert_eq!(
        told,
        [
            "/mappings/0/transformation",
            "/mappings/1/validation/pattern",
            "/mappings/2/table"
        ],
        "{problem:#}"
    );
}

#[tokio::test]
async fn a_change_shows_what_it_would_do() {
    let (_server, client) = open().await;
    let id = text(&post(&client, "/v1/mappings", read(SEED_001), 201).await["id"]);
    let change = json!({
        "mappings": [{"source": "email", "target": "Email", "transformation": "lowercase", "required": true}],
        "records": [{"email": "a@b.example", "first_name": "Ada"}, {"first_name": "Ada"}, {"email": "c@d.example"}],
    });
    let diff = post(&client, &format!("/v1/mappings/{id}/diff"), change, 200).await;
    assert_eq!(diff["records"], 3);
    assert_eq!(
        (&diff["changed"], &diff["now_rejected"]),
        (&json!(2), &json!(1)),
        "{diff:#}"
    );
    let unchanged = json_of(
        client.get(&format!("/v1/mappings/{id}")).await.unwrap(),
        200,
    );
    assert_eq!(unchanged["mappings"], read(SEED_001)["mappings"]);

    let sides = json!({
        "mapping": id,
        "source_fields": [{"name": "email", "type": "email"}, {"name": "first_name"}, {"name": "last_name"}],
        "target_fields": [{"name": "Email", "type": "email"}, {"name": "FirstName"}, {"name": "FullName", "read_only": true},
                          {"name": "LastName", "required": true}],
        "mode": "create",
    });
    let report = post(&client, "/v1/mappings/check", sides.clone(), 200).await;
    let statuses: Vec<_> = report["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| text(&rule["status"]))
        .collect();
    assert_eq!(
        (text(&report["status"]), statuses),
        (
            "error".into(),
            vec!["ok".into(), "ok".into(), "error".into()]
        ),
        "{report:#}"
    );
    let both =
        json!({"source_fields": sides["source_fields"], "target_fields": sides["target_fields"]});
    let pairs = post(&client, "/v1/mappings/suggest", both, 200).await;
    let pairs: Vec<_> = pairs["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (text(&p["source"]), text(&p["target"])))
        .collect();
    assert!(
        pairs.contains(&("first_name".into(), "FirstName".into())),
        "{pairs:?}"
    );
}

#[tokio::test]
async fn functions_describe_themselves() {
    let (_server, client) = open().await;
    let known = json_of(client.get("/v1/mappings/functions").await.unwrap(), 200);
    let names: Vec<String> = known["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| text(&f["name"]))
        .collect();
    for name in [
        "lowercase",
        "uppercase",
        "trim",
        "format_date",
        "format_phone",
        "concat",
        "split",
        "lookup",
        "default",
        "constant",
        "replace",
        "substring",
        "number",
        "boolean",
        "join",
        "map_values",
        "template",
        "hash",
        "expression",
    ] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(
        known["functions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|f| !f["examples"].as_array().unwrap().is_empty())
    );
    assert!(
        known["validations"]
            .as_array()
            .unwrap()
            .iter()
            .any(|v| v["name"] == "phone")
    );
}

#[tokio::test]
async fn records_are_mapped_line_by_line() {
    let (_server, client) = open().await;
    let mut body = read(SEED_001);
    body["mappings"][1]["required"] = json!(true);
    let id = text(&post(&client, "/v1/mappings", body, 201).await["id"]);
    let path = format!("/v1/mappings/{id}/apply");
    let lines = "{\"email\": \"A@B.example\"}\n\n{\"email\": 1\n{}\r\n{\"email\": \"c@d.example\", \"first_name\": \" C \"}";
    let answer = send(&client, &path, "application/x-ndjson", lines).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let rows: Vec<Value> = answer.text().lines().map(read).collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!(
        rows[0],
        json!({"line": 1, "output": {"Email": "a@b.example"}})
    );
    assert_eq!(rows[1]["line"], 3);
    assert!(
        rows[1]["unreadable"]
            .as_str()
            .unwrap()
            .starts_with("the line is no JSON"),
        "{rows:?}"
    );
    assert_eq!(
        (&rows[2]["line"], &rows[2]["errors"][0]["target"]),
        (&json!(4), &json!("Email"))
    );
    assert_eq!(rows[3]["output"]["FirstName"], "C");

    let listed = post(&client, &path, json!([{"email": "A@B.example"}, {}]), 200).await;
    assert_eq!(listed[0]["output"], json!({"Email": "a@b.example"}));
    assert_eq!(listed[1]["errors"][0]["code"], "missing");
    let wrong = send(&client, &path, "text/csv", "a").await;
    assert_eq!(wrong.status, 415);
}

#[tokio::test]
async fn webhooks_of_both_directions_run_mappings() {
    let scene = Scene::open(Script::new()).await;
    let mapping = json!({"name": "leads", "direction": "both", "mappings": [
        {"source": "contact.email", "target": "Email", "transformation": "lowercase", "reverse": "lowercase",
         "validation": "email", "required": true},
        {"source": "contact.phone", "target": "Phone"},
        {"source": "contact.site", "target": "Website", "validation": "url"}]});
    let mapping = text(&scene.post("/v1/mappings", mapping, 201).await["id"]);
    let source = json!({"name": "CRM", "verification": {"scheme": "none"}, "event_type": "lead.created", "mapping": "leads"});
    let source = scene.post("/v1/webhooks/incoming", source, 201).await;
    assert_eq!(source["mapping"], "leads");
    let webhook =
        json!({"url": scene.receiver.url("/crm"), "events": ["lead.created"], "mapping": mapping});
    let webhook = text(&scene.post("/v1/webhooks", webhook, 201).await["id"]);

    // In: the external form becomes ours. Out: ours becomes the external one again.
    let path = format!("/in/{}", text(&source["id"]));
    scene
        .post(
            &path,
            json!({"Email": "Ada@Example.com", "Phone": "+1", "Website": "none of yours"}),
            202,
        )
        .await;
    let received = scene
        .when("/v1/events?type=webhook.received", |list| {
            list["data"].as_array().is_some_and(|l| l.len() == 1)
        })
        .await;
    let warnings = &received["data"][0]["data"]["mapping_warnings"];
    assert_eq!(
        (&warnings[0]["pointer"], &warnings[0]["code"]),
        (&json!("/mappings/2"), &json!("invalid")),
        "{received:#}"
    );
    assert!(
        !warnings.to_string().contains("none of yours"),
        "{received:#}"
    );
    let events = scene
        .when("/v1/events?type=lead.created", |list| {
            list["data"].as_array().is_some_and(|l| l.len() == 1)
        })
        .await;
    assert_eq!(
        events["data"][0]["data"],
        json!({"contact": {"email": "ada@example.com", "phone": "+1"}})
    );
    let deliveries = format!("/v1/webhooks/{webhook}/deliveries");
    scene
        .when(&deliveries, |list| list["data"][0]["status"] == "delivered")
        .await;
    let received: Value = serde_json::from_slice(&scene.received()[0].body).unwrap();
    assert_eq!(
        received["data"],
        json!({"Email": "ada@example.com", "Phone": "+1"})
    );

    // What is rejected on the way in is told, and on the way out ends as a dead letter.
    scene.post(&path, json!({"Phone": "+1"}), 202).await;
    let failed = scene
        .when("/v1/events?type=transform.failed", |list| {
            list["data"].as_array().is_some_and(|l| l.len() == 1)
        })
        .await;
    let data = &failed["data"][0]["data"];
    assert_eq!(data["pointer"], "/mapping", "{data:#}");
    assert!(
        text(&data["reason"]).starts_with("the mapping rejects the data: "),
        "{data:#}"
    );
    let event = scene.publish("lead.created", json!({"contact": {}})).await;
    let delivery = scene.delivery(&event, &webhook).await;
    scene
        .when(&format!("/v1/deliveries/{delivery}"), |seen| {
            seen["attempt_count"] == 1
        })
        .await;
    let seen = scene.get(&format!("/v1/deliveries/{delivery}")).await;
    assert_eq!(seen["attempts"][0]["error_kind"], "mapping", "{seen:#}");

    // A mapping that is used cannot go; what is not there cannot be used.
    let used = json_of(
        scene.client.delete("/v1/mappings/leads").await.unwrap(),
        409,
    );
    assert!(text(&used["detail"]).contains(&webhook), "{used:#}");
    let users = scene.list("/v1/mappings/leads/usage").await;
    assert_eq!(users.len(), 2, "{users:?}");
    let missing = json!({"url": scene.receiver.url("/x"), "events": ["*"], "mapping": "lead"});
    let missing = scene.post("/v1/webhooks", missing, 422).await;
    assert_eq!(
        missing["errors"][0]["detail"],
        "there is no mapping `lead`; did you mean `leads`?"
    );

    // A change of the mapping holds for the next request.
    let rules =
        json!({"direction": "to_external", "mappings": [{"source": "Phone", "target": "phone"}]});
    scene.patch("/v1/mappings/leads", rules, 200).await;
    scene.post(&path, json!({"Phone": "+2"}), 202).await;
    let events = scene
        .when("/v1/events?type=lead.created", |list| {
            list["data"][0]["data"] == json!({"phone": "+2"})
        })
        .await;
    assert_eq!(events["data"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn nothing_of_another_tenant_is_seen() {
    let (server, client) = open().await;
    let id = text(&post(&client, "/v1/mappings", read(SEED_001), 201).await["id"]);
    let other = server.tenant("*").await;
    for path in [
        format!("/v1/mappings/{id}"),
        format!("/v1/mappings/{id}/versions"),
        format!("/v1/mappings/{id}/usage"),
    ] {
        assert_eq!(other.get(&path).await.unwrap().status, 404, "{path}");
    }
    let record = json!({"record": {}});
    assert_eq!(
        other
            .post(&format!("/v1/mappings/{id}/preview"), record)
            .await
            .unwrap()
            .status,
        404
    );
    let used = json!({"url": "https://a.example/", "events": ["*"], "mapping": id});
    post(&other, "/v1/webhooks", used, 422).await;
    let reader = server.tenant("events:read").await;
    assert_eq!(reader.get("/v1/mappings").await.unwrap().status, 403);
}
