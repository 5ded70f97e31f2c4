//! Where a visit came from: referrer and campaign parameters become source (a name) and channel
//! (its class).
//!
//! After the filter, before the door, and decided once: what is written is what reports show.
//! Referrers are kept as host only (P7); the table of known hosts is `sources.tsv`. Nothing
//! personal is needed here and nothing is kept of the URL that is not named below.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ahash::RandomState;

use crate::config::SiteId;
use sillage_privacy::{Campaign, ClickId, Origin, PageUrl, plain_host};

/// Sets of remembered origins, and origins in each: about 300 KB.
const SETS: usize = 256;
const WAYS: usize = 4;

/// Class of a known host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Search,
    Social,
    Video,
    Email,
    Assistant,
    Shopping,
    Referral,
}

impl Class {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "search" => Self::Search,
            "social" => Self::Social,
            "video" => Self::Video,
            "email" => Self::Email,
            "ai" => Self::Assistant,
            "shopping" => Self::Shopping,
            "referral" => Self::Referral,
            _ => return None,
        })
    }

    fn organic(self) -> &'static str {
        match self {
            Self::Search => "Organic Search",
            Self::Social => "Organic Social",
            Self::Video => "Organic Video",
            Self::Email => "Email",
            Self::Assistant => "AI Assistant",
            Self::Shopping => "Organic Shopping",
            Self::Referral => "Referral",
        }
    }

    fn paid(self) -> &'static str {
        match self {
            Self::Search => "Paid Search",
            Self::Social => "Paid Social",
            Self::Video => "Paid Video",
            Self::Shopping => "Paid Shopping",
            Self::Email => "Email",
            Self::Assistant | Self::Referral => "Paid Other",
        }
    }
}

struct Known {
    /// By whole host.
    hosts: HashMap<&'static str, (&'static str, Class)>,
    /// By the label before the public suffix, for `google.*`.
    labels: HashMap<&'static str, (&'static str, Class)>,
    /// By lower-case name, for `utm_source=google`.
    names: HashMap<String, (&'static str, Class)>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known {
        hosts: HashMap::new(),
        labels: HashMap::new(),
        names: HashMap::new(),
    };
    for line in include_str!("sources.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let mut fields = line.split('\t');
        if let (Some(host), Some(name), Some(class)) = (
            fields.next(),
            fields.next(),
            fields.next().and_then(Class::parse),
        ) {
            match host.strip_suffix(".*") {
                Some(label) => known.labels.insert(label, (name, class)),
                None => known.hosts.insert(host, (name, class)),
            };
            known
                .names
                .entry(name.to_lowercase())
                .or_insert((name, class));
            // `utm_source=facebook` and `utm_source=fb` mean the host's first label.
            if let Some(label) = host.split('.').next() {
                known.names.entry(label.to_owned()).or_insert((name, class));
            }
        }
    }
    known
});

/// Known name and class of a host, or of the nearest domain above it.
fn known_host(host: &str) -> Option<(&'static str, Class)> {
    let mut domain = host;
    loop {
        if let Some(found) = KNOWN.hosts.get(domain) {
            return Some(*found);
        }
        match domain.split_once('.') {
            Some((_, above)) if above.contains('.') => domain = above,
            _ => break,
        }
    }
    let registrable = psl::domain_str(host)?;
    KNOWN.labels.get(registrable.split('.').next()?).copied()
}

/// Host of a referrer's URL, lower case, without `www.`; `None` when it is no http(s) or app URL.
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
    // An address is no site; it may even be a person's.
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
/// `own_hosts` are the site's hostnames: a referrer among them is no referrer. The rules of the
/// channels are those that marketers know from Google Analytics' default channel group, with
/// assistants as a class of their own.
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
        KNOWN
            .names
            .get(&lower)
            .copied()
            .or_else(|| known_host(&lower))
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

/// Origins whose hashes fall together, the latest at the front.
type Set = Mutex<[Option<(u64, Arc<Origin>)>; WAYS]>;

/// Remembers what it has decided of pages without a query, so that their visits share one origin.
/// What is kept is scrubbed already, under a 64-bit hash with a key of this process.
pub struct Origins {
    hasher: RandomState,
    sets: Vec<Set>,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            sets: (0..SETS).map(|_| Set::default()).collect(),
        }
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
        let hash = self.hasher.hash_one((site, page.host(), &host));
        let mut set = self.sets[hash as usize % SETS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, origin)) = set.iter().flatten().find(|(of, _)| *of == hash) {
            return Arc::clone(origin);
        }
        let origin = Arc::new(origin_of(host, page, own_hosts));
        set.rotate_right(1);
        set[0] = Some((hash, Arc::clone(&origin)));
        origin
    }
}

/// Facebook adds its id to every link, paid or not; the others stand for an advertisement.
fn is_advertising(click: ClickId) -> bool {
    !matches!(click, ClickId::Fbclid)
}

fn channel(
    campaign: &Campaign,
    click: Option<ClickId>,
    class: Option<Class>,
    has_referrer: bool,
) -> &'static str {
    let medium = campaign.medium.trim().to_lowercase();
    let is_paid = matches!(
        medium.as_str(),
        "ppc" | "cpc" | "retargeting" | "cpa" | "cpv"
    ) || medium.starts_with("paid")
        || (medium.is_empty() && click.is_some_and(is_advertising));
    if is_paid {
        return class.map_or("Paid Other", Class::paid);
    }
    match medium.as_str() {
        "display" | "banner" | "expandable" | "interstitial" | "cpm" => return "Display",
        "email" | "e-mail" | "e_mail" | "e mail" | "newsletter" => return "Email",
        "affiliate" => return "Affiliates",
        "audio" | "podcast" => return "Audio",
        "sms" => return "SMS",
        "push" | "mobile" | "notification" => return "Mobile Push",
        "social" | "social-network" | "social-media" | "sm" | "social network" | "social media" => {
            return "Organic Social";
        }
        "video" => return "Organic Video",
        "organic" => return "Organic Search",
        "referral" | "app" | "link" => return class.map_or("Referral", Class::organic),
        _ => {}
    }
    match class {
        Some(class) => class.organic(),
        None if has_referrer => "Referral",
        None if !campaign.is_empty() => "Campaign",
        None => "Direct",
    }
}

/// Every channel that [`origin`] gives.
const CHANNELS: [&str; 20] = [
    "Direct",
    "Referral",
    "Organic Search",
    "Organic Social",
    "Organic Video",
    "Organic Shopping",
    "Email",
    "AI Assistant",
    "Paid Search",
    "Paid Social",
    "Paid Video",
    "Paid Shopping",
    "Paid Other",
    "Display",
    "Affiliates",
    "Audio",
    "SMS",
    "Mobile Push",
    "Campaign",
    "",
];

/// A channel read back from its column; one of another version is not known, which is the empty
/// name.
pub fn channel_named(name: &str) -> &'static str {
    CHANNELS
        .into_iter()
        .find(|channel| *channel == name)
        .unwrap_or("")
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

    #[test]
    fn every_line_of_the_table_is_well_formed() {
        for line in include_str!("sources.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            let fields: Vec<_> = line.split('\t').collect();
            assert!(
                fields.len() == 3 && Class::parse(fields[2]).is_some(),
                "{line}"
            );
            assert_eq!(fields[0], fields[0].to_lowercase());
        }
    }

    #[test]
    fn every_channel_name_parses_back() {
        // Every literal of this file's code that names a channel.
        let code = include_str!("source.rs");
        let code = code.split("mod tests").next().expect("code before tests");
        let rules = &code[code.find("fn organic").expect("the rules")..];
        let named = [
            "Organic ", "Paid ", "Direct", "Referral", "Email", "AI ", "Campaign", "Display",
        ];
        for literal in rules.split('"').skip(1).step_by(2) {
            if named.iter().any(|start| literal.starts_with(start)) {
                assert_eq!(channel_named(literal), literal);
            }
        }
        assert_eq!(channel_named("Telepathy"), "");
    }
}
