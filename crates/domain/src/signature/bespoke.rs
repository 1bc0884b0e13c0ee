//! Schemes of single senders that no other shares: signatures that stand in the body, and of every item in it.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use serde_json::Value;

use super::credentials::Accepted;
use super::documents::KeyRequest;
use super::form::form_field;
use super::key::{BASE64, KeyedSecret, hmac_key};
use super::published;
use super::scheme::Digest;
use super::verifier::{Trust, Verified};
use super::{ConfigError, Rejection, SignedRequest};

/// The most items of one request: the senders send up to 100 (Adyen) and 1000 (Microsoft Graph).
const MAX_ITEMS: usize = 1000;
/// The most signatures of one form: Braintree sends one for each pair of keys.
const MAX_SIGNATURES: usize = 16;

/// A scheme of one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BespokeScheme {
    /// Mailgun: the body signs its own time and token, and nothing of the event.
    Mailgun,
    /// Adyen: every item of the body signs its reference, amount, event code and outcome.
    Adyen,
    /// Braintree: a form of a payload and its signatures.
    Braintree,
    /// Microsoft Graph: every item of the body repeats a text that was agreed on.
    ClientState,
    /// Amazon SNS: the body is signed under a certificate that it names; the secret is the ARN of the topic.
    Sns,
    /// PayPal: headers and the checksum of the body are signed under a certificate that a header names; the
    /// secret is the id of the webhook.
    PayPal,
}

/// A scheme with what one source holds.
pub(super) struct BespokeCheck {
    scheme: BespokeScheme,
    keys: Vec<(Arc<str>, hmac::Key)>,
    accepted: Accepted,
    texts: Vec<(Arc<str>, String)>,
}

impl BespokeCheck {
    pub(super) fn new(scheme: BespokeScheme, secrets: &[KeyedSecret]) -> Result<Self, ConfigError> {
        let (mut keys, mut texts) = (Vec::new(), Vec::new());
        for secret in secrets {
            let id: Arc<str> = Arc::from(secret.id());
            match scheme {
                BespokeScheme::Mailgun | BespokeScheme::Adyen | BespokeScheme::Braintree => {
                    keys.push((id, scheme.key(secret)?));
                }
                BespokeScheme::Sns | BespokeScheme::PayPal => {
                    texts.push((id, scheme.name(secret)?));
                }
                BespokeScheme::ClientState => {}
            }
        }
        Ok(Self {
            scheme,
            keys,
            accepted: Accepted::new(secrets)?,
            texts,
        })
    }

    /// The certificate that this request must be checked with.
    pub(super) fn key_request(
        &self,
        request: &SignedRequest<'_>,
    ) -> Result<Option<KeyRequest>, Rejection> {
        match self.scheme {
            BespokeScheme::Sns => published::sns_certificate(request).map(Some),
            BespokeScheme::PayPal => published::paypal_certificate(request).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) fn verify(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        document: Option<&[u8]>,
    ) -> Result<Verified<'static>, Rejection> {
        let certificate = || document.ok_or(Rejection::KeyUnavailable);
        let key_id = match self.scheme {
            BespokeScheme::Mailgun => self.mailgun(request.body)?,
            BespokeScheme::Adyen => self.adyen(request.body)?,
            BespokeScheme::Braintree => self.braintree(request.body)?,
            BespokeScheme::ClientState => return self.client_state(request.body),
            BespokeScheme::Sns => {
                published::sns(request.body, &self.texts, certificate()?, now_us)?
            }
            BespokeScheme::PayPal => {
                published::paypal(request, &self.texts, certificate()?, now_us)?
            }
        };
        Ok(Verified {
            trust: self.scheme.trust(),
            key_id: Some(key_id),
            message_id: None,
        })
    }

    fn mailgun(&self, body: &[u8]) -> Result<Arc<str>, Rejection> {
        const EXPECTED: &str = "`signature` with `timestamp`, `token` and `signature`";
        let body = json(body, EXPECTED)?;
        let field = |name: &str| {
            let text = body.pointer(&format!("/signature/{name}"))?.as_str();
            text.filter(|text| !text.is_empty())
        };
        let parts = (field("timestamp"), field("token"), field("signature"));
        let (Some(timestamp), Some(token), Some(signature)) = parts else {
            return Err(malformed(EXPECTED));
        };
        let signature = hex::decode(signature).map_err(|_| malformed(EXPECTED))?;
        self.matching([timestamp, token].concat().as_bytes(), &signature)
    }

    fn adyen(&self, body: &[u8]) -> Result<Arc<str>, Rejection> {
        const EXPECTED: &str =
            "`notificationItems`, each with `additionalData.hmacSignature` in base64";
        let body = json(body, EXPECTED)?;
        let items = items(&body, "/notificationItems").ok_or_else(|| malformed(EXPECTED))?;
        let mut key_id = None;
        for item in items {
            let item = item
                .get("NotificationRequestItem")
                .ok_or_else(|| malformed(EXPECTED))?;
            let signature = item
                .pointer("/additionalData/hmacSignature")
                .and_then(Value::as_str);
            let signature = signature.and_then(|text| BASE64.decode(text).ok());
            let signature = signature.ok_or_else(|| malformed(EXPECTED))?;
            key_id = Some(self.matching(adyen_message(item).as_bytes(), &signature)?);
        }
        key_id.ok_or_else(|| malformed(EXPECTED))
    }

    fn braintree(&self, body: &[u8]) -> Result<Arc<str>, Rejection> {
        const EXPECTED: &str = "a form with `bt_payload` and `bt_signature`";
        let field = |name| form_field(body, name).ok_or_else(|| malformed(EXPECTED));
        let (payload, signatures) = (field("bt_payload")?, field("bt_signature")?);
        for (count, pair) in signatures.split('&').enumerate() {
            if count == MAX_SIGNATURES {
                return Err(Rejection::TooManySignatures {
                    limit: MAX_SIGNATURES,
                });
            }
            let (_, signature) = pair.split_once('|').ok_or_else(|| malformed(EXPECTED))?;
            let Ok(signature) = hex::decode(signature) else {
                continue;
            };
            // Braintree signs the payload with the line break that some clients cut off.
            let with_break = format!("{payload}\n");
            for message in [payload.as_bytes(), with_break.as_bytes()] {
                if let Ok(found) = self.matching(message, &signature) {
                    return Ok(found);
                }
            }
        }
        Err(Rejection::WrongSignature)
    }

    fn client_state(&self, body: &[u8]) -> Result<Verified<'static>, Rejection> {
        const EXPECTED: &str = "`value` with items that each carry `clientState`";
        let body = json(body, EXPECTED)?;
        let items = items(&body, "/value").ok_or_else(|| malformed(EXPECTED))?;
        let mut verified = None;
        for item in items {
            let state = item.get("clientState").and_then(Value::as_str);
            let state = state.ok_or_else(|| malformed(EXPECTED))?;
            let found = self.accepted.find(state.as_bytes());
            verified = Some(found.ok_or(Rejection::WrongCredentials)?);
        }
        verified.ok_or_else(|| malformed(EXPECTED))
    }

    fn matching(&self, message: &[u8], signature: &[u8]) -> Result<Arc<str>, Rejection> {
        let is_right = |(_, key): &&(Arc<str>, hmac::Key)| {
            let right = hmac::sign(key, message);
            verify_slices_are_equal(right.as_ref(), signature).is_ok()
        };
        let found = self.keys.iter().find(is_right);
        found
            .map(|(id, _)| Arc::clone(id))
            .ok_or(Rejection::WrongSignature)
    }
}

impl BespokeScheme {
    /// What a request that passes proves.
    pub(super) fn trust(self) -> Trust {
        match self {
            Self::Mailgun | Self::ClientState => Trust::Authenticated,
            Self::Adyen | Self::Braintree | Self::Sns | Self::PayPal => Trust::Verified,
        }
    }

    pub(super) fn header_names(self) -> Vec<String> {
        match self {
            Self::PayPal => published::PAYPAL_HEADERS.map(str::to_owned).into(),
            _ => Vec::new(),
        }
    }

    /// The key that a secret stands for.
    pub(super) fn key(self, secret: &KeyedSecret) -> Result<hmac::Key, ConfigError> {
        let value = secret.value()?;
        Ok(match self {
            Self::Adyen => {
                let key = hex::decode(value.trim_ascii());
                let key = key.map_err(|_| secret.fault("an HMAC key of Adyen is hex digits"))?;
                hmac_key(Digest::Sha256, &key)
            }
            Self::Braintree => {
                let hashed = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, value);
                hmac_key(Digest::Sha1, hashed.as_ref())
            }
            _ => hmac_key(Digest::Sha256, value),
        })
    }

    /// The secret where it is only the name of what may send.
    pub(super) fn name(self, secret: &KeyedSecret) -> Result<String, ConfigError> {
        let text = std::str::from_utf8(secret.value()?).unwrap_or_default();
        let fits = match self {
            Self::Sns => text.starts_with("arn:aws") && text.contains(":sns:"),
            _ => !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        };
        let why = match self {
            Self::Sns => {
                "give the ARN of the topic, such as `arn:aws:sns:us-east-1:123456789012:orders`"
            }
            _ => "give the id of the webhook, as PayPal shows it",
        };
        fits.then(|| text.to_owned())
            .ok_or_else(|| secret.fault(why))
    }
}

/// The eight fields that Adyen signs, empty where they are absent.
pub(super) fn adyen_message(item: &Value) -> String {
    const FIELDS: [&str; 8] = [
        "/pspReference",
        "/originalReference",
        "/merchantAccountCode",
        "/merchantReference",
        "/amount/value",
        "/amount/currency",
        "/eventCode",
        "/success",
    ];
    let text = |pointer: &str| match item.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    FIELDS.map(text).join(":")
}

/// The items of a batch: at least one, and no more than any sender sends.
fn items<'v>(body: &'v Value, pointer: &str) -> Option<&'v Vec<Value>> {
    let items = body.pointer(pointer)?.as_array()?;
    (1..=MAX_ITEMS).contains(&items.len()).then_some(items)
}

pub(super) fn json(body: &[u8], expected: &'static str) -> Result<Value, Rejection> {
    serde_json::from_slice(body).map_err(|_| malformed(expected))
}

pub(super) fn malformed(expected: &'static str) -> Rejection {
    Rejection::MalformedSignature {
        header: "(body)".to_owned(),
        expected: expected.to_owned(),
    }
}
