//! Questions of senders.

use super::{JSON, NOW, Request, URL, secret};
use crate::signature::{HandshakeAnswer, Signer, Verification, Verifier, find, handshake};

const QUESTION: &str = r#"{"token":"Jhj5","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;

fn ask(scheme: &str, tamper: impl Fn(&mut Request), body: &str) -> Option<HandshakeAnswer> {
    let verification = Verification::of(scheme);
    let signer = Signer::new(&verification, Some(&secret("shh")), URL).unwrap();
    let verifier = Verifier::new(&verification, &[secret("shh")], URL).unwrap();
    let mut request = Request::post(JSON, body).signed(&signer);
    tamper(&mut request);
    handshake(find(scheme).unwrap(), &request.parts(), &verifier, NOW)
}

#[test]
fn slack_is_answered_with_its_challenge() {
    let answer = ask("slack", |_| {}, QUESTION).unwrap();
    assert_eq!(
        (answer.status, answer.content_type),
        (200, "text/plain; charset=utf-8")
    );
    assert_eq!(
        answer.body,
        "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    );
    assert!(
        answer
            .headers
            .contains(&("x-content-type-options", "nosniff"))
    );
}

#[test]
fn what_is_no_genuine_question_gets_no_answer() {
    let untouched = |_: &mut Request| {};
    assert_eq!(
        ask("slack", |r| r.remove("X-Slack-Signature"), QUESTION),
        None,
        "unsigned"
    );
    assert_eq!(
        ask("slack", |r| r.body.push(b' '), QUESTION),
        None,
        "wrongly signed"
    );
    assert_eq!(
        ask("slack", |r| r.method = "PUT", QUESTION),
        None,
        "another method"
    );
    assert_eq!(
        ask("github", untouched, QUESTION),
        None,
        "of another preset"
    );
    let long = format!(
        r#"{{"type":"url_verification","challenge":"{}"}}"#,
        "x".repeat(1025)
    );
    let padded = format!("{QUESTION}{}", " ".repeat(4096));
    let nested = "[".repeat(4096);
    let bodies = [
        r#"{"type":"event_callback","challenge":"x"}"#,
        r#"{"type":"url_verification"}"#,
        r#"{"type":"url_verification","challenge":1}"#,
        r#"["url_verification"]"#,
        "no json",
        "",
        &long,
        &padded,
        &nested,
    ];
    for body in bodies {
        assert_eq!(ask("slack", untouched, body), None, "{body:.60}");
    }
}
