use serde_json::{Value, json};
use tieline_mapping::Schema;

use crate::{
    Bounds,
    operation::{Class, Recipe},
};

use super::*;

/// A shop in the words of OpenAPI 3.0, with what real descriptions have: references, read-only fields, a category
/// that contains itself, three ways to authorise.
fn petstore_30() -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Pets", "version": "1"},
        "servers": [{"url": "https://{region}.pets.example/v2/", "variables": {"region": {"default": "eu"}}}],
        "security": [{"api_key": []}],
        "paths": {
            "/pets": {
                "get": {
                    "operationId": "listPets", "summary": "List pets", "tags": ["pets"],
                    "parameters": [
                        {"name": "limit", "in": "query", "schema": {"type": "integer", "format": "int32", "minimum": 0, "exclusiveMinimum": true}},
                        {"name": "tags", "in": "query", "explode": false, "schema": {"type": "array", "items": {"type": "string"}}},
                        {"$ref": "#/components/parameters/Trace"},
                        {"name": "session", "in": "cookie", "schema": {"type": "string"}}
                    ]
                },
                "post": {
                    "operationId": "createPet", "description": "Make a pet.",
                    "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}
                }
            },
            "/pets/{petId}": {
                "parameters": [{"name": "petId", "in": "path", "required": true, "schema": {"type": "integer"}}],
                "get": {"operationId": "getPet", "security": []},
                "delete": {"operationId": "deletePet", "security": [{"oauth": ["write"]}, {"api_key": [], "basic": []}]},
                "put": {"operationId": "replacePhoto", "requestBody": {"content": {"image/png": {}}}}
            }
        },
        "components": {
            "parameters": {"Trace": {"name": "X-Trace", "in": "header", "schema": {"type": "string"}}},
            "schemas": {
                "Pet": {"type": "object", "required": ["id", "name"], "properties": {
                    "id": {"type": "integer", "readOnly": true},
                    "name": {"type": "string", "example": "Rex"},
                    "nickname": {"type": "string", "nullable": true, "enum": ["R", "X"]},
                    "category": {"$ref": "#/components/schemas/Category"}
                }},
                "Category": {"type": "object", "properties": {"name": {"type": "string"}, "parent": {"$ref": "#/components/schemas/Category"}}}
            },
            "securitySchemes": {
                "api_key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "basic": {"type": "http", "scheme": "basic"},
                "oauth": {"type": "oauth2", "flows": {}}
            }
        }
    })
}

fn with_secrets(secrets: &[(&str, &str)]) -> Choice {
    let secrets = secrets
        .iter()
        .map(|(scheme, name)| ((*scheme).to_owned(), (*name).to_owned()));
    Choice {
        security: secrets.collect(),
        ..Choice::default()
    }
}

fn propose(description: Value, choice: &Choice) -> Vec<Proposal> {
    let document = Document::read(description.to_string().as_bytes()).unwrap();
    document.propose(choice).unwrap()
}

/// The only operation of a description with these paths and a usual server.
fn only(paths: &Value, more: &Value) -> Proposal {
    let mut description =
        json!({"openapi": "3.1.0", "servers": [{"url": "https://a.example"}], "paths": paths});
    for (key, value) in more.as_object().into_iter().flatten() {
        description[key] = value.clone();
    }
    let mut all = propose(description, &with_secrets(&[("key", "KEY")]));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_description_in_3_0_becomes_tools() {
    let all = propose(petstore_30(), &with_secrets(&[("api_key", "PETS_KEY")]));
    let names: Vec<_> = all
        .iter()
        .map(|p| {
            (
                &*p.operation.name,
                p.operation.endpoint.method.as_str(),
                p.problems.len(),
            )
        })
        .collect();
    let expected = [
        ("list_pets", "GET", 0),
        ("create_pet", "POST", 0),
        ("get_pet", "GET", 0),
        ("replace_photo", "PUT", 1),
        ("delete_pet", "DELETE", 1),
    ];
    assert_eq!(names, expected);

    let list = &all[0];
    assert_eq!(
        list.operation.endpoint.url,
        "https://eu.pets.example/v2/pets"
    );
    assert_eq!(
        json!(list.operation.endpoint.query),
        json!({"limit": "{{limit}}", "tags": r#"{{tags | join(",")}}"#})
    );
    assert_eq!(
        json!(list.operation.endpoint.headers),
        json!({"X-Trace": "{{X-Trace}}", "X-Api-Key": "{{secrets.PETS_KEY}}"})
    );
    assert_eq!(
        list.operation.input_schema["properties"]["limit"],
        json!({"type": "integer", "format": "int32", "exclusiveMinimum": 0})
    );
    assert_eq!(list.notes[0].detail, "left out: cookies are not sent");
    assert_eq!(
        (list.operation.class(), list.operation.is_idempotent()),
        (Class::Read, true)
    );

    let create = &all[1];
    assert_eq!(create.operation.input_schema["required"], json!(["name"]));
    let properties = &create.operation.input_schema["properties"];
    assert!(properties.get("id").is_none(), "read-only");
    assert_eq!(
        properties["nickname"],
        json!({"enum": ["R", "X", null], "type": ["string", "null"]})
    );
    assert_eq!(properties["category"]["properties"]["parent"], json!({}));
    assert!(
        create.notes[0].detail.ends_with("it contains itself"),
        "{:?}",
        create.notes
    );
    assert_eq!(create.operation.endpoint.body_template, None);

    assert_eq!(
        all[2].operation.endpoint.url,
        "https://eu.pets.example/v2/pets/{{petId}}"
    );
    assert!(
        all[2].operation.endpoint.headers.is_empty(),
        "needs no key: {:?}",
        all[2].operation.endpoint.headers
    );
    assert!(
        all[3].problems[0].detail.contains("image/png"),
        "{:?}",
        all[3].problems
    );
    assert!(
        all[4].problems[0]
            .detail
            .contains(r#"{"oauth": {"secret": "NAME"}}"#),
        "{:?}",
        all[4].problems
    );
    for proposal in &all {
        Schema::compile(&proposal.operation.input_schema).unwrap();
    }
}

#[test]
fn alternatives_are_chosen_by_the_secrets_there_are() {
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);
    let rows: [Row<'_>; 3] = [
        (&[("oauth", "TOKEN")], &["Bearer {{secrets.TOKEN}}"]),
        (
            &[("api_key", "K"), ("basic", "B")],
            &["{{secrets.K}}", "Basic {{secrets.B | base64}}"],
        ),
        (&[("basic", "B")], &[]),
    ];
    for (secrets, expected) in rows {
        let choice = Choice {
            include: vec![Include::new("deletePet")],
            ..with_secrets(secrets)
        };
        let all = propose(petstore_30(), &choice);
        let templates: Vec<_> = all[0]
            .operation
            .endpoint
            .headers
            .iter()
            .map(|(_, template)| &**template)
            .collect();
        assert_eq!(templates, expected, "{secrets:?}");
        assert_eq!(all[0].problems.is_empty(), !expected.is_empty());
    }
}

#[test]
fn a_description_in_3_1_and_yaml_becomes_tools() {
    let text = r##"
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers:
  - url: /api
paths:
  /orders/{id}:
    patch:
      tags: [orders]
      requestBody:
        content:
          application/merge-patch+json; charset=utf-8:
            schema: {type: object, additionalProperties: true}
          application/merge-patch+json:
            schema:
              type: [object, "null"]
              properties: {note: {$ref: "#/components/schemas/Note", description: Why.}}
components:
  schemas:
    Note: {type: [string, "null"], maxLength: 20}
"##;
    let document = Document::read(text.as_bytes()).unwrap();
    assert_eq!(document.title(), Some("Shop"));
    let choice = Choice {
        fetched_from: Some("https://shop.example/docs/openapi.yaml".parse().unwrap()),
        prefix: "shop_".to_owned(),
        ..Choice::default()
    };
    let all = document.propose(&choice).unwrap();
    assert_eq!(all[0].problems, []);
    assert_eq!(all[0].operation.name, "shop_patch_orders_id");
    assert_eq!(
        all[0].operation.endpoint.url,
        "https://shop.example/api/orders/{{id}}"
    );
    assert_eq!(
        all[0].operation.endpoint.body_template,
        Some(json!("{{body}}"))
    );
    assert_eq!(all[0].operation.input_schema["required"], json!(["id"]));
}

#[test]
fn bodies_are_spread_where_nothing_is_lost() {
    let rows = [
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            json!(["a"]),
            None,
        ),
        (
            json!({"type": "object", "properties": {"id": {}}}),
            json!(["id", "body"]),
            Some(json!("{{body}}")),
        ),
        (
            json!({"type": "object", "properties": {"a b": {}}}),
            json!(["body"]),
            Some(json!("{{body}}")),
        ),
        (
            json!({"type": "object", "properties": {"secrets": {}}}),
            json!(["body"]),
            Some(json!("{{body}}")),
        ),
        (
            json!({"type": "array", "items": {}}),
            json!(["body"]),
            Some(json!("{{body}}")),
        ),
        (
            json!({"oneOf": [{"type": "object"}, {"type": "string"}]}),
            json!(["body"]),
            Some(json!("{{body}}")),
        ),
        (
            json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true}),
            json!(["body"]),
            Some(json!("{{body}}")),
        ),
    ];
    for (schema, inputs, template) in rows {
        let shown = schema.to_string();
        let has_id = schema["properties"].get("id").is_some();
        let parameters = if has_id {
            json!([{"name": "id", "in": "query", "schema": {}}])
        } else {
            json!([])
        };
        let proposal = only(
            &json!({"/x": {"post": {"parameters": parameters, "requestBody": {"content": {"application/json": {"schema": schema}}}}}}),
            &json!({}),
        );
        let named: Vec<_> = proposal.operation.input_schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(json!(named), inputs, "{shown}");
        assert_eq!(
            proposal.operation.endpoint.body_template, template,
            "{shown}"
        );
    }
}

#[test]
fn forms_are_sent_where_their_fields_fit() {
    let rows = [
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            true,
        ),
        (json!({"type": "object"}), false),
    ];
    for (schema, is_sent) in rows {
        let content = json!({"application/x-www-form-urlencoded": {"schema": schema}});
        let proposal = only(
            &json!({"/x": {"post": {"requestBody": {"content": content}}}}),
            &json!({}),
        );
        assert_eq!(proposal.problems.is_empty(), is_sent, "{content}");
        let sent = proposal
            .operation
            .endpoint
            .headers
            .iter()
            .any(|(_, value)| value == "application/x-www-form-urlencoded");
        assert_eq!(sent, is_sent, "{content}");
    }
}

#[test]
fn nothing_in_a_description_names_a_secret() {
    let evil = "{{secrets.KEY}}";
    let paths = [
        json!({"/{secrets.KEY}": {"get": {}}}),
        json!({"/{{secrets.KEY}}": {"get": {}}}),
        json!({"/a": {"get": {"parameters": [{"name": "secrets.KEY", "in": "query", "schema": {}}]}}}),
        json!({"/a": {"get": {"parameters": [{"name": evil, "in": "query", "schema": {}}]}}}),
        json!({"/a": {"get": {"parameters": [{"name": evil, "in": "header", "schema": {}}]}}}),
        json!({"/a": {"get": {"servers": [{"url": format!("https://evil.example/{evil}")}]}}}),
        json!({"/a": {"get": {"servers": [{"url": "https://evil.example/{v}", "variables": {"v": {"default": evil}}}]}}}),
        json!({"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"secrets.KEY": {}, evil: {"default": evil}}}}}}}}}),
        json!({"/a": {"post": {"requestBody": {"content": {evil: {}}}}}}),
    ];
    for paths in paths {
        let proposal = only(&paths, &json!({}));
        let request = json!(proposal.operation.endpoint).to_string();
        assert!(
            !proposal.problems.is_empty() || !request.contains("{{secrets."),
            "{paths}: {request}"
        );
    }
}

#[test]
fn a_secret_goes_only_to_the_host_of_the_service() {
    let secured = json!({
        "security": [{"key": []}],
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "api_key"}}}
    });
    let rows = [
        (json!({}), true),
        (
            json!({"servers": [{"url": "https://a.example/other"}]}),
            true,
        ),
        (json!({"servers": [{"url": "https://evil.example"}]}), false),
        (json!({"servers": [{"url": "http://a.example"}]}), false),
        (
            json!({"parameters": [{"name": "api_key", "in": "query", "schema": {}}]}),
            true,
        ),
    ];
    for (operation, is_sent) in rows {
        let proposal = only(&json!({"/a": {"get": operation}}), &secured);
        assert_eq!(
            proposal.problems.is_empty(),
            is_sent,
            "{operation}: {:?}",
            proposal.problems
        );
        let expected = if is_sent {
            json!({"api_key": "{{secrets.KEY}}"})
        } else {
            json!({})
        };
        assert_eq!(
            json!(proposal.operation.endpoint.query),
            expected,
            "{operation}"
        );
        assert_eq!(
            proposal.operation.input_schema["properties"],
            json!({}),
            "{operation}"
        );
    }
}

#[test]
fn what_cannot_be_called_says_why() {
    let rows = [
        (
            json!({"/a": {"get": {"parameters": [{"name": "s", "in": "cookie", "required": true}]}}}),
            "cookies are not sent",
        ),
        (
            json!({"/a": {"get": {"parameters": [{"name": "s"}]}}}),
            "needs `name` and `in`",
        ),
        (
            json!({"/a": {"get": {"parameters": [{"$ref": "https://b.example/x.json"}]}}}),
            "outside of the description",
        ),
        (
            json!({"/a": {"get": {"parameters": [{"$ref": "#/nowhere"}]}}}),
            "points to nothing",
        ),
        (
            json!({"/a": {"get": {"parameters": [{"name": "q", "in": "query", "schema": {"$ref": "other.yaml#/X"}}]}}}),
            "outside of the description",
        ),
        (
            json!({"/a": {"get": {"parameters": [{"name": "q", "in": "query", "required": true, "style": "deepObject", "schema": {}}]}}}),
            "style is not supported",
        ),
        (json!({"/a{b": {"get": {}}}), "not closed"),
        (json!({"/a?b=1": {"get": {}}}), "cannot stand in a path"),
        (json!({"a": {"get": {}}}), "begins with a slash"),
        (
            json!({"/a": {"post": {"requestBody": {"content": {"multipart/form-data": {}}}}}}),
            "neither JSON nor a form",
        ),
        (
            json!({"/a": {"get": {"security": [{"lost": []}]}}}),
            "is not described",
        ),
        (
            json!({"/a": {"get": {"servers": [{"url": "ftp://a.example"}]}}}),
            "neither http nor https",
        ),
        (
            json!({"/a": {"get": {"servers": [{"url": "https://u:p@a.example"}]}}}),
            "user or a password",
        ),
        (
            json!({"/a": {"get": {"servers": [{"url": "/here"}]}}}),
            "is relative",
        ),
        (
            json!({"/a": {"get": {"servers": [{"url": "https://{x}"}]}}}),
            "has no default",
        ),
    ];
    for (paths, expected) in rows {
        let proposal = only(&paths, &json!({}));
        let told = proposal
            .problems
            .iter()
            .map(|problem| &*problem.detail)
            .collect::<String>();
        assert!(told.contains(expected), "{paths}: {told}");
        assert!(!told.contains(":p@"), "{told}");
    }
}

#[test]
fn what_is_no_description_is_refused() {
    let rows: [(Vec<u8>, &str); 8] = [
        (b"{".to_vec(), "neither JSON nor YAML"),
        (b"<html></html>".to_vec(), "no `openapi`"),
        (br#"{"swagger": "2.0", "paths": {}}"#.to_vec(), "Swagger 2"),
        (
            br#"{"openapi": "4.0.0", "paths": {}}"#.to_vec(),
            "3.0 or 3.1",
        ),
        (br#"{"openapi": "3.1.0"}"#.to_vec(), "no `paths`"),
        (
            format!(r#"{{"openapi": {}1{}}}"#, "[".repeat(100), "]".repeat(100)).into_bytes(),
            "64 levels",
        ),
        (vec![b' '; MAX_BYTES + 1], "at most"),
        (b"openapi: \xff".to_vec(), "UTF-8"),
    ];
    for (text, expected) in rows {
        let told = Document::read(&text).expect_err(expected).to_string();
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn aliases_in_yaml_do_not_multiply() {
    let mut text =
        String::from("openapi: 3.1.0\npaths: {}\nl0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let row = vec![format!("*l{}", level - 1); 10].join(", ");
        text.extend([&*format!("l{level}: &l{level} [{row}]"), "\n"]);
    }
    let told = Document::read(text.as_bytes())
        .expect_err("refused")
        .to_string();
    assert!(told.contains("neither JSON nor YAML"), "{told}");
}

#[test]
fn references_that_multiply_are_left_open() {
    let mut schemas = json!({"L0": {"type": "string", "description": "x".repeat(250)}});
    for level in 1..40 {
        let below = json!({"$ref": format!("#/components/schemas/L{}", level - 1)});
        let fields: serde_json::Map<_, _> =
            (0..10).map(|i| (format!("f{i}"), below.clone())).collect();
        schemas[format!("L{level}")] = json!({"type": "object", "properties": fields});
    }
    let proposal = only(
        &json!({"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/L39"}}}}}}}),
        &json!({"components": {"schemas": schemas}}),
    );
    assert_eq!(proposal.problems, []);
    assert!(!proposal.notes.is_empty());
    let size = proposal.operation.input_schema.to_string().len();
    assert!(size < 64 * 1_024, "{size}");
    Schema::compile(&proposal.operation.input_schema).unwrap();
}

#[test]
fn circles_end() {
    let description = |reference: &str| {
        json!({
            "openapi": "3.0.0", "servers": [{"url": "https://a.example"}],
            "paths": {"/a": {"get": {"parameters": [{"$ref": reference}]}}},
            "components": {"parameters": {"A": {"$ref": "#/components/parameters/B"}, "B": {"$ref": "#/components/parameters/A"}}}
        })
    };
    let all = propose(description("#/components/parameters/A"), &Choice::default());
    assert!(
        all[0].problems[0].detail.contains("circle"),
        "{:?}",
        all[0].problems
    );
}

#[test]
fn large_descriptions_are_chosen_from() {
    let paths: serde_json::Map<_, _> = (0..10_000)
        .map(|i| {
            (
                format!("/things/{i}"),
                json!({"get": {"operationId": "readThing"}}),
            )
        })
        .collect();
    let description =
        json!({"openapi": "3.1.0", "servers": [{"url": "https://a.example"}], "paths": paths});
    let document = Document::of(description).unwrap();
    assert_eq!(
        document.propose(&Choice::default()).unwrap_err(),
        TooMany(10_000)
    );

    let include = vec![Include::new("GET /things/77*"), Include::new("/nothing")];
    assert_eq!(document.idle_patterns(&include), [1]);
    let some = document
        .propose(&Choice {
            include,
            ..Choice::default()
        })
        .unwrap();
    assert_eq!(some.len(), 111);
    // The name is that of the whole description, so it is the same whenever it is imported.
    assert_eq!(some[0].operation.name, "read_thing_78");
}

#[test]
fn patterns_that_are_not_read_are_left_out() {
    let proposal = only(
        &json!({"/a": {"get": {"parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "pattern": "(a", "minimum": "5", "required": true}}]}}}),
        &json!({}),
    );
    assert_eq!(
        proposal.operation.input_schema["properties"]["q"],
        json!({"type": "string"})
    );
    assert!(
        proposal.notes[0].pointer.ends_with("/schema/pattern"),
        "{:?}",
        proposal.notes
    );
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(openapi: 3.1.0\n)?[ -~\n]{0,200}") {
        let _ = Document::read(text.as_bytes());
    }

    #[test]
    fn any_names_stay_placeholders_of_inputs(path in "[ -~]{0,40}", name in "[ -~]{0,40}", at in "path|query|header") {
        let path = format!("/{path}");
        let proposal = only(
            &json!({path: {"get": {"parameters": [{"name": name, "in": at, "schema": {}}]}}}),
            &json!({}),
        );
        let request = json!(proposal.operation.endpoint).to_string();
        proptest::prop_assert!(!request.contains("{{secrets"), "{request}");
        let made = Recipe::compile(&proposal.operation, &Bounds::default());
        proptest::prop_assert!(!proposal.problems.is_empty() || made.is_ok(), "{made:?}");
    }
}
