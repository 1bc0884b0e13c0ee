//! Addresses of e-mail.

use email_address::{EmailAddress, Options};

/// Whether the text is an address that a message could be sent to: one `@`, a domain with a dot in it, no display
/// name and no literal address (RFC 5321; the length of 254 bytes is that of RFC 3696, erratum 1690).
pub(super) fn is_email(text: &str) -> bool {
    let options = Options::default()
        .with_required_tld()
        .without_domain_literal()
        .without_display_text();
    text.len() <= 254 && EmailAddress::parse_with_options(text, options).is_ok()
}
