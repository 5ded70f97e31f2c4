//! The sender of a request: the client's full address and its user agent. Both identify a person,
//! so neither has `Debug`, `Display`, `Clone` or `Serialize`, and both are overwritten when
//! dropped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zeroize::{Zeroize, Zeroizing};

use crate::bounds::AGENT_BYTES_MAX;

/// The full IP address of the client. It can be truncated, and nothing else can be done with it.
pub struct ClientIp {
    /// An IPv4 address is stored as IPv4-mapped.
    octets: [u8; 16],
}

impl ClientIp {
    /// The address of the peer, or the one a trusted proxy vouches for.
    pub fn from_peer(ip: IpAddr) -> Self {
        let octets = match ip {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        };
        Self { octets }
    }

    /// An address as proxies write it in headers: plain, with a port, in brackets, with a zone.
    /// `None` if the text is not an address.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let (address, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, tail) = rest.split_once(']')?;
                (
                    address,
                    if tail.is_empty() {
                        None
                    } else {
                        Some(tail.strip_prefix(':')?)
                    },
                )
            }
            None => match text.split_once(':') {
                Some((address, port)) if !port.contains(':') => (address, Some(port)),
                _ => (text, None),
            },
        };
        if let Some(port) = port {
            port.parse::<u16>().ok()?;
        }
        if let Ok(v4) = address.parse::<Ipv4Addr>() {
            return Some(Self::from_peer(v4.into()));
        }
        let (address, zone) = address
            .split_once('%')
            .map_or((address, None), |(address, zone)| (address, Some(zone)));
        let v6 = address.parse::<Ipv6Addr>().ok()?;
        zone.is_none_or(|zone| !zone.is_empty())
            .then(|| Self::from_peer(v6.into()))
    }

    pub(crate) fn address(&self) -> IpAddr {
        Ipv6Addr::from(self.octets).into()
    }
}

impl Drop for ClientIp {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

/// The browser's description of itself. Only closed names leave the door, as
/// [`Device`](crate::Device).
pub struct UserAgent(Zeroizing<String>);

impl UserAgent {
    /// The header's value: the first [`AGENT_BYTES_MAX`] bytes, invalid UTF-8 replaced.
    pub fn from_header(value: &[u8]) -> Self {
        let cut = &value[..value.len().min(AGENT_BYTES_MAX)];
        // This check is much faster than the lossy conversion, and nearly every agent passes it.
        let text = match std::str::from_utf8(cut) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(cut).into_owned(),
        };
        Self(Zeroizing::new(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_headers_are_read_in_every_notation() {
        for text in [
            "203.0.113.77",
            " 203.0.113.77 ",
            "203.0.113.77:4711",
            "\"203.0.113.77:4711\"",
            "[::ffff:203.0.113.77]:443",
            "::ffff:203.0.113.77",
        ] {
            let ip = ClientIp::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                ip.address().to_canonical().to_string(),
                "203.0.113.77",
                "{text}"
            );
        }
        for text in [
            "2001:db8::1",
            "[2001:db8::1]",
            "\"[2001:db8::1]:80\"",
            "2001:db8::1%eth0",
            "[2001:db8::1%25eth0]",
        ] {
            let ip = ClientIp::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(ip.address().to_string(), "2001:db8::1", "{text}");
        }
        for text in [
            "",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.77:",
            "203.0.113.77:x",
            "[2001:db8::1",
            "[::1]x",
            "::1%",
            "1.2.3.4, 5.6.7.8",
        ] {
            assert!(ClientIp::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_user_agent_is_cut_at_its_bound_even_inside_a_character() {
        let agent = UserAgent::from_header("é".repeat(400).as_bytes());
        assert_eq!(agent.as_str().len(), AGENT_BYTES_MAX);
        assert_eq!(UserAgent::from_header(b"a\xffb").as_str(), "a\u{fffd}b");
    }
}
