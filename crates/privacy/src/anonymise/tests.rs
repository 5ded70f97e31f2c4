use super::*;
use crate::truncate::TruncatedIp;
use crate::{Campaign, Language, OpenField, PageUrl, Revenue, Salt};

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
    raw.props = (0..=PROPERTIES_MAX)
        .map(|index| (format!("p{index}"), String::new()))
        .collect();
    let event = pass(raw, Basis::Full).event;
    assert_eq!(
        (event.engaged_ms(), event.scroll()),
        (ENGAGED_MS_MAX, SCROLL_UNKNOWN)
    );
    assert_eq!(
        (event.clicks().len(), event.props().len()),
        (CLICKS_MAX, PROPERTIES_MAX)
    );
}

#[test]
fn engagement_scroll_clicks_and_properties_hold_at_their_bounds() {
    let stored = |engaged_ms, scroll, clicks, props| {
        let mut raw = beacon("https://example.com/");
        (raw.engaged_ms, raw.scroll, raw.clicks) = (engaged_ms, scroll, vec![0; clicks]);
        raw.props = (0..props)
            .map(|index| (format!("p{index}"), String::new()))
            .collect();
        let event = pass(raw, Basis::Full).event;
        (
            event.engaged_ms(),
            event.scroll(),
            event.clicks().len(),
            event.props().len(),
        )
    };
    let at_the_bounds = (
        ENGAGED_MS_MAX,
        SCROLL_PERCENT_MAX,
        CLICKS_MAX,
        PROPERTIES_MAX,
    );
    let (engaged_ms, scroll, clicks, props) = at_the_bounds;
    assert_eq!(stored(engaged_ms, scroll, clicks, props), at_the_bounds);
    assert_eq!(
        stored(engaged_ms + 1, scroll + 1, clicks + 1, props + 1),
        (ENGAGED_MS_MAX, SCROLL_UNKNOWN, CLICKS_MAX, PROPERTIES_MAX)
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
