//! Signing inside the body, with a shared secret.

use aws_lc_rs::hmac;
use base64::Engine;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use super::{KeyRing, SigningError, text};
use crate::signature::ConfigError;
use crate::signature::bespoke::{BespokeScheme, adyen_message};
use crate::signature::key::BASE64;
use crate::signature::scheme::TimestampUnit;

/// What writes the proof of one sender into a body.
pub(super) enum Embedding {
    Mailgun(hmac::Key),
    Adyen(hmac::Key),
    Braintree { key: hmac::Key, public_key: String },
    ClientState(String),
}

impl Embedding {
    pub(super) fn new(scheme: BespokeScheme, ring: &KeyRing<'_>) -> Result<Self, ConfigError> {
        let secret = ring.secret()?;
        Ok(match scheme {
            BespokeScheme::Adyen => Self::Adyen(scheme.key(secret)?),
            BespokeScheme::Braintree => Self::Braintree {
                key: scheme.key(secret)?,
                public_key: ring.key_id().to_owned(),
            },
            BespokeScheme::ClientState => Self::ClientState(text(secret)?.to_owned()),
            _ => Self::Mailgun(scheme.key(secret)?),
        })
    }

    /// The body with the proof in it, as it is sent at `now_us` (Unix microseconds).
    pub(super) fn body(
        &self,
        body: &[u8],
        now_us: i64,
        message_id: &str,
    ) -> Result<Vec<u8>, SigningError> {
        match self {
            Self::Mailgun(key) => mailgun(key, body, now_us, message_id),
            Self::Adyen(key) => adyen(key, body),
            Self::Braintree { key, public_key } => Ok(braintree(key, public_key, body)),
            Self::ClientState(state) => client_state(state, body),
        }
    }
}

fn mailgun(
    key: &hmac::Key,
    body: &[u8],
    now_us: i64,
    token: &str,
) -> Result<Vec<u8>, SigningError> {
    let unfit = || SigningError::Body {
        expected: "a JSON object, to which `signature` is added",
    };
    let mut body = json_body(body).filter(Value::is_object).ok_or_else(unfit)?;
    let timestamp = TimestampUnit::Seconds.format(now_us);
    let tag = hmac::sign(key, [&*timestamp, token].concat().as_bytes());
    body["signature"] =
        json!({"timestamp": timestamp, "token": token, "signature": hex::encode(tag)});
    Ok(body.to_string().into_bytes())
}

fn adyen(key: &hmac::Key, body: &[u8]) -> Result<Vec<u8>, SigningError> {
    let unfit = || SigningError::Body {
        expected: "a JSON object with `notificationItems`, each of them with an object `NotificationRequestItem`",
    };
    let mut body = json_body(body).ok_or_else(unfit)?;
    for item in items(&mut body, "/notificationItems").ok_or_else(unfit)? {
        let item = item
            .get_mut("NotificationRequestItem")
            .filter(|item| item.is_object())
            .ok_or_else(unfit)?;
        let tag = hmac::sign(key, adyen_message(item).as_bytes());
        if !item["additionalData"].is_object() {
            item["additionalData"] = json!({});
        }
        item["additionalData"]["hmacSignature"] = BASE64.encode(tag).into();
    }
    Ok(body.to_string().into_bytes())
}

/// The form around a notification: its base64 with a line break behind, which is signed too.
fn braintree(key: &hmac::Key, public_key: &str, notification: &[u8]) -> Vec<u8> {
    let payload = format!("{}\n", BASE64.encode(notification));
    let tag = hmac::sign(key, payload.as_bytes());
    let signature = format!("{public_key}|{}", hex::encode(tag));
    let [signature, payload] = [signature, payload]
        .map(|text| percent_encode(text.as_bytes(), NON_ALPHANUMERIC).to_string());
    format!("bt_signature={signature}&bt_payload={payload}").into_bytes()
}

fn client_state(state: &str, body: &[u8]) -> Result<Vec<u8>, SigningError> {
    let unfit = || SigningError::Body {
        expected: "a JSON object with `value`, a list of objects",
    };
    let mut body = json_body(body).ok_or_else(unfit)?;
    for item in items(&mut body, "/value").ok_or_else(unfit)? {
        let item = item.as_object_mut().ok_or_else(unfit)?;
        item.insert("clientState".to_owned(), state.into());
    }
    Ok(body.to_string().into_bytes())
}

pub(super) fn json_body(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

/// The items of a batch: at least one.
fn items<'v>(body: &'v mut Value, pointer: &str) -> Option<&'v mut Vec<Value>> {
    let items = body.pointer_mut(pointer)?.as_array_mut()?;
    (!items.is_empty()).then_some(items)
}
