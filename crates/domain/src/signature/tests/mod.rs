//! Tests of the signature engine: genuine requests, and every way to tamper with them.

mod body_timestamp;
mod cases;
mod config;
mod embedded;
mod handshake;
mod negative;
mod presets;
mod properties;
mod public_keys;
mod public_url;
mod rotation;
mod standard;
mod tokens;
mod vectors;

use super::{KeyedSecret, SignedRequest, Signer, Verification};
use cases::{Case, Stamp, credential_cases, signed_cases};

/// 2023-11-14T22:13:20Z in Unix microseconds.
const NOW: i64 = 1_700_000_000_000_000;
const SECOND: i64 = 1_000_000;
const URL: &str = "https://tie.example/in/wh_in_1";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// RFC 8032 section 7.1, test 1: seed and public key.
const WHSK: &str =
    "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==";
const WHPK: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A request that can be tampered with.
#[derive(Clone)]
struct Request {
    method: &'static str,
    query: Option<String>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    fn post(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.into())];
        Self {
            method: "POST",
            query: None,
            headers,
            body: body.into(),
        }
    }

    fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn with_query(mut self, query: &str) -> Self {
        self.query = Some(query.to_owned());
        self
    }

    fn parts(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: self.method,
            url_query: self.query.as_deref(),
            headers: &self.headers,
            body: &self.body,
        }
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.into()));
    }

    fn get(&self, name: &str) -> String {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = found.unwrap_or_else(|| panic!("no header {name}"));
        String::from_utf8(value.clone()).unwrap()
    }

    fn signed(mut self, signer: &Signer) -> Self {
        let signature = signer.sign(&self.parts(), NOW, "msg_1").unwrap();
        let headers = signature
            .headers
            .into_iter()
            .map(|(n, v)| (n, v.into_bytes()));
        self.headers.extend(headers);
        self.query = signature.query;
        self
    }
}

fn secret(value: &str) -> KeyedSecret {
    KeyedSecret::new("current", value)
}

fn verification(json: &str) -> Verification {
    serde_json::from_str(json).unwrap()
}
