//! Signing under a certificate that the sender publishes: Amazon SNS and PayPal.
//!
//! The certificate's URL is on the sender's host, as a receiver demands. A receiver whose operator shows another
//! certificate there believes it; no other does.

use base64::Engine;
use serde_json::Value;

use super::embedded::json_body;
use super::{KeyRing, Signature, SigningError};
use crate::signature::bespoke::BespokeScheme;
use crate::signature::key::BASE64;
use crate::signature::private_key::PrivateKey;
use crate::signature::public_key::Algorithm;
use crate::signature::published::{PAYPAL_HEADERS, PAYPAL_RSA, paypal_message, sns_message};
use crate::signature::scheme::TimestampUnit;
use crate::signature::{ConfigError, SignedRequest};

/// A scheme with the private key of the sender.
pub(super) struct CertificateSigner {
    scheme: BespokeScheme,
    key: PrivateKey,
    /// The topic or the webhook that is signed for.
    name: String,
    /// The last part of the certificate's URL.
    key_id: String,
}

impl CertificateSigner {
    pub(super) fn new(scheme: BespokeScheme, ring: &KeyRing<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            scheme,
            key: ring.private_key(Algorithm::RsaSha256)?,
            name: scheme.name(ring.secret()?)?,
            key_id: ring.key_id().to_owned(),
        })
    }

    /// Adds the signature to the body of a message of SNS, or to the headers of a request of PayPal.
    pub(super) fn sign(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        message_id: &str,
        unsigned: Signature,
    ) -> Result<Signature, SigningError> {
        Ok(if self.scheme == BespokeScheme::Sns {
            Signature {
                body: Some(self.sns(request.body)?),
                ..unsigned
            }
        } else {
            Signature {
                headers: self.paypal(request.body, now_us, message_id),
                ..unsigned
            }
        })
    }

    fn sns(&self, body: &[u8]) -> Result<Vec<u8>, SigningError> {
        let unfit = || SigningError::Body {
            expected: "a JSON object with `Type`, `MessageId`, `Message` and `Timestamp`, and `Token` and `SubscribeURL` in a confirmation",
        };
        let mut message = json_body(body).ok_or_else(unfit)?;
        let fields = message.as_object_mut().ok_or_else(unfit)?;
        let certificate = format!("https://sns.us-east-1.amazonaws.com/{}.pem", self.key_id);
        for (name, value) in [
            ("TopicArn", &*self.name),
            ("SigningCertURL", &certificate),
            ("SignatureVersion", "2"),
        ] {
            fields.insert(name.to_owned(), value.into());
        }
        let signed = sns_message(&message).map_err(|_| unfit())?;
        let signature = self.key.sign(signed.as_bytes());
        message["Signature"] = Value::String(BASE64.encode(signature));
        Ok(message.to_string().into_bytes())
    }

    fn paypal(&self, body: &[u8], now_us: i64, message_id: &str) -> Vec<(String, String)> {
        let time = TimestampUnit::Iso8601.format(now_us);
        let message = paypal_message(message_id.as_bytes(), time.as_bytes(), &self.name, body);
        let values = [
            BASE64.encode(self.key.sign(&message)),
            message_id.to_owned(),
            time,
            format!(
                "https://api.sandbox.paypal.com/v1/notifications/certs/{}",
                self.key_id
            ),
            PAYPAL_RSA.to_owned(),
        ];
        let named = PAYPAL_HEADERS.into_iter().zip(values);
        named
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}
