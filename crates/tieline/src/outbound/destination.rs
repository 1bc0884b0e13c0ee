//! The check of a URL when a user saves it: what can be said without resolving a name.
//!
//! It is a courtesy that fails early. What protects is the guard, which judges the addresses
//! at every connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use url::{Host, Url};

use super::{
    allow::AllowList,
    guard::{Guard, Refused},
};

/// The longest URL that is called, in bytes, whatever the operator allows.
pub const MAX_URL_BYTES: usize = 8192;

/// Names that never lead to the public internet, with all names below them.
///
/// RFC 6761 (`localhost`), RFC 6762 (`local`), RFC 8375 (`home.arpa`), ICANN resolution
/// 2024.07.29.06 (`internal`), and the habit of Linux distributions (`localdomain`).
const PRIVATE_NAMES: &[&str] = &["localhost", "localdomain", "local", "internal", "home.arpa"];

/// A URL that may be called, in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    url: String,
    uri: Uri,
}

impl Destination {
    /// The URL in its normal form: lower-case host, no default port, plain addresses.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The same for requests; cloning it is cheap.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}

/// A URL that cannot be a destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("the URL has {0} bytes; at most {MAX_URL_BYTES} are accepted")]
    TooLong(usize),
    /// Not a URL.
    #[error("this is not a URL ({0}); write it whole, as https://example.com/hooks")]
    Unreadable(String),
    /// Neither `http` nor `https`.
    #[error("the URL starts with \"{0}:\"; only http:// and https:// can be called")]
    Scheme(String),
    /// A name or password before the host.
    #[error("the URL carries a user name or password before the host; use the auth settings")]
    UserInfo,
    /// A `#` part, which is never sent.
    #[error("the URL has a part after \"#\", which is never sent; remove it")]
    Fragment,
    /// Port 0.
    #[error("the URL names port 0, on which nothing can listen; give the real port")]
    Port,
    /// A name that is private by definition.
    #[error(
        "{0} is a name inside a private network; if that is intended, the operator can list it \
         in TIELINE_OUTBOUND_ALLOW"
    )]
    PrivateName(String),
    /// An address that is not public, in whatever spelling.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Checks a URL that a user wants called, and returns it in its normal form.
///
/// `allow` is the operator's list; a private name that is not listed passes when a range is
/// listed that it may resolve into.
pub fn check_url(text: &str, allow: &AllowList) -> Result<Destination, BadUrl> {
    if text.len() > MAX_URL_BYTES {
        return Err(BadUrl::TooLong(text.len()));
    }
    let url = Url::parse(text).map_err(|error| BadUrl::Unreadable(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadUrl::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadUrl::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(BadUrl::Fragment);
    }
    if url.port() == Some(0) {
        return Err(BadUrl::Port);
    }
    check_host(&url, allow)?;
    let uri = url
        .as_str()
        .parse()
        .map_err(|error: http::uri::InvalidUri| BadUrl::Unreadable(error.to_string()))?;
    Ok(Destination {
        url: url.into(),
        uri,
    })
}

fn check_host(url: &Url, allow: &AllowList) -> Result<(), BadUrl> {
    let address = match url.host() {
        Some(Host::Domain(name)) => return check_name(name, allow),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        None => return Err(BadUrl::Unreadable("it has no host".to_owned())),
    };
    Guard::new(allow.clone()).vet(&address.to_string(), &[address])?;
    Ok(())
}

fn check_name(name: &str, allow: &AllowList) -> Result<(), BadUrl> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let Some(private) = PRIVATE_NAMES
        .iter()
        .find(|private| is_within(bare, private))
    else {
        return Ok(());
    };
    let may_be_allowed = if *private == "localhost" {
        allow.covers(Ipv4Addr::LOCALHOST.into()) || allow.covers(Ipv6Addr::LOCALHOST.into())
    } else {
        allow.has_ranges()
    };
    if allow.names(bare) || may_be_allowed {
        Ok(())
    } else {
        Err(BadUrl::PrivateName(bare.to_owned()))
    }
}

fn is_within(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came of a URL: its normal form, or the start of what the user reads.
    fn check(text: &str, allow: &str) -> String {
        match check_url(text, &allow.parse().unwrap()) {
            Ok(destination) => destination.as_str().to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_odd_spelling_of_a_private_address_is_refused() {
        for (text, expected) in [
            ("http://127.0.0.1/", "127.0.0.1 leads to a loopback"),
            (
                "http://0.0.0.0/",
                "0.0.0.0 leads to an address of this host",
            ),
            ("http://[::1]/", "::1 leads to a loopback"),
            (
                "http://[::ffff:127.0.0.1]/",
                "::ffff:127.0.0.1 leads to a loopback",
            ),
            ("http://2130706433/", "127.0.0.1 leads to a loopback"),
            ("http://0x7f000001/", "127.0.0.1 leads to a loopback"),
            ("http://0x7f.1/", "127.0.0.1 leads to a loopback"),
            ("http://0177.0.0.1/", "127.0.0.1 leads to a loopback"),
            ("http://127.1/", "127.0.0.1 leads to a loopback"),
            ("http://127.0.0.1./", "127.0.0.1 leads to a loopback"),
            (
                "http://127\u{3002}0\u{3002}0\u{3002}1/",
                "127.0.0.1 leads to a loopback",
            ),
            (
                "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
                "127.0.0.1 leads to a loopback",
            ),
            ("http://%31%32%37.0.0.1/", "127.0.0.1 leads to a loopback"),
            (
                "http://[64:ff9b::7f00:1]/",
                "64:ff9b::7f00:1 leads to a loopback",
            ),
            ("http://[2002:7f00:1::]/", "2002:7f00:1:: leads to a 6to4"),
            (
                "http://169.254.169.254/latest/meta-data",
                "169.254.169.254 leads to a cloud",
            ),
            ("http://[fd00:ec2::254]/", "fd00:ec2::254 leads to a cloud"),
            (
                "http://100.100.100.200/",
                "100.100.100.200 leads to a cloud",
            ),
            ("http://168.63.129.16/", "168.63.129.16 leads to a cloud"),
            ("https://10.0.0.1:8443/x", "10.0.0.1 leads to a private"),
        ] {
            let got = check(text, "");
            assert!(got.starts_with(expected), "{text}: {got}");
        }
    }

    #[test]
    fn what_cannot_be_called_is_said() {
        for (text, expected) in [
            ("", "this is not a URL"),
            ("example.com/hooks", "this is not a URL"),
            ("//example.com", "this is not a URL"),
            ("http://", "this is not a URL"),
            ("http://a b/", "this is not a URL"),
            ("http://256.1.1.1/", "this is not a URL"),
            ("http://[fe80::1%25eth0]/", "this is not a URL"),
            ("localhost:3000", "the URL starts with \"localhost:\""),
            ("file:///etc/passwd", "the URL starts with \"file:\""),
            ("gopher://example.com/", "the URL starts with \"gopher:\""),
            ("javascript:alert(1)", "the URL starts with \"javascript:\""),
            ("http://good.com@127.0.0.1/", "the URL carries a user name"),
            ("http://:secret@example.com/", "the URL carries a user name"),
            ("https://example.com/#top", "the URL has a part after"),
            ("https://example.com:0/", "the URL names port 0"),
            ("http://localhost/", "localhost is a name inside"),
            ("http://LOCALHOST./", "localhost is a name inside"),
            ("http://a.b.localhost/", "a.b.localhost is a name inside"),
            (
                "http://metadata.google.internal/",
                "metadata.google.internal is a name inside",
            ),
            ("http://printer.local/", "printer.local is a name inside"),
        ] {
            let got = check(text, "");
            assert!(got.starts_with(expected), "{text}: {got}");
        }
        let long = format!("https://example.com/{}", "x".repeat(MAX_URL_BYTES));
        assert!(check(&long, "").starts_with("the URL has 8212 bytes"));
    }

    #[test]
    fn good_urls_come_back_in_their_normal_form() {
        for (text, allow, normal) in [
            (
                "https://EXAMPLE.com:443/Hooks?a=1",
                "",
                "https://example.com/Hooks?a=1",
            ),
            ("http://example.com", "", "http://example.com/"),
            (
                "https://b\u{fc}cher.example/",
                "",
                "https://xn--bcher-kva.example/",
            ),
            ("http://mylocalhost/", "", "http://mylocalhost/"),
            (
                "http://internal.example.com/",
                "",
                "http://internal.example.com/",
            ),
            ("http://1.1.1.1/{id}|x", "", "http://1.1.1.1/%7Bid%7D|x"),
            (
                "http://127.1:9000/",
                "127.0.0.0/8",
                "http://127.0.0.1:9000/",
            ),
            (
                "http://localhost:9000/",
                "127.0.0.0/8",
                "http://localhost:9000/",
            ),
            ("http://localhost/", "localhost", "http://localhost/"),
            (
                "http://crm.internal/",
                "crm.internal",
                "http://crm.internal/",
            ),
            ("http://crm.internal/", "10.0.0.0/8", "http://crm.internal/"),
        ] {
            assert_eq!(check(text, allow), normal, "{text}");
        }
    }
}
