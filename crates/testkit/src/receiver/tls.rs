//! TLS of a receiver: its certificate, the protocols it offers, and whom it lets in.

use std::sync::Arc;

use anyhow::Context as _;
use rcgen::CertifiedKey;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio_rustls::TlsAcceptor;

/// How a receiver speaks TLS. By default: HTTP/1.1, to everyone.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Whether it speaks HTTP/2 instead of HTTP/1.1, and says so in the handshake.
    pub http2: bool,
    /// The authority, in PEM, whose certificates it demands of its callers.
    pub client_authority: Option<String>,
}

impl Tls {
    /// An acceptor with a new self-signed certificate for `localhost` and 127.0.0.1, and that
    /// certificate in PEM.
    pub(super) fn acceptor(&self) -> anyhow::Result<(TlsAcceptor, String)> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names)?;
        let key =
            PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = match &self.client_authority {
            None => config.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                roots.add(
                    CertificateDer::from_pem_slice(pem.as_bytes())
                        .context("the authority is PEM")?,
                )?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.build()?)
            }
        };
        let mut config = config.with_single_cert(vec![cert.der().clone()], key)?;
        let protocol: &[u8] = if self.http2 { b"h2" } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok((TlsAcceptor::from(Arc::new(config)), cert.pem()))
    }
}
