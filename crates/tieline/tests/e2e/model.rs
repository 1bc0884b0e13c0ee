//! The model of the test kit is understood by the official client of the protocol that it speaks.

use serde_json::{Value, json};
use tieline_testkit::{model::Model, receiver::Receiver};

use crate::{packages, stage::skip};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_client_understands_the_model() {
    let model = Model::new()
        .key("sk-test")
        .calls("look", "look", &json!({"id": "cus_1"}))
        .says("something", "some words");
    let receiver = Receiver::start(model.script()).await.unwrap();
    let mut chat = match packages::openai("chat.py") {
        Ok(chat) => chat,
        Err(why) => return skip("the official package of PyPI", &why),
    };
    let url = receiver.url("/v1");
    let run = tokio::task::spawn_blocking(move || chat.arg(url).output());
    let output = run.await.unwrap().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let understood: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({
        "finish": "tool_calls",
        "call": ["look", {"id": "cus_1"}],
        "answer": "The tools say: {\"name\": \"Ada\"}",
        "tokens": 15,
        "text": "some words",
        "streamed": ["look", {"id": "cus_1"}, "tool_calls"],
        "bad_key": 401,
        "bad_messages": 400,
    });
    assert_eq!(understood, expected);
}
