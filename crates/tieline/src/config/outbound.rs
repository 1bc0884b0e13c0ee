//! The settings of outgoing calls.

use std::path::PathBuf;

use super::kind::Kind;
use super::setting::{Fallback, Setting};
use crate::outbound::Proxy;

/// How outgoing calls are made.
#[derive(Debug, Clone, Default)]
pub struct OutboundConfig {
    /// The proxy that opens connections.
    pub proxy: Option<Proxy>,
    /// Whether the proxy is told names, and not the addresses that were vetted here.
    pub proxy_by_name: bool,
    /// Networks (CIDR), addresses and hosts that are reached without the proxy.
    pub no_proxy: Vec<String>,
    /// A file of certificate authorities to trust beside the public ones, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// Their rows.
pub(super) fn settings() -> Vec<Setting> {
    use Fallback::{Unset, Value};
    vec![
        Setting::new(
            "outbound.proxy",
            Kind::Proxy(|c, v| c.outbound.proxy = Some(v)),
            Unset {
                meaning: "no proxy",
                example: "http://proxy.example.com:3128",
            },
            "Proxy that opens outgoing connections, by CONNECT or SOCKS5. It is told addresses that were vetted here.",
        ),
        Setting::new(
            "outbound.proxy_by_name",
            Kind::Switch(|c, v| c.outbound.proxy_by_name = v),
            Value("false"),
            "Tells the proxy names instead, which it resolves itself; socks5h:// means the same.",
        ),
        Setting::new(
            "outbound.no_proxy",
            Kind::Destinations(|c, v| c.outbound.no_proxy = v),
            Value(""),
            "Destinations that are reached without the proxy.",
        ),
        Setting::new(
            "outbound.ca_file",
            Kind::File(|c, v| c.outbound.ca_file = Some(v)),
            Unset {
                meaning: "public authorities only",
                example: "/etc/ssl/private-ca.pem",
            },
            "Certificate authorities to trust beside the public ones, in PEM.",
        ),
    ]
}
