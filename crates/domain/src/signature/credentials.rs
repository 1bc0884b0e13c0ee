//! Checking a static token, or a user name and password.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{self, Digest};
use base64::Engine;
use zeroize::Zeroizing;

use super::key::{BASE64, KeyedSecret};
use super::scheme::{BasicScheme, TokenScheme};
use super::verifier::{Trust, Verified};
use super::{ConfigError, Rejection, SignedRequest};

/// The header of HTTP authentication.
pub(super) const AUTHORIZATION: &str = "Authorization";
/// The longest `Authorization` header that is decoded, in bytes.
const MAX_CREDENTIALS: usize = 2048;

/// A value known by its hash: equal hashes are compared in constant time whatever the lengths, and the value
/// itself need not stay in memory.
struct Fingerprint(Digest);

impl Fingerprint {
    fn of(value: &[u8]) -> Self {
        Self(digest::digest(&digest::SHA256, value))
    }

    fn matches(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_ref(), other.0.as_ref()).is_ok()
    }
}

/// The secrets of one source, each by its fingerprint.
pub(super) struct Accepted(Vec<(Arc<str>, Fingerprint)>);

impl Accepted {
    pub(super) fn new(secrets: &[KeyedSecret]) -> Result<Self, ConfigError> {
        let fingerprint =
            |secret: &KeyedSecret| Ok((Arc::from(secret.id()), Fingerprint::of(sendable(secret)?)));
        Ok(Self(
            secrets
                .iter()
                .map(fingerprint)
                .collect::<Result<_, ConfigError>>()?,
        ))
    }

    pub(super) fn find(&self, value: &[u8]) -> Option<Verified<'static>> {
        let sent = Fingerprint::of(value);
        let (key_id, _) = self.0.iter().find(|(_, secret)| secret.matches(&sent))?;
        Some(Verified {
            trust: Trust::Authenticated,
            key_id: Some(Arc::clone(key_id)),
            message_id: None,
        })
    }
}

/// The secret, if a header can carry it: HTTP strips spaces at the ends and forbids control characters.
pub(super) fn sendable(secret: &KeyedSecret) -> Result<&[u8], ConfigError> {
    let value = secret.value()?;
    if value.trim_ascii() != value || value.iter().any(u8::is_ascii_control) {
        return Err(secret.fault(
            "it starts or ends with a space or holds a control character: no header can carry it",
        ));
    }
    Ok(value)
}

/// A token in a header.
pub(super) struct TokenCheck {
    scheme: TokenScheme,
    accepted: Accepted,
}

impl TokenCheck {
    pub(super) fn new(scheme: TokenScheme, secrets: &[KeyedSecret]) -> Result<Self, ConfigError> {
        Ok(Self {
            scheme,
            accepted: Accepted::new(secrets)?,
        })
    }

    pub(super) fn verify(
        &self,
        request: &SignedRequest<'_>,
    ) -> Result<Verified<'static>, Rejection> {
        let value = request.required_header(&self.scheme.header)?;
        let token = value.strip_prefix(self.scheme.prefix.as_bytes());
        token
            .and_then(|token| self.accepted.find(token))
            .ok_or(Rejection::WrongCredentials)
    }
}

/// HTTP Basic authentication (RFC 7617).
pub(super) struct BasicCheck {
    username: Option<Fingerprint>,
    accepted: Accepted,
}

impl BasicCheck {
    pub(super) fn new(scheme: &BasicScheme, secrets: &[KeyedSecret]) -> Result<Self, ConfigError> {
        let username = scheme
            .username
            .as_ref()
            .map(|name| Fingerprint::of(name.as_bytes()));
        Ok(Self {
            username,
            accepted: Accepted::new(secrets)?,
        })
    }

    pub(super) fn verify(
        &self,
        request: &SignedRequest<'_>,
    ) -> Result<Verified<'static>, Rejection> {
        let header = request.required_header(AUTHORIZATION)?;
        let credentials = decode_basic(header).ok_or(Rejection::MalformedCredentials)?;
        let colon = credentials
            .iter()
            .position(|b| *b == b':')
            .ok_or(Rejection::MalformedCredentials)?;
        let (username, password) = (&credentials[..colon], &credentials[colon + 1..]);
        let known = self
            .username
            .as_ref()
            .is_none_or(|expected| expected.matches(&Fingerprint::of(username)));
        // Both are looked at, so that time does not tell which was wrong.
        self.accepted
            .find(password)
            .filter(|_| known)
            .ok_or(Rejection::WrongCredentials)
    }
}

fn decode_basic(header: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") || header.len() > MAX_CREDENTIALS {
        return None;
    }
    BASE64.decode(encoded.trim_ascii()).ok().map(Zeroizing::new)
}
