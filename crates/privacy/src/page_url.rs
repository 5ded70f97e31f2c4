//! What comes in: the parts of a beacon before the door that identify a person or may carry one in
//! their text. They have no `Debug`, `Display`, `Clone` or `Serialize`, and are overwritten when
//! dropped. What a beacon has besides, scrubbed or closed as it is made, is in `fields`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

use url::{Position, Url};
use zeroize::{Zeroize, Zeroizing};

use crate::cookie::DeviceId;
use crate::fields::{EventName, Language, Origin, Revenue, Vitals};

/// Bytes of a page's address that are read; a beacon's body is not longer.
pub const URL_BYTES_MAX: usize = 8 << 10;
/// Bytes of a user agent that are read.
pub const AGENT_BYTES_MAX: usize = 512;

/// The full address of the client. It can be truncated, and nothing else.
pub struct ClientIp {
    /// IPv4 as IPv4-mapped.
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
    /// `None` when it is none.
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

    pub(super) fn address(&self) -> IpAddr {
        Ipv6Addr::from(self.octets).into()
    }
}

impl Drop for ClientIp {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

/// The browser's own description of itself. What leaves the door is a [`Device`](crate::Device):
/// closed names.
pub struct UserAgent(Zeroizing<String>);

impl UserAgent {
    /// The header's value: the first [`AGENT_BYTES_MAX`] bytes, invalid UTF-8 replaced.
    pub fn from_header(value: &[u8]) -> Self {
        let cut = &value[..value.len().min(AGENT_BYTES_MAX)];
        // The first way is many times as fast, and nearly every agent goes it.
        let text = match std::str::from_utf8(cut) {
            Ok(text) => text.to_owned(),
            Err(_) => String::from_utf8_lossy(cut).into_owned(),
        };
        Self(Zeroizing::new(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The page's address as the browser sent it. Host and campaign can be read; the path only leaves
/// scrubbed.
pub struct PageUrl {
    text: Zeroizing<String>,
    /// Lower case; a site's host, not a person's.
    host: Box<str>,
    /// From the first `/` of the path to the end of the query.
    target: Range<usize>,
    query: Range<usize>,
    /// Empty unless the site routes by fragment.
    fragment: Range<usize>,
}

/// Why an address can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// No text.
    #[error("the page's address is empty")]
    Empty,
    /// More than [`URL_BYTES_MAX`].
    #[error("the page's address has more than {URL_BYTES_MAX} bytes")]
    TooLong,
    /// Not what browsers take for an address.
    #[error("the page's address is not a URL")]
    NotAUrl,
    /// `data:`, `file:`, `about:` and the like.
    #[error("the page's address has no host")]
    NoHost,
    /// Any scheme but `http`, `https` and, as Plausible's Events API has it for apps, `app`.
    #[error("the page's address is not one of the web")]
    NotWeb,
}

/// The host of an address that is written in the plainest way, as nearly all are; `None` leaves it
/// to the whole rules. A last label of letters alone is neither part of a numeric address nor an
/// encoded name.
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

/// Where the query of an address begins that is `https://`, a host, a path and perhaps a query, all
/// written so plainly that the WHATWG's rules leave it as it is.
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
        if text.len() > URL_BYTES_MAX {
            return Err(UrlFault::TooLong);
        }
        Self::plain(text).map_or_else(|| Self::whole(text, hash_mode), Ok)
    }

    /// An address that the rules leave as it is, without applying them; it has no fragment.
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

    /// The campaign parameters as they stand in the query, decoded and not yet scrubbed
    /// ([`Origin::new`] does that). `utm_source` falls back to `source`, then `ref`.
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

    /// Whether there may be a campaign or a click id.
    pub fn has_query(&self) -> bool {
        !self.query.is_empty()
    }

    /// Which advertiser's click id the address carries: its name, never its value. The first in the
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
    pub(super) fn target(&self) -> &str {
        &self.text[self.target.clone()]
    }

    /// The fragment of a site that routes by it; empty otherwise.
    pub(super) fn fragment(&self) -> &str {
        &self.text[self.fragment.clone()]
    }
}

/// Campaign parameters as typed into a link; empty = absent. Raw: whoever wrote the link may have
/// put a person in it, so there is no `Debug`.
#[derive(Default)]
pub struct Campaign {
    /// `utm_source`, else `source`, else `ref`.
    pub source: String,
    /// `utm_medium`.
    pub medium: String,
    /// `utm_campaign`.
    pub campaign: String,
    /// `utm_content`.
    pub content: String,
    /// `utm_term`.
    pub term: String,
}

impl Campaign {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let Self {
            source,
            medium,
            campaign,
            content,
            term,
        } = self;
        [source, medium, campaign, content, term]
            .iter()
            .all(|value| value.is_empty())
    }
}

/// An advertiser's click id that was in a page's address. Only that there was one is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClickId {
    /// Google Ads.
    Gclid,
    /// Google Ads, from an app.
    Gbraid,
    /// Google Ads, from the web to an app.
    Wbraid,
    /// Microsoft Advertising.
    Msclkid,
    /// Meta.
    Fbclid,
    /// X.
    Twclid,
}

impl ClickId {
    /// The parameter's name.
    pub fn as_str(self) -> &'static str {
        match self {
            ClickId::Gclid => "gclid",
            ClickId::Gbraid => "gbraid",
            ClickId::Wbraid => "wbraid",
            ClickId::Msclkid => "msclkid",
            ClickId::Fbclid => "fbclid",
            ClickId::Twclid => "twclid",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "gclid" => ClickId::Gclid,
            "gbraid" => ClickId::Gbraid,
            "wbraid" => ClickId::Wbraid,
            "msclkid" => ClickId::Msclkid,
            "fbclid" => ClickId::Fbclid,
            "twclid" => ClickId::Twclid,
            _ => return None,
        })
    }
}

/// A parsed beacon with a person still in it. Its only way on is through
/// [`anonymise`](crate::anonymise()).
pub struct RawBeacon {
    /// Site id as configured.
    pub site: Arc<str>,
    /// Unix minutes at which the server received it (P8).
    pub minute: u32,
    /// What happened.
    pub name: EventName,
    /// Random id of the pageview or event, from the page.
    pub key: u64,
    /// The page it happened on.
    pub page: PageUrl,
    /// Where the visitor came from.
    pub origin: Arc<Origin>,
    /// The client's address.
    pub ip: ClientIp,
    /// The client's `User-Agent`.
    pub agent: UserAgent,
    /// From the measurement cookie, where the visitor said yes.
    pub device: Option<DeviceId>,
    /// From `Accept-Language`.
    pub language: Option<Language>,
    /// CSS pixels.
    pub viewport_width: Option<u16>,
    /// Whether the event ends a bounce.
    pub interactive: bool,
    /// Milliseconds the page was visible and focused so far.
    pub engaged_ms: u32,
    /// Greatest scroll depth so far in percent; 255 = unknown.
    pub scroll: u8,
    /// Names and values as the page sent them.
    pub props: Vec<(String, String)>,
    /// Amount of a custom event.
    pub revenue: Option<Revenue>,
    /// Click cells of the page: row * 20 + column.
    pub clicks: Vec<u16>,
    /// Web vitals as the page sent them.
    pub vitals: Vitals,
    /// The page said that a program drives it.
    pub automated: bool,
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
        assert_eq!(fault(&long(URL_BYTES_MAX)), None);
        assert_eq!(fault(&long(URL_BYTES_MAX + 1)), Some(UrlFault::TooLong));
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

    #[test]
    fn a_user_agent_is_cut_at_its_bound_even_inside_a_character() {
        let agent = UserAgent::from_header("é".repeat(400).as_bytes());
        assert_eq!(agent.as_str().len(), 512);
        assert_eq!(UserAgent::from_header(b"a\xffb").as_str(), "a\u{fffd}b");
    }
}
