//! Where a visit came from: referrer and campaign parameters become a source (a name) and a channel
//! (its class).
//!
//! After the filter, before the privacy door. Decided once: what is written is what reports show.
//! Of a referrer only the host is stored (P7).

use std::borrow::Cow;
use std::sync::Arc;

use crate::config::SiteId;
use crate::ingest::cache::SetCache;
use crate::ingest::channel::channel;
use crate::ingest::known_sources::{known_host, known_name};
use sillage_privacy::{Origin, PageUrl, plain_host};

/// Sets of four cached origins, about 300 KB together.
const SETS: usize = 256;

/// Host of a referrer's URL, lower case, without `www.`; `None` when it is not an http(s) or app
/// URL.
///
/// Android apps send `android-app://<package>/`; the package stands for the host.
fn referrer_host(referrer: &str) -> Option<Cow<'_, str>> {
    if let Some(host) = plain_host(referrer) {
        return Some(host.strip_prefix("www.").unwrap_or(host).into());
    }
    let url = url::Url::parse(referrer).ok()?;
    if !matches!(url.scheme(), "http" | "https" | "android-app") {
        return None;
    }
    let host = url.host_str()?.to_ascii_lowercase();
    // An IP address is not a site, and it may belong to a person.
    if matches!(url.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_))) {
        return None;
    }
    Some(match host.strip_prefix("www.") {
        Some(bare) => bare.to_owned().into(),
        None => host.into(),
    })
}

/// Decides the origin of a visit from its first page's referrer and campaign parameters.
///
/// `own_hosts` are the site's hostnames: a referrer among them does not count.
pub fn origin(referrer: Option<&str>, page: &PageUrl, own_hosts: &[String]) -> Origin {
    origin_of(referrer.and_then(referrer_host), page, own_hosts)
}

fn origin_of(referrer: Option<Cow<'_, str>>, page: &PageUrl, own_hosts: &[String]) -> Origin {
    let is_own = |host: &str| {
        let bare = host.strip_prefix("www.").unwrap_or(host);
        own_hosts
            .iter()
            .any(|own| own.strip_prefix("www.").unwrap_or(own) == bare)
            || bare == page.host().strip_prefix("www.").unwrap_or(page.host())
            || bare == "localhost"
    };
    let host = referrer.filter(|host| !is_own(host)).unwrap_or_default();
    let campaign = page.campaign();
    let click = page.click_id();
    let by_referrer = if host.is_empty() {
        None
    } else {
        known_host(&host)
    };
    let tagged = campaign.source.trim();
    let by_tag = if tagged.is_empty() {
        None
    } else {
        let lower = tagged.to_lowercase();
        known_name(&lower)
    };
    let source = match (by_tag, by_referrer) {
        (Some((name, _)), _) => name.to_owned(),
        (None, _) if !tagged.is_empty() => tagged.to_owned(),
        (None, Some((name, _))) => name.to_owned(),
        (None, None) => host.to_string(),
    };
    let class = by_tag.or(by_referrer).map(|(_, class)| class);
    let channel = channel(&campaign, click, class, !host.is_empty());
    let plain_source = by_referrer.map_or(&*host, |(name, _)| name);
    let plain_channel = by_referrer.map_or(
        if host.is_empty() {
            "Direct"
        } else {
            "Referral"
        },
        |(_, class)| class.organic(),
    );
    Origin::new(&host, &source, channel, &campaign).without_campaign(plain_source, plain_channel)
}

/// Caches the origins of pages without a query, so that their visits share one in memory. They are
/// scrubbed already.
pub struct Origins(SetCache<Arc<Origin>>);

impl Default for Origins {
    fn default() -> Self {
        Self(SetCache::new(SETS))
    }
}

impl Origins {
    /// As [`origin`], for this site.
    pub fn origin(
        &self,
        site: SiteId,
        referrer: Option<&str>,
        page: &PageUrl,
        own_hosts: &[String],
    ) -> Arc<Origin> {
        let host = referrer.and_then(referrer_host);
        if page.has_query() {
            return Arc::new(origin_of(host, page, own_hosts));
        }
        let key = (site, page.host(), host.as_deref());
        let decide = || Arc::new(origin_of(host.clone(), page, own_hosts));
        self.0.get(key, decide)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(referrer: &str, page: &str) -> (String, String, &'static str) {
        let page = PageUrl::parse(page, false).unwrap_or_else(|_| panic!("a page"));
        let origin = origin(
            Some(referrer).filter(|text| !text.is_empty()),
            &page,
            &["example.com".to_owned()],
        );
        (
            origin.referrer().to_owned(),
            origin.source().to_owned(),
            origin.channel(),
        )
    }

    fn check(referrer: &str, query: &str, expected: (&str, &str, &str)) {
        let (host, source, channel) = of(referrer, &format!("https://example.com/{query}"));
        assert_eq!(
            (host.as_str(), source.as_str(), channel),
            expected,
            "{referrer} {query}"
        );
    }

    #[test]
    fn known_hosts_get_their_name_and_class() {
        check("", "", ("", "", "Direct"));
        check(
            "https://www.google.co.jp/",
            "",
            ("google.co.jp", "Google", "Organic Search"),
        );
        check(
            "https://www.google.com/search?q=secret",
            "",
            ("google.com", "Google", "Organic Search"),
        );
        check(
            "https://mail.google.com/mail/u/0",
            "",
            ("mail.google.com", "Gmail", "Email"),
        );
        check(
            "https://gemini.google.com/app",
            "",
            ("gemini.google.com", "Gemini", "AI Assistant"),
        );
        check(
            "https://search.yahoo.co.jp/",
            "",
            ("search.yahoo.co.jp", "Yahoo! Japan", "Organic Search"),
        );
        check(
            "https://l.facebook.com/l.php?u=x",
            "",
            ("l.facebook.com", "Facebook", "Organic Social"),
        );
        check(
            "https://old.reddit.com/r/rust",
            "",
            ("old.reddit.com", "Reddit", "Organic Social"),
        );
        check(
            "https://blog.unknown.example/post",
            "",
            ("blog.unknown.example", "blog.unknown.example", "Referral"),
        );
        check(
            "android-app://com.slack/",
            "",
            ("com.slack", "com.slack", "Referral"),
        );
    }

    #[test]
    fn own_hosts_ip_addresses_and_other_schemes_are_not_referrers() {
        for referrer in [
            "https://example.com/a",
            "https://www.example.com/a",
            "http://localhost:3000/",
            "http://203.0.113.7/",
            "http://[2001:db8::1]/",
            "file:///home/someone/page.html",
            "about:blank",
            "not a url",
        ] {
            check(referrer, "", ("", "", "Direct"));
        }
    }

    #[test]
    fn campaign_parameters_win_over_the_referrer() {
        check(
            "https://www.google.com/",
            "?utm_source=newsletter&utm_medium=email",
            ("google.com", "newsletter", "Email"),
        );
        check(
            "",
            "?utm_source=google&utm_medium=cpc",
            ("", "Google", "Paid Search"),
        );
        check(
            "https://www.google.com/",
            "?gclid=abc",
            ("google.com", "Google", "Paid Search"),
        );
        check(
            "",
            "?utm_source=facebook&utm_medium=paid_social",
            ("", "Facebook", "Paid Social"),
        );
        check("", "?utm_campaign=spring", ("", "", "Campaign"));
        check(
            "",
            "?ref=partner.example",
            ("", "partner.example", "Campaign"),
        );
        check("", "?utm_source=x&utm_medium=banner", ("", "X", "Display"));
    }

    #[test]
    fn a_cached_source_equals_a_computed_one_per_site_and_page() {
        let origins = Origins::default();
        let own = [
            vec!["example.com".to_owned()],
            vec!["shop.example".to_owned()],
        ];
        let pages = [
            "https://example.com/",
            "https://shop.example/a",
            "https://example.com/?utm_source=mail",
        ];
        let referrers = (0..2_000).map(|n| Some(format!("https://site-{}.example/", n % 1_500)));
        let referrers = referrers.chain([
            None,
            Some("https://shop.example/".to_owned()),
            Some("https://www.google.com/".to_owned()),
        ]);
        for referrer in referrers {
            for (site, own) in (0..).map(SiteId::nth).zip(&own) {
                for page in pages {
                    let page = PageUrl::parse(page, false).unwrap_or_else(|_| panic!("a page"));
                    let decided = origin(referrer.as_deref(), &page, own);
                    let remembered = origins.origin(site, referrer.as_deref(), &page, own);
                    assert_eq!(*remembered, decided, "{referrer:?}");
                }
            }
        }
    }
}
