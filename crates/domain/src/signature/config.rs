//! What a user configures: a preset and what differs from it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::confirm::Confirm;
use super::preset::Preset;
use super::presets::find;
use super::scheme::{
    Encoding, Format, HeaderNames, Part, Scheme, SignedScheme, TimestampRule, TimestampUnit,
};
use super::template;

/// Tolerance where none is configured, in seconds: the usual five minutes.
pub(super) const DEFAULT_TOLERANCE_SECONDS: u32 = 300;
/// The widest tolerance, in seconds: a week, for senders that sign once and queue for long.
const MAX_TOLERANCE_SECONDS: u32 = 604_800;
/// The longest header name, prefix and user name, in bytes.
const MAX_NAME_LENGTH: usize = 128;

/// How the requests of a source are verified: the value of `"verification"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Verification {
    /// Name or alias of a preset.
    pub scheme: String,
    /// Header that carries the signature or token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// How the signature is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// What stands before the signature or token; required in requests when given here. May be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The signed message, such as `{timestamp}.{body}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Header that carries the timestamp (whole seconds since 1970).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// How far the timestamp may be from now, before or after, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance_seconds: Option<u32>,
    /// The user name of scheme `basic`; any is taken when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What the sender shows or asks for when it tests the URL (Meta, Strava, eBay, the topic of WebSub). No
    /// secret: no event is believed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_token: Option<String>,
    /// Who the user is at a sender that wants its URL confirmed by a call (Salesforce Marketing Cloud).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
}

/// A field of [`Verification`] that a preset may let the user set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Override {
    /// `header`
    Header,
    /// `encoding`
    Encoding,
    /// `prefix`
    Prefix,
    /// `content`
    Content,
    /// `timestamp_header`
    TimestampHeader,
    /// `tolerance_seconds`
    ToleranceSeconds,
    /// `username`
    Username,
    /// `verify_token`
    VerifyToken,
    /// `confirm`
    Confirm,
}

impl Override {
    /// The JSON pointer to it within the verification.
    pub(super) fn pointer(self) -> &'static str {
        match self {
            Self::Header => "/header",
            Self::Encoding => "/encoding",
            Self::Prefix => "/prefix",
            Self::Content => "/content",
            Self::TimestampHeader => "/timestamp_header",
            Self::ToleranceSeconds => "/tolerance_seconds",
            Self::Username => "/username",
            Self::VerifyToken => "/verify_token",
            Self::Confirm => "/confirm",
        }
    }

    /// The field's name in JSON.
    pub fn name(self) -> &'static str {
        self.pointer().trim_start_matches('/')
    }
}

impl Default for Verification {
    /// `hmac-sha256` as it stands.
    fn default() -> Self {
        Self::of("hmac-sha256")
    }
}

impl Verification {
    /// A preset as it stands.
    pub fn of(scheme: impl Into<String>) -> Self {
        Self {
            scheme: scheme.into(),
            header: None,
            encoding: None,
            prefix: None,
            content: None,
            timestamp_header: None,
            tolerance_seconds: None,
            username: None,
            verify_token: None,
            confirm: None,
        }
    }

    /// The preset that is meant.
    ///
    /// # Errors
    /// [`ConfigError::UnknownScheme`], which lists those there are.
    pub fn preset(&self) -> Result<&'static Preset, ConfigError> {
        find(&self.scheme).ok_or_else(|| ConfigError::UnknownScheme {
            scheme: self.scheme.clone(),
        })
    }

    /// The preset's scheme with what the user set.
    pub(super) fn resolve(&self) -> Result<Scheme, ConfigError> {
        let preset = self.preset()?;
        if let Some(field) = self.given().find(|field| !preset.overrides.contains(field)) {
            return Err(ConfigError::NotTaken {
                scheme: preset.name,
                field,
                takes: preset.overrides,
            });
        }
        let mut scheme = preset.scheme.clone();
        match &mut scheme {
            Scheme::Signed(signed) => self.apply(signed)?,
            Scheme::Token(token) => {
                set(
                    &mut token.header,
                    checked_header(self.header.as_deref(), Override::Header)?,
                );
                set(&mut token.prefix, self.checked_prefix()?);
            }
            Scheme::Basic(basic) => basic.username = self.checked_username()?,
            Scheme::PublicKey(_) | Scheme::Jwt(_) | Scheme::Bespoke(_) | Scheme::Unsigned => {}
        }
        self.check_verify_token()?;
        self.confirm.as_ref().map_or(Ok(()), Confirm::check)?;
        Ok(scheme)
    }

    /// The fields that were set.
    fn given(&self) -> impl Iterator<Item = Override> {
        [
            (self.header.is_some(), Override::Header),
            (self.encoding.is_some(), Override::Encoding),
            (self.prefix.is_some(), Override::Prefix),
            (self.content.is_some(), Override::Content),
            (self.timestamp_header.is_some(), Override::TimestampHeader),
            (self.tolerance_seconds.is_some(), Override::ToleranceSeconds),
            (self.username.is_some(), Override::Username),
            (self.verify_token.is_some(), Override::VerifyToken),
            (self.confirm.is_some(), Override::Confirm),
        ]
        .into_iter()
        .filter_map(|(given, field)| given.then_some(field))
    }

    fn apply(&self, scheme: &mut SignedScheme) -> Result<(), ConfigError> {
        if let Some(prefix) = self.checked_prefix()? {
            scheme.format = Format::Plain {
                prefix: Cow::Owned(prefix),
                optional: false,
            };
        }
        if let Some(encoding) = self.encoding {
            scheme.encoding = encoding;
        }
        if let Some(content) = &self.content {
            scheme.content = template::parse(content)?;
        }
        self.apply_headers(scheme)?;
        self.apply_timestamp(scheme)
    }

    fn apply_headers(&self, scheme: &mut SignedScheme) -> Result<(), ConfigError> {
        let signature = checked_header(self.header.as_deref(), Override::Header)?;
        let timestamp =
            checked_header(self.timestamp_header.as_deref(), Override::TimestampHeader)?;
        if signature.is_none() && timestamp.is_none() {
            return Ok(());
        }
        let rename = |names: &HeaderNames| {
            let mut names = names.clone();
            set(&mut names.signature, signature.clone());
            names.timestamp = timestamp.clone().map(Cow::Owned).or(names.timestamp);
            names
        };
        scheme.headers = scheme.headers.iter().map(rename).collect();
        Ok(())
    }

    fn apply_timestamp(&self, scheme: &mut SignedScheme) -> Result<(), ConfigError> {
        if scheme.timestamp.is_none() && scheme.content.contains(&Part::Timestamp) {
            scheme.timestamp = Some(TimestampRule {
                unit: TimestampUnit::Seconds,
                tolerance_seconds: Some(DEFAULT_TOLERANCE_SECONDS),
                body_field: None,
            });
        }
        let wanted = self
            .given()
            .find(|f| matches!(f, Override::TimestampHeader | Override::ToleranceSeconds));
        let rule = match (&mut scheme.timestamp, wanted) {
            (_, None) => return Ok(()),
            (None, Some(field)) => return Err(ConfigError::TimestampNotSigned { field }),
            (Some(rule), Some(_)) => rule,
        };
        match self.tolerance_seconds {
            None => {}
            Some(seconds @ 1..=MAX_TOLERANCE_SECONDS) => rule.tolerance_seconds = Some(seconds),
            Some(_) => {
                let problem = "not between 1 and 604800 (a week)";
                return Err(ConfigError::Unusable {
                    field: Override::ToleranceSeconds,
                    problem,
                });
            }
        }
        Ok(())
    }

    fn checked_prefix(&self) -> Result<Option<String>, ConfigError> {
        let sendable = |text: &str| {
            text.len() <= MAX_NAME_LENGTH && text.bytes().all(|b| matches!(b, b' '..=b'~'))
        };
        checked(
            self.prefix.as_deref(),
            Override::Prefix,
            sendable,
            "not at most 128 visible ASCII characters",
        )
    }

    fn check_verify_token(&self) -> Result<(), ConfigError> {
        let sendable = |text: &str| {
            (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
        };
        let problem = "not 1 to 256 visible ASCII characters without a space";
        let token = self.verify_token.as_deref();
        checked(token, Override::VerifyToken, sendable, problem).map(drop)
    }

    fn checked_username(&self) -> Result<Option<String>, ConfigError> {
        let problem = "not 1 to 128 bytes without a colon and control characters";
        let sendable = |text: &str| {
            (1..=MAX_NAME_LENGTH).contains(&text.len())
                && !text.contains(|c: char| c == ':' || c.is_control())
        };
        checked(
            self.username.as_deref(),
            Override::Username,
            sendable,
            problem,
        )
    }
}

fn set(field: &mut Cow<'static, str>, value: Option<String>) {
    if let Some(value) = value {
        *field = Cow::Owned(value);
    }
}

/// A header's name (RFC 9110 section 5.1).
fn checked_header(name: Option<&str>, field: Override) -> Result<Option<String>, ConfigError> {
    let is_token = |text: &str| {
        (1..=MAX_NAME_LENGTH).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    checked(
        name,
        field,
        is_token,
        "no name of a header (1 to 128 letters, digits, `-` or `_`)",
    )
}

fn checked(
    text: Option<&str>,
    field: Override,
    is_usable: impl Fn(&str) -> bool,
    problem: &'static str,
) -> Result<Option<String>, ConfigError> {
    match text {
        Some(text) if !is_usable(text) => Err(ConfigError::Unusable { field, problem }),
        text => Ok(text.map(str::to_owned)),
    }
}
