//! Amazon SNS and PayPal: signed under a certificate that the request names, on a host that is pinned.

use std::sync::Arc;

use base64::Engine;
use serde_json::Value;

use super::bespoke::{json, malformed};
use super::certificate;
use super::documents::KeyRequest;
use super::hosts::Hosts;
use super::key::BASE64;
use super::public_key::Algorithm;
use super::{Rejection, SignedRequest};

const SNS_EXPECTED: &str =
    "a message of Amazon SNS with `Signature`, `SignatureVersion` and `SigningCertURL`";
/// The fields that SNS signs, in their order, where they are there (facts: webhooks 3.3).
const NOTIFICATION: &[&str] = &[
    "Message",
    "MessageId",
    "Subject",
    "Timestamp",
    "TopicArn",
    "Type",
];
const CONFIRMATION: &[&str] = &[
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
];
/// The headers of a request of PayPal, in the order in which they are shown.
pub(super) const PAYPAL_HEADERS: [&str; 5] = [
    PAYPAL_SIGNATURE,
    PAYPAL_ID,
    PAYPAL_TIME,
    PAYPAL_CERTIFICATE,
    PAYPAL_ALGORITHM,
];
const PAYPAL_SIGNATURE: &str = "paypal-transmission-sig";
const PAYPAL_ID: &str = "paypal-transmission-id";
const PAYPAL_TIME: &str = "paypal-transmission-time";
const PAYPAL_CERTIFICATE: &str = "paypal-cert-url";
const PAYPAL_ALGORITHM: &str = "paypal-auth-algo";
/// What stands in the last of these headers.
pub(super) const PAYPAL_RSA: &str = "SHA256withRSA";

/// The certificate of a message of SNS.
pub(super) fn sns_certificate(request: &SignedRequest<'_>) -> Result<KeyRequest, Rejection> {
    let message = json(request.body, SNS_EXPECTED)?;
    let url = message.get("SigningCertURL").and_then(Value::as_str);
    let url = url.ok_or_else(|| malformed(SNS_EXPECTED))?;
    let admitted = Hosts::Sns.admit(url);
    admitted
        .map(KeyRequest::get)
        .ok_or(Rejection::ForeignKeyHost)
}

/// Checks a message of SNS; the topic must be one of `topics`.
pub(super) fn sns(
    body: &[u8],
    topics: &[(Arc<str>, String)],
    certificate: &[u8],
    now_us: i64,
) -> Result<Arc<str>, Rejection> {
    let message = json(body, SNS_EXPECTED)?;
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let topic = text("TopicArn").ok_or_else(|| malformed(SNS_EXPECTED))?;
    let known = topics.iter().find(|(_, known)| known == topic);
    let (id, _) = known.ok_or(Rejection::WrongCredentials)?;
    let algorithm = match text("SignatureVersion") {
        Some("1") => Algorithm::RsaSha1,
        Some("2") => Algorithm::RsaSha256,
        _ => return Err(Rejection::WrongAlgorithm),
    };
    let signed = sns_message(&message)?;
    let signature = text("Signature").and_then(|text| BASE64.decode(text).ok());
    let signature = signature.ok_or_else(|| malformed(SNS_EXPECTED))?;
    let key = certificate::key_of(certificate, algorithm, now_us).ok_or(Rejection::UnknownKey)?;
    if key.fits(signed.as_bytes(), &signature) {
        Ok(Arc::clone(id))
    } else {
        Err(Rejection::WrongSignature)
    }
}

/// What SNS signs of a message.
pub(super) fn sns_message(message: &Value) -> Result<String, Rejection> {
    let fields = match message.get("Type").and_then(Value::as_str) {
        Some("Notification") => NOTIFICATION,
        Some("SubscriptionConfirmation" | "UnsubscribeConfirmation") => CONFIRMATION,
        _ => return Err(malformed(SNS_EXPECTED)),
    };
    let mut signed = String::new();
    for name in fields {
        match message.get(*name) {
            Some(Value::String(value)) => signed.extend([name, "\n", value, "\n"]),
            None | Some(Value::Null) if *name == "Subject" => {}
            _ => return Err(malformed(SNS_EXPECTED)),
        }
    }
    Ok(signed)
}

/// The certificate of a request of PayPal.
pub(super) fn paypal_certificate(request: &SignedRequest<'_>) -> Result<KeyRequest, Rejection> {
    let url = request.required_header(PAYPAL_CERTIFICATE)?;
    let url = std::str::from_utf8(url).ok();
    let admitted = url.and_then(|url| Hosts::PayPal.admit(url));
    admitted
        .map(KeyRequest::get)
        .ok_or(Rejection::ForeignKeyHost)
}

/// Checks a request of PayPal; it must be signed for one of `webhooks`.
pub(super) fn paypal(
    request: &SignedRequest<'_>,
    webhooks: &[(Arc<str>, String)],
    certificate: &[u8],
    now_us: i64,
) -> Result<Arc<str>, Rejection> {
    if request.required_header(PAYPAL_ALGORITHM)? != PAYPAL_RSA.as_bytes() {
        return Err(Rejection::WrongAlgorithm);
    }
    let signature = request.required_header(PAYPAL_SIGNATURE)?;
    let signature = BASE64
        .decode(signature)
        .map_err(|_| Rejection::MalformedSignature {
            header: PAYPAL_SIGNATURE.to_owned(),
            expected: "a signature in base64".to_owned(),
        })?;
    let id = request.required_header(PAYPAL_ID)?;
    let time = request.required_header(PAYPAL_TIME)?;
    let key = certificate::key_of(certificate, Algorithm::RsaSha256, now_us)
        .ok_or(Rejection::UnknownKey)?;
    let fits = |(_, webhook): &&(Arc<str>, String)| {
        key.fits(&paypal_message(id, time, webhook, request.body), &signature)
    };
    let found = webhooks.iter().find(fits);
    found
        .map(|(id, _)| Arc::clone(id))
        .ok_or(Rejection::WrongSignature)
}

/// What PayPal signs of the request `id` that it made at `time` for `webhook`.
pub(super) fn paypal_message(id: &[u8], time: &[u8], webhook: &str, body: &[u8]) -> Vec<u8> {
    let checksum = crc32(body).to_string();
    [id, time, webhook.as_bytes(), checksum.as_bytes()].join(&b'|')
}

/// CRC-32 as in zlib (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    const fn table() -> [u32; 256] {
        let mut table = [0; 256];
        let mut n = 0;
        while n < 256 {
            let mut value = n as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 {
                    (value >> 1) ^ 0xedb8_8320
                } else {
                    value >> 1
                };
                bit += 1;
            }
            table[n] = value;
            n += 1;
        }
        table
    }
    const TABLE: [u32; 256] = table();
    let next = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize];
    !bytes.iter().fold(!0, next)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_that_of_zlib() {
        // RFC 3720, B.4 uses another polynomial; this is the check value of CRC-32/ISO-HDLC.
        assert_eq!(super::crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(super::crc32(b""), 0);
    }
}
