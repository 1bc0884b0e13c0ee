//! Values of a caller in each place of a request, separated by NUL: whatever they are, the request goes where its author sent it
//! and consists of what its author wrote, or the values are refused.
#![no_main]

use std::{borrow::Cow, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tieline_domain::{
    Bounds,
    operation::{PreparedRequest, Recipe},
};
use tieline_mapping::template::{Name, Scope};
use url::Url;

const SECRET: &str = "sk_live_abc123";

static RECIPE: LazyLock<Recipe> = LazyLock::new(|| {
    let operation = json!({
        "name": "t",
        "input_schema": {"type": "object", "properties": {"p": {}, "q": {}, "h": {}, "b": {}}},
        "endpoint": {
            "url": "https://api.example:8443/v1/{{p}}/x.{{p}}/end?fixed=1&q={{q}}",
            "method": "POST",
            "headers": {"X-Value": "a {{h}} b", "Authorization": "Bearer {{secrets.KEY}}"},
            "query": {"other": "<{{q}}>"},
            "body_template": {"whole": "{{b}}", "text": "-{{b}}-", "deep": [{"k": "{{b}}", "l": "{{q}}"}]}
        }
    });
    let operation = serde_json::from_value(operation).expect("an operation");
    Recipe::compile(&operation, &Bounds::default()).expect("it compiles")
});
static EXPECTED: LazyLock<Shape> = LazyLock::new(|| {
    let input = json!({"p": "1", "q": "1", "h": "1", "b": "1"});
    Shape::of(
        &RECIPE
            .prepare(&input, &Values(&input))
            .expect("plain values"),
    )
});

struct Values<'a>(&'a Value);

impl Scope for Values<'_> {
    fn find(&self, name: &Name) -> Option<Cow<'_, Value>> {
        if name.root() == "secrets" {
            return Some(Cow::Owned(SECRET.into()));
        }
        name.within(self.0).map(Cow::Borrowed)
    }
}

/// What no value may change.
#[derive(Debug, PartialEq)]
struct Shape {
    origin: String,
    user: String,
    segments: usize,
    query: Vec<String>,
    headers: Vec<String>,
    body: Vec<String>,
}

impl Shape {
    fn of(request: &PreparedRequest) -> Self {
        let url = Url::parse(&request.url).expect("a URL");
        assert_eq!(
            url.as_str(),
            request.url,
            "a parser reads it as it is written"
        );
        assert_eq!(url.fragment(), None);
        let body = request.body.as_ref().expect("a body");
        let body: Value = serde_json::from_str(&body.text).expect("the body is JSON");
        let names = |value: &Value| {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        let mut written: Vec<String> = names(&body);
        written.extend::<Vec<String>>(names(&body["deep"][0]));
        Self {
            origin: url.origin().ascii_serialization(),
            user: format!("{}:{:?}", url.username(), url.password()),
            segments: url.path_segments().map_or(0, Iterator::count),
            query: url
                .query_pairs()
                .map(|(name, _)| name.into_owned())
                .collect(),
            headers: request
                .headers
                .iter()
                .map(|(name, ..)| name.clone())
                .collect(),
            body: written,
        }
    }
}

fuzz_target!(|input: &str| {
    let mut parts = input.splitn(4, '\0');
    let mut next = || parts.next().unwrap_or_default();
    let (p, q, h, b) = (next(), next(), next(), next());
    let b = serde_json::from_str(b).unwrap_or_else(|_| Value::from(b));
    let input = json!({"p": p, "q": q, "h": h, "b": b});
    let Ok(request) = RECIPE.prepare(&input, &Values(&input)) else {
        return;
    };
    assert_eq!(Shape::of(&request), *EXPECTED);
    for (_, value, _) in &request.headers {
        assert!(!value.chars().any(char::is_control));
    }
    let body = request.body.map(|body| body.text).unwrap_or_default();
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["whole"], b, "a whole value comes back as it went in");
    assert_eq!(body["deep"][0]["l"], json!(q));
    let url = Url::parse(&request.url).expect("a URL");
    let back = url.query_pairs().find(|(name, _)| name == "q");
    assert_eq!(back.expect("it is there").1, q, "so does one in the query");
});
