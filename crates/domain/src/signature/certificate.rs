//! X.509 certificates that senders sign with.
//!
//! Checked: that the certificate came over https from the pinned host (by whoever fetched it), that it is valid
//! now, and that its key made the signature. Not checked: who issued it, and whether it was revoked; the pinned
//! host vouches for it, as the senders' own libraries do.

use x509_parser::prelude::{FromDer, X509Certificate};

use super::public_key::{Algorithm, PublicKey, of_pem};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The public key of the first certificate in a PEM document, if it is valid at `now_us` (Unix microseconds).
pub(super) fn key_of(document: &[u8], algorithm: Algorithm, now_us: i64) -> Option<PublicKey> {
    let text = std::str::from_utf8(document).ok()?;
    let first = text.get(text.find("-----BEGIN CERTIFICATE-----")?..)?;
    let der = of_pem(first).ok()?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    let now = now_us.div_euclid(MICROS_PER_SECOND);
    let validity = certificate.validity();
    if now < validity.not_before.timestamp() || now > validity.not_after.timestamp() {
        return None;
    }
    PublicKey::of_bytes(certificate.public_key().raw, algorithm).ok()
}
