//! Addresses of the web.

/// Schemes taken unless the validation names others.
pub(super) const SCHEMES: [&str; 2] = ["https", "http"];
/// Longest address, in bytes.
const MAX_LENGTH: usize = 2_048;

/// Whether the text is a whole URL (WHATWG) with one of the schemes and a host, written without white space.
pub(super) fn is_url(text: &str, schemes: &[String]) -> bool {
    if text.len() > MAX_LENGTH || text.contains(char::is_whitespace) {
        return false;
    }
    let Ok(url) = url::Url::parse(text) else {
        return false;
    };
    let wanted = if schemes.is_empty() {
        SCHEMES.contains(&url.scheme())
    } else {
        schemes.iter().any(|scheme| scheme == url.scheme())
    };
    // The parser would read `https:/a` and `https:a` as if they had two slashes.
    let after = text.get(url.scheme().len()..).unwrap_or_default();
    wanted && after.starts_with("://") && url.has_host()
}
