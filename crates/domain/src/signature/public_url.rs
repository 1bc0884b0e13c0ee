//! The URL under which a sender knows a source, in the forms a sender may have signed.

use std::borrow::Cow;

use super::ConfigError;
use super::scheme::UrlRule;

/// The forms of the configured public URL, without query and fragment. The query is the request's own.
pub(super) fn forms(public_url: &str, rule: UrlRule) -> Result<Vec<String>, ConfigError> {
    let invalid = || ConfigError::PublicUrl {
        url: public_url.to_owned(),
    };
    let parsed = url::Url::parse(public_url).map_err(|_| invalid())?;
    let default_port = match parsed.scheme() {
        "https" => 443,
        "http" => 80,
        _ => return Err(invalid()),
    };
    // The text is kept as configured, for the sender was given the text and signs that.
    let base = public_url.split(['?', '#']).next().unwrap_or(public_url);
    let mut forms = vec![base.to_owned()];
    if rule.port_may_differ {
        forms.push(other_port(base, default_port).ok_or_else(invalid)?);
    }
    Ok(forms
        .into_iter()
        .map(|form| decode(&form, rule.decoded).into_owned())
        .collect())
}

/// The same URL without its port, or with the default one if it has none.
fn other_port(base: &str, default_port: u16) -> Option<String> {
    let (scheme, rest) = base.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let other = match authority.rsplit_once(':') {
        // A colon inside the brackets of an IPv6 address starts no port.
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host.to_owned(),
        _ => format!("{authority}:{default_port}"),
    };
    Some(format!("{scheme}://{other}{path}"))
}

/// The path of a URL without its query, as it is written; `/` where there is none.
pub(super) fn path(url: &str) -> &str {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    authority.find('/').map_or("/", |at| &authority[at..])
}

/// Decodes the named percent-escapes and leaves every other.
pub(super) fn decode<'t>(text: &'t str, escapes: &[&str]) -> Cow<'t, str> {
    if escapes.is_empty() || !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        decoded.push_str(before);
        let escaped = from
            .get(1..3)
            .filter(|digits| escapes.iter().any(|e| e.eq_ignore_ascii_case(digits)));
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.map_or('%', char::from));
        rest = &from[if byte.is_some() { 3 } else { 1 }..];
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}
