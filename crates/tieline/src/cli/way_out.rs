//! The way out for the host that the user named: what they type may lead to their own machine.

use anyhow::{Context as _, bail};
use url::{Host, Url};

use crate::outbound::{AllowList, Destination, Outbound, Settings};

/// A way out that reaches the host of `url` wherever it is, and the destination itself.
pub(super) fn way_to(url: &str) -> anyhow::Result<(Outbound, Destination)> {
    let host = match Url::parse(url)
        .with_context(|| {
            format!("`{url}` is no URL; write it whole, as http://127.0.0.1:9100/hook")
        })?
        .host()
    {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => bail!("`{url}` names no host; write it whole, as http://127.0.0.1:9100/hook"),
    };
    let allow: AllowList = host.parse()?;
    let outbound = Outbound::new(Settings {
        allow,
        ..Settings::default()
    });
    let destination = outbound.check_url(url)?;
    Ok((outbound, destination))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_names_is_reached_wherever_it_is() {
        for (url, normal) in [
            ("http://127.0.0.1:9100", Some("http://127.0.0.1:9100/")),
            (
                "http://localhost:9100/hook",
                Some("http://localhost:9100/hook"),
            ),
            ("http://[::1]:9100/a?b=c", Some("http://[::1]:9100/a?b=c")),
            ("http://crm.internal/", Some("http://crm.internal/")),
            ("https://example.com/", Some("https://example.com/")),
            ("localhost:9100", None),
            ("not a url", None),
            ("ftp://example.com/", None),
        ] {
            let reached = way_to(url).ok();
            let reached = reached.as_ref().map(|(_, to)| to.as_str());
            assert_eq!(reached, normal, "{url}");
        }
    }
}
