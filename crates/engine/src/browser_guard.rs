//! Recognises requests that a browser sends for a web page. Pages must not read the database,
//! neither through a name that points to this machine (DNS rebinding) nor from another origin.

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::http::uri::Authority;

/// Whether the `Host` header names this machine. It does not in requests of a web page whose name
/// points here (DNS rebinding), which could read the answer.
pub fn is_for_loopback(request: &Request<Incoming>) -> bool {
    let Some(host) = request.headers().get("host") else {
        return true;
    };
    host.to_str()
        .ok()
        .and_then(|host| host.parse().ok())
        .is_some_and(|authority| is_loopback(&authority))
}

/// Whether the request comes from a program or from a page of this origin. Browsers send the origin
/// in `Sec-Fetch-Site` and `Origin`; programs send neither.
pub fn is_from_here(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    let is_foreign_site = headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| !matches!(site.as_bytes(), b"none" | b"same-origin"));
    let host = headers.get("host").map(HeaderValue::as_bytes);
    let is_foreign_origin = headers.get_all("origin").iter().any(|origin| {
        let authority = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"));
        let is_own = authority.is_some_and(|authority| {
            Some(authority.as_bytes()) == host
                && authority
                    .parse()
                    .is_ok_and(|authority| is_loopback(&authority))
        });
        !is_own
    });
    !is_foreign_site && !is_foreign_origin
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
