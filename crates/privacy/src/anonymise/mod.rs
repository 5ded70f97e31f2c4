//! The door: [`anonymise`] takes a beacon with a person in it and gives an event without one. A
//! leaf module: the fields of [`AnonymousEvent`] are private to it, so nothing else can make or
//! change one.

use std::sync::Arc;

use crate::coarse;
use crate::consent::Basis;
use crate::cookie::DeviceId;
use crate::fields::{CustomName, EventName, Language, Origin, Revenue, Vitals};
use crate::page_url::{ClientIp, RawBeacon, UserAgent};
use crate::salt::Salts;
use crate::scrub::{self, ScrubRules};
use crate::truncate::{TruncatedIp, truncate};
use crate::visitor::VisitorId;

/// Click cells of one event that are kept.
pub const CLICKS_MAX: usize = 64;
/// Milliseconds of engagement that are kept for one pageview: thirty minutes.
pub const ENGAGED_MS_MAX: u32 = 30 * 60 * 1000;
/// Scroll depth that is not known.
pub const SCROLL_UNKNOWN: u8 = 255;

/// Where a truncated address lies, from a closed database; each part empty when unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// ISO 3166-1 alpha-2, e.g. `JP`.
    pub country: String,
    /// ISO 3166-2, e.g. `JP-13`.
    pub region: String,
    /// English name.
    pub city: String,
}

/// What a user agent says, in closed names: nothing of its text can be in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Device {
    /// Family; empty = unknown.
    pub browser: &'static str,
    /// Major version; 0 = unknown.
    pub browser_version: u16,
    /// Family; empty = unknown.
    pub os: &'static str,
    /// Major version; 0 = unknown.
    pub os_version: u16,
    /// `desktop`, `mobile`, `tablet`, `other`; empty = unknown.
    pub kind: &'static str,
}

/// What the door may ask while the address and the user agent still exist.
#[derive(Clone, Copy)]
pub struct Lookups<'a> {
    /// The place of a truncated address.
    pub place: &'a dyn Fn(TruncatedIp) -> Arc<Place>,
    /// The closed names of a user agent.
    pub device: &'a dyn Fn(&str) -> Device,
}

/// An event without a person. May be written, printed and sent; can't be changed.
#[derive(Debug)]
pub struct AnonymousEvent {
    site: Arc<str>,
    minute: u32,
    name: EventName,
    key: u64,
    visitor: Option<VisitorId>,
    hostname: Box<str>,
    path: String,
    origin: Arc<Origin>,
    place: Arc<Place>,
    device: Device,
    screen: &'static str,
    language: Option<Language>,
    interactive: bool,
    engaged_ms: u32,
    scroll: u8,
    props: Vec<(String, String)>,
    revenue: Option<Revenue>,
    clicks: Vec<u16>,
    vitals: Vitals,
    automated: bool,
    basis: Basis,
}

/// What comes out of the door.
pub struct Anonymised {
    /// What is kept.
    pub event: AnonymousEvent,
    /// The visitor under yesterday's salt, in the half hour in which there still is one. For
    /// `visit` alone, which looks up whether a visit that began before midnight goes on; never
    /// stored.
    pub yesterday: Option<VisitorId>,
}

/// Removes what identifies a person and keeps the rest. The basis decides what is kept: `Exempt`
/// has no campaign, clicks, props or revenue; `CountOnly` also has no visitor, key, engagement,
/// vitals, language, versions, region or city, and [`Basis::keeps`] passes only pageviews under it.
///
/// Total. Costs one HMAC (two in the half hour after midnight), one pass over the path and the two
/// lookups.
pub fn anonymise(
    raw: RawBeacon,
    basis: Basis,
    salts: &Salts<'_>,
    rules: &ScrubRules,
    look: &Lookups<'_>,
) -> Anonymised {
    let RawBeacon {
        site,
        minute,
        name,
        key,
        page,
        origin,
        ip,
        agent,
        device: device_id,
        language,
        ..
    } = raw;
    let RawBeacon {
        viewport_width,
        interactive,
        engaged_ms,
        scroll,
        props,
        revenue,
        clicks,
        vitals,
        automated,
        ..
    } = raw;
    let network = truncate(&ip);
    drop(ip);
    let is_full = basis == Basis::Full;
    let counts_only = basis == Basis::CountOnly;

    let visitor_under = |salt| match device_id.as_ref().filter(|_| is_full) {
        Some(device_id) => VisitorId::of_device(salt, &site, device_id),
        None => VisitorId::of_address(salt, &site, network, &agent),
    };
    let visitor = (!counts_only).then(|| visitor_under(salts.today));
    let yesterday = salts.yesterday.filter(|_| !counts_only).map(visitor_under);

    let path = match page.fragment() {
        "" => scrub::path(page.target(), rules),
        fragment => scrub::path(&[page.target(), "#", fragment].concat(), rules),
    };
    let mut place = (look.place)(network);
    if counts_only && !(place.region.is_empty() && place.city.is_empty()) {
        place = Arc::new(Place {
            country: place.country.clone(),
            ..Place::default()
        });
    }
    let mut device = (look.device)(agent.as_str());
    if counts_only {
        (device.browser_version, device.os_version) = (0, 0);
    }
    let event = AnonymousEvent {
        minute,
        name,
        key: if counts_only { 0 } else { key },
        visitor,
        hostname: page.host().into(),
        path,
        origin: if is_full {
            origin
        } else {
            Arc::new(Arc::unwrap_or_clone(origin).into_plain())
        },
        place,
        device,
        screen: screen(viewport_width),
        language: language.filter(|_| !counts_only),
        // Of a page view it says nothing: a sender must not choose it.
        interactive: interactive || counts_only,
        engaged_ms: if counts_only {
            0
        } else {
            coarse::engaged_ms(engaged_ms.min(ENGAGED_MS_MAX), key)
        },
        scroll: if counts_only || scroll > 100 {
            SCROLL_UNKNOWN
        } else {
            scroll
        },
        props: if is_full {
            kept_props(&props)
        } else {
            Vec::new()
        },
        revenue: revenue.filter(|_| is_full),
        clicks: if is_full { bounded(clicks) } else { Vec::new() },
        vitals: if counts_only {
            Vitals::default()
        } else {
            vitals.bounded()
        },
        automated,
        basis,
        site,
    };
    Anonymised { event, yesterday }
}

/// The visitors that a request's own events of today are under: by its devices, by its address, and
/// all under yesterday's salt while there is one. For a visitor who asks that today's data be
/// erased; nobody else can be looked up, since it takes the very address and user agent.
pub fn visitors_of<'a>(
    salts: &Salts<'_>,
    site: &str,
    ip: &ClientIp,
    agent: &UserAgent,
    devices: impl IntoIterator<Item = &'a DeviceId>,
) -> Vec<VisitorId> {
    let devices: Vec<&DeviceId> = devices.into_iter().collect();
    let network = truncate(ip);
    let mut visitors = Vec::with_capacity(4);
    for salt in std::iter::once(salts.today).chain(salts.yesterday) {
        visitors.push(VisitorId::of_address(salt, site, network, agent));
        let of_device = |device| VisitorId::of_device(salt, site, device);
        visitors.extend(devices.iter().copied().map(of_device));
    }
    visitors
}

fn kept_props(props: &[(String, String)]) -> Vec<(String, String)> {
    let kept = props
        .iter()
        .filter_map(|(name, value)| scrub::property(name, value));
    kept.take(scrub::PROPERTIES_MAX).collect()
}

fn bounded(mut clicks: Vec<u16>) -> Vec<u16> {
    clicks.truncate(CLICKS_MAX);
    clicks
}

/// Class of the viewport's width in CSS pixels.
fn screen(width: Option<u16>) -> &'static str {
    match width {
        None | Some(0) => "",
        Some(..576) => "xs",
        Some(..768) => "sm",
        Some(..992) => "md",
        Some(..1200) => "lg",
        Some(..1600) => "xl",
        Some(_) => "xxl",
    }
}

/// A field of an event whose text a page chooses. How many distinct values a site shows in a day is
/// bounded, behind the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenField {
    /// Path of the page.
    Path,
    /// Name of a custom event.
    EventName,
    /// Host that linked to the page.
    Referrer,
    /// Name of the source.
    Source,
    /// A campaign parameter.
    Campaign,
    /// Name of a property.
    PropertyName,
    /// Value of a property.
    PropertyValue,
}

impl OpenField {
    /// Every field, in the order of its discriminant.
    pub const ALL: [Self; 7] = [
        Self::Path,
        Self::EventName,
        Self::Referrer,
        Self::Source,
        Self::Campaign,
        Self::PropertyName,
        Self::PropertyValue,
    ];

    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::EventName => "event_name",
            Self::Referrer => "referrer",
            Self::Source => "source",
            Self::Campaign => "campaign",
            Self::PropertyName => "property_name",
            Self::PropertyValue => "property_value",
        }
    }
}

impl AnonymousEvent {
    /// Replaces by `(other)` what is not to be kept of the texts that a page chooses. Empty texts
    /// and those that are `(other)` already are not asked about.
    pub fn fold(&mut self, is_kept: &mut dyn FnMut(OpenField, &str) -> bool) {
        let mut is_folded = |field, text: &str| {
            !matches!(text, "" | scrub::OTHER | scrub::OTHER_PATH) && !is_kept(field, text)
        };
        if is_folded(OpenField::Path, &self.path) {
            self.path = scrub::OTHER_PATH.to_owned();
        }
        if let EventName::Custom(name) = &mut self.name
            && is_folded(OpenField::EventName, name.as_str())
        {
            *name = CustomName::other();
        }
        if let Some(folded) = self.origin.folded(&mut is_folded) {
            self.origin = Arc::new(folded);
        }
        let mut has_other = false;
        for (name, value) in &mut self.props {
            if is_folded(OpenField::PropertyName, name) {
                // Several such names would be one key with several values.
                *name = if has_other {
                    String::new()
                } else {
                    scrub::OTHER.to_owned()
                };
                *value = scrub::OTHER.to_owned();
                has_other = true;
            } else if is_folded(OpenField::PropertyValue, value) {
                *value = scrub::OTHER.to_owned();
            }
        }
        if has_other {
            self.props.retain(|(name, _)| !name.is_empty());
        }
    }
}

/// One getter a column of the table `events`, for those that are known at the door.
impl AnonymousEvent {
    /// Site id as configured.
    pub fn site(&self) -> &Arc<str> {
        &self.site
    }

    /// Unix minutes.
    pub fn minute(&self) -> u32 {
        self.minute
    }

    /// What happened.
    pub fn name(&self) -> &EventName {
        &self.name
    }

    /// 0 = none is kept.
    pub fn key(&self) -> u64 {
        self.key
    }

    /// `None` = not known; stored as 0.
    pub fn visitor(&self) -> Option<VisitorId> {
        self.visitor
    }

    /// Host of the page, lower case.
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// Scrubbed path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where this event's page was come to from; a row carries that of its visit's first page.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// ISO 3166-1 alpha-2; empty = unknown.
    pub fn country(&self) -> &str {
        &self.place.country
    }

    /// ISO 3166-2; empty = unknown.
    pub fn region(&self) -> &str {
        &self.place.region
    }

    /// English name; empty = unknown.
    pub fn city(&self) -> &str {
        &self.place.city
    }

    /// Family; empty = unknown.
    pub fn browser(&self) -> &'static str {
        self.device.browser
    }

    /// Major version; 0 = unknown.
    pub fn browser_version(&self) -> u16 {
        self.device.browser_version
    }

    /// Family; empty = unknown.
    pub fn os(&self) -> &'static str {
        self.device.os
    }

    /// Major version; 0 = unknown, stored as an empty string.
    pub fn os_version(&self) -> u16 {
        self.device.os_version
    }

    /// `desktop`, `mobile`, `tablet`, `other`; empty = unknown.
    pub fn device(&self) -> &'static str {
        self.device.kind
    }

    /// `xs`, `sm`, `md`, `lg`, `xl`, `xxl`; empty = unknown.
    pub fn screen(&self) -> &'static str {
        self.screen
    }

    /// Primary subtag; empty = unknown.
    pub fn language(&self) -> &str {
        self.language.as_ref().map_or("", Language::as_str)
    }

    /// Whether it ends a bounce.
    pub fn interactive(&self) -> bool {
        self.interactive
    }

    /// Milliseconds the page was visible and focused so far, in [classes](coarse::engaged_ms); at
    /// most [`ENGAGED_MS_MAX`].
    pub fn engaged_ms(&self) -> u32 {
        self.engaged_ms
    }

    /// Percent; 255 = unknown.
    pub fn scroll(&self) -> u8 {
        self.scroll
    }

    /// Scrubbed names and values.
    pub fn props(&self) -> &[(String, String)] {
        &self.props
    }

    /// Amount; `None` = none is kept.
    pub fn revenue(&self) -> Option<Revenue> {
        self.revenue
    }

    /// Click cells, at most [`CLICKS_MAX`].
    pub fn clicks(&self) -> &[u16] {
        &self.clicks
    }

    /// Web vitals within bounds.
    pub fn vitals(&self) -> Vitals {
        self.vitals
    }

    /// The page said that a program drives it.
    pub fn automated(&self) -> bool {
        self.automated
    }

    /// The ground it is kept on.
    pub fn basis(&self) -> Basis {
        self.basis
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Campaign, PageUrl, Salt};

    const AGENT: &str = "Mozilla/5.0 (CANARY) Chrome/141.0.0.0";

    fn beacon(page: &str) -> RawBeacon {
        let campaign = Campaign {
            source: "newsletter".into(),
            ..Campaign::default()
        };
        RawBeacon {
            site: "example.com".into(),
            minute: 29_000_000,
            name: EventName::parse("Signup").expect("a name"),
            key: 42,
            page: PageUrl::parse(page, page.contains('#')).expect("a page"),
            origin: Arc::new(Origin::new(
                "www.google.com",
                "newsletter",
                "Email",
                &campaign,
            )),
            ip: ClientIp::from_peer([203, 0, 113, 77].into()),
            agent: UserAgent::from_header(AGENT.as_bytes()),
            device: Some(DeviceId::from_random([9; 16])),
            language: Language::parse("ja-JP"),
            viewport_width: Some(390),
            interactive: true,
            engaged_ms: 12_345,
            scroll: 60,
            props: vec![
                ("plan".into(), "taro@example.jp".into()),
                ("email".into(), "x".into()),
            ],
            revenue: Revenue::parse("12.5", "EUR"),
            clicks: vec![1, 2, 3],
            vitals: Vitals {
                lcp_ms: Some(1_200),
                cls: Some(f32::NAN),
                ..Vitals::default()
            },
            automated: false,
        }
    }

    fn place(network: TruncatedIp) -> Arc<Place> {
        assert_eq!(
            network.get().map(|ip| ip.to_string()).as_deref(),
            Some("203.0.113.0")
        );
        Arc::new(Place {
            country: "JP".into(),
            region: "JP-13".into(),
            city: "Tokyo".into(),
        })
    }

    fn device(agent: &str) -> Device {
        assert_eq!(agent, AGENT);
        Device {
            browser: "Chrome",
            browser_version: 141,
            os: "Android",
            os_version: 10,
            kind: "mobile",
        }
    }

    const LOOK: Lookups<'static> = Lookups {
        place: &place,
        device: &device,
    };

    fn pass(raw: RawBeacon, basis: Basis) -> Anonymised {
        let (today, yesterday) = (
            Salt::from_bytes([1; 32]).named([1; 8]),
            Salt::from_bytes([2; 32]),
        );
        let salts = Salts {
            today: &today,
            yesterday: Some(&yesterday),
        };
        anonymise(raw, basis, &salts, &ScrubRules::default(), &LOOK)
    }

    #[test]
    fn full_consent_keeps_all_agreed_fields_scrubbed() {
        let Anonymised { event, yesterday } = pass(
            beacon("https://Shop.Example.com/user/taro@example.jp?token=x"),
            Basis::Full,
        );
        assert_eq!(
            (&**event.site(), event.minute(), event.key()),
            ("example.com", 29_000_000, 42)
        );
        assert_eq!(
            (event.hostname(), event.path()),
            ("shop.example.com", "/user/:email")
        );
        assert_eq!(
            (event.origin().source(), event.origin().channel()),
            ("newsletter", "Email")
        );
        assert_eq!(
            (event.country(), event.region(), event.city()),
            ("JP", "JP-13", "Tokyo")
        );
        assert_eq!(
            (event.browser(), event.browser_version(), event.device()),
            ("Chrome", 141, "mobile")
        );
        assert_eq!(
            (
                event.os(),
                event.os_version(),
                event.screen(),
                event.language()
            ),
            ("Android", 10, "xs", "ja")
        );
        assert_eq!(
            (event.engaged_ms(), event.scroll(), event.clicks()),
            (10_000, 60, &[1, 2, 3][..])
        );
        assert_eq!(event.props(), [("plan".to_owned(), ":email".to_owned())]);
        assert_eq!(
            event.revenue().map(|revenue| revenue.thousandths()),
            Some(12_500)
        );
        assert_eq!(
            (event.vitals().lcp_ms, event.vitals().cls),
            (Some(1_200), None)
        );
        assert_eq!(event.basis(), Basis::Full);
        assert!(event.visitor().is_some() && yesterday.is_some() && event.visitor() != yesterday);
    }

    #[test]
    fn full_identifies_by_device_and_exempt_by_truncated_address() {
        let visitor = |raw, basis| pass(raw, basis).event.visitor();
        let moved = |raw: RawBeacon| RawBeacon {
            ip: ClientIp::from_peer([203, 0, 113, 9].into()),
            ..raw
        };
        let other_device = |raw: RawBeacon| RawBeacon {
            device: Some(DeviceId::from_random([8; 16])),
            ..raw
        };
        let page = || beacon("https://example.com/");
        assert_eq!(
            visitor(page(), Basis::Full),
            visitor(moved(page()), Basis::Full)
        );
        assert_ne!(
            visitor(page(), Basis::Full),
            visitor(other_device(page()), Basis::Full)
        );
        assert_eq!(
            visitor(page(), Basis::Exempt),
            visitor(other_device(page()), Basis::Exempt)
        );
        assert_eq!(
            visitor(page(), Basis::Exempt),
            visitor(moved(page()), Basis::Exempt)
        );
        assert_ne!(visitor(page(), Basis::Full), visitor(page(), Basis::Exempt));
    }

    #[test]
    fn exempt_keeps_no_campaign_clicks_props_or_revenue() {
        let event = pass(beacon("https://example.com/"), Basis::Exempt).event;
        assert_eq!(
            (event.origin().source(), event.origin().channel()),
            ("www.google.com", "Referral")
        );
        assert!(event.origin().utm().iter().all(String::is_empty));
        assert!(event.clicks().is_empty() && event.props().is_empty() && event.revenue().is_none());
        assert!(event.visitor().is_some());
        assert_eq!((event.engaged_ms(), event.city()), (10_000, "Tokyo"));
    }

    #[test]
    fn count_only_keeps_no_visitor_key_engagement_or_finer_place() {
        let raw = RawBeacon {
            name: EventName::Pageview,
            interactive: false,
            ..beacon("https://example.com/a")
        };
        let Anonymised { event, yesterday } = pass(raw, Basis::CountOnly);
        assert_eq!(
            (event.browser(), event.browser_version()),
            ("Chrome", 0),
            "the family alone"
        );
        assert_eq!((event.os(), event.os_version()), ("Android", 0));
        assert!(event.interactive(), "a page view's is always the same");
        assert_eq!((event.visitor(), yesterday, event.key()), (None, None, 0));
        assert_eq!(
            (event.engaged_ms(), event.scroll(), event.language()),
            (0, SCROLL_UNKNOWN, "")
        );
        assert_eq!(
            (event.country(), event.region(), event.city()),
            ("JP", "", "")
        );
        assert_eq!(event.vitals(), Vitals::default());
        assert!(event.clicks().is_empty() && event.props().is_empty() && event.revenue().is_none());
        assert_eq!(event.path(), "/a");
    }

    #[test]
    fn an_event_contains_no_identifying_input() {
        for basis in [Basis::Full, Basis::Exempt, Basis::CountOnly] {
            let event = pass(
                beacon("https://taro:hunter2@example.com/8988280000000000001?q=090-1234-5678"),
                basis,
            )
            .event;
            let printed = format!("{event:?}");
            for trace in [
                "CANARY", "Mozilla", "203.0", "113", "hunter2", "taro", "8988", "1234-", "5678",
            ] {
                assert!(!printed.contains(trace), "{trace} in {printed}");
            }
        }
    }

    #[test]
    fn a_site_that_routes_by_fragment_keeps_the_route() {
        assert_eq!(
            pass(beacon("https://example.com/app#/sims/1234567"), Basis::Full)
                .event
                .path(),
            "/app#/sims/:id"
        );
    }

    #[test]
    fn values_out_of_bounds_are_clamped() {
        let mut raw = beacon("https://example.com/");
        (raw.engaged_ms, raw.scroll, raw.clicks) = (u32::MAX, 101, vec![0; CLICKS_MAX + 1]);
        raw.props = (0..=scrub::PROPERTIES_MAX)
            .map(|index| (format!("p{index}"), String::new()))
            .collect();
        let event = pass(raw, Basis::Full).event;
        assert_eq!(
            (event.engaged_ms(), event.scroll()),
            (ENGAGED_MS_MAX, SCROLL_UNKNOWN)
        );
        assert_eq!(
            (event.clicks().len(), event.props().len()),
            (CLICKS_MAX, scrub::PROPERTIES_MAX)
        );
    }

    #[test]
    fn folding_replaces_open_texts_and_leaves_the_rest() {
        let mut raw = beacon("https://example.com/a");
        raw.props = [("plan", "pro"), ("x1", "y"), ("x2", "z"), ("size", "odd")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let mut event = pass(raw, Basis::Full).event;
        event.fold(&mut |_, _| true);
        assert_eq!((event.path(), event.name().as_str()), ("/a", "Signup"));
        assert_eq!(event.origin().referrer(), "www.google.com");
        let mut asked = Vec::new();
        event.fold(&mut |field, text| {
            asked.push(field);
            matches!(text, "plan" | "pro" | "size")
        });
        assert_eq!(
            (event.path(), event.name().as_str()),
            ("/(other)", "(other)")
        );
        let origin = event.origin();
        assert_eq!((origin.referrer(), origin.source()), ("(other)", "(other)"));
        assert_eq!(origin.utm()[0], "(other)");
        let expected = [("plan", "pro"), ("(other)", "(other)"), ("size", "(other)")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(event.props(), expected);
        assert_eq!(
            (event.country(), event.browser(), event.origin().channel()),
            ("JP", "Chrome", "Email")
        );
        for field in OpenField::ALL {
            assert!(asked.contains(&field), "{field:?}");
        }
        // What is folded is not asked about again.
        event.fold(&mut |_, text| {
            assert!(matches!(text, "plan" | "pro" | "size"), "{text}");
            true
        });
    }

    #[test]
    fn screens_are_classes_with_the_bounds_of_the_schema() {
        let classes = [
            (None, ""),
            (Some(0), ""),
            (Some(575), "xs"),
            (Some(576), "sm"),
            (Some(767), "sm"),
        ];
        let more = [
            (Some(768), "md"),
            (Some(992), "lg"),
            (Some(1_200), "xl"),
            (Some(1_599), "xl"),
            (Some(1_600), "xxl"),
        ];
        for (width, class) in classes.into_iter().chain(more) {
            assert_eq!(screen(width), class, "{width:?}");
        }
    }

    #[test]
    fn a_visitor_who_asks_for_erasure_finds_exactly_their_own_ids() {
        let (today, yesterday) = (
            Salt::from_bytes([1; 32]).named([1; 8]),
            Salt::from_bytes([2; 32]),
        );
        let salts = Salts {
            today: &today,
            yesterday: Some(&yesterday),
        };
        let raw = beacon("https://example.com/");
        let ids = visitors_of(&salts, &raw.site, &raw.ip, &raw.agent, raw.device.as_ref());
        assert_eq!(ids.len(), 4);
        for basis in [Basis::Full, Basis::Exempt] {
            let Anonymised { event, yesterday } = pass(beacon("https://example.com/"), basis);
            assert!(event.visitor().is_some_and(|id| ids.contains(&id)));
            assert!(yesterday.is_some_and(|id| ids.contains(&id)));
        }
    }
}
