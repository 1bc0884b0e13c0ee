//! Client certificates: read from PEM, checked, and how long they last.

use std::{fmt, sync::Arc};

use rustls::{
    InconsistentKeys,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use tieline_domain::Timestamp;

/// The most certificates in a chain.
const MAX_CHAIN: usize = 10;

/// A certificate chain with its private key, ready to be shown to servers.
#[derive(Clone)]
pub struct ClientCertificate(pub(super) Arc<CertifiedKey>);

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate")
    }
}

/// A client certificate that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificate {
    /// The chain is not what it should be.
    #[error("{0}")]
    Chain(String),
    /// The key is not what it should be, or is that of another certificate.
    #[error("{0}")]
    Key(String),
}

impl ClientCertificate {
    /// Reads a chain (the client's own certificate first) and its unencrypted key (PKCS #8,
    /// PKCS #1 or SEC 1), both in PEM.
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, BadCertificate> {
        let chain = read_chain(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
            let text = "no private key is in it; give an unencrypted key in PEM, which begins \
                        with -----BEGIN PRIVATE KEY-----";
            BadCertificate::Key(text.to_owned())
        })?;
        let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider());
        match certified {
            Ok(certified) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                let text = "it is not the key of the first certificate in the chain";
                Err(BadCertificate::Key(text.to_owned()))
            }
            Err(error @ rustls::Error::InvalidCertificate(_)) => {
                Err(BadCertificate::Chain(error.to_string()))
            }
            Err(error) => Err(BadCertificate::Key(format!("it cannot be used: {error}"))),
        }
    }
}

fn read_chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, BadCertificate> {
    let bad = |text: &str| BadCertificate::Chain(text.to_owned());
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .take(MAX_CHAIN + 1)
        .collect::<Result<_, _>>()
        .map_err(|_| bad("it is not PEM"))?;
    match chain.len() {
        0 => Err(bad(
            "no certificate is in it; give PEM, which begins with -----BEGIN CERTIFICATE-----",
        )),
        1..=MAX_CHAIN => Ok(chain),
        _ => Err(bad("it has more than 10 certificates")),
    }
}

/// From when and until when the first certificate in `pem` is valid (RFC 5280 4.1.2.5).
pub fn validity(pem: &str) -> Result<(Timestamp, Timestamp), BadCertificate> {
    let chain = read_chain(pem)?;
    read_validity(&chain[0])
        .ok_or_else(|| BadCertificate::Chain("it is no X.509 certificate".to_owned()))
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

fn read_validity(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate, _) = value(der).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (_, mut rest, _) = value(certificate)?;
    if rest.first() == Some(&VERSION) {
        rest = value(rest)?.2;
    }
    // The serial number, the algorithm and the issuer come before it.
    for _ in 0..3 {
        rest = value(rest)?.2;
    }
    let (_, validity, _) = value(rest).filter(|(tag, ..)| *tag == SEQUENCE)?;
    let (tag, from, rest) = value(validity)?;
    let from = time(tag, from)?;
    let (tag, until, _) = value(rest)?;
    Some((from, time(tag, until)?))
}

/// The tag and the content of the DER value at the start of `der`, and what follows it.
fn value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if !(1..=3).contains(&digits.len()) {
            return None;
        }
        let length = digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn time(tag: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let whole = match tag {
        GENERALIZED_TIME => text.to_owned(),
        // RFC 5280 4.1.2.5.1: years from 50 on lie in the last century.
        UTC_TIME if text.as_bytes().first()? >= &b'5' => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        _ => return None,
    };
    let civil = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", whole).ok()?;
    // RFC 5280 4.1.2.5: the last second of 9999 means "never", and lies beyond what jiff counts.
    let instant = jiff::tz::TimeZone::UTC
        .to_timestamp(civil)
        .unwrap_or(jiff::Timestamp::MAX);
    Some(Timestamp::from_micros(instant.as_second() * 1_000_000))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn made(from: i32, until: i32) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["client.example.com".to_owned()]).unwrap();
        (params.not_before, params.not_after) =
            (date_time_ymd(from, 1, 2), date_time_ymd(until, 12, 31));
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn the_validity_is_read_in_both_writings_of_time() {
        for (from, until) in [(2020, 2049), (1975, 2090)] {
            let (pem, key) = made(from, until);
            let (begins, ends) = validity(&pem).unwrap();
            assert_eq!(begins.to_string(), format!("{from}-01-02T00:00:00.000Z"));
            assert_eq!(ends.to_string(), format!("{until}-12-31T00:00:00.000Z"));
            ClientCertificate::from_pem(&pem, &key).unwrap();
        }
        let (_, never) = validity(&made(2026, 9999).0).unwrap();
        assert!(never.to_string().starts_with("9999-12-3"), "{never}");
    }

    #[test]
    fn what_is_wrong_is_told_of_the_chain_or_of_the_key() {
        let (chain, key) = made(2026, 2027);
        let (_, other) = made(2026, 2027);
        let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        for (chain, key, of_chain, words) in [
            ("", &*key, true, "no certificate"),
            ("nonsense", &key, true, "no certificate"),
            (&*key, &key, true, "no certificate"),
            (broken, &key, true, ""),
            (&chain.repeat(11), &key, true, "more than 10"),
            (&chain, "", false, "no private key"),
            (&chain, &chain, false, "no private key"),
            (&chain, &other, false, "not the key"),
        ] {
            let error = ClientCertificate::from_pem(chain, key).unwrap_err();
            assert_eq!(
                matches!(error, BadCertificate::Chain(_)),
                of_chain,
                "{error}"
            );
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn no_bytes_make_the_reader_of_certificates_panic() {
        let (chain, _) = made(2026, 2027);
        let der = read_chain(&chain).unwrap().remove(0).to_vec();
        for cut in 0..der.len() {
            // Only must not panic: a cut after the dates still has them.
            let _ = read_validity(&der[..cut]);
            let mut bent = der.clone();
            bent[cut] ^= 0xff;
            let _ = read_validity(&bent);
        }
    }
}
