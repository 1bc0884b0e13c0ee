//! What the operator allows although it is not public: `TIELINE_OUTBOUND_ALLOW`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net};
use url::Host;

use super::addresses::effective;

/// The ranges and host names that outgoing calls may reach although they are private.
///
/// Read from text: CIDR ranges, single addresses and host names, separated by commas, as in
/// `10.0.0.0/8, ::1, crm.corp`. A host entry allows exactly that name, whatever it resolves
/// to; an address entry allows the address under every name. Empty text allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    ranges: Vec<IpNet>,
    hosts: Vec<String>,
}

/// An entry of the allow-list that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("outbound allow-list: \"{entry}\" {problem}")]
pub struct BadEntry {
    /// The entry as it was written.
    pub entry: String,
    /// What is wrong and what to write instead, to be read after the entry.
    pub problem: &'static str,
}

impl AllowList {
    /// The list that allows this machine itself: `127.0.0.0/8` and `::1`, for demos and tests.
    pub fn loopback() -> Self {
        Self {
            ranges: vec![
                IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8)),
                IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            ],
            hosts: Vec::new(),
        }
    }

    /// Whether `host` is listed by name; case and a trailing dot do not matter.
    pub fn names(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.hosts
            .iter()
            .any(|listed| listed.eq_ignore_ascii_case(host))
    }

    /// Whether `address` lies in a listed range. An address that wraps an IPv4 address is
    /// judged by that one.
    pub fn covers(&self, address: IpAddr) -> bool {
        let (plain, ends_at) = (address.to_canonical(), effective(address));
        self.ranges
            .iter()
            .any(|range| range.contains(&ends_at) || range.contains(&plain))
    }

    /// Whether any range is listed, so that a name may turn out to be allowed once it is
    /// resolved.
    pub fn has_ranges(&self) -> bool {
        !self.ranges.is_empty()
    }
}

impl FromStr for AllowList {
    type Err = BadEntry;

    fn from_str(text: &str) -> Result<Self, BadEntry> {
        let mut list = Self::default();
        let entries = text.split(',').map(str::trim).filter(|e| !e.is_empty());
        for entry in entries {
            match parse_entry(entry) {
                Ok(Entry::Range(range)) => list.ranges.push(range),
                Ok(Entry::Host(host)) => list.hosts.push(host),
                Err(problem) => {
                    return Err(BadEntry {
                        entry: entry.to_owned(),
                        problem,
                    });
                }
            }
        }
        Ok(list)
    }
}

enum Entry {
    Range(IpNet),
    Host(String),
}

fn parse_entry(entry: &str) -> Result<Entry, &'static str> {
    if entry.contains("://") {
        return Err("is a URL; write only its host name");
    }
    if entry.contains('*') {
        return Err("has a wildcard; list each host name, or the range of their addresses");
    }
    if let Some((address, prefix)) = entry.split_once('/') {
        return parse_range(address, prefix).map(Entry::Range);
    }
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Ok(Entry::Range(IpNet::from(address.to_canonical())));
    }
    if entry.contains(':') {
        return Err(
            "has a port or is not an IPv6 address; an entry is for all ports, write only the host",
        );
    }
    match Host::parse(entry) {
        Ok(Host::Ipv4(address)) => Ok(Entry::Range(IpNet::from(IpAddr::V4(address)))),
        Ok(Host::Ipv6(address)) => Ok(Entry::Range(IpNet::from(IpAddr::V6(address)))),
        Ok(Host::Domain(name)) => {
            let name = name.strip_suffix('.').map_or(name.clone(), str::to_owned);
            Ok(Entry::Host(name))
        }
        Err(_) => Err("is neither an address, nor a range as 10.0.0.0/8, nor a host name"),
    }
}

/// Reads a range; one written as IPv4-mapped becomes the IPv4 range that is meant, because
/// addresses are compared in their plain form.
fn parse_range(address: &str, prefix: &str) -> Result<IpNet, &'static str> {
    let address: IpAddr = address
        .parse()
        .map_err(|_| "does not start with an IP address; write a range as 10.0.0.0/8")?;
    let prefix: u8 = prefix
        .parse()
        .map_err(|_| "has no number after the slash; write a range as 10.0.0.0/8")?;
    let (address, prefix) = match address.to_canonical() {
        plain @ IpAddr::V4(_) if address.is_ipv6() && prefix >= 96 => (plain, prefix - 96),
        _ => (address, prefix),
    };
    IpNet::new(address, prefix)
        .map(|range| range.trunc())
        .map_err(|_| "has a prefix that is too long: at most /32 for IPv4 and /128 for IPv6")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_ranges_addresses_and_names() {
        let list: AllowList = " 10.0.0.5/8, ::1 ,CRM.Corp., ::ffff:192.168.0.0/112,, 172.16.0.9"
            .parse()
            .unwrap();
        for (address, allowed) in [
            ("10.200.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("64:ff9b::a00:1", true),
            ("11.0.0.1", false),
            ("::1", true),
            ("::2", false),
            ("192.168.4.4", true),
            ("172.16.0.9", true),
            ("172.16.0.10", false),
        ] {
            assert_eq!(list.covers(address.parse().unwrap()), allowed, "{address}");
        }
        for (host, allowed) in [
            ("crm.corp", true),
            ("crm.corp.", true),
            ("CRM.CORP", true),
            ("a.crm.corp", false),
            ("crm.corp.example.com", false),
        ] {
            assert_eq!(list.names(host), allowed, "{host}");
        }
    }

    #[test]
    fn a_bad_entry_is_named() {
        for (text, entry, problem) in [
            ("10.0.0.0/33", "10.0.0.0/33", "prefix"),
            ("::1,10.0.0.0/x", "10.0.0.0/x", "number"),
            ("crm.corp/24", "crm.corp/24", "IP address"),
            ("localhost:8080", "localhost:8080", "port"),
            ("*.corp", "*.corp", "wildcard"),
            ("http://crm.corp", "http://crm.corp", "URL"),
            ("a b", "a b", "neither"),
        ] {
            let error = text.parse::<AllowList>().unwrap_err();
            assert_eq!(error.entry, entry);
            assert!(error.problem.contains(problem), "{text}: {error}");
        }
    }
}
