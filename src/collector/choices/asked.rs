//! What a request to the choices page asks for: parameters, site, and whether it may change a
//! choice.

use std::net::IpAddr;

use hyper::StatusCode;
use hyper::header::HeaderMap;

use crate::access::App;
use crate::config::Site;
use crate::http::origin::{host_of_origin, is_own_origin, text_of, without_port};
use crate::http::response::{Answer, text};

/// The parameters of the query or of a form.
#[derive(Default)]
pub struct Asked {
    pub site: Option<String>,
    pub lang: Option<String>,
    pub action: Option<String>,
}

impl Asked {
    pub fn parse(text: &[u8]) -> Self {
        let mut asked = Self::default();
        for (key, value) in url::form_urlencoded::parse(text) {
            let place = match &*key {
                "site" => &mut asked.site,
                "lang" => &mut asked.lang,
                "action" => &mut asked.action,
                _ => continue,
            };
            place.get_or_insert(value.into_owned());
        }
        asked
    }
}

/// Whether the browser says that a request comes from the choices page or from a page of the site.
pub fn is_from_here(headers: &HeaderMap, site: &Site) -> bool {
    let origin = text_of(headers, "origin").and_then(host_of_origin);
    let is_of_site =
        origin.is_some_and(|origin| site.hostnames.iter().any(|own| own == without_port(origin)));
    match text_of(headers, "sec-fetch-site") {
        Some("same-origin") => true,
        Some("same-site") => is_of_site,
        Some(_) => false,
        // Older browsers, and plain http. A form can't choose these headers either.
        None => is_own_origin(headers) || is_of_site,
    }
}

/// The site of a request: the named one, else the one that the host belongs to, else the only site.
pub fn site_of<'a>(
    app: &'a App,
    peer: IpAddr,
    headers: &HeaderMap,
    named: Option<&str>,
) -> Option<&'a Site> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        return app.config.site(named);
    }
    let is_proxied = app
        .config
        .trusted_proxies
        .iter()
        .any(|net| net.contains(peer));
    let host = text_of(headers, "x-forwarded-host")
        .filter(|_| is_proxied)
        .or_else(|| text_of(headers, "host"));
    let host = without_port(host.unwrap_or("")).to_ascii_lowercase();
    let sites = &app.config.sites;
    sites
        .iter()
        .find(|site| site.hostnames.contains(&host))
        .or_else(|| sites.first().filter(|_| sites.len() == 1))
}

pub fn unknown_site() -> Answer {
    text(
        StatusCode::NOT_FOUND,
        "no site given; add ?site= with the site's id, as in the page's snippet\n",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().expect("a header value"));
        }
        map
    }

    #[test]
    fn choices_from_other_origins_are_refused() {
        let text =
            "[[site]]\nid = \"example.com\"\nhostnames = [\"example.com\", \"www.example.com\"]\n";
        let config =
            crate::config::Config::parse(text, std::path::Path::new("/x.toml")).expect("sound");
        let check = |pairs: &[(&'static str, &str)], expected: bool| {
            assert_eq!(
                is_from_here(&headers(pairs), config.sites.first().expect("a site")),
                expected,
                "{pairs:?}"
            );
        };
        let (site, origin, host) = ("sec-fetch-site", "origin", "host");
        check(&[], false);
        check(&[(site, "same-origin")], true);
        check(&[(site, "cross-site")], false);
        check(&[(site, "none")], false);
        check(
            &[(site, "cross-site"), (origin, "https://example.com")],
            false,
        );
        check(
            &[(site, "same-site"), (origin, "https://other.example.com")],
            false,
        );
        check(
            &[
                (site, "same-site"),
                (origin, "https://www.example.com:8443"),
            ],
            true,
        );
        check(&[(host, "stats.example.com")], false);
        check(
            &[
                (host, "stats.example.com"),
                (origin, "https://stats.example.com"),
            ],
            true,
        );
        check(
            &[(host, "127.0.0.1:8000"), (origin, "http://127.0.0.1:8000")],
            true,
        );
        check(
            &[(host, "127.0.0.1:8000"), (origin, "http://127.0.0.1:9000")],
            false,
        );
        check(
            &[
                (host, "up"),
                ("x-forwarded-host", "s.example"),
                (origin, "https://s.example"),
            ],
            true,
        );
        check(&[(host, "s.example"), (origin, "null")], false);
        check(
            &[(host, "s.example"), (origin, "https://evil.example")],
            false,
        );
        check(&[(origin, "https://example.com.evil.example")], false);
    }
}
