//! TLS towards receivers: who is trusted, what is offered, and who we say we are.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
    sign::SingleCertAndKey,
};
use tokio_rustls::TlsConnector;

use super::certificate::ClientCertificate;

/// What a server may choose from, the best first (RFC 7301). HTTP/2 is spoken only where it is
/// chosen here.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];

/// HTTP/2 as ALPN calls it (RFC 9113 3.2).
pub(super) const HTTP2: &[u8] = b"h2";

/// The certificate authorities that browsers trust, as of the build (Mozilla's list). Private
/// ones are added with [`RootCertStore::add`].
pub fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// [`public_roots`] and those in `pem`.
///
/// # Errors
/// What is wrong with `pem`.
pub fn roots_with(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut roots = public_roots();
    let public = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("it is not PEM: {error}"))?;
        let added = roots.add(certificate);
        added.map_err(|error| format!("a certificate in it cannot be used: {error}"))?;
    }
    if roots.len() == public {
        return Err("no certificate is in it".to_owned());
    }
    Ok(roots)
}

/// A connector that trusts `roots` and shows `certificate` to servers that ask for one.
pub(super) fn connector(
    roots: RootCertStore,
    certificate: Option<&ClientCertificate>,
) -> TlsConnector {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => config.with_no_client_auth(),
        Some(ClientCertificate(key)) => {
            let only = SingleCertAndKey::from(rustls::sign::CertifiedKey::clone(key));
            config.with_client_cert_resolver(Arc::new(only))
        }
    };
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    TlsConnector::from(Arc::new(config))
}
