//! One tenant's ids are nothing to another (invariant 8): every operation that the API's own document lists is tried
//! with every id of the other tenant.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::{
    http::{Answer, Client},
    receiver::{Behaviour, Receiver, Script},
    server::Server,
};

use crate::stage::{Source, eventually, launch, owner, report, subscribe, text};

/// An operation with an id in its path.
struct Operation {
    method: Method,
    path: String,
    parameter: String,
    body: Option<Value>,
}

impl Operation {
    async fn with(&self, client: &Client, id: &str) -> anyhow::Result<Answer> {
        // What follows the id is a part of the object: its first version.
        let path = self.path.replace(&self.parameter, id);
        let path = path.replace("{version}", "1");
        let request = client.request(self.method.clone(), &path);
        match &self.body {
            Some(body) => request.json(body)?.send().await,
            None => request.send().await,
        }
    }
}

/// Paths that are not asked here: presets are the same for every tenant; what follows needs a model, a remote server
/// or a finished run, and tests of their own ask for those of another tenant (`it/agents`, `it/mcp_access`,
/// `it/mcp_servers`, `it/triggers`).
const ELSEWHERE: [&str; 9] = [
    "/v1/webhooks/presets/{name}",
    "/v1/approvals/{id}/approve",
    "/v1/approvals/{id}/deny",
    "/v1/conversations/{id}/turns/{turn_id}",
    "/v1/conversations/{id}/turns/{turn_id}/cancel",
    "/v1/mcp-servers/{name}",
    "/v1/mcp-servers/{name}/accept",
    "/v1/mcp-servers/{name}/refresh",
    "/v1/trigger-runs/{id}",
];

/// Every operation of a tenant on one object, the harmless ones first.
fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(parameter) = parameter(path) else {
            continue;
        };
        if ELSEWHERE.contains(&path.as_str()) {
            continue;
        }
        for (order, method) in ["get", "post", "patch", "put", "delete"]
            .into_iter()
            .enumerate()
        {
            let operation = &item[method];
            let scope = operation["x-required-scope"].as_str();
            let platform = scope.is_some_and(|scope| scope.starts_with("platform"));
            let public = operation["security"] == json!([{}]) || operation["security"] == json!([]);
            if operation.is_null() || public || platform {
                continue;
            }
            let content = operation.pointer("/requestBody/content/application~1json");
            let body = content.map(|content| content.get("example").cloned().unwrap_or(json!({})));
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let (path, parameter) = (path.clone(), parameter.to_owned());
            found.push((
                order,
                Operation {
                    method,
                    path,
                    parameter,
                    body,
                },
            ));
        }
    }
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, operation)| operation).collect()
}

/// `{id}` in `/v1/events/{id}`.
fn parameter(path: &str) -> Option<&str> {
    let start = path.find('{')?;
    let length = path[start..].find('}')?;
    Some(&path[start..=start + length])
}

/// A new tenant's owner.
pub(super) async fn tenant(server: &Server, name: &str) -> anyhow::Result<(Client, String)> {
    let answer = owner(server.url())
        .post("/v1/tenants", json!({"name": name}))
        .await?;
    let answer = answer.expect(201)?.json()?;
    let client = Client::new(server.url()).bearer(text(&answer, "/owner_key")?);
    Ok((client, text(&answer, "/id")?))
}

/// A source whose sender brings the secret, and has brought it.
async fn asking_source(client: &Client) -> anyhow::Result<String> {
    let wanted = json!({"name": "Asks first", "verification": {"scheme": "notion"}});
    let answer = client.post("/v1/webhooks/incoming", wanted).await?;
    let id = text(&answer.expect(201)?.json()?, "/id")?;
    let token = json!({"verification_token": "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"});
    client
        .post(&format!("/in/{id}"), token)
        .await?
        .expect(200)?;
    Ok(id)
}

/// One object of each kind; their ids by kind.
pub(super) async fn furnish(
    client: &Client,
    tenant: String,
    url: &str,
) -> anyhow::Result<BTreeMap<&'static str, String>> {
    let source = Source::create(client).await?;
    let asking = asking_source(client).await?;
    let webhook = text(&subscribe(client, url, &["*"]).await?, "/id")?;
    let created = async |path: &str, body: Value, pointer: &str| {
        text(
            &client.post(path, body).await?.expect(201)?.json()?,
            pointer,
        )
    };
    let key = created(
        "/v1/api-keys",
        json!({"name": "Key", "scopes": ["*"]}),
        "/id",
    )
    .await?;
    let oauth = created(
        "/v1/oauth-clients",
        json!({"name": "Client", "scopes": ["*"]}),
        "/id",
    )
    .await?;
    let secret = json!({"name": "THEIR_SECRET", "value": "a value"});
    let secret = created("/v1/secrets", secret, "/name").await?;
    let event_type = json!({"name": "their.type"});
    let event_type = created("/v1/event-types", event_type, "/name").await?;
    let event = json!({"type": "order.created"});
    let event = text(
        &client
            .post("/v1/events", event)
            .await?
            .expect(202)?
            .json()?,
        "/id",
    )?;
    let dead = eventually("the delivery is dead", async || {
        let list = client
            .get(&format!("/v1/dead-letters?webhook_id={webhook}"))
            .await?;
        Ok(text(&list.json()?, "/data/0/id").ok())
    });
    let delivery = dead.await?;
    let nothing = json!({"from": "2026-01-01T00:00:00Z", "filter": {"subject": "nothing"}});
    let job = client.post("/v1/events/replay", nothing).await?;
    let job = text(&job.expect(202)?.json()?, "/id")?;
    eventually("the job has ended", async || {
        let job = client.get(&format!("/v1/jobs/{job}")).await?.json()?;
        Ok((job["status"] == "completed").then_some(()))
    })
    .await?;
    let host: Vec<_> = url.split('/').take(3).collect();
    let large = format!("{}/large", host.join("/"));
    let endpoint = |method: &str| json!({"url": large, "method": method});
    let tool = json!({"name": "their_tool", "endpoint": endpoint("GET")});
    let tool = created("/v1/tools", tool, "/id").await?;
    let action = json!({"name": "their_action", "endpoint": endpoint("POST")});
    let action = created("/v1/integrations/actions", action, "/id").await?;
    let call = format!("/v1/tools/{tool}/call");
    let called = client.post(&call, json!({})).await?;
    let called = called.expect(200)?.json()?;
    let artifact = text(&called, "/output/artifact_url")?;
    let artifact = artifact.rsplit('/').next().unwrap_or_default().to_owned();
    let agent = json!({"name": "Their agent", "runtime": {"type": "inbox"}});
    let agent = created("/v1/agents", agent, "/id").await?;
    let conversation = json!({"agent_id": agent});
    let conversation = created("/v1/conversations", conversation, "/id").await?;
    let mapping = json!({"name": "their_mapping", "mappings": [{"source": "a", "target": "b"}]});
    let mapping = created("/v1/mappings", mapping, "/id").await?;
    let trigger = json!({
        "name": "their_trigger", "event": "their.trigger", "do": [{"event": {"type": "their.step", "data": {}}}]
    });
    let trigger = created("/v1/triggers", trigger, "/id").await?;
    Ok([
        ("agent", agent),
        ("conversation", conversation),
        ("mapping", mapping),
        ("trigger", trigger),
        ("tool", tool),
        ("action", action),
        ("call", text(&called, "/call_id")?),
        ("artifact", artifact),
        ("tenant", tenant),
        ("source", source.id),
        ("asking source", asking),
        ("webhook", webhook),
        ("key", key),
        ("client", oauth),
        ("secret", secret),
        ("event type", event_type),
        ("event", event),
        ("delivery", delivery),
        ("job", job),
    ]
    .into())
}

/// A receiver that takes no delivery and answers tools with more than is handed over.
pub(super) fn broken() -> Script {
    let large = json!({"text": "x".repeat(2_000)});
    Script::new()
        .otherwise(Behaviour::status(500))
        .on("/large", Behaviour::json(200, &large))
}

/// What a tenant sees of its own objects.
pub(super) async fn view(client: &Client) -> anyhow::Result<Vec<String>> {
    let lists = [
        "api-keys",
        "oauth-clients",
        "secrets",
        "webhooks",
        "webhooks/incoming",
        "events",
        "event-types",
        "deliveries",
        "jobs",
        "tools",
        "integrations/actions",
        "calls",
        "agents",
        "conversations",
        "mappings",
        "triggers",
    ];
    let mut seen = Vec::new();
    for list in lists {
        seen.push(
            client
                .get(&format!("/v1/{list}"))
                .await?
                .expect(200)?
                .text(),
        );
    }
    Ok(seen)
}

#[tokio::test]
async fn a_foreign_id_looks_like_a_missing_one() {
    let launch = launch()
        .env("TIELINE_DELIVERY_RETRY", "0")
        .env("TIELINE_LIMITS_CALL_OUTPUT_MAX_BYTES", "1024");
    let server = launch.start().await.unwrap();
    let receiver = Receiver::start(broken()).await.unwrap();
    let (mine, _) = tenant(&server, "Mine").await.unwrap();
    let (theirs, their_tenant) = tenant(&server, "Theirs").await.unwrap();
    let ids = furnish(&theirs, their_tenant, &receiver.url("/"))
        .await
        .unwrap();
    let document = mine.get("/openapi.json").await.unwrap().json().unwrap();
    let operations = operations(&document);
    assert!(
        operations.len() > 20,
        "the document lists {}",
        operations.len()
    );

    let before = view(&theirs).await.unwrap();
    for operation in &operations {
        for (kind, id) in &ids {
            let answer = operation.with(&mine, id).await.unwrap();
            let Operation { method, path, .. } = operation;
            assert_eq!(
                answer.status, 404,
                "{method} {path} with a foreign {kind}: {answer:?}"
            );
            assert!(!answer.text().contains("Theirs"), "{answer:?}");
        }
    }
    for filter in ["webhook_id", "event_id"] {
        let id = &ids[filter.trim_end_matches("_id")];
        let list = mine
            .get(&format!("/v1/deliveries?{filter}={id}"))
            .await
            .unwrap();
        assert_eq!(
            list.expect(200).unwrap().json().unwrap()["data"],
            json!([]),
            "{filter}"
        );
    }
    assert_eq!(
        view(&theirs).await.unwrap(),
        before,
        "nothing of theirs was changed"
    );

    // The same requests are good ones: with their owner's key each finds its object.
    for operation in &operations {
        let mut found = 0;
        for id in ids.values() {
            let answer = operation.with(&theirs, id).await.unwrap();
            found += usize::from(answer.status != 404);
        }
        let Operation { method, path, .. } = operation;
        assert!(
            found > 0,
            "{method} {path} finds nothing even for the owner"
        );
    }
    report(&format!(
        "isolation: {} operations, {} ids each",
        operations.len(),
        ids.len()
    ));
}
