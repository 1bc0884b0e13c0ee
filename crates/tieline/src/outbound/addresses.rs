//! Which addresses are not the public internet, as data.
//!
//! Sources: the IANA special-purpose address registries (RFC 6890 and its updates), the
//! metadata services of the clouds, and facts: webhooks 1.8.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A block of addresses that outgoing calls do not reach on their own.
#[derive(Debug, PartialEq, Eq)]
pub struct Range {
    /// The block.
    pub net: IpNet,
    /// What it is, to be read after "is": "a loopback address".
    pub name: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

/// An IPv6 block from its first three groups and its last; those between are zero.
const fn v6(first: [u16; 3], last: u16, prefix: u8) -> IpNet {
    let address = Ipv6Addr::new(first[0], first[1], first[2], 0, 0, 0, 0, last);
    IpNet::V6(Ipv6Net::new_assert(address, prefix))
}

const fn range(net: IpNet, name: &'static str, source: &'static str) -> Range {
    Range { net, name, source }
}

const METADATA: &str = "a cloud metadata address";
const DOCUMENTATION: &str = "a documentation address";
const NOT_GLOBAL: &str = "not a global unicast address";
const IANA_V6: &str = "IANA IPv6 address space";

/// Every range that is refused. The first match names an address, so the narrow rows stand
/// before the wide ones. The last three rows are all of IPv6 outside `2000::/3`.
///
/// Addresses that only wrap an IPv4 address (IPv4-mapped, NAT64) are not rows: they are judged
/// by the address inside.
#[rustfmt::skip] // one row, one line
pub const ADDRESS_TABLE: &[Range] = &[
    range(v4(169, 254, 169, 254, 32), METADATA, "AWS, Azure, GCP, OCI"),
    range(v4(169, 254, 170, 2, 32), METADATA, "AWS ECS"),
    range(v4(100, 100, 100, 200, 32), METADATA, "Alibaba Cloud"),
    range(v4(168, 63, 129, 16, 32), METADATA, "Azure WireServer"),
    range(v4(0, 0, 0, 0, 8), "an address of this host", "RFC 791"),
    range(v4(10, 0, 0, 0, 8), "a private address", "RFC 1918"),
    range(v4(100, 64, 0, 0, 10), "a carrier address", "RFC 6598"),
    range(v4(127, 0, 0, 0, 8), "a loopback address", "RFC 1122"),
    range(v4(169, 254, 0, 0, 16), "a link-local address", "RFC 3927"),
    range(v4(172, 16, 0, 0, 12), "a private address", "RFC 1918"),
    range(v4(192, 0, 0, 0, 24), "a protocol address", "RFC 6890"),
    range(v4(192, 0, 2, 0, 24), DOCUMENTATION, "RFC 5737"),
    range(v4(192, 88, 99, 0, 24), "a 6to4 relay address", "RFC 7526"),
    range(v4(192, 168, 0, 0, 16), "a private address", "RFC 1918"),
    range(v4(198, 18, 0, 0, 15), "a benchmarking address", "RFC 2544"),
    range(v4(198, 51, 100, 0, 24), DOCUMENTATION, "RFC 5737"),
    range(v4(203, 0, 113, 0, 24), DOCUMENTATION, "RFC 5737"),
    range(v4(224, 0, 0, 0, 4), "a multicast address", "RFC 5771"),
    range(v4(255, 255, 255, 255, 32), "the broadcast address", "RFC 919"),
    range(v4(240, 0, 0, 0, 4), "a reserved address", "RFC 1112"),
    range(v6([0xfd00, 0xec2, 0], 0x254, 128), METADATA, "AWS"),
    range(v6([0xfd20, 0xce, 0], 0x254, 128), METADATA, "GCP"),
    range(v6([0, 0, 0], 0, 128), "an address of this host", "RFC 4291"),
    range(v6([0, 0, 0], 1, 128), "a loopback address", "RFC 4291"),
    range(v6([0, 0, 0], 0, 96), "an IPv4-compatible address", "RFC 4291"),
    range(v6([0x64, 0xff9b, 1], 0, 48), "a local translation address", "RFC 8215"),
    range(v6([0x100, 0, 0], 0, 64), "a discard address", "RFC 6666"),
    range(v6([0x2001, 0, 0], 0, 32), "a Teredo address", "RFC 4380"),
    range(v6([0x2001, 0, 0], 0, 23), "a protocol address", "RFC 2928"),
    range(v6([0x2001, 0xdb8, 0], 0, 32), DOCUMENTATION, "RFC 3849"),
    range(v6([0x2002, 0, 0], 0, 16), "a 6to4 address", "RFC 7526"),
    range(v6([0x3fff, 0, 0], 0, 20), DOCUMENTATION, "RFC 9637"),
    range(v6([0x5f00, 0, 0], 0, 16), "a segment routing address", "RFC 9602"),
    range(v6([0xfc00, 0, 0], 0, 7), "a private address", "RFC 4193"),
    range(v6([0xfe80, 0, 0], 0, 10), "a link-local address", "RFC 4291"),
    range(v6([0xfec0, 0, 0], 0, 10), "a site-local address", "RFC 3879"),
    range(v6([0xff00, 0, 0], 0, 8), "a multicast address", "RFC 4291"),
    range(v6([0, 0, 0], 0, 3), NOT_GLOBAL, IANA_V6),
    range(v6([0x4000, 0, 0], 0, 2), NOT_GLOBAL, IANA_V6),
    range(v6([0x8000, 0, 0], 0, 1), NOT_GLOBAL, IANA_V6),
];

/// The prefix whose addresses a NAT64 gateway turns into IPv4 (RFC 6052).
const NAT64: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

/// The address that a connection to `address` ends at: the embedded one for IPv4-mapped
/// (`::ffff:a.b.c.d`) and NAT64 (`64:ff9b::a.b.c.d`) addresses, else itself.
pub(super) fn effective(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) if NAT64.contains(&six) => {
            let [.., a, b, c, d] = six.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        plain => plain,
    }
}

/// The row of [`ADDRESS_TABLE`] that `address` falls in; `None` when it is public.
pub(super) fn forbidden(address: IpAddr) -> Option<&'static Range> {
    let address = effective(address);
    ADDRESS_TABLE
        .iter()
        .find(|range| range.net.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: an address, and the start of the name it must get (`""`: public).
    const CASES: &[(&str, &str)] = &[
        ("0.0.0.0", "an address of this host"),
        ("0.1.2.3", "an address of this host"),
        ("10.0.0.1", "a private"),
        ("10.255.255.255", "a private"),
        ("9.255.255.255", ""),
        ("11.0.0.0", ""),
        ("100.63.255.255", ""),
        ("100.64.0.0", "a carrier"),
        ("100.127.255.255", "a carrier"),
        ("100.128.0.0", ""),
        ("100.100.100.200", "a cloud metadata"),
        ("127.0.0.1", "a loopback"),
        ("127.255.255.254", "a loopback"),
        ("168.63.129.16", "a cloud metadata"),
        ("168.63.129.17", ""),
        ("169.254.169.254", "a cloud metadata"),
        ("169.254.170.2", "a cloud metadata"),
        ("169.254.0.1", "a link-local"),
        ("172.15.255.255", ""),
        ("172.16.0.1", "a private"),
        ("172.31.255.255", "a private"),
        ("172.32.0.0", ""),
        ("192.0.0.8", "a protocol"),
        ("192.0.1.1", ""),
        ("192.0.2.1", "a documentation"),
        ("192.88.99.1", "a 6to4 relay"),
        ("192.168.1.1", "a private"),
        ("198.17.255.255", ""),
        ("198.18.0.1", "a benchmarking"),
        ("198.19.255.255", "a benchmarking"),
        ("198.20.0.0", ""),
        ("198.51.100.7", "a documentation"),
        ("203.0.113.9", "a documentation"),
        ("223.255.255.255", ""),
        ("224.0.0.1", "a multicast"),
        ("239.255.255.255", "a multicast"),
        ("240.0.0.1", "a reserved"),
        ("255.255.255.255", "the broadcast"),
        ("1.1.1.1", ""),
        ("93.184.215.14", ""),
        ("::", "an address of this host"),
        ("::1", "a loopback"),
        ("::7f00:1", "an IPv4-compatible"),
        ("::ffff:127.0.0.1", "a loopback"),
        ("::ffff:10.1.2.3", "a private"),
        ("::ffff:1.1.1.1", ""),
        ("::ffff:0:10.0.0.1", "not a global"),
        ("64:ff9b::7f00:1", "a loopback"),
        ("64:ff9b::a9fe:a9fe", "a cloud metadata"),
        ("64:ff9b::101:101", ""),
        ("64:ff9b:0:1::1", "not a global"),
        ("64:ff9b:1::1", "a local translation"),
        ("100::1", "a discard"),
        ("100:0:0:1::1", "not a global"),
        ("1fff:ffff::1", "not a global"),
        ("2000::1", ""),
        ("2001::1", "a Teredo"),
        ("2001:2::1", "a protocol"),
        ("2001:20::1", "a protocol"),
        ("2001:1ff:ffff::1", "a protocol"),
        ("2001:200::1", ""),
        ("2001:db8::1", "a documentation"),
        ("2001:db9::1", ""),
        ("2002:7f00:1::", "a 6to4"),
        ("2606:4700:4700::1111", ""),
        ("2a00:1450:4001::1", ""),
        ("3fff::1", "a documentation"),
        ("3fff:1000::1", ""),
        ("4000::1", "not a global"),
        ("5f00::1", "a segment routing"),
        ("8000::1", "not a global"),
        ("fc00::1", "a private"),
        ("fd12:3456::1", "a private"),
        ("fd00:ec2::254", "a cloud metadata"),
        ("fd20:ce::254", "a cloud metadata"),
        ("fe00::1", "not a global"),
        ("fe80::1", "a link-local"),
        ("febf::1", "a link-local"),
        ("fec0::1", "a site-local"),
        ("ff02::1", "a multicast"),
    ];

    #[test]
    fn every_range_is_named_and_its_neighbours_are_public() {
        for (text, expected) in CASES {
            let address: IpAddr = text.parse().unwrap();
            let name = forbidden(address).map_or("", |range| range.name);
            assert!(
                name.starts_with(expected) && name.is_empty() == expected.is_empty(),
                "{text}: expected {expected:?}, got {name:?}"
            );
        }
    }

    #[test]
    fn no_row_is_hidden_by_an_earlier_one() {
        for (index, row) in ADDRESS_TABLE.iter().enumerate() {
            let wider = ADDRESS_TABLE[..index]
                .iter()
                .find(|earlier| earlier.net.contains(&row.net));
            assert_eq!(wider, None, "{} never names an address", row.net);
        }
    }
}
