//! What bad input gets: a status, a code, the place, and a sentence that says what to do.

use http::Method;
use serde_json::{Value, json};
use tieline_testkit::http::Client;

use crate::{
    api_frame_server::Server,
    scene::{json_of, text},
};

/// Body, status, code, pointer, words of the detail.
pub(crate) type Row<'a> = (&'a str, u16, &'a str, Option<&'a str>, &'a str);

/// Sends each body to `path` and compares what comes back.
pub(crate) async fn check(client: &Client, method: Method, path: &str, rows: &[Row<'_>]) {
    for (body, status, code, pointer, words) in rows {
        let shown = &body[..body.len().min(120)];
        let request = client
            .request(method.clone(), path)
            .header("content-type", "application/json")
            .unwrap();
        let answer = request.body((*body).to_owned()).send().await.unwrap();
        assert_eq!(
            answer.status.as_u16(),
            *status,
            "{path} {shown}: {answer:?}"
        );
        let problem = answer.json().unwrap();
        let place = format!("{path} {shown}: {problem:#}");
        assert_eq!(problem["type"], format!("/docs/errors/{code}"), "{place}");
        let pointers: Vec<_> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| text(&error["pointer"]))
            .collect();
        assert_eq!(pointers.first().map(String::as_str), *pointer, "{place}");
        let said = all_said(&problem);
        assert!(said.contains(words), "{place}");
        assert!(said.split(' ').count() > 3, "a sentence: {place}");
    }
}

fn all_said(problem: &Value) -> String {
    let errors = problem["errors"].as_array().into_iter().flatten();
    let details = errors.map(|error| text(&error["detail"]));
    let all: Vec<_> = std::iter::once(text(&problem["detail"]))
        .chain(details)
        .collect();
    all.join(" ")
}

/// What every body can have wrong with it.
pub(crate) fn rows_of_all<'a>(deep: &'a str, large: &'a str) -> Vec<Row<'a>> {
    vec![
        ("", 400, "malformed-json", None, "line 1"),
        ("{", 400, "malformed-json", None, "line 1"),
        ("{\u{1}}", 400, "malformed-json", None, "line 1"),
        ("\u{feff}{}", 400, "malformed-json", None, "line 1"),
        ("7", 400, "invalid-body", Some(""), "invalid type"),
        (
            r#"{"nmae":1}"#,
            400,
            "invalid-body",
            Some("/nmae"),
            "unknown field `nmae`",
        ),
        (deep, 400, "json-too-deep", None, "64 levels"),
        (large, 413, "body-too-large", None, "1024 bytes"),
    ]
}

pub(crate) async fn server() -> (Server, Client) {
    let server = Server::with(&[
        ("limits.api_body_max_bytes", "1024"),
        ("limits.event_batch_max", "3"),
    ])
    .await;
    let client = server.tenant("*").await;
    (server, client)
}

pub(crate) fn deep() -> String {
    format!("{}{}", "[".repeat(65), "]".repeat(65))
}

#[tokio::test]
async fn ids_that_lead_nowhere() {
    let (_server, client) = server().await;
    let id = "01kb3f9z5qf8m9w2v7x4t6n0hc";
    for path in [
        format!("/v1/webhooks/wh_{id}"),
        format!("/v1/webhooks/wh_{id}/deliveries"),
        format!("/v1/webhooks/wh_in_{id}"),
        "/v1/webhooks/nonsense".to_owned(),
        format!("/v1/webhooks/incoming/wh_in_{id}"),
        format!("/v1/webhooks/incoming/wh_in_{id}/rejected"),
        format!("/v1/events/evt_{id}"),
        format!("/v1/events/dlv_{id}"),
        format!("/v1/deliveries/dlv_{id}"),
    ] {
        let problem = json_of(client.get(&path).await.unwrap(), 404);
        assert_eq!(problem["type"], "/docs/errors/not-found", "{path}");
        assert!(text(&problem["detail"]).contains("check the id"), "{path}");
    }
    for path in [
        format!("/v1/webhooks/wh_{id}/test"),
        format!("/v1/webhooks/wh_{id}/enable"),
        format!("/v1/webhooks/wh_{id}/rotate-secret"),
        format!("/v1/webhooks/incoming/wh_in_{id}/rotate-secret"),
        format!("/v1/deliveries/dlv_{id}/retry"),
        format!("/v1/deliveries/dlv_{id}/cancel"),
    ] {
        json_of(client.post(&path, json!({})).await.unwrap(), 404);
    }
}
