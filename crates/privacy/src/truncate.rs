//! Truncation of the client's address (P1): IPv4 to /24, IPv6 to /48, after every notation that
//! wraps an IPv4 address is unwrapped.
//!
//! Unwrapping comes first because a mask on the wrapper keeps too much or too little: /48 of a 6to4
//! address holds the *whole* IPv4 address, and /48 of a mapped one is always `::`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::client::ClientIp;

/// The network of an address. `Eq` and `Hash` allow rate limits per network. It is never stored
/// with an event; the security log counts networks that send many faulty requests.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TruncatedIp {
    network: IpAddr,
    special: bool,
}

impl TruncatedIp {
    /// The network's first address. `None` for private, local and other special addresses, which
    /// have no place.
    pub fn get(self) -> Option<IpAddr> {
        (!self.special).then_some(self.network)
    }

    /// Input of the visitor id: family and network. Private networks are included, so that the
    /// visitors of an intranet are not all one.
    pub(crate) fn hash_input(self) -> ([u8; 7], usize) {
        let mut input = [0; 7];
        match self.network {
            IpAddr::V4(v4) => {
                input[0] = 4;
                input[1..4].copy_from_slice(&v4.octets()[..3]);
                (input, 4)
            }
            IpAddr::V6(v6) => {
                input[0] = 6;
                input[1..7].copy_from_slice(&v6.octets()[..6]);
                (input, 7)
            }
        }
    }
}

/// Truncates an address. Total and idempotent: the network of a network is itself.
pub fn truncate(ip: &ClientIp) -> TruncatedIp {
    match canonical(ip.address()) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            TruncatedIp {
                network: Ipv4Addr::new(a, b, c, 0).into(),
                special: is_special_v4(v4),
            }
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            TruncatedIp {
                network: Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into(),
                special: is_special_v6(v6),
            }
        }
    }
}

/// The IPv4 address inside a mapped, 6to4, NAT64 or Teredo address; any other address unchanged.
fn canonical(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let s = v6.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)).into();
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        // Teredo carries the client's address inverted in its last 32 bits (RFC 4380).
        [0x2001, 0, _, _, _, _, high, low] => v4(!high, !low),
        _ => ip,
    }
}

/// Ranges of the IANA special-purpose registry that no public client has. Documentation ranges do
/// not count as special, since examples and tests use them.
fn is_special_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0)
            | (192, 168, _)
            | (198, 18 | 19, _)
    )
}

fn is_special_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    matches!(
        s,
        // unspecified, loopback, IPv4-compatible
        [0, 0, 0, 0, 0, 0, _, _]
            // discard-only, local-use NAT64, segment routing
            | [0x100, 0, 0, 0, ..]
            | [0x64, 0xff9b, 1, ..]
            | [0x5f00, ..]
            // unique local, link local, site local (deprecated), multicast
            | [0xfc00..=0xfdff, ..]
            | [0xfe80..=0xfeff, ..]
            | [0xff00..=0xffff, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(input: &str, expected: Option<&str>) {
        let ip = ClientIp::from_peer(input.parse().expect("an address"));
        let got = truncate(&ip).get().map(|ip| ip.to_string());
        assert_eq!(got.as_deref(), expected, "{input}");
    }

    #[test]
    fn addresses_are_truncated_after_they_are_unwrapped() {
        for (input, expected) in [
            ("203.0.113.77", "203.0.113.0"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("2001:db8:1234:5678:9abc:def0:1:2", "2001:db8:1234::"),
            ("2002:cb00:714d::1", "203.0.113.0"),
            ("64:ff9b::cb00:714d", "203.0.113.0"),
            ("2001:0:4136:e378:8000:63bf:34ff:8eb2", "203.0.113.0"),
            ("8.8.8.8", "8.8.8.0"),
            ("2400:4050::1", "2400:4050::"),
        ] {
            check(input, Some(expected));
        }
    }

    #[test]
    fn special_addresses_have_no_place() {
        for input in [
            "fe80::1",
            "10.1.2.3",
            "100.64.0.9",
            "100.127.255.255",
            "::1",
            "::",
            "127.0.0.1",
            "0.0.0.0",
            "172.16.0.1",
            "172.31.9.9",
            "192.168.1.1",
            "169.254.7.7",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "fd00:1234::1",
            "ff02::1",
            "64:ff9b:1::cb00:714d",
            "::ffff:10.0.0.1",
            "2002:0a00:0001::1",
            "::203.0.113.77",
        ] {
            check(input, None);
        }
        check("100.63.0.1", Some("100.63.0.0"));
        check("172.32.0.1", Some("172.32.0.0"));
    }

    #[test]
    fn private_networks_still_differ_where_visitors_are_told_apart() {
        let of = |text: &str| {
            truncate(&ClientIp::from_peer(text.parse().expect("an address"))).hash_input()
        };
        assert_ne!(of("10.0.1.7"), of("10.0.2.7"));
        assert_eq!(of("10.0.1.7"), of("10.0.1.8"));
    }

    proptest! {
        #[test]
        fn truncation_is_idempotent_and_never_keeps_more_than_the_network(bits in any::<u128>(), wrap in 0..5u8) {
            let v4 = Ipv4Addr::from(bits as u32);
            let [high, low] = [(bits >> 16) as u16, bits as u16];
            let ip: IpAddr = match wrap {
                0 => v4.into(),
                1 => v4.to_ipv6_mapped().into(),
                2 => Ipv6Addr::new(0x2002, high, low, 7, 7, 7, 7, 7).into(),
                3 => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
                _ => Ipv6Addr::from(bits).into(),
            };
            let once = truncate(&ClientIp::from_peer(ip));
            match once.network {
                IpAddr::V4(v4) => prop_assert_eq!(v4.octets()[3], 0),
                IpAddr::V6(v6) => prop_assert_eq!(v6.segments()[3..].iter().sum::<u16>(), 0),
            }
            if wrap < 4 {
                let plain = truncate(&ClientIp::from_peer(v4.into()));
                prop_assert!(once == plain, "wrapped and plain must be one network");
            }
            if let Some(network) = once.get() {
                prop_assert_eq!(truncate(&ClientIp::from_peer(network)).get(), Some(network));
            }
        }
    }
}
