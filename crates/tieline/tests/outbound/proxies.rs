//! Proxies: what they are asked for, and that the guard stands before them.

use std::sync::Arc;

use http::Method;
use tieline::outbound::{AllowList, Error, Outbound, Request, Resolve, Settings};
use tieline_testkit::proxy::{Protocol, Proxy};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::receiver::{Receiver, Script};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A way out through `proxy`, which every name but `resolved` resolves to nothing on.
fn through(proxy: &str, allow: &str, no_proxy: &str, resolver: &Arc<Script>) -> Outbound {
    Outbound::new(Settings {
        allow: allow.parse().unwrap(),
        proxy: Some(proxy.parse().unwrap()),
        no_proxy: no_proxy.parse::<AllowList>().unwrap(),
        resolver: Arc::clone(resolver) as Arc<dyn Resolve>,
        ..Settings::default()
    })
}

async fn call(outbound: &Outbound, receiver: &Receiver, host: &str) -> Result<String, Error> {
    let request = Request::new(Method::POST, receiver.uri("http", host));
    let answer = outbound.send(request).await?;
    Ok(String::from_utf8(answer.body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_proxy_is_told_the_vetted_address_or_the_name_if_that_is_wanted() {
    let receiver = Receiver::answering(OK).await;
    let port = receiver.address.port();
    // what is spoken, the scheme, credentials, what the proxy is asked for
    for (protocol, scheme, credentials, host) in [
        (Protocol::Http, "http", None, "127.0.0.1"),
        (
            Protocol::Http,
            "http",
            Some(("us:er", "pass@word")),
            "127.0.0.1",
        ),
        (Protocol::Socks5, "socks5", None, "127.0.0.1"),
        (
            Protocol::Socks5,
            "socks5",
            Some(("us:er", "pass@word")),
            "127.0.0.1",
        ),
        (Protocol::Socks5, "socks5h", None, "hooks.example.com"),
    ] {
        let proxy = Proxy::start(protocol, credentials).await.unwrap();
        let before = if credentials.is_some() {
            "us%3Aer:pass%40word@"
        } else {
            ""
        };
        let url = format!("{scheme}://{before}{}", proxy.address());
        let resolver = Script::new(&[&["127.0.0.1"]]);
        let outbound = through(&url, "127.0.0.0/8", "", &resolver);
        for _ in 0..3 {
            let answer = call(&outbound, &receiver, "hooks.example.com").await;
            assert_eq!(answer.as_deref(), Ok("ok"), "{url}");
        }
        assert_eq!(
            proxy.asked(),
            [format!("{host}:{port}")],
            "{url}: one connection"
        );
    }
}

#[tokio::test]
async fn an_http_proxy_is_told_names_if_the_operator_says_so() {
    let receiver = Receiver::answering(OK).await;
    let proxy = Proxy::start(Protocol::Http, None).await.unwrap();
    let parsed: tieline::outbound::Proxy = format!("http://{}", proxy.address()).parse().unwrap();
    let outbound = Outbound::new(Settings {
        allow: AllowList::loopback(),
        proxy: Some(parsed.told_names(true)),
        resolver: Script::new(&[&["127.0.0.1"]]),
        ..Settings::default()
    });
    let answer = call(&outbound, &receiver, "hooks.example.com").await;
    assert_eq!(answer.as_deref(), Ok("ok"));
    let port = receiver.address.port();
    assert_eq!(proxy.asked(), [format!("hooks.example.com:{port}")]);
}

#[tokio::test]
async fn the_guard_stands_before_the_proxy_and_the_proxy_itself_is_exempt() {
    let receiver = Receiver::answering(OK).await;
    for scheme in ["http", "socks5", "socks5h"] {
        let protocol = if scheme == "http" {
            Protocol::Http
        } else {
            Protocol::Socks5
        };
        let proxy = Proxy::start(protocol, None).await.unwrap();
        let url = format!("{scheme}://{}", proxy.address());
        let resolver = Script::new(&[
            &["1.1.1.1", "10.0.0.1"],
            &["127.0.0.1"],
            &["1.1.1.1"],
            &["1.1.1.1"],
        ]);
        let outbound = through(&url, "", "", &resolver);
        for host in [
            "one.example.com",
            "two.example.com",
            "127.0.0.1",
            "169.254.169.254",
        ] {
            let error = call(&outbound, &receiver, host).await.unwrap_err();
            assert_eq!(error.kind(), "refused_address", "{scheme} {host}: {error}");
        }
        assert_eq!(proxy.asked(), [""; 0], "{scheme}");
        assert_eq!(receiver.connections(), 0);
    }
}

#[tokio::test]
async fn what_is_exempt_goes_around_the_proxy() {
    let receiver = Receiver::answering(OK).await;
    for (no_proxy, host, around) in [
        ("hooks.example.com", "hooks.example.com", true),
        ("127.0.0.0/8", "hooks.example.com", true),
        ("127.0.0.0/8", "127.0.0.1", true),
        ("10.0.0.0/8,example.com", "hooks.example.com", false),
    ] {
        let proxy = Proxy::start(Protocol::Http, None).await.unwrap();
        let url = format!("http://{}", proxy.address());
        let resolver = Script::new(&[&["127.0.0.1"]]);
        let outbound = through(&url, "127.0.0.0/8", no_proxy, &resolver);
        let answer = call(&outbound, &receiver, host).await;
        assert_eq!(answer.as_deref(), Ok("ok"));
        assert_eq!(proxy.asked().is_empty(), around, "{no_proxy} {host}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_none_is_a_connection_that_failed() {
    let receiver = Receiver::answering(OK).await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nothing = Receiver::start(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    })
    .await;
    let endless = Receiver::start(|mut stream| async move {
        while stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").await.is_ok() {}
    })
    .await;
    let wants = Some(("user", "right-password"));
    let http = Proxy::start(Protocol::Http, wants).await.unwrap();
    let socks = Proxy::start(Protocol::Socks5, wants).await.unwrap();
    for (url, words) in [
        (
            format!("http://user:wrong-password@{}", http.address()),
            "refused with status 407",
        ),
        (
            format!("socks5://user:wrong-password@{}", socks.address()),
            "the user name or the password",
        ),
        (
            format!("socks5://{}", socks.address()),
            "does not take these credentials",
        ),
        (format!("http://{closed}"), "cannot be reached"),
        (
            format!("http://{}", nothing.address),
            "does not answer with HTTP",
        ),
        (
            format!("socks5://{}", nothing.address),
            "does not speak SOCKS5",
        ),
        (format!("http://{}", endless.address), "a head without end"),
    ] {
        let resolver = Script::new(&[&["127.0.0.1"]]);
        let outbound = through(&url, "127.0.0.0/8", "", &resolver);
        let error = call(&outbound, &receiver, "hooks.example.com")
            .await
            .unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), "connect", "{url}: {text}");
        assert!(error.nothing_was_sent());
        assert!(
            text.contains(words) && !text.contains("password@"),
            "{url}: {text}"
        );
        assert!(!text.contains("wrong-password"), "{text}");
    }
    assert_eq!(receiver.connections(), 0);

    // The proxy says that it could not connect.
    let open = Proxy::start(Protocol::Socks5, None).await.unwrap();
    let resolver = Script::new(&[&["127.0.0.1"]]);
    let outbound = through(
        &format!("socks5://{}", open.address()),
        "127.0.0.0/8",
        "",
        &resolver,
    );
    let uri = format!("http://127.0.0.1:{}/", closed.port())
        .parse()
        .unwrap();
    let error = outbound
        .send(Request::new(Method::GET, uri))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("the connection was refused"),
        "{error}"
    );
}

#[tokio::test]
async fn tls_goes_through_the_proxy_to_the_receiver_itself() {
    use tieline_testkit::receiver as testkit;
    let receiver = testkit::Receiver::start_tls(testkit::Script::new())
        .await
        .unwrap();
    let pem = receiver.certificate().unwrap();
    for (protocol, scheme) in [(Protocol::Http, "http"), (Protocol::Socks5, "socks5h")] {
        let proxy = Proxy::start(protocol, None).await.unwrap();
        let outbound = Outbound::new(Settings {
            allow: AllowList::loopback(),
            proxy: Some(format!("{scheme}://{}", proxy.address()).parse().unwrap()),
            roots: tieline::outbound::roots_with(pem.as_bytes()).unwrap(),
            resolver: Script::new(&[&["127.0.0.1"]]),
            ..Settings::default()
        });
        let port = receiver.address().port();
        let uri = format!("https://localhost:{port}/hook").parse().unwrap();
        let answer = outbound
            .send(Request::new(Method::POST, uri))
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(proxy.asked().len(), 1);
    }
}
