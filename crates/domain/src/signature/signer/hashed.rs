//! Signing by a hash over parts of the request, as most senders do.

use super::Signature;
use crate::signature::content::{Message, query_parameter, sha256_hex};
use crate::signature::format::Kind;
use crate::signature::key::{KeyedSecret, SigningKey};
use crate::signature::scheme::{HeaderNames, Part, SignedScheme};
use crate::signature::{ConfigError, Headers, Rejection, SignedRequest};

/// A signature scheme with the key of the sender.
pub(super) struct HashSigner {
    scheme: SignedScheme,
    url: String,
    key: SigningKey,
}

impl HashSigner {
    pub(super) fn new(
        scheme: SignedScheme,
        secret: &KeyedSecret,
        public_url: &str,
    ) -> Result<Self, ConfigError> {
        let key = SigningKey::new(secret, scheme.key, scheme.digest, scheme.mac)?;
        let url = scheme.signed_urls(public_url)?.swap_remove(0);
        Ok(Self { scheme, url, key })
    }

    pub(super) fn sign(
        &self,
        request: &SignedRequest<'_>,
        now_us: i64,
        message_id: &str,
    ) -> Result<Signature, Rejection> {
        let query = query_to_send(&self.scheme, request)?;
        let names = self.names();
        let timestamp = self.scheme.timestamp.map(|rule| rule.unit.format(now_us));
        let mut headers = self.facts(names, timestamp.as_deref(), message_id);
        let with_facts = With {
            sent: request.headers,
            added: &headers,
        };
        let request = SignedRequest {
            url_query: query.as_deref(),
            headers: &with_facts,
            ..*request
        };
        let raw_timestamp = timestamp.as_deref().unwrap_or_default().as_bytes();
        let id = message_id.as_bytes();
        let message = Message::new(&self.scheme, names, &request, raw_timestamp, id)?;
        let (kind, bytes) = match &self.key {
            SigningKey::Shared(key) => {
                let tag = key.tag(|sink| message.feed(&self.url, sink));
                (Kind::Hmac, tag.as_ref().to_vec())
            }
            SigningKey::Ed25519(pair) => (
                Kind::Ed25519,
                pair.sign(&message.bytes(&self.url)).as_ref().to_vec(),
            ),
        };
        let signature = self.scheme.encoding.write(&bytes);
        let format = &self.scheme.format;
        let value = format.write(timestamp.as_deref(), kind, &signature);
        headers.push((names.signature.to_string(), value));
        Ok(Signature {
            headers,
            query,
            body: None,
        })
    }

    /// The names that a sender uses: the first ones.
    fn names(&self) -> &HeaderNames {
        let names = self.scheme.headers.first();
        names.expect("a scheme has a set of names")
    }

    /// The headers beside the signature: id, timestamp, and the list of those that are signed.
    fn facts(
        &self,
        names: &HeaderNames,
        timestamp: Option<&str>,
        message_id: &str,
    ) -> Vec<(String, String)> {
        let content = &self.scheme.content;
        let id = names.id.as_ref().filter(|_| content.contains(&Part::Id));
        let id = id.map(|name| (name.to_string(), message_id.to_owned()));
        let timestamp = names.timestamp.as_ref().zip(timestamp);
        let timestamp = timestamp.map(|(name, value)| (name.to_string(), value.to_owned()));
        let list = content.iter().find_map(|part| match part {
            Part::SignedHeaders { list } => Some(*list),
            _ => None,
        });
        let list = list.map(|list| {
            let signed = [Some(list), names.timestamp.as_deref()];
            let signed: Vec<&str> = signed.into_iter().flatten().collect();
            (list.to_owned(), signed.join(","))
        });
        [id, timestamp, list].into_iter().flatten().collect()
    }
}

/// The headers of a request with those that the sender adds.
struct With<'h> {
    sent: &'h dyn Headers,
    added: &'h [(String, String)],
}

impl Headers for With<'_> {
    fn each_value<'h>(&'h self, name: &str, each: &mut dyn FnMut(&'h [u8])) {
        let added = self.added.iter();
        let mut added = added.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        match added.next() {
            Some((_, value)) => each(value.as_bytes()),
            None => self.sent.each_value(name, each),
        }
    }
}

/// The request's query, with the hash of the body added if that is the only way to cover it.
fn query_to_send(
    scheme: &SignedScheme,
    request: &SignedRequest<'_>,
) -> Result<Option<String>, Rejection> {
    let given = request.url_query;
    let kept = given.map(str::to_owned);
    let Some(name) = scheme.content.iter().find_map(Part::body_hash) else {
        return Ok(kept);
    };
    let is_covered = request.body.is_empty() || request.is_form()?;
    if is_covered || query_parameter(given.unwrap_or_default(), name).is_some() {
        return Ok(kept);
    }
    let before = given.map(|query| format!("{query}&")).unwrap_or_default();
    Ok(Some(format!("{before}{name}={}", sha256_hex(request.body))))
}
