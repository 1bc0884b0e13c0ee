use std::{borrow::Cow, collections::BTreeMap};

use proptest::prelude::*;
use serde_json::{Value, json};
use tieline_mapping::template::{Name, Scope};
use url::Url;

use super::*;
use crate::Bounds;

/// The values of a call: its input, and secrets by name.
struct Values<'a> {
    input: &'a Value,
    secrets: BTreeMap<&'a str, &'a str>,
}

impl Scope for Values<'_> {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        if name.root() == "secrets" {
            let secret = self.secrets.get(name.steps()[1].as_str())?;
            return Some(Cow::Owned(Value::from(*secret)));
        }
        name.within(self.input).map(Cow::Borrowed)
    }
}

fn operation(body: Value) -> Operation {
    serde_json::from_value(body).unwrap()
}

fn recipe(body: Value) -> Recipe {
    Recipe::compile(&operation(body), &Bounds::default()).unwrap()
}

fn prepare(recipe: &Recipe, input: &Value) -> Result<PreparedRequest, Vec<crate::Violation>> {
    let secrets = BTreeMap::from([("CRM_API_KEY", "sk_live_abc123"), ("T", "a/b")]);
    recipe.prepare(input, &Values { input, secrets })
}

fn lookup_customer() -> Value {
    // Seed 000, as it stands.
    json!({
        "name": "lookup_customer",
        "description": "Look up customer information by email or ID",
        "parameters": {
            "type": "object",
            "properties": {
                "identifier": {"type": "string", "description": "Customer email or ID"},
                "fields": {"type": "array", "items": {"type": "string"}, "description": "Fields to return"}
            },
            "required": ["identifier"]
        },
        "endpoint": {
            "url": "https://your-api.com/customers/lookup",
            "method": "POST",
            "headers": {"Authorization": "Bearer {{secrets.CRM_API_KEY}}"},
            "body_template": {"query": "{{identifier}}", "select": "{{fields}}"}
        }
    })
}

#[test]
fn the_seed_s_tool_makes_the_seed_s_request() {
    let recipe = recipe(lookup_customer());
    let names: Vec<_> = recipe.secrets().keys().collect();
    assert_eq!(names, ["CRM_API_KEY"]);
    let rows = [
        (
            json!({"identifier": "john@acme.com", "fields": ["name", "status"]}),
            r#"{"query":"john@acme.com","select":["name","status"]}"#,
        ),
        (json!({"identifier": "7"}), r#"{"query":"7"}"#),
    ];
    for (input, body) in rows {
        assert_eq!(recipe.faults(&input), []);
        let request = prepare(&recipe, &input).unwrap();
        assert_eq!(request.url, "https://your-api.com/customers/lookup");
        assert_eq!(
            request.headers,
            [(
                "Authorization".to_owned(),
                "Bearer sk_live_abc123".to_owned(),
                true
            )]
        );
        let sent = request.body.unwrap();
        assert_eq!(
            (&*sent.text, sent.content_type),
            (body, Some("application/json"))
        );
    }
    let faults = recipe.faults(&json!({"identifier": 7, "fields": ["a", 1]}));
    let places: Vec<_> = faults.iter().map(|fault| &*fault.pointer).collect();
    assert_eq!(places, ["/identifier", "/fields/1"]);
}

fn taking(names: &[&str], endpoint: Value) -> Value {
    let properties = names.iter().map(|name| ((*name).to_owned(), json!({})));
    json!({
        "name": "t",
        "input_schema": {"type": "object", "properties": properties.collect::<serde_json::Map<_, _>>()},
        "endpoint": endpoint,
    })
}

#[test]
fn parameters_go_where_they_belong() {
    let names = ["id", "q", "tags", "note", "a b"];
    let input =
        json!({"id": "x/1", "q": "a&b=c", "tags": ["r", "g b"], "note": null, "a b": {"k": 1}});
    let rows = [
        // Those that are used nowhere else are the query of a GET or a DELETE ...
        (
            json!({"url": "https://x.example/c/{{id}}", "method": "GET"}),
            "https://x.example/c/x%2F1?q=a%26b%3Dc&tags=r&tags=g%20b&a%20b=%7B%22k%22%3A1%7D",
            None,
        ),
        (
            json!({"url": "https://x.example/c/{{id}}?q={{q}}&fixed=1", "method": "delete", "query": {"n": "{{note}}", "t": "{{tags}}", "five": 5}}),
            "https://x.example/c/x%2F1?q=a%26b%3Dc&fixed=1&t=r&t=g%20b&five=5&a%20b=%7B%22k%22%3A1%7D",
            None,
        ),
        // ... and the body of the others.
        (
            json!({"url": "https://x.example/c?z={{q}}", "method": "PUT"}),
            "https://x.example/c?z=a%26b%3Dc",
            Some(r#"{"id":"x/1","tags":["r","g b"],"note":null,"a b":{"k":1}}"#),
        ),
        (
            json!({"url": "https://x.example/c", "method": "PATCH", "headers": {"X-Id": "{{id}}", "Content-Type": "application/x-www-form-urlencoded"}}),
            "https://x.example/c",
            Some("q=a%26b%3Dc&tags=r&tags=g+b&a+b=%7B%22k%22%3A1%7D"),
        ),
        // A template says it all.
        (
            json!({"url": "https://x.example/c", "method": "POST", "body_template": {"q": "{{q | upper}}", "none": "{{note | default('-')}}"}}),
            "https://x.example/c",
            Some(r#"{"q":"A&B=C","none":"-"}"#),
        ),
        (
            json!({"url": "https://x.example/c", "method": "POST", "headers": {"content-type": "application/xml"}, "body_template": "<q a=\"{{q}}\">{{note}}</q>"}),
            "https://x.example/c",
            Some("<q a=\"a&amp;b=c\"></q>"),
        ),
        (
            json!({"url": "https://x.example/c", "method": "POST", "headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body_template": {"q": "{{q}}", "t": "{{tags}}"}}),
            "https://x.example/c",
            Some("q=a%26b%3Dc&t=r&t=g+b"),
        ),
    ];
    for (endpoint, url, body) in rows {
        let recipe = recipe(taking(&names, endpoint.clone()));
        let request = prepare(&recipe, &input).unwrap();
        assert_eq!(request.url, url, "{endpoint}");
        let sent = request.body.map(|body| body.text);
        assert_eq!(sent.as_deref(), body, "{endpoint}");
    }
}

/// What a hostile caller may put into a parameter.
const HOSTILE: [&str; 32] = [
    "..",
    ".",
    "../../admin",
    "..%2f..%2fadmin",
    "%2e%2e",
    "%2e",
    "..;/",
    "\\..\\admin",
    "/",
    "//evil.example/",
    "https://evil.example/",
    "@evil.example",
    "user:pass@evil.example",
    ":8080",
    "#fragment",
    "?admin=true",
    "&admin=true",
    "a=b;c=d",
    "x\r\nX-Evil: 1",
    "x\nHost: evil.example",
    "x\0y",
    "\u{2028}x\u{2029}",
    "\u{ff0e}\u{ff0e}/admin",
    "\u{2024}\u{2024}",
    "\u{202e}nimda/",
    "\u{3002}\u{3002}",
    "\",\"admin\":true,\"x\":\"",
    "\"}]}",
    "{{secrets.CRM_API_KEY}}",
    "${jndi:ldap://evil.example}",
    "",
    " ",
];

/// What no value may change: everything of a request but the values in it.
#[derive(Debug, PartialEq, Eq)]
struct Shape {
    scheme: String,
    authority: String,
    segments: usize,
    query: Vec<String>,
    headers: Vec<String>,
    body: Vec<String>,
}

fn shape(request: &PreparedRequest) -> Shape {
    let url = Url::parse(&request.url).unwrap();
    assert_eq!(
        url.as_str(),
        request.url,
        "a parser reads the URL as it is written"
    );
    assert_eq!(url.fragment(), None);
    let body = request.body.as_ref().map(|body| body.text.as_str());
    let body: Value = serde_json::from_str(body.unwrap()).unwrap();
    let names =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let mut inner = names(&body);
    inner.extend(names(&body["deep"][0]));
    Shape {
        scheme: url.scheme().to_owned(),
        authority: url.authority().to_owned(),
        segments: url.path_segments().unwrap().count(),
        query: url
            .query_pairs()
            .map(|(name, _)| name.into_owned())
            .collect(),
        headers: request
            .headers
            .iter()
            .map(|(name, ..)| name.clone())
            .collect(),
        body: inner,
    }
}

fn exposed() -> Recipe {
    recipe(json!({
        "name": "t",
        "input_schema": {"type": "object", "properties": {"p": {}, "q": {}, "h": {}, "b": {}}},
        "endpoint": {
            "url": "https://api.example:8443/v1/{{p}}/x.{{p}}/end?fixed=1&q={{q}}",
            "method": "POST",
            "headers": {"X-Value": "a {{h}} b", "Authorization": "Bearer {{secrets.CRM_API_KEY}}"},
            "query": {"other": "<{{q}}>"},
            "body_template": {"whole": "{{b}}", "text": "-{{b}}-", "deep": [{"k": "{{b}}", "l": "{{q}}"}]}
        }
    }))
}

/// The shape stays, or the input is refused with a pointer to the value.
fn holds(recipe: &Recipe, p: &str, q: &str, h: &str, b: &Value) {
    let expected =
        shape(&prepare(recipe, &json!({"p": "1", "q": "1", "h": "1", "b": "1"})).unwrap());
    let input = json!({"p": p, "q": q, "h": h, "b": b});
    match prepare(recipe, &input) {
        Ok(request) => {
            assert_eq!(shape(&request), expected, "{input}");
            for (_, value, _) in &request.headers {
                assert!(!value.chars().any(char::is_control), "{input}");
            }
            let body: Value = serde_json::from_str(&request.body.unwrap().text).unwrap();
            assert_eq!(&body["whole"], b, "{input}");
            assert_eq!(body["deep"][0]["l"], json!(q), "{input}");
            let url = Url::parse(&request.url).unwrap();
            let value = url.query_pairs().find(|(name, _)| name == "q").unwrap().1;
            assert_eq!(value, q, "{input}");
        }
        Err(faults) => {
            assert!(
                ["/p", "/h"].contains(&&*faults[0].pointer),
                "{input}: {faults:?}"
            );
        }
    }
}

#[test]
fn no_value_changes_where_a_request_goes_or_what_it_consists_of() {
    let recipe = exposed();
    for hostile in HOSTILE {
        holds(&recipe, hostile, "1", "1", &json!("1"));
        holds(&recipe, "1", hostile, "1", &json!("1"));
        holds(&recipe, "1", "1", hostile, &json!("1"));
        holds(&recipe, "1", "1", "1", &json!(hostile));
        holds(&recipe, "1", "1", "1", &json!({hostile: [hostile]}));
    }
}

#[test]
fn what_cannot_be_encoded_away_is_refused() {
    let recipe = exposed();
    let good = json!("1");
    let rows = [
        ("p", json!(".."), "would lead elsewhere"),
        ("p", json!("."), "would lead elsewhere"),
        ("p", json!(""), "cannot be empty"),
        ("p", json!(null), "is absent"),
        ("p", json!("a\u{0}b"), "control character"),
        ("h", json!("a\r\nb"), "control character"),
    ];
    for (name, value, says) in rows {
        let mut input = json!({"p": good, "q": good, "h": good, "b": good});
        input[name] = value;
        let faults = prepare(&recipe, &input).unwrap_err();
        assert_eq!(faults[0].pointer, format!("/{name}"), "{input}");
        assert!(faults[0].detail.contains(says), "{input}: {faults:?}");
    }
    // Two harmless halves of a step up.
    let halves = self::recipe(taking(
        &["a", "b"],
        json!({"url": "https://x.example/{{a}}{{b}}/%2E{{a}}", "method": "GET"}),
    ));
    let faults = prepare(&halves, &json!({"a": ".", "b": "."})).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn bad_operations_are_refused_with_the_place() {
    let get = |url: &str| json!({"url": url, "method": "GET"});
    let rows: Vec<(Value, &str, &str)> = vec![
        (get("{{id}}"), "/endpoint/url", "not a URL"),
        (
            get("https://{{id}}.example/"),
            "/endpoint/url",
            "written out",
        ),
        (
            get("https://x.example:{{id}}/"),
            "/endpoint/url",
            "not a URL",
        ),
        (get("{{id}}://x.example/"), "/endpoint/url", "written out"),
        (
            get("ftp://x.example/"),
            "/endpoint/url",
            "starts with \"ftp:\"",
        ),
        (
            get("https://{{id}}@x.example/"),
            "/endpoint/url",
            "written out",
        ),
        (
            get("https://x.example/#{{id}}"),
            "/endpoint/url",
            "never sent",
        ),
        (
            get("https://x.example/?{{id}}=1"),
            "/endpoint/url",
            "cannot hold a placeholder",
        ),
        (
            get("https://x.example/{{idd}}"),
            "/endpoint/url",
            "did you mean `id`?",
        ),
        (
            get("https://x.example/{{secrets}}"),
            "/endpoint/url",
            "name one secret",
        ),
        (
            get("https://x.example/{{connection.host}}"),
            "/endpoint/url",
            "needs a connection",
        ),
        (
            get("https://x.example/{{id"),
            "/endpoint/url",
            "does not end",
        ),
        (
            get("https://x.example/{{nested.lef}}"),
            "/endpoint/url",
            "`nested` has no `lef`; did you mean `left`?",
        ),
        (
            json!({"url": "https://x.example/", "method": "GET", "body_template": {"a": 1}}),
            "/endpoint/body_template",
            "a GET request has no body",
        ),
        (
            json!({"url": "https://x.example/", "method": "POST", "body_template": {"a/b": ["{{other}}"]}}),
            "/endpoint/body_template/a~1b/0",
            "there is no parameter `other`; there are id, nested",
        ),
        (
            json!({"url": "https://x.example/", "method": "POST", "body_template": "{\"a\": \"{{id}}\"}"}),
            "/endpoint/body_template",
            "write it as JSON",
        ),
        (
            json!({"url": "https://x.example/", "method": "POST", "headers": {"Host": "evil.example"}}),
            "/endpoint/headers/Host",
            "belongs to the connection",
        ),
        (
            json!({"url": "https://x.example/", "method": "POST", "headers": {"X-{{id}}": "1"}}),
            "/endpoint/headers/X-{{id}}",
            "no name of a header",
        ),
        (
            json!({"url": "https://x.example/", "method": "POST", "headers": {"X": "a\r\nb"}}),
            "/endpoint/headers/X",
            "control characters",
        ),
        (
            json!({"url": "https://x.example/", "method": "POST", "headers": {"Content-Type": "multipart/form-data"}}),
            "/endpoint/headers/Content-Type",
            "cannot be made",
        ),
        (
            json!({"url": "https://x.example/", "method": "POST", "headers": {"Content-Type": "text/plain"}}),
            "/endpoint/body_template",
            "give a `body_template`",
        ),
        (
            json!({"url": "https://x.example/", "method": "GET", "query": {"a": ["{{id}}"]}}),
            "/endpoint/query/a",
            "give a string",
        ),
        (
            json!({"url": "https://x.example/", "method": "GET", "idempotency_header": "a b"}),
            "/endpoint/idempotency_header",
            "no name of a header",
        ),
    ];
    for (endpoint, pointer, says) in rows {
        let body = json!({
            "name": "t",
            "input_schema": {"type": "object", "properties": {
                "id": {"type": "string"},
                "nested": {"type": "object", "properties": {"left": {}, "right": {}}}
            }},
            "endpoint": endpoint,
        });
        check_refused(body, pointer, says);
    }
    let good = get("https://x.example/");
    let rest = [
        (
            json!({"name": "a b", "endpoint": good}),
            "/name",
            "letters, digits",
        ),
        (
            json!({"name": "x".repeat(65), "endpoint": good}),
            "/name",
            "1 to 64",
        ),
        (
            json!({"name": "t", "endpoint": good, "timeout_seconds": 0}),
            "/timeout_seconds",
            "1 to 300",
        ),
        (
            json!({"name": "t", "endpoint": good, "input_schema": {"type": "array"}}),
            "/input_schema/type",
            "an object",
        ),
        (
            json!({"name": "t", "endpoint": good, "input_schema": {"type": "object", "properties": {"a": {"type": "strng"}}}}),
            "/input_schema/properties/a/type",
            "",
        ),
        (
            json!({"name": "t", "endpoint": good, "input_schema": {"type": "object", "allOf": [{"$ref": "#"}]}}),
            "/input_schema/allOf/0/$ref",
            "leads back",
        ),
        (
            json!({"name": "t", "endpoint": good, "output_mapping": {"a": "$["}}),
            "/output_mapping/a",
            "JSONPath",
        ),
        (
            json!({"name": "t", "endpoint": good, "output_mapping": {"a": "$trust"}}),
            "/output_mapping/a",
            "no meaning",
        ),
        (
            json!({"name": "t", "endpoint": good, "output_schema": {"type": 1}}),
            "/output_schema/type",
            "",
        ),
        (
            json!({"name": "t", "endpoint": good, "max_in_flight": 0}),
            "/max_in_flight",
            "1 to",
        ),
        (
            json!({"name": "t", "endpoint": good, "rate_limit": {"per_second": 0}}),
            "/rate_limit/per_second",
            "1 to",
        ),
        (
            json!({"name": "t", "endpoint": good, "tags": [""]}),
            "/tags/0",
            "at least 1",
        ),
        (
            json!({"name": "t", "endpoint": get(&format!("https://x.example/{}", "a".repeat(3_000)))}),
            "/endpoint/url",
            "at most 2048",
        ),
    ];
    for (body, pointer, says) in rest {
        check_refused(body, pointer, says);
    }
}

fn check_refused(body: Value, pointer: &str, says: &str) {
    let Err(faults) = Recipe::compile(&operation(body.clone()), &Bounds::default()) else {
        panic!("{body} is taken");
    };
    let found = faults
        .iter()
        .any(|fault| fault.pointer == pointer && fault.detail.contains(says));
    assert!(found, "{body}: {faults:?}");
}

#[test]
fn names_that_a_schema_leaves_open_are_taken() {
    let schemas = [
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
        json!({"type": "object", "patternProperties": {"^x": {}}}),
        json!({"type": "object", "$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": {}}}}}),
        json!({"type": "object", "oneOf": [{"properties": {"x": {}}}, {"properties": {"y": {}}}]}),
    ];
    for schema in schemas {
        recipe(json!({
            "name": "t", "input_schema": schema,
            "endpoint": {"url": "https://x.example/{{x}}", "method": "GET"}
        }));
    }
}

#[test]
fn answers_are_mapped() {
    let mapping = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, path)| ((*name).to_owned(), (*path).to_owned()));
        OutputMapping::compile(&pairs.collect()).unwrap()
    };
    let answer =
        json!({"id": 7, "web_url": "https://h.example/7", "tags": [{"n": "a"}, {"n": "b"}]});
    let mapped = mapping(&[
        ("ticket_id", "$.id"),
        ("ticket_url", "$.web_url"),
        ("none", "$.none"),
        ("tags", "$.tags[*].n"),
    ]);
    let expected = json!({"ticket_id": 7, "ticket_url": "https://h.example/7", "none": null, "tags": ["a", "b"]});
    assert_eq!(mapped.apply(&answer), expected);
    assert_eq!(mapping(&[]).apply(&answer), json!({}));
}

#[test]
fn classes_follow_from_methods_unless_they_are_said() {
    use Class::{Destructive, Read, Write};
    let rows = [
        (json!({"method": "GET"}), json!({}), Read, true, true),
        (json!({"method": "POST"}), json!({}), Write, false, false),
        (json!({"method": "PUT"}), json!({}), Write, true, true),
        (
            json!({"method": "DELETE"}),
            json!({}),
            Destructive,
            true,
            true,
        ),
        (
            json!({"method": "POST"}),
            json!({"class": "read", "idempotent": true}),
            Read,
            true,
            true,
        ),
        (
            json!({"method": "POST", "idempotency_header": "Idempotency-Key"}),
            json!({}),
            Write,
            false,
            true,
        ),
        (
            json!({"method": "PUT", "idempotency_header": "K"}),
            json!({"idempotent": false}),
            Write,
            false,
            false,
        ),
    ];
    for (endpoint, said, class, idempotent, may_repeat) in rows {
        let mut body = said.clone();
        body["name"] = json!("t");
        body["endpoint"] = endpoint.clone();
        body["endpoint"]["url"] = json!("https://x.example/");
        let operation = operation(body);
        let found = (
            operation.class(),
            operation.is_idempotent(),
            operation.may_repeat(),
        );
        assert_eq!(found, (class, idempotent, may_repeat), "{endpoint} {said}");
    }
}

#[test]
fn the_manual_lists_every_kind_of_failure() {
    let manual = include_str!("../../../../docs/tools-and-actions.md");
    for kind in ErrorKind::ALL {
        let again = if kind.may_repeat() { "yes" } else { "no" };
        let row = format!(
            "| `{}` | {again} | {} | {} |",
            kind.as_str(),
            kind.meaning(),
            kind.advice()
        );
        assert!(manual.contains(&row), "the manual has not the line\n{row}");
    }
}

#[test]
fn every_status_has_a_meaning() {
    for status in 200..300 {
        assert_eq!(of_status(status), None);
    }
    let rows = [
        (302, ErrorKind::UpstreamError),
        (400, ErrorKind::BadInput),
        (401, ErrorKind::AuthRequired),
        (404, ErrorKind::NotFound),
        (418, ErrorKind::UpstreamError),
        (429, ErrorKind::RateLimited),
        (500, ErrorKind::UpstreamError),
        (503, ErrorKind::Retry),
    ];
    for (status, kind) in rows {
        assert_eq!(of_status(status), Some(kind), "{status}");
    }
}

proptest! {
    #[test]
    fn arbitrary_values_change_nothing_but_values(p in any::<String>(), q in any::<String>(), h in any::<String>(), b in any::<String>()) {
        thread_local! {
            static RECIPE: Recipe = exposed();
        }
        RECIPE.with(|recipe| holds(recipe, &p, &q, &h, &json!(b)));
    }

    #[test]
    fn arbitrary_urls_are_read_or_refused(url in "(https?://|\\{\\{id\\}\\}|[a-z./?#&=@:%\\\\{}|\\[\\] é]){0,12}") {
        let body = taking(&["id"], json!({"url": url, "method": "GET"}));
        if let Ok(recipe) = Recipe::compile(&operation(body), &Bounds::default()) {
            let probe = Url::parse(recipe.probe()).unwrap();
            if let Ok(request) = prepare(&recipe, &json!({"id": "a/../b?c#d@e"})) {
                let read = Url::parse(&request.url).unwrap();
                prop_assert_eq!(read.origin(), probe.origin());
                prop_assert_eq!(read.path_segments().map(Iterator::count), probe.path_segments().map(Iterator::count));
            }
        }
    }
}
