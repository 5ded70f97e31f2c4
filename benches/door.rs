//! The cost of the privacy door per event, compared with parsing the event's JSON:
//! `cargo bench --bench door`.
//!
//! `door_with_real_lookups` runs the whole door with the collector's agent parser and a warm cache,
//! and with the country database if `make vendor` has fetched it. The others use constant places
//! and devices, so that they measure only the door: HMAC, truncation, scrubbing.

use std::path::Path;

use std::sync::Arc;

use divan::{Bencher, black_box};
use serde::Deserialize;
use sillage::ingest::{Devices, Geo};
use sillage_privacy::{
    Anonymised, Basis, Campaign, ClientIp, ConsentManager, Device, DeviceId, EventName, Language,
    Lookups, ONETRUST_CATEGORY, Origin, PageUrl, Place, RawBeacon, Salt, Salts, ScrubRules,
    TruncatedIp, UserAgent, Vitals, anonymise, scrub,
};

fn main() {
    divan::main();
}

const BODY: &str = r#"{"n":"pageview","u":"https://www.example.com/blog/how-to-choose-a-sim?utm_source=news&utm_medium=email","d":"example.com","r":"https://www.google.com/","k":"9f86d081884c7d65","c":1,"cv":"1","w":390}"#;
const AGENT: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36";
const PLAIN: &str =
    "https://www.example.com/blog/how-to-choose-a-sim?utm_source=news&utm_medium=email";
const JAPANESE: &str =
    "https://www.example.com/%E8%A3%BD%E5%93%81/%E6%96%99%E9%87%91?utm_source=news";
const IDENTIFIED: &str =
    "https://www.example.com/portal/sims/8988280000000000001/usage?token=dGhpc2lzYXNlY3JldA";

#[derive(Deserialize)]
#[expect(dead_code, reason = "only parsed")]
struct Beacon<'a> {
    n: &'a str,
    u: &'a str,
    d: &'a str,
    r: &'a str,
    k: &'a str,
    c: u8,
    cv: &'a str,
    w: u16,
}

#[divan::bench(sample_size = 64)]
fn bare_json_parsing(bencher: Bencher) {
    bencher.bench(|| serde_json::from_str::<Beacon>(black_box(BODY)).is_ok());
}

#[divan::bench(sample_size = 64, args = [PLAIN, JAPANESE, IDENTIFIED])]
fn parsing_the_page_address(bencher: Bencher, page: &str) {
    bencher.bench(|| PageUrl::parse(black_box(page), false).is_ok());
}

#[divan::bench(sample_size = 64, args = [PLAIN, JAPANESE, IDENTIFIED])]
fn door_with_real_lookups(bencher: Bencher, page: &str) {
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("vendor/country.mmdb");
    let geo = Geo::open(database.is_file().then_some(database.as_path()))
        .expect("a readable country database");
    let devices = Devices::new();
    let salt = Salt::from_bytes([1; 32]).named([1; 8]);
    let rules = ScrubRules::default();
    let look = Lookups {
        place: &|ip| geo.place(ip),
        device: &|agent| devices.device(agent),
    };
    bencher
        .with_inputs(|| beacon(page))
        .bench_local_values(|raw| -> Anonymised {
            let salts = Salts {
                today: &salt,
                yesterday: None,
            };
            anonymise(raw, Basis::Full, &salts, &rules, &look)
        });
}

#[divan::bench(sample_size = 64)]
fn reading_a_consent_managers_cookie(bencher: Bencher) {
    let manager = ConsentManager::OneTrust {
        category: ONETRUST_CATEGORY.into(),
    };
    let consent = "isGpcEnabled=0&datestamp=Wed+Nov+25+2026&version=202410.1.0&groups=C0001%3A1%2CC0002%3A1%2CC0003%3A0%2CC0004%3A0";
    let cookie = |name: &str| match name {
        "OptanonConsent" => Some(consent.to_owned()),
        "OptanonAlertBoxClosed" => Some("2026-11-25T03:41:00.123Z".to_owned()),
        _ => None,
    };
    bencher.bench(|| manager.choice(black_box(&cookie), Some(0)));
}

#[divan::bench(sample_size = 64, args = [PLAIN, JAPANESE, IDENTIFIED])]
fn door_with_device_id(bencher: Bencher, page: &str) {
    door(bencher, page, Basis::Full, false);
}

#[divan::bench(sample_size = 64, args = [PLAIN, JAPANESE, IDENTIFIED])]
fn door_with_address(bencher: Bencher, page: &str) {
    door(bencher, page, Basis::Exempt, false);
}

#[divan::bench(sample_size = 64)]
fn door_after_midnight_with_two_salts(bencher: Bencher) {
    door(bencher, PLAIN, Basis::Exempt, true);
}

#[divan::bench(sample_size = 64)]
fn door_counting_pages_only(bencher: Bencher) {
    door(bencher, PLAIN, Basis::CountOnly, false);
}

#[divan::bench(sample_size = 64, args = ["/blog/how-to-choose-a-sim", "/%E8%A3%BD%E5%93%81", "/portal/sims/8988280000000000001/usage"])]
fn scrubbing_a_path(bencher: Bencher, path: &str) {
    let rules = ScrubRules::default();
    bencher.bench(|| scrub::path(black_box(path), &rules));
}

fn door(bencher: Bencher, page: &str, basis: Basis, is_after_midnight: bool) {
    let (today, yesterday) = (
        Salt::from_bytes([1; 32]).named([1; 8]),
        Salt::from_bytes([2; 32]),
    );
    let rules = ScrubRules::default();
    let look = Lookups {
        place: &place,
        device: &device,
    };
    bencher
        .with_inputs(|| beacon(page))
        .bench_local_values(|raw| -> Anonymised {
            let salts = Salts {
                today: &today,
                yesterday: is_after_midnight.then_some(&yesterday),
            };
            anonymise(raw, basis, &salts, &rules, &look)
        });
}

fn beacon(page: &str) -> RawBeacon {
    RawBeacon {
        site: "example.com".into(),
        minute: 29_000_000,
        name: EventName::Pageview,
        key: 42,
        page: PageUrl::parse(page, false).expect("a page"),
        origin: Arc::new(Origin::new(
            "www.google.com",
            "Google",
            "Organic Search",
            &Campaign::default(),
        )),
        ip: ClientIp::from_peer([203, 0, 113, 77].into()),
        agent: UserAgent::from_header(AGENT.as_bytes()),
        device: Some(DeviceId::from_random([9; 16])),
        language: Language::parse("ja-JP"),
        viewport_width: Some(390),
        interactive: true,
        engaged_ms: 0,
        scroll: 255,
        props: Vec::new(),
        revenue: None,
        clicks: Vec::new(),
        vitals: Vitals::default(),
        automated: false,
    }
}

fn place(network: TruncatedIp) -> Arc<Place> {
    black_box(network);
    Arc::new(Place {
        country: "JP".into(),
        region: "JP-13".into(),
        city: "Tokyo".into(),
    })
}

fn device(agent: &str) -> Device {
    black_box(agent);
    Device {
        browser: "Chrome",
        browser_version: 141,
        os: "Android",
        os_version: 10,
        kind: "mobile",
    }
}
