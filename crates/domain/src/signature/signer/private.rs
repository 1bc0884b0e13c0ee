//! Signing in a header with a private key.

use crate::signature::asymmetric::PublicKeyScheme;
use crate::signature::ebay::Envelope;
use crate::signature::private_key::PrivateKey;
use crate::signature::scheme::TimestampUnit;

/// A scheme with the private key of the sender.
pub(super) struct PrivateSigner {
    pub(super) scheme: PublicKeyScheme,
    pub(super) key: PrivateKey,
    /// The name that the sender gives to the key, where it gives one.
    pub(super) key_id: String,
}

impl PrivateSigner {
    /// The headers of a request with `body` that is sent at `now_us` (Unix microseconds).
    pub(super) fn headers(&self, body: &[u8], now_us: i64) -> Vec<(String, String)> {
        let timestamp = self.scheme.timestamp.map(|(header, rule)| {
            let unit = rule.map_or(TimestampUnit::Seconds, |rule| rule.unit);
            (header.to_owned(), unit.format(now_us))
        });
        let stamped = timestamp.as_ref().map_or("", |(_, value)| value);
        let message = self.scheme.message(stamped.as_bytes(), body);
        let signature = self.scheme.encoding.write(&self.key.sign(&message));
        let value = match self.scheme.ebay {
            Some(_) => Envelope::write(&self.key_id, &signature),
            None => signature,
        };
        let signature = (self.scheme.header.to_owned(), value);
        [Some(signature), timestamp].into_iter().flatten().collect()
    }
}
