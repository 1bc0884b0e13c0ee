//! Invariant 10: what is dialled was vetted, however it is spelled and whatever resolves.

use http::{Method, StatusCode};
use tieline::outbound::{Error, Outbound, Request, Settings};

use crate::receiver::{Receiver, Script, loopback, way_out};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

async fn kind_of(outbound: &Outbound, uri: http::Uri) -> String {
    match outbound.send(Request::new(Method::POST, uri)).await {
        Ok(answer) => answer.status.to_string(),
        Err(error) => error.kind().to_owned(),
    }
}

#[tokio::test]
async fn every_spelling_of_a_private_address_is_refused_when_it_is_dialled() {
    let receiver = Receiver::answering(OK).await;
    let strict = Outbound::new(Settings::default());
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "localhost",
        "LOCALHOST",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
        "10.0.0.1",
        "[fe80::1]",
        "255.255.255.255",
    ] {
        let kind = kind_of(&strict, receiver.uri("http", host)).await;
        assert_eq!(kind, "refused_address", "{host}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn every_resolved_address_is_vetted() {
    let receiver = Receiver::answering(OK).await;
    for addresses in [
        &["127.0.0.1"][..],                    // 127.0.0.1.nip.io
        &["1.1.1.1", "127.0.0.1"],             // A public and A private
        &["1.1.1.1", "fd00::1"],               // A public and AAAA private
        &["2606:4700::1", "::ffff:127.0.0.1"], // IPv4-mapped
        &["64:ff9b::a9fe:a9fe"],               // NAT64
    ] {
        let strict = way_out("", &Script::new(&[addresses]));
        let kind = kind_of(&strict, receiver.uri("http", "hooks.example.com")).await;
        assert_eq!(kind, "refused_address", "{addresses:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_at_the_next_connection() {
    let closing = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let receiver = Receiver::answering(closing).await;
    let rebinding = Script::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let outbound = way_out("127.0.0.1", &rebinding);
    let uri = receiver.uri("http", "rebinding.example.com");

    assert_eq!(kind_of(&outbound, uri.clone()).await, "200 OK");
    assert_eq!(kind_of(&outbound, uri).await, "refused_address");
    assert_eq!(
        rebinding.asked().len(),
        2,
        "one look-up for each connection"
    );
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn what_the_operator_lists_is_reached() {
    let receiver = Receiver::answering(OK).await;
    for (allow, host, expected) in [
        ("127.0.0.0/8", "crm.example.com", "200 OK"),
        ("127.0.0.1", "127.1", "200 OK"),
        ("crm.example.com", "crm.example.com", "200 OK"),
        ("crm.example.com", "other.example.com", "refused_address"),
        ("crm.example.com", "127.0.0.1", "refused_address"),
        ("10.0.0.0/8", "crm.example.com", "refused_address"),
    ] {
        let outbound = way_out(allow, &Script::new(&[&["127.0.0.1"]]));
        let kind = kind_of(&outbound, receiver.uri("http", host)).await;
        assert_eq!(kind, expected, "{allow} {host}");
    }
}

#[tokio::test]
async fn names_are_looked_up_without_search_domains_unless_they_are_listed() {
    for (allow, host, asked) in [
        ("", "hooks.example.com", "hooks.example.com."),
        ("", "hooks.example.com.", "hooks.example.com."),
        ("", "backend", "backend"),
        ("crm.corp", "crm.corp", "crm.corp"),
    ] {
        let resolver = Script::new(&[]);
        let outbound = way_out(allow, &resolver);
        let uri = format!("http://{host}/").parse().unwrap();
        assert_eq!(kind_of(&outbound, uri).await, "dns");
        assert_eq!(resolver.asked(), [asked]);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let secret = Receiver::answering(OK).await;
    let location = secret.uri("http", "127.0.0.1");
    let redirect =
        format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let receiver = Receiver::answering(redirect).await;

    let answer = receiver.call().await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers["location"], location.to_string());
    assert_eq!(secret.connections(), 0);
}

#[tokio::test]
async fn only_http_and_https_are_called() {
    for uri in ["ftp://127.0.0.1/", "/relative", "127.0.0.1:80"] {
        let error = loopback()
            .send(Request::new(Method::GET, uri.parse().unwrap()))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{uri}: {error}");
    }
}
