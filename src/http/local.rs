//! Whether a request comes from this machine itself, and not through a proxy on it.
//!
//! The metrics and a demo without people need no log-in, so only this machine may read them. A
//! proxy on this machine forwards requests from anywhere by a loopback address, and its headers
//! can't be relied on: nginx's plain `proxy_pass` sets a loopback `Host` and adds no client
//! address; HAProxy and TCP proxies forward the `Host` that the client chose. The kernel knows the
//! user who owns the other end of a loopback connection, and proxies have users of their own.
//!
//! A request is local if all of these hold: the peer is loopback, and its socket belongs to the
//! collector's user or to root; `Host` is a name of this machine; the version is HTTP/1.1, since
//! nginx forwards with HTTP/1.0; and no header names a client or a proxy. This does not detect a
//! proxy that runs as the collector's own user or as root, speaks HTTP/1.1 and adds no header.
//! Behind such a proxy, `metrics.listen` gives the metrics an address that it does not forward, and
//! adding the first person ends the open demo.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{self, HeaderMap};
use hyper::{Request, Version};

/// The two addresses of the connection that a request came by.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    pub peer: SocketAddr,
    /// Where it was accepted.
    pub local: SocketAddr,
}

/// Headers that proxies add and clients do not send, in addition to all of `x-forwarded-`.
const OF_PROXIES: [&str; 9] = [
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fly-client-ip",
];

impl Connection {
    /// Whether a request by this connection comes from this machine itself.
    pub fn is_local<B>(&self, request: &Request<B>) -> bool {
        self.peer.ip().to_canonical().is_loopback() && is_direct(request) && self.is_of_own_user()
    }

    /// Whether a request on an address of its own may be answered without a log-in. An address that
    /// is not loopback was made reachable on purpose. On loopback, `Host` has to be a name of this
    /// machine, so that a web page whose host name resolves to loopback (DNS rebinding) reads
    /// nothing.
    pub fn is_meant_for_address<B>(&self, request: &Request<B>) -> bool {
        !self.local.ip().to_canonical().is_loopback() || has_loopback_host(request.headers())
    }

    #[cfg(target_os = "linux")]
    fn is_of_own_user(&self) -> bool {
        let own = rustix::process::geteuid().as_raw();
        match user_of(self.peer, self.local) {
            Ok(user) => user == Some(own) || user == Some(0),
            Err(error) => {
                static ONCE: std::sync::Once = std::sync::Once::new();
                ONCE.call_once(|| {
                    tracing::warn!(%error, "the system does not report the owner of a connection, so metrics and demo are refused here; set metrics.listen");
                });
                false
            }
        }
    }

    /// Other systems have no such list; there the headers alone decide.
    #[cfg(not(target_os = "linux"))]
    fn is_of_own_user(&self) -> bool {
        true
    }
}

/// The user who owns the other end of a connection on this machine.
#[cfg(target_os = "linux")]
fn user_of(peer: SocketAddr, local: SocketAddr) -> Result<Option<u32>, procfs::ProcError> {
    let canonical =
        |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let (peer, local) = (canonical(peer), canonical(local));
    for entries in [procfs::net::tcp, procfs::net::tcp6] {
        // A socket that its program has closed has no inode and is listed as root's.
        let found = entries()?.into_iter().find(|entry| {
            canonical(entry.local_address) == peer
                && canonical(entry.remote_address) == local
                && entry.inode != 0
        });
        if let Some(entry) = found {
            return Ok(Some(entry.uid));
        }
    }
    Ok(None)
}

/// Whether nothing in a request shows that a proxy forwarded it.
fn is_direct<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let is_of_proxy = |name: &str| name.starts_with("x-forwarded-") || OF_PROXIES.contains(&name);
    request.version() != Version::HTTP_10
        && has_loopback_host(headers)
        && !headers.keys().any(|name| is_of_proxy(name.as_str()))
}

/// Whether `Host` is a name of this machine. Another name that resolves to loopback is refused (DNS
/// rebinding).
fn has_loopback_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = if host.starts_with('[') {
        host.split_once(']')
            .map_or(host, |(address, _)| &address[1..])
    } else {
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    };
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, headers: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("a request")
    }

    #[test]
    fn requests_with_default_proxy_headers_are_not_direct() {
        let host = ("host", "127.0.0.1:8000");
        assert!(is_direct(&request(Version::HTTP_11, &[host])));
        // nginx: `proxy_pass http://127.0.0.1:8000` and nothing else.
        let nginx = [host, ("connection", "close")];
        assert!(!is_direct(&request(Version::HTTP_10, &nginx)));
        for name in OF_PROXIES
            .into_iter()
            .chain(["x-forwarded-for", "x-forwarded-server"])
        {
            let forwarded = request(Version::HTTP_11, &[host, (name, "x")]);
            assert!(!is_direct(&forwarded), "{name}");
        }
        // Caddy, HAProxy and Apache with ProxyPreserveHost forward the public name.
        let public = request(Version::HTTP_11, &[("host", "stats.example.com")]);
        assert!(!is_direct(&public));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peer_user_of_a_loopback_connection_is_found() {
        let own = rustix::process::geteuid().as_raw();
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(address) else {
                continue;
            };
            let local = listener.local_addr().expect("an address");
            let _client = std::net::TcpStream::connect(local).expect("a connection");
            let (_stream, peer) = listener.accept().expect("accepted");
            assert_eq!(user_of(peer, local).expect("readable"), Some(own));
            // Positive control: a port without a connection has no owner.
            let other = SocketAddr::new(peer.ip(), 1);
            assert_eq!(user_of(other, local).expect("readable"), None);
        }
    }
}
