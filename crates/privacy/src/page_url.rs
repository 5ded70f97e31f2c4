//! The page's address: parsed as browsers do, read for host, campaign and click id, and passed to
//! the scrubber. It may hold personal data, so it has no `Debug`, `Display`, `Clone` or
//! `Serialize`, and is overwritten when dropped.

use std::ops::Range;

use url::{Position, Url};
use zeroize::Zeroizing;

use crate::bounds::PAGE_URL_BYTES_MAX;
use crate::campaign::{Campaign, ClickId};

/// The page's address as the browser sent it. Host and campaign can be read. The path can only be
/// read scrubbed.
pub struct PageUrl {
    text: Zeroizing<String>,
    /// Lower case. It names a site, not a person.
    host: Box<str>,
    /// From the first `/` of the path to the end of the query.
    target: Range<usize>,
    query: Range<usize>,
    /// Empty unless the site routes by fragment.
    fragment: Range<usize>,
}

/// Why a page's address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Empty text.
    #[error("the page's address is empty")]
    Empty,
    /// More than [`PAGE_URL_BYTES_MAX`].
    #[error("the page's address has more than {PAGE_URL_BYTES_MAX} bytes")]
    TooLong,
    /// Not an address by the rules of browsers.
    #[error("the page's address is not a URL")]
    NotAUrl,
    /// `data:`, `file:`, `about:` and the like.
    #[error("the page's address has no host")]
    NoHost,
    /// A scheme other than `http`, `https` and `app`, which Plausible's Events API uses for apps.
    #[error("the page's address is not one of the web")]
    NotWeb,
}

/// The host of an address in plain notation, which nearly all addresses use. `None` means that the
/// full rules have to decide. A last label of letters only is neither part of a numeric address nor
/// an encoded name.
pub fn plain_host(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://")?;
    let end = rest.bytes().position(|byte| byte == b'/');
    let host = &rest[..end.unwrap_or(rest.len())];
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let is_label = |label: &[u8]| {
        !label.is_empty() && !label.starts_with(b"xn--") && label.iter().all(is_plain)
    };
    let mut labels = host.as_bytes().split(|byte| *byte == b'.');
    let last = labels.next_back()?;
    let is_name = !last.is_empty()
        && last.iter().all(u8::is_ascii_lowercase)
        && labels.next().is_some_and(is_label)
        && labels.all(is_label);
    is_name.then_some(host)
}

/// Where the query begins in an address of `https://`, this host, a path and perhaps a query, if
/// the WHATWG's rules would leave all of it unchanged.
fn plain_query(address: &str, host: &str) -> Option<usize> {
    let path_at = "https://".len() + host.len();
    let rest = address.get(path_at..)?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    let is_left = path.starts_with('/')
        && !path.contains("/.")
        && path.bytes().all(is_plain)
        && query
            .bytes()
            .all(|byte| is_plain(byte) || b"=&+".contains(&byte));
    is_left.then_some(path_at + path.len())
}

impl PageUrl {
    /// Parses by the WHATWG's rules, as browsers do. With `hash_mode` the fragment belongs to the
    /// page's path (`/#/prices`); otherwise it is dropped here.
    pub fn parse(text: &str, hash_mode: bool) -> Result<Self, UrlFault> {
        if text.is_empty() {
            return Err(UrlFault::Empty);
        }
        if text.len() > PAGE_URL_BYTES_MAX {
            return Err(UrlFault::TooLong);
        }
        Self::plain(text).map_or_else(|| Self::whole(text, hash_mode), Ok)
    }

    /// The fast path: an address that the rules leave unchanged. It has no fragment.
    fn plain(text: &str) -> Option<Self> {
        let host = plain_host(text)?;
        let query_at = plain_query(text, host)?;
        Some(Self {
            text: Zeroizing::new(text.to_owned()),
            host: host.into(),
            target: "https://".len() + host.len()..text.len(),
            query: (query_at + 1).min(text.len())..text.len(),
            fragment: 0..0,
        })
    }

    /// By the full rules.
    fn whole(text: &str, hash_mode: bool) -> Result<Self, UrlFault> {
        let url = Url::parse(text).map_err(|_| UrlFault::NotAUrl)?;
        let host: Box<str> = match url.host_str() {
            Some(host) if !host.is_empty() => host.to_ascii_lowercase().into(),
            _ => return Err(UrlFault::NoHost),
        };
        if !matches!(url.scheme(), "http" | "https" | "app") {
            return Err(UrlFault::NotWeb);
        }
        let end = |position| url[..position].len();
        let target = end(Position::BeforePath)..end(Position::AfterQuery);
        let query = end(Position::BeforeQuery)..end(Position::AfterQuery);
        let fragment = if hash_mode {
            end(Position::BeforeFragment)..end(Position::AfterFragment)
        } else {
            0..0
        };
        Ok(Self {
            text: Zeroizing::new(url.into()),
            host,
            target,
            query,
            fragment,
        })
    }

    /// The page's host in lower case, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The campaign parameters in the query, decoded and not yet scrubbed
    /// ([`Origin::new`](crate::Origin::new) does that). `utm_source` falls back to `source`, then
    /// `ref`.
    pub fn campaign(&self) -> Campaign {
        let mut campaign = Campaign::default();
        let (mut source, mut reference) = (String::new(), String::new());
        for (name, value) in self.pairs() {
            let slot = match &*name {
                "utm_source" => &mut campaign.source,
                "utm_medium" => &mut campaign.medium,
                "utm_campaign" => &mut campaign.campaign,
                "utm_content" => &mut campaign.content,
                "utm_term" => &mut campaign.term,
                "source" => &mut source,
                "ref" => &mut reference,
                _ => continue,
            };
            if slot.is_empty() {
                *slot = value.into_owned();
            }
        }
        for fallback in [source, reference] {
            if campaign.source.is_empty() {
                campaign.source = fallback;
            }
        }
        campaign
    }

    /// Whether there may be campaign parameters or a click id.
    pub fn has_query(&self) -> bool {
        !self.query.is_empty()
    }

    /// Name of the advertiser's click id in the address, never its value. The first one in the
    /// query counts.
    pub fn click_id(&self) -> Option<ClickId> {
        self.pairs().find_map(|(name, value)| {
            (!value.is_empty())
                .then(|| ClickId::from_name(&name))
                .flatten()
        })
    }

    fn pairs(&self) -> url::form_urlencoded::Parse<'_> {
        url::form_urlencoded::parse(self.text[self.query.clone()].as_bytes())
    }

    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        &self.text[self.target.clone()]
    }

    /// The fragment, if the site routes by it; otherwise empty.
    pub(crate) fn fragment(&self) -> &str {
        &self.text[self.fragment.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> PageUrl {
        PageUrl::parse(text, false).unwrap_or_else(|fault| panic!("{text}: {fault}"))
    }

    proptest::proptest! {
        #[test]
        fn the_fast_path_for_hosts_agrees_with_the_full_rules(
            host in "([a-z0-9-]{1,8}[.]){1,3}[a-z0-9]{1,5}", rest in "(/[ -~]{0,12})?",
        ) {
            let address = format!("https://{host}{rest}");
            if let Some(plain) = plain_host(&address) {
                let url = Url::parse(&address).expect("an address");
                proptest::prop_assert_eq!(url.host(), Some(url::Host::Domain(plain)));
            }
        }

        #[test]
        fn the_fast_path_for_pages_agrees_with_the_full_rules(
            path in "(/[a-zA-Z0-9._~-]{0,4}){0,4}", rest in "([?][a-z=&+./?%#]{0,8})?", hash_mode: bool,
        ) {
            let address = format!("https://www.example.com{path}{rest}");
            if let Some(plain) = PageUrl::plain(&address) {
                let whole = PageUrl::whole(&address, hash_mode);
                let whole = whole.unwrap_or_else(|fault| panic!("{address}: {fault}"));
                proptest::prop_assert_eq!(&*plain.text, &*whole.text);
                proptest::prop_assert_eq!(&plain.host, &whole.host);
                proptest::prop_assert_eq!(plain.target(), whole.target());
                proptest::prop_assert_eq!(&plain.text[plain.query.clone()], &whole.text[whole.query.clone()]);
                proptest::prop_assert_eq!(plain.fragment(), whole.fragment());
            }
        }
    }

    #[test]
    fn only_plain_addresses_take_the_fast_path() {
        for plain in [
            "https://www.example.com/",
            "https://www.example.com/a/b-c_d.html?utm_source=x&y=1",
        ] {
            assert!(PageUrl::plain(plain).is_some(), "{plain}");
        }
        for other in [
            "http://www.example.com/",
            "https://www.example.com",
            "https://www.example.com:8443/",
            "https://user@www.example.com/",
            "https://WWW.example.com/",
            "https://xn--bcher-kva.example/",
            "https://203.0.113.7/",
            "https://a.0x7f/",
            "https://a..example/",
            "https://localhost/",
            "https://www.example.com/a/../b",
            "https://www.example.com/%2e%2e/b",
            "https://www.example.com/a#b",
            "https://www.example.com/?a?b",
            "https://www.example.com/a b",
            "https://www.example.com/\u{e9}",
        ] {
            assert!(PageUrl::plain(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_page_has_host_and_target_and_no_userinfo_or_fragment() {
        let page = page("https://taro:secret@Shop.Example.com:8443/a/b?x=1#token");
        assert_eq!(page.host(), "shop.example.com");
        assert_eq!(page.target(), "/a/b?x=1");
        assert_eq!(page.fragment(), "");
        let routed = PageUrl::parse("https://example.com/#/prices", true)
            .map(|page| page.fragment().to_owned());
        assert_eq!(routed.as_deref(), Ok("/prices"));
    }

    #[test]
    fn addresses_that_are_not_pages_are_refused() {
        let fault = |text: &str| PageUrl::parse(text, false).err();
        assert_eq!(fault(""), Some(UrlFault::Empty));
        assert_eq!(fault("/path"), Some(UrlFault::NotAUrl));
        assert_eq!(fault("data:text/html,x"), Some(UrlFault::NoHost));
        assert_eq!(fault("file:///etc/passwd"), Some(UrlFault::NoHost));
        assert_eq!(fault("about:blank"), Some(UrlFault::NoHost));
        let long = |len: usize| format!("https://example.com/{}", "a".repeat(len - 20));
        assert_eq!(fault(&long(PAGE_URL_BYTES_MAX)), None);
        assert_eq!(
            fault(&long(PAGE_URL_BYTES_MAX + 1)),
            Some(UrlFault::TooLong)
        );
        assert_eq!(page("app://localhost/login").host(), "localhost");
        for address in [
            "ftp://example.com/a",
            "FTP://example.com/a",
            "tel://0312345678",
            "sms://0312345678/a",
            "mailto://taro@example.com",
            "javascript://example.com/%0aalert(1)",
            "filesystem://example.com/a",
            "chrome-extension://abcdef/page.html",
        ] {
            assert_eq!(fault(address), Some(UrlFault::NotWeb), "{address}");
        }
    }

    #[test]
    fn campaigns_are_read_with_their_fallbacks() {
        let campaign = page("https://e.com/?utm_source=a+b&utm_medium=c%20d&utm_campaign=e&utm_term=f&utm_content=g").campaign();
        assert_eq!(campaign.source, "a b");
        assert_eq!(campaign.medium, "c d");
        assert_eq!(
            (&*campaign.campaign, &*campaign.term, &*campaign.content),
            ("e", "f", "g")
        );
        let source_of = |query: &str| {
            page(&format!("https://e.com/?{query}"))
                .campaign()
                .source
                .clone()
        };
        assert_eq!(source_of("ref=r&source=s&utm_source=u"), "u");
        assert_eq!(source_of("ref=r&source=s"), "s");
        assert_eq!(source_of("ref=r&utm_source="), "r");
        assert!(page("https://e.com/?q=1").campaign().is_empty());
    }

    #[test]
    fn the_first_click_id_is_known_by_name() {
        let id = |query: &str| {
            page(&format!("https://e.com/?{query}"))
                .click_id()
                .map(ClickId::as_str)
        };
        assert_eq!(id("a=1&msclkid=SECRET&gclid=SECRET"), Some("msclkid"));
        assert_eq!(id("gclid="), None);
        assert_eq!(id("GCLID=1"), None);
    }
}
