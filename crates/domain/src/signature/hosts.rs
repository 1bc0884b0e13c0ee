//! Which hosts may be called because a request says so.

use url::{Host, Url};

/// The longest URL that is looked at, in bytes.
const MAX_URL: usize = 2048;

/// Hosts that a request may name. A URL is admitted over https alone, on the default port unless its host
/// is known to use another, without a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Any: the caller's own guard decides.
    Any,
    /// Amazon SNS: `sns.<region>.amazonaws.com` and `.com.cn` (facts: webhooks 3.3).
    Sns,
    /// PayPal's certificates, below `/v1/notifications/certs/` (facts: webhooks 3.3).
    PayPal,
    /// Azure Event Grid: `rp-<region>.eventgrid.azure.net`, below `/eventsubscriptions/`, on port 553 too
    /// (its handshake: facts: webhooks 3.5; its hosts as Azure has them in public regions).
    EventGrid,
}

/// A host as a request may name it, and where its path must begin.
struct Pin {
    /// What the host begins with, before the one label that may differ; the whole host where nothing may.
    host: &'static str,
    /// What follows that label, if there is one.
    after_label: Option<&'static str>,
    path: &'static str,
    /// The one port beside the default one.
    port: Option<u16>,
}

const SNS: &[Pin] = &[
    Pin {
        host: "sns.",
        after_label: Some(".amazonaws.com"),
        path: "/",
        port: None,
    },
    Pin {
        host: "sns.",
        after_label: Some(".amazonaws.com.cn"),
        path: "/",
        port: None,
    },
];
const PAYPAL: &[Pin] = &[
    Pin {
        host: "api.paypal.com",
        after_label: None,
        path: "/v1/notifications/certs/",
        port: None,
    },
    Pin {
        host: "api.sandbox.paypal.com",
        after_label: None,
        path: "/v1/notifications/certs/",
        port: None,
    },
];

const EVENT_GRID: &[Pin] = &[Pin {
    host: "rp-",
    after_label: Some(".eventgrid.azure.net"),
    path: "/eventsubscriptions/",
    port: Some(553),
}];

impl Hosts {
    /// The URL in its normal form, if it may be called.
    pub fn admit(self, text: &str) -> Option<String> {
        if text.len() > MAX_URL {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let plain = url.scheme() == "https"
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        let admitted = plain
            && match self {
                Self::Any => url.port().is_none(),
                Self::Sns => SNS.iter().any(|pin| pin.fits(&url)),
                Self::PayPal => PAYPAL.iter().any(|pin| pin.fits(&url)),
                Self::EventGrid => EVENT_GRID.iter().any(|pin| pin.fits(&url)),
            };
        admitted.then(|| url.into())
    }
}

impl Pin {
    fn fits(&self, url: &Url) -> bool {
        // Addresses and names with a dot at the end are other hosts.
        let Some(Host::Domain(host)) = url.host() else {
            return false;
        };
        let is_host = match self.after_label {
            None => host == self.host,
            Some(after) => host
                .strip_prefix(self.host)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(is_region),
        };
        let is_port = url.port().is_none_or(|port| Some(port) == self.port);
        is_host && is_port && url.path().starts_with(self.path)
    }
}

/// `[a-z0-9-]{3,}`: a region, and never a second label.
fn is_region(label: &str) -> bool {
    label.len() >= 3
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
