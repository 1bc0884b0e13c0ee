//! The guard: no connection to an address that is not public, unless the operator allows it
//! (invariant 10). It judges the addresses that are about to be dialled.

use std::net::IpAddr;

use super::{
    addresses::{Range, forbidden},
    allow::AllowList,
};

/// Judges addresses by [`ADDRESS_TABLE`](super::ADDRESS_TABLE) and the operator's list.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allow: AllowList,
}

/// A host that may not be called.
///
/// The text tells the kind of address and not the address: who may save a URL must not be
/// able to read the operator's internal names with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} leads to {} ({}, {}); if that is intended, the operator can list the host or its \
     range in TIELINE_OUTBOUND_ALLOW",
    range.name, range.net, range.source
)]
pub struct Refused {
    /// The host that was asked for.
    pub host: String,
    /// The first address that is not allowed; for the operator's log.
    pub address: IpAddr,
    /// The range it lies in.
    pub range: &'static Range,
}

impl Guard {
    /// A guard that lets through what is public and what `allow` lists.
    pub fn new(allow: AllowList) -> Self {
        Self { allow }
    }

    /// The operator's list.
    pub fn allow(&self) -> &AllowList {
        &self.allow
    }

    /// Returns the addresses to dial for `host`, IPv4-mapped ones in their plain form.
    ///
    /// One address that is forbidden and not allowed refuses them all: a name with a public
    /// and a private address is an attack or a mistake, and never one to pick from.
    pub fn vet(&self, host: &str, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, Refused> {
        if !self.allow.names(host) {
            for &address in addresses {
                self.judge(host, address)?;
            }
        }
        Ok(addresses.iter().map(IpAddr::to_canonical).collect())
    }

    fn judge(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        match forbidden(address) {
            Some(range) if !self.allow.covers(address) => Err(Refused {
                host: host.to_owned(),
                address,
                range,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vet(allow: &str, host: &str, addresses: &[&str]) -> Result<usize, &'static str> {
        let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        Guard::new(allow.parse().unwrap())
            .vet(host, &addresses)
            .map(|vetted| vetted.len())
            .map_err(|refused| refused.range.name)
    }

    #[test]
    fn one_forbidden_address_refuses_them_all() {
        type Row = (
            &'static str,
            &'static str,
            &'static [&'static str],
            Result<usize, &'static str>,
        );
        const LOOPBACK: Result<usize, &str> = Err("a loopback address");
        const PRIVATE: Result<usize, &str> = Err("a private address");
        const ROWS: &[Row] = &[
            ("", "example.com", &["1.1.1.1", "2606:4700::1"], Ok(2)),
            ("", "example.com", &["1.1.1.1", "127.0.0.1"], LOOPBACK),
            ("", "example.com", &["1.1.1.1", "fd00::1"], PRIVATE),
            ("", "example.com", &["::ffff:127.0.0.1"], LOOPBACK),
            ("", "example.com", &["64:ff9b::7f00:1"], LOOPBACK),
            (
                "127.0.0.0/8",
                "example.com",
                &["1.1.1.1", "127.0.0.1"],
                Ok(2),
            ),
            ("127.0.0.0/8", "localhost", &["::1", "127.0.0.1"], LOOPBACK),
            ("localhost", "localhost", &["::1", "127.0.0.1"], Ok(2)),
            ("localhost", "other", &["127.0.0.1"], LOOPBACK),
            ("crm.corp", "CRM.corp.", &["10.0.0.1"], Ok(1)),
            ("crm.corp", "evil.crm.corp", &["10.0.0.1"], PRIVATE),
            ("10.1.0.0/16", "x", &["10.1.2.3"], Ok(1)),
            ("10.1.0.0/16", "x", &["10.2.2.3"], PRIVATE),
        ];
        for (allow, host, addresses, expected) in ROWS {
            assert_eq!(
                vet(allow, host, addresses),
                *expected,
                "{allow:?} {host} {addresses:?}"
            );
        }
    }

    #[test]
    fn mapped_addresses_are_dialled_plain_and_the_text_hides_the_address() {
        let guard = Guard::default();
        let mapped = "::ffff:1.1.1.1".parse().unwrap();
        let plain: IpAddr = "1.1.1.1".parse().unwrap();
        assert_eq!(guard.vet("x", &[mapped]).unwrap(), [plain]);

        let refused = guard
            .vet("db.corp", &["10.9.8.7".parse().unwrap()])
            .unwrap_err();
        let text = refused.to_string();
        assert!(
            text.starts_with("db.corp leads to a private address (10.0.0.0/8, RFC 1918)"),
            "{text}"
        );
        assert!(!text.contains("10.9.8.7"), "{text}");
    }
}
