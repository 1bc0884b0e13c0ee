//! TLS: who is trusted, and for which name.

use std::sync::Arc;

use http::Method;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, IsCa, Issuer, KeyPair, date_time_ymd,
    generate_simple_self_signed,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tieline::outbound::{Outbound, Request, Resolve, Settings, public_roots};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::receiver::{Receiver, Script, read_request};

/// A receiver with a certificate that it signed itself, for `name`.
async fn secure(name: &str) -> (Receiver, CertificateDer<'static>) {
    let certified = generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = certified.cert.der().clone();
    (secured_by(certified).await, certificate)
}

/// A receiver with this certificate.
async fn secured_by(certified: CertifiedKey<KeyPair>) -> Receiver {
    let CertifiedKey { cert, signing_key } = certified;
    let certificate = cert.der().clone();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Receiver::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            while read_request(&mut stream).await.is_some() {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await
}

/// What comes of a request to `host` at loopback, with `roots` trusted.
async fn call(receiver: &Receiver, host: &str, roots: RootCertStore) -> Result<String, String> {
    let outbound = Outbound::new(Settings {
        allow: "127.0.0.0/8".parse().unwrap(),
        resolver: Script::new(&[&["127.0.0.1"]]) as Arc<dyn Resolve>,
        roots,
        ..Settings::default()
    });
    let request = Request::new(Method::POST, receiver.uri("https", host));
    match outbound.send(request).await {
        Ok(answer) => {
            let opening = answer.timings.opening.expect("the connection is new");
            assert!(!opening.tls.is_zero());
            Ok(String::from_utf8(answer.body.to_vec()).unwrap())
        }
        Err(error) => {
            assert!(error.nothing_was_sent());
            Err(format!("{}: {error}", error.kind()))
        }
    }
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_name() {
    let (receiver, certificate) = secure("hooks.example.com").await;
    let mut trusting = public_roots();
    trusting.add(certificate).unwrap();

    let good = call(&receiver, "hooks.example.com", trusting.clone()).await;
    assert_eq!(good.as_deref(), Ok("ok"));
    let dotted = call(&receiver, "hooks.example.com.", trusting.clone()).await;
    assert_eq!(dotted.as_deref(), Ok("ok"));

    for (host, roots, reason) in [
        ("hooks.example.com", public_roots(), "UnknownIssuer"),
        ("other.example.com", trusting.clone(), "not valid for name"),
        ("127.0.0.1", trusting, "not valid for name"),
    ] {
        let error = call(&receiver, host, roots).await.unwrap_err();
        assert!(
            error.starts_with("tls: ") && error.contains(reason),
            "{host}: {error}"
        );
    }
}

#[tokio::test]
async fn an_address_may_have_a_certificate() {
    let (receiver, certificate) = secure("127.0.0.1").await;
    let mut roots = public_roots();
    roots.add(certificate).unwrap();
    assert_eq!(
        call(&receiver, "127.0.0.1", roots).await.as_deref(),
        Ok("ok")
    );
}

#[tokio::test]
async fn a_receiver_without_tls_is_a_tls_error() {
    let receiver = Receiver::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        read_request(&mut stream).await;
    })
    .await;
    let error = call(&receiver, "hooks.example.com", public_roots()).await;
    assert!(error.unwrap_err().starts_with("tls: "));
}

/// A certificate for `hooks.example.com`, valid in these years, and that of the authority that issued it.
fn issued(from: i32, until: i32) -> (CertifiedKey<KeyPair>, CertificateDer<'static>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let root = authority.self_signed(&authority_key).unwrap().der().clone();
    let mut params = CertificateParams::new(["hooks.example.com".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let signing_key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let cert = params.signed_by(&signing_key, &issuer).unwrap();
    (CertifiedKey { cert, signing_key }, root)
}

#[tokio::test]
async fn every_bad_certificate_is_a_tls_error_that_says_why() {
    // from, until, host, whether the authority is trusted, what is said
    for (from, until, host, trusted, reason) in [
        (2020, 2500, "hooks.example.com", true, Ok("ok")),
        (2020, 2021, "hooks.example.com", true, Err("expired")),
        (2400, 2500, "hooks.example.com", true, Err("not valid yet")),
        (
            2020,
            2500,
            "other.example.com",
            true,
            Err("not valid for name"),
        ),
        (2020, 2500, "hooks.example.com", false, Err("UnknownIssuer")),
    ] {
        let (certified, root) = issued(from, until);
        let receiver = secured_by(certified).await;
        let mut roots = public_roots();
        if trusted {
            roots.add(root).unwrap();
        }
        let outcome = call(&receiver, host, roots).await;
        match (&outcome, reason) {
            (Ok(body), Ok(expected)) => assert_eq!(body, expected),
            (Err(error), Err(words)) => {
                assert!(
                    error.starts_with("tls: ") && error.contains(words),
                    "{error}"
                );
            }
            _ => panic!("{from} {until} {host} {trusted}: {outcome:?}"),
        }
    }
}
