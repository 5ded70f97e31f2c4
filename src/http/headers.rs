//! The headers that a beacon needs, read in one pass: looking each of them up would cost more than
//! parsing the beacon.
//!
//! Not here: the address ([`client_ip`](crate::http::client_ip)), and cookies, which are looked up
//! by name ([`cookies`](crate::http::cookies)).

use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// The headers that a beacon uses. Among headers of the same name the first counts; among
/// objections, any counts.
#[derive(Default)]
pub struct BeaconHeaders<'a> {
    /// The user agent, as sent.
    pub agent: &'a [u8],
    pub language: Option<&'a HeaderValue>,
    pub origin: Option<&'a HeaderValue>,
    /// Whether the browser prefetches the page and does not show it yet.
    pub is_prefetch: bool,
    /// Global Privacy Control.
    pub gpc: bool,
    /// Do Not Track.
    pub dnt: bool,
    /// Whether the visitor's connection is encrypted, according to the proxy in front. A forged
    /// header changes only the cookie of the client that sends it.
    pub is_https: bool,
    /// Whether there are any cookies.
    pub has_cookies: bool,
}

impl<'a> BeaconHeaders<'a> {
    pub fn read(headers: &'a HeaderMap) -> Self {
        let mut head = Self::default();
        let (mut has_agent, mut proto) = (false, None);
        for (name, value) in headers {
            match name.as_str() {
                "user-agent" if !has_agent => (has_agent, head.agent) = (true, value.as_bytes()),
                "accept-language" => _ = head.language.get_or_insert(value),
                "origin" => _ = head.origin.get_or_insert(value),
                "sec-purpose" | "purpose" | "x-moz" | "x-purpose" => {
                    head.is_prefetch |= says_prefetch(value);
                }
                "sec-gpc" => head.gpc |= objects(value),
                "dnt" => head.dnt |= objects(value),
                "x-forwarded-proto" => _ = proto.get_or_insert(value),
                "cookie" => head.has_cookies = true,
                _ => {}
            }
        }
        head.is_https = proto.is_some_and(|proto| proto == "https")
            || head
                .origin
                .is_some_and(|origin| origin.as_bytes().starts_with(b"https://"));
        head
    }
}

/// Whether the visitor's connection is encrypted; see [`BeaconHeaders::is_https`].
pub fn is_https(headers: &HeaderMap) -> bool {
    BeaconHeaders::read(headers).is_https
}

/// Whether any member of an objecting header's list means 1. Proxies join repeated lines by a
/// comma, structured fields write `?1`, and `DNT` may carry extensions behind its digit.
fn objects(value: &HeaderValue) -> bool {
    value.as_bytes().split(|byte| *byte == b',').any(|member| {
        let member = member.trim_ascii();
        let member = member.strip_prefix(b"\"").unwrap_or(member);
        let member = member.strip_prefix(b"?").unwrap_or(member);
        member.starts_with(b"1") || member.eq_ignore_ascii_case(b"true")
    })
}

/// Whether a header says that the browser prefetches a page.
fn says_prefetch(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|value| {
        ["prefetch", "prerender", "preview"]
            .iter()
            .any(|word| value.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn headers_are_read_by_name_and_the_first_of_several_counts() {
        let headers = headers(&[
            ("host", "example.com"),
            ("user-agent", "one"),
            ("user-agent", "two"),
            ("accept-language", "ja"),
            ("accept-language", "en"),
            ("origin", "http://example.com"),
            ("sec-gpc", "1"),
            ("dnt", "0"),
            ("cookie", "a=b"),
        ]);
        let head = BeaconHeaders::read(&headers);
        assert_eq!(head.agent, b"one");
        assert_eq!(head.language.map(HeaderValue::as_bytes), Some(&b"ja"[..]));
        assert!(head.origin.is_some() && head.gpc && !head.dnt && head.has_cookies);
        assert!(!head.is_https && !head.is_prefetch);
        let nothing = HeaderMap::new();
        let head = BeaconHeaders::read(&nothing);
        assert!(head.agent.is_empty() && head.origin.is_none() && !head.has_cookies);
    }

    #[test]
    fn any_member_of_an_objecting_header_that_means_1_is_an_objection() {
        for name in ["sec-gpc", "dnt"] {
            let is_objection = |lines: &[&'static str]| {
                let lines: Vec<_> = lines.iter().map(|value| (name, *value)).collect();
                let headers = headers(&lines);
                let head = BeaconHeaders::read(&headers);
                assert!(!(head.gpc && head.dnt), "each header is read by itself");
                head.gpc || head.dnt
            };
            for yes in [
                &["1"][..],
                &["1, 1"],
                &["0, 1"],
                &["0,1"],
                &["?1"],
                &["\"1\""],
                &[" 1 "],
                &["1;x=y"],
                &["1 extension"],
                &["true"],
                &["0", "1"],
                &["1", "0"],
                &["null", "?0", "?1"],
            ] {
                assert!(is_objection(yes), "{name} {yes:?}");
            }
            for no in [
                &["0"][..],
                &["?0"],
                &["0, 0"],
                &["null"],
                &["unspecified"],
                &["0.1"],
                &[""],
                &[],
            ] {
                assert!(!is_objection(no), "{name} {no:?}");
            }
        }
    }

    #[test]
    fn proxy_and_origin_headers_each_indicate_https() {
        let is_https = |list: &[_]| BeaconHeaders::read(&headers(list)).is_https;
        assert!(is_https(&[("x-forwarded-proto", "https")]));
        assert!(!is_https(&[("x-forwarded-proto", "http")]));
        assert!(is_https(&[("origin", "https://example.com")]));
        assert!(!is_https(&[("origin", "http://example.com")]));
        assert!(!is_https(&[]));
    }

    #[test]
    fn every_prefetch_header_is_recognised() {
        let is_prefetch = |name, value| BeaconHeaders::read(&headers(&[(name, value)])).is_prefetch;
        assert!(is_prefetch("sec-purpose", "prefetch;prerender"));
        assert!(is_prefetch("purpose", "prefetch"));
        assert!(is_prefetch("x-moz", "prefetch"));
        assert!(is_prefetch("x-purpose", "preview"));
        assert!(!is_prefetch("sec-purpose", "none"));
        assert!(!is_prefetch("x-other", "prefetch"));
    }
}
