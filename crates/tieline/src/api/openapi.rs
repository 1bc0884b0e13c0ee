//! The OpenAPI 3.1 document, made from the handlers.
//!
//! The routes give paths, parameters, bodies and answers; the last pass below adds what follows from
//! those: schemas of answers, examples, the problems that an operation can have, common headers.

mod flattened;

use serde_json::{Map, Value, json};
use tieline_domain::access::AREAS;
use utoipa::{PartialSchema as _, ToSchema};

use super::{
    answer::SCHEMAS,
    problem::{ANY_PROBLEM, Code, MEDIA_TYPE, Problem},
    routes,
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

const DESCRIPTION: &str = "\
Tieline joins AI agents to everything else.

Send `Authorization: Bearer <key or access token>` or `x-api-key: <key>`. Everything under `/v1` also \
answers under `/api/v1`. Lists take `limit` and `cursor` and show the newest first. Errors are problems \
(RFC 9457) whose `type` is a page under `/docs/errors`. Configuration objects have an `ETag`; send it back \
in `If-Match` and nobody's change is lost. Every answer under `/v1` tells in `RateLimit-Limit`, \
`RateLimit-Remaining` and `RateLimit-Reset` how many requests are left, and every answer has an \
`x-request-id`. Instants are RFC 3339 in UTC.";

/// The sections of the reference, in their order.
const TAGS: [(&str, &str); 17] = [
    ("Access", "API keys, OAuth clients, access tokens"),
    ("Tenants", "The tenants of the installation"),
    ("Secrets", "Named values that templates use and nobody sees"),
    ("Receiving", "Where senders send their webhooks"),
    (
        "Incoming webhooks",
        "Endpoints for the webhooks of others: how they are verified, told apart, transformed",
    ),
    ("Webhooks", "Where events are delivered to"),
    (
        "Agents",
        "Who answers in conversations, and what they may do there",
    ),
    (
        "Conversations",
        "What is said to agents, and what they do about it",
    ),
    ("Events", "What happened, and what it caused"),
    ("Deliveries", "What became of each event owed to a webhook"),
    (
        "Tools and actions",
        "HTTP requests that agents and people make by name, and the log of their calls",
    ),
    (
        "Triggers",
        "What is done, step by step, when an event happens",
    ),
    (
        "Mappings",
        "How the fields of two sides meet: rules, functions, previews, whole files",
    ),
    ("Jobs", "Long work with progress"),
    (
        "MCP servers",
        "Remote MCP servers whose tools are offered beside your own",
    ),
    ("Audit log", "Who did what"),
    ("Operation", "For load balancers and monitoring"),
];

/// A problem (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what `Problem` writes")]
struct ProblemView {
    /// What kind of problem it is: the path of a page that explains it.
    r#type: String,
    /// The same for each problem of this kind.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: String,
    /// The id of the request, for the operator's log.
    request_id: String,
    /// What is wrong with the input, and where.
    errors: Option<Vec<Fault>>,
}

/// A fault of the input.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Problem` writes")]
struct Fault {
    /// JSON Pointer (RFC 6901) to the faulty place; empty for the whole input.
    pointer: String,
    /// What is wrong and what to do.
    detail: String,
}

/// The document.
pub fn document() -> Value {
    let mut document = json!(routes::documented());
    document["info"] = json!({
        "title": "Tieline",
        "version": env!("CARGO_PKG_VERSION"),
        "description": DESCRIPTION,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    });
    document["servers"] = json!([{"url": "/", "description": "This server"}]);
    document["tags"] = TAGS
        .iter()
        .map(|(name, description)| json!({"name": name, "description": description}))
        .collect();
    document["security"] = json!([{"bearer": []}, {"api_key": []}, {"oauth2": []}]);
    let mut components = Components::of(&mut document);
    for operation in operations(&mut document) {
        components.collect(operation.value);
        add_idempotency_key(&operation.method, operation.value);
        expand_problems(&operation.method, operation.value);
    }
    for operation in operations(&mut document) {
        components.fill_examples(operation.value);
    }
    document["components"] = components.finish();
    document
}

/// The document as it is committed and printed.
pub fn text() -> String {
    let text = serde_json::to_string_pretty(&document()).expect("a JSON value is JSON");
    text + "\n"
}

struct Operation<'a> {
    method: String,
    value: &'a mut Value,
}

fn operations(document: &mut Value) -> impl Iterator<Item = Operation<'_>> {
    let paths = document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut);
    let entries = paths
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.iter_mut());
    entries
        .filter(|(method, _)| METHODS.contains(&method.as_str()))
        .map(|(method, value)| Operation {
            method: method.clone(),
            value,
        })
}

fn is_open(operation: &Value) -> bool {
    operation
        .get("security")
        .is_some_and(|security| *security == json!([{}]))
}

fn has_parameter(operation: &Value, place: &str) -> bool {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters
        .into_iter()
        .any(|parameter| parameter["in"] == place)
}

/// Whether a header of this name is taken.
fn takes(operation: &Value, header: &str) -> bool {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let mut headers = parameters.filter(|parameter| parameter["in"] == "header");
    headers.any(|parameter| parameter["name"] == header)
}

fn add_idempotency_key(method: &str, operation: &mut Value) {
    if method != "post" || is_open(operation) {
        return;
    }
    let reference = json!({"$ref": "#/components/parameters/IdempotencyKey"});
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(reference),
        None => operation["parameters"] = json!([reference]),
    }
}

/// Puts the problems that an operation can have in the place of "some problem".
fn expand_problems(method: &str, operation: &mut Value) {
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    if responses.remove(ANY_PROBLEM).is_none() {
        return;
    }
    let open = is_open(operation);
    let is_receiver = operation["tags"][0] == "Receiving";
    let has_body = operation.get("requestBody").is_some();
    let statuses = [
        (
            400,
            has_body
                || has_parameter(operation, "query")
                || has_parameter(operation, "header")
                || method == "post",
        ),
        // The receivers are open, but a sender proves itself by a signature.
        (401, !open || is_receiver),
        (403, operation.get("x-required-scope").is_some()),
        (404, has_parameter(operation, "path")),
        (408, has_body),
        (409, !open && method != "get"),
        (412, takes(operation, "If-Match")),
        (413, has_body),
        (415, has_body),
        // A repeat of an `Idempotency-Key` with another request.
        (422, has_body || (!open && method == "post")),
        (429, !open || is_receiver),
        (500, true),
        (503, true),
    ];
    for (status, _) in statuses.iter().filter(|(_, possible)| *possible) {
        let reference = json!({"$ref": format!("#/components/responses/Problem{status}")});
        operation["responses"][status.to_string()] = reference;
    }
}

/// What operations refer to.
struct Components {
    schemas: Map<String, Value>,
}

impl Components {
    fn of(document: &mut Value) -> Self {
        let schemas = document["components"]["schemas"]
            .as_object_mut()
            .map(std::mem::take);
        let mut schemas = schemas.unwrap_or_default();
        schemas.insert("Problem".into(), json!(ProblemView::schema()));
        schemas.insert("Fault".into(), json!(Fault::schema()));
        Self { schemas }
    }

    /// Takes over the schemas that the answers of an operation brought along.
    fn collect(&mut self, operation: &mut Value) {
        let responses = operation["responses"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut);
        for response in responses.filter_map(Value::as_object_mut) {
            if let Some(Value::Object(schemas)) = response.remove(SCHEMAS) {
                schemas
                    .into_iter()
                    .for_each(|(name, schema)| self.add(name, schema));
            }
        }
    }

    /// Adds a schema. Two types of the same name would describe each other's answers.
    fn add(&mut self, name: String, schema: Value) {
        let known = self.schemas.get(&name);
        assert!(
            known.is_none_or(|known| *known == schema),
            "two types of the API are called {name}"
        );
        self.schemas.insert(name, schema);
    }

    /// Gives the body and the answers of an operation the example of their schema.
    fn fill_examples(&self, operation: &mut Value) {
        self.fill(&mut operation["requestBody"]["content"]);
        if operation["requestBody"]["content"].is_null() {
            operation
                .as_object_mut()
                .map(|operation| operation.remove("requestBody"));
        }
        for response in operation["responses"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
        {
            if let Some(content) = response.get_mut("content") {
                self.fill(content);
            }
        }
    }

    fn fill(&self, content: &mut Value) {
        for media in content
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
        {
            let given = media.get("example").is_some() || media.get("examples").is_some();
            if let Some(example) = self.example(&media["schema"]).filter(|_| !given) {
                media["example"] = example;
            }
        }
    }

    /// The example of a schema: its own, or for a page of a list one made from that of its objects.
    fn example(&self, schema: &Value) -> Option<Value> {
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            return self.example(self.schemas.get(name)?);
        }
        if let Some(example) = schema.get("example") {
            return Some(example.clone());
        }
        let item = self.example(schema["properties"]["data"].get("items")?)?;
        Some(json!({"data": [item], "next_cursor": null}))
    }

    fn finish(mut self) -> Value {
        flattened::merge(&mut self.schemas);
        json!({
            "schemas": self.schemas,
            "responses": problem_responses(),
            "parameters": {"IdempotencyKey": {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Makes a repeat of this request give the first answer again, for 24 hours. 1 to 255 visible ASCII characters.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "example": "6f1c2c1e-5a0e-4f0c-9a53-3a8f4b1f9d55",
            }},
            "securitySchemes": security_schemes(),
        })
    }
}

/// One response for each status, with an example for each code that has it.
fn problem_responses() -> Value {
    let mut responses = Map::new();
    for code in Code::ALL {
        let name = format!("Problem{}", code.status().as_u16());
        let response = responses.entry(name).or_insert_with(|| {
            json!({
                "description": code.status().canonical_reason(),
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            })
        });
        response["content"][MEDIA_TYPE]["examples"][code.slug()] =
            json!({"summary": code.title(), "value": Problem::example(*code)});
    }
    Value::Object(responses)
}

fn security_schemes() -> Value {
    let rights = AREAS.iter().flat_map(|(_, area)| {
        [("read", "Look at"), ("write", "Change")].map(|(right, verb)| {
            (
                format!("{area}:{right}"),
                json!(format!("{verb} what belongs to `{area}`")),
            )
        })
    });
    let all = ("*".to_owned(), json!("Everything within the tenant"));
    let scopes: Map<String, Value> = std::iter::once(all).chain(rights).collect();
    json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or an access token"},
        "api_key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key"},
        "oauth2": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/v1/auth/token", "scopes": scopes}}},
    })
}

#[cfg(test)]
mod tests;
