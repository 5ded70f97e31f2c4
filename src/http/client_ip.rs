//! The client's address from the peer and trusted proxies: the only reader of `X-Forwarded-For` and
//! `Forwarded`.
//!
//! The headers of a peer count only if it is in `trusted_proxies`. The list that it sends is read
//! from the right (the nearest proxy) over all instances of the header: the first address that is
//! not a trusted proxy is the client's. Addresses further left are the client's own claim and are
//! never used.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hyper::HeaderMap;
use hyper::header::{FORWARDED, HeaderName};

use crate::config::IpNet;
use sillage_privacy::{ClientIp, TruncatedIp, truncate};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Hops that are read; a longer list is a forgery or a loop.
const HOPS_MAX: usize = 32;

/// The address of a request's client. It is resolved once and used twice: for the bound on its
/// network and in the privacy door.
pub struct Client<'a> {
    peer: IpAddr,
    headers: &'a HeaderMap,
    trusted: &'a [IpNet],
    /// `None` until it is resolved and after it was taken.
    found: Mutex<Option<ClientIp>>,
}

impl<'a> Client<'a> {
    /// The client of a request with these headers.
    pub fn of(peer: IpAddr, headers: &'a HeaderMap, trusted: &'a [IpNet]) -> Self {
        Self {
            peer,
            headers,
            trusted,
            found: Mutex::new(None),
        }
    }

    /// The truncated network, which code outside of the privacy door may see.
    pub fn network(&self) -> TruncatedIp {
        truncate(self.found().get_or_insert_with(|| self.find()))
    }

    /// The address, for the privacy door.
    pub fn ip(&self) -> ClientIp {
        self.found().take().unwrap_or_else(|| self.find())
    }

    /// Whether a peer on this machine or in a private network names a client and is not trusted. It
    /// is most likely the site's own proxy, missing in `trusted_proxies`, so that all visitors
    /// count as one.
    pub fn is_unheeded_proxy(&self) -> bool {
        let names_a_client =
            self.headers.contains_key(X_FORWARDED_FOR) || self.headers.contains_key(FORWARDED);
        names_a_client
            && !is_trusted(self.trusted, self.peer.to_canonical())
            && truncate(&ClientIp::from_peer(self.peer)).get().is_none()
    }

    fn find(&self) -> ClientIp {
        client_ip(self.peer, self.headers, self.trusted)
    }

    fn found(&self) -> MutexGuard<'_, Option<ClientIp>> {
        // A panic can't leave the value half written.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The truncated network of a peer; `None` for private networks and trusted proxies.
pub fn peer_network(peer: IpAddr, trusted: &[IpNet]) -> Option<TruncatedIp> {
    let network = truncate(&ClientIp::from_peer(peer));
    let is_bounded = network.get().is_some() && !is_trusted(trusted, peer.to_canonical());
    is_bounded.then_some(network)
}

fn is_trusted(trusted: &[IpNet], ip: IpAddr) -> bool {
    trusted.iter().any(|net| net.contains(ip))
}

/// The client's address. It leaves this function only inside [`ClientIp`].
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientIp {
    ClientIp::from_peer(resolve(peer, headers, trusted))
}

fn resolve(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: IpAddr| is_trusted(trusted, ip);
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    // A proxy sends one of the two. `Forwarded` (RFC 7239) is the standard, X-Forwarded-For what
    // nearly all of them send.
    let mut instances = headers.get_all(X_FORWARDED_FOR).iter().peekable();
    let is_rfc7239 = instances.peek().is_none();
    if is_rfc7239 {
        instances = headers.get_all(FORWARDED).iter().peekable();
    }
    let hops = instances
        .rev()
        .flat_map(|value| value.to_str().unwrap_or("").rsplit(','))
        .take(HOPS_MAX);
    for hop in hops {
        let address = if is_rfc7239 {
            forwarded_for(hop).and_then(parse)
        } else {
            parse(hop)
        };
        // Nothing is known beyond an unreadable hop: the last trusted proxy counts as the client.
        let Some(address) = address else {
            return client;
        };
        client = address;
        if !is_trusted(client) {
            return client;
        }
    }
    client
}

/// The `for` parameter of one element of a `Forwarded` header.
fn forwarded_for(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case("for")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// An address, with or without port, brackets and zone.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let ip = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| {
            let inner = text.strip_prefix('[')?;
            let (inner, _port) = inner.split_once(']')?;
            inner.split('%').next()?.parse().ok()
        });
    ip.or_else(|| text.split_once('%')?.0.parse().ok())
        .map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, headers: &[(&'static str, &str)], expected: &str) {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]
            .iter()
            .filter_map(|net| IpNet::parse(net))
            .collect();
        assert_eq!(trusted.len(), 3);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header value"));
        }
        let got = resolve(peer.parse().expect("an address"), &map, &trusted);
        assert_eq!(
            got,
            expected.parse::<IpAddr>().expect("an address"),
            "{peer} {headers:?}"
        );
    }

    #[test]
    fn only_trusted_proxies_count_and_lists_are_read_from_the_right() {
        let xff = "x-forwarded-for";
        check("203.0.113.7", &[], "203.0.113.7");
        check("203.0.113.7", &[(xff, "198.51.100.1")], "203.0.113.7");
        check("127.0.0.1", &[], "127.0.0.1");
        check("127.0.0.1", &[(xff, "198.51.100.1")], "198.51.100.1");
        check("::ffff:127.0.0.1", &[(xff, "198.51.100.1")], "198.51.100.1");
        check(
            "10.1.2.3",
            &[(xff, "1.1.1.1, 198.51.100.1")],
            "198.51.100.1",
        );
        check(
            "10.1.2.3",
            &[(xff, "1.1.1.1, 198.51.100.1, 10.9.9.9")],
            "198.51.100.1",
        );
        check(
            "10.1.2.3",
            &[(xff, "1.1.1.1"), (xff, "198.51.100.1, 10.9.9.9")],
            "198.51.100.1",
        );
        check("10.1.2.3", &[(xff, "198.51.100.1:4711")], "198.51.100.1");
        check("10.1.2.3", &[(xff, "[2001:db8::1]:4711")], "2001:db8::1");
        check("10.1.2.3", &[(xff, "[2001:db8::1]")], "2001:db8::1");
        check("10.1.2.3", &[(xff, "2001:db8::1")], "2001:db8::1");
        check("10.1.2.3", &[(xff, "fe80::1%eth0")], "fe80::1");
        check("10.1.2.3", &[(xff, "::ffff:198.51.100.1")], "198.51.100.1");
        check("10.1.2.3", &[(xff, "unknown")], "10.1.2.3");
        check("10.1.2.3", &[(xff, "198.51.100.1, unknown")], "10.1.2.3");
        check("10.1.2.3", &[(xff, "")], "10.1.2.3");
        check("10.1.2.3", &[(xff, "10.0.0.1, 10.0.0.2")], "10.0.0.1");
        check(
            "10.1.2.3",
            &[(xff, " 198.51.100.1 ,10.0.0.2 ")],
            "198.51.100.1",
        );
        check("fd00::5", &[(xff, "2001:db8::2")], "2001:db8::2");
        check(
            "10.1.2.3",
            &[("forwarded", "for=198.51.100.1;proto=https")],
            "198.51.100.1",
        );
        check(
            "10.1.2.3",
            &[(
                "forwarded",
                "for=1.1.1.1, For=\"[2001:db8::3]:99\";by=10.0.0.1",
            )],
            "2001:db8::3",
        );
        check("10.1.2.3", &[("forwarded", "for=_hidden")], "10.1.2.3");
        check(
            "10.1.2.3",
            &[("forwarded", "for=1.1.1.1"), (xff, "198.51.100.1")],
            "198.51.100.1",
        );
        check(
            "203.0.113.7",
            &[("forwarded", "for=1.1.1.1")],
            "203.0.113.7",
        );
    }

    #[test]
    fn the_client_address_is_the_same_in_any_order_of_reading() {
        let mut headers = HeaderMap::new();
        headers.insert(
            X_FORWARDED_FOR,
            hyper::header::HeaderValue::from_static("203.0.113.9"),
        );
        let trusted = [IpNet::parse("10.0.0.0/8").expect("a network")];
        let client = Client::of([10, 0, 0, 1].into(), &headers, &trusted);
        let expected = truncate(&ClientIp::from_peer([203, 0, 113, 77].into()));
        // `assert!`, not `assert_eq!`: a network has no `Debug`.
        assert!(client.network() == expected);
        assert!(client.network() == expected);
        assert!(truncate(&client.ip()) == expected);
        assert!(truncate(&client.ip()) == expected);
        assert!(client.network() == expected);
    }
}
