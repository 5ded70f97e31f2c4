//! The origin of a request as the browser states it: `Origin` and `Sec-Fetch-Site`. A page can't
//! set either of them for its own requests.

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// Host and port of an `Origin`; `None` for `null`.
pub fn host_of_origin(origin: &str) -> Option<&str> {
    origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))
}

/// A host without its port.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A header's value, if it is text.
pub fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether `Origin` names the host that the request was sent to, also through a proxy.
pub fn is_own_origin(headers: &HeaderMap) -> bool {
    let origin = text_of(headers, "origin").and_then(host_of_origin);
    origin.is_some()
        && (origin == text_of(headers, "host") || origin == text_of(headers, "x-forwarded-host"))
}

/// Whether the browser says that a form was sent from a page of this origin. Older browsers, and
/// browsers on plain http, send no `Sec-Fetch-Site`; then `Origin` decides.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    match text_of(headers, "sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => is_own_origin(headers),
    }
}

/// Whether the browser says that a request comes from another origin.
pub fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !matches!(site, None | Some(b"same-origin"))
}
