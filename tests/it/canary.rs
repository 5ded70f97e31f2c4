//! The canary test (P6): beacons carry identifying values in every field and every header, at the
//! most verbose log level, through a killed engine and a killed collector. Then the test searches
//! all files and all output for these values.
//!
//! A second test attacks the visitor ids: from all rows and all files of the next day together, no
//! known address can be recovered.

use std::collections::HashSet;
use std::path::Path;

use serde_json::json;
use sillage::config::Config;
use sillage::salts::SaltKeeper;
use sillage_privacy::{ClientIp, Salt, Salts, UserAgent, visitors_of};

use crate::support::{AGENT, Answer, Collector, get, post, signal, wait_for, write_config};

/// Identifying inputs, and the text that would reveal each.
const CANARIES: [(&str, &str); 10] = [
    ("canary.taro@leak-example.jp", "canary.taro"),
    ("canary.jiro%40leak-example.jp", "canary.jiro"),
    ("canary.saburo%2540leak-example.jp", "canary.saburo"),
    ("canary.shiro＠leak-example.jp", "canary.shiro"),
    ("+81-90-5550-1717", "5550-1717"),
    ("8988280666000000017", "8988280666000000017"),
    ("490154203237518", "490154203237518"),
    ("440101234567890", "440101234567890"),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.SflKxwRJSMeKKF2QT4fwpM",
        "eyJzdWIiOiJjYW5hcnkifQ",
    ),
    ("203.0.113.217", "203.0.113.217"),
];

/// Sent in headers only.
const ADDRESS: (&str, &str) = ("203.0.113.218", "203.0.113.218");
const ADDRESS_6: (&str, &str) = ("2001:db8:cafe:4711:5678:9abc:def0:1717", "4711:5678");
const AGENT_MARK: &str = "CanaryAgent/91735";
const COOKIE_MARK: &str = "CANARYSESSION5173";
const REFERRER_MARK: &str = "canary-referrer-path";
const USERINFO_MARK: &str = "canarypassword";

/// A path that is stored on purpose: the positive control of the search.
const CONTROL: &str = "/canary-control-page";

fn needles() -> Vec<&'static str> {
    let fields = CANARIES.iter().map(|(_, needle)| *needle);
    let headers = [
        ADDRESS.1,
        ADDRESS_6.1,
        AGENT_MARK,
        COOKIE_MARK,
        REFERRER_MARK,
        USERINFO_MARK,
    ];
    fields.chain(headers).collect()
}

/// Whether the needle occurs, in upper or lower case.
fn contains(haystack: &[u8], needle: &str) -> bool {
    find_all(haystack, &[needle]).len() == 1
}

fn find_all<'a>(haystack: &[u8], needles: &[&'a str]) -> Vec<&'a str> {
    // Bytes that are not UTF-8 are replaced one by one and cannot hide text beside them.
    let text = String::from_utf8_lossy(haystack).to_ascii_lowercase();
    let is_in = |needle: &&&str| text.contains(&needle.to_ascii_lowercase());
    needles.iter().filter(is_in).copied().collect()
}

/// Every file under a folder with its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                // Segments and parts may be deleted while they are read.
                Ok(kind) if kind.is_file() => {
                    if let Ok(bytes) = std::fs::read(&path) {
                        found.push((path.display().to_string(), bytes));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// Bodies that each have `mark` in one field.
fn bodies(mark: &str) -> Vec<String> {
    let page = "https://example.com/";
    let event = |more: serde_json::Value| {
        let mut body = json!({"n": "Signup", "u": page, "d": "example.com", "c": 1});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        body.to_string()
    };
    vec![
        event(json!({"n": "pageview", "u": format!("{page}user/{mark}/profile")})),
        event(json!({"n": "pageview", "u": format!("{page}?q={mark}&token={mark}&email={mark}")})),
        event(json!({"n": "pageview", "u": format!("{page}#{mark}")})),
        event(json!({"n": "pageview", "u": format!("{page}#/{mark}"), "h": 1})),
        event(
            json!({"n": "pageview", "u": format!("https://taro:{USERINFO_MARK}@example.com/{mark}")}),
        ),
        event(
            json!({"n": "pageview", "u": format!("{page}?utm_source={mark}&utm_campaign={mark}&utm_term={mark}")}),
        ),
        event(
            json!({"n": "pageview", "u": page, "r": format!("https://ref.example/{REFERRER_MARK}/{mark}?q={mark}")}),
        ),
        event(json!({"n": mark})),
        event(json!({"d": mark})),
        event(json!({"k": mark})),
        event(json!({"cv": mark})),
        event(json!({"p": {"plan": mark}})),
        event(json!({"p": {mark: "gold"}})),
        event(json!({"$": {"currency": mark, "amount": mark}})),
        event(json!({"unknown": mark})),
        event(json!({"u": mark})),
        format!("{{\"n\": \"{mark}"),
    ]
}

fn said(answer: &Answer) -> String {
    format!("{} {:?} {}", answer.status, answer.headers, answer.body)
}

#[test]
fn identifying_input_in_every_field_is_stored_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    write_config(folder.path(), "trusted_proxies = [\"127.0.0.1\"]");
    let collector = Collector::start_logging(folder, "trace");
    let mut heard = String::new();
    let headers = |mark: &'static str, address: &'static str| {
        [
            ("X-Forwarded-For", address),
            (
                "User-Agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0 CanaryAgent/91735",
            ),
            (
                "Cookie",
                "session=CANARYSESSION5173; sillage_example-com-a379a6f6=CANARYSESSION5173",
            ),
            ("Referer", "https://example.com/canary-referrer-path/x"),
            ("Accept-Language", mark),
            ("X-Request-Id", mark),
            ("Authorization", "Bearer CANARYSESSION5173"),
        ]
    };
    let mut sent = 0;
    for (mark, _) in CANARIES {
        let ascii = if mark.is_ascii() { mark } else { "x" };
        for body in bodies(mark) {
            for address in [ADDRESS.0, ADDRESS_6.0] {
                let answer = post(
                    collector.address,
                    "/api/event",
                    &body,
                    &headers(ascii, address),
                );
                assert!(
                    [202, 400].contains(&answer.status),
                    "{body}: {}",
                    answer.body
                );
                heard += &said(&answer);
                sent += 1;
            }
        }
        let form = format!("site={ascii}&action={ascii}&lang={ascii}");
        for path in ["/privacy", "/api/event/choices", "/nothing"] {
            heard += &said(&post(
                collector.address,
                path,
                &form,
                &headers(ascii, ADDRESS.0),
            ));
            let asked = format!("{path}?site={ascii}&lang={ascii}");
            heard += &said(&get(collector.address, &asked, &headers(ascii, ADDRESS.0)));
        }
    }
    assert!(sent > 300);
    // The engine crashes with events in flight, then the collector with events in the spool.
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "KILL");
    let control = json!({"n": "pageview", "u": format!("https://example.com{CONTROL}"), "d": "example.com", "c": 1}).to_string();
    heard += &said(&post(
        collector.address,
        "/api/event",
        &control,
        &headers("ja", ADDRESS.0),
    ));
    let erase = [("Sec-Fetch-Site", "same-origin")];
    let form = "site=example.com&action=allow";
    heard += &said(&post(
        collector.address,
        "/api/event/choices",
        form,
        &[&erase[..], &headers("ja", ADDRESS.0)].concat(),
    ));
    let in_spool = files(&collector.folder.path().join("data/spool"));
    assert!(
        in_spool.iter().any(|(_, bytes)| contains(bytes, CONTROL)),
        "the search must find what is in the spool"
    );
    let mut seen = in_spool;
    let folder = collector.kill();
    seen.extend(files(folder.path()));

    let collector = Collector::start_logging(folder, "trace");
    collector.until(
        &format!("SELECT count() > 0 FROM events WHERE path = '{CONTROL}'"),
        "1",
    );
    heard += &said(&get(collector.address, "/metrics", &[]));
    // ClickHouse compresses its data on disk, so the test also reads every table, ClickHouse's own
    // included.
    let tables = collector.sql(
        "SELECT database || '.' || name FROM system.tables WHERE database IN ('sillage', 'system') \
         AND name NOT IN ('numbers', 'numbers_mt', 'zeros', 'zeros_mt', 'primes', 'generate_series', 'generateSeries', 'contributors', 'licenses', 'models', 'unicode')",
    );
    let mut dump = String::new();
    for table in tables.lines() {
        let query = format!("SELECT * FROM {table} LIMIT 100000");
        let answer = collector.ask(&query);
        // Readers can't read some of ClickHouse's own tables, but must be able to read all of ours.
        assert!(
            answer.status == 200 || table.starts_with("system."),
            "{table}: {}",
            answer.body
        );
        dump += &answer.body;
    }
    assert!(
        contains(dump.as_bytes(), CONTROL),
        "the search must find what is in the tables"
    );
    assert!(
        contains(dump.as_bytes(), "/user/:email/profile"),
        "events were stored without their canaries"
    );
    assert!(tables.lines().count() > 20, "{tables}");

    // Read the files again after a clean stop, when parts are merged.
    let (folder, is_clean) = collector.stop();
    assert!(is_clean);
    seen.extend(files(folder.path()));
    seen.push(("answers".into(), heard.into_bytes()));
    seen.push(("tables".into(), dump.into_bytes()));
    assert!(
        seen.iter().any(|(name, _)| name.contains("/engine/")),
        "the engine's files are searched"
    );
    assert!(
        seen.iter()
            .any(|(name, bytes)| name.ends_with("/log") && contains(bytes, "beacons are accepted")),
        "the search must find what is in the log"
    );
    let mut hits = Vec::new();
    let needles = needles();
    for (name, bytes) in &seen {
        let found = find_all(bytes, &needles);
        hits.extend(found.iter().map(|needle| format!("{needle} in {name}")));
    }
    hits.sort();
    hits.dedup();
    assert!(hits.is_empty(), "{hits:#?}");
}

/// Addresses that an attacker knows, each in a different network.
fn known_addresses() -> Vec<[u8; 4]> {
    (0..1_000_u32)
        .map(|n| [100 + (n >> 8) as u8, n as u8, 7, 42])
        .collect()
}

/// Number of known addresses whose visitor id under this key is among the stored ones.
fn recovered(key: [u8; 32], stored: &HashSet<u64>, known: &[[u8; 4]]) -> usize {
    let salt = Salt::from_bytes(key);
    let salts = Salts {
        today: &salt,
        yesterday: None,
    };
    known
        .iter()
        .filter(|ip| ids(&salts, **ip).iter().any(|id| stored.contains(id)))
        .count()
}

fn ids(salts: &Salts<'_>, ip: [u8; 4]) -> Vec<u64> {
    let (ip, agent) = (
        ClientIp::from_peer(ip.into()),
        UserAgent::from_header(AGENT.as_bytes()),
    );
    visitors_of(salts, "example.com", &ip, &agent, None)
        .iter()
        .map(|visitor| visitor.get())
        .collect()
}

/// All sequences of 32 bytes in a folder's files, raw or as hexadecimal digits, and the hash of
/// each file.
fn keys_in(folder: &Path) -> HashSet<[u8; 32]> {
    use sha2::{Digest, Sha256};
    let mut keys = HashSet::new();
    for (name, bytes) in files(folder) {
        keys.insert(Sha256::digest(&bytes).into());
        keys.insert(Sha256::digest(name.as_bytes()).into());
        keys.extend(
            bytes
                .windows(32)
                .filter_map(|window| <[u8; 32]>::try_from(window).ok()),
        );
        for window in bytes.windows(64) {
            let digit = |byte: u8| (byte as char).to_digit(16);
            let pairs: Option<Vec<u8>> = window
                .chunks(2)
                .map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8))
                .collect();
            keys.extend(pairs.and_then(|key| <[u8; 32]>::try_from(key).ok()));
        }
    }
    keys
}

#[test]
fn no_known_address_is_recovered_from_all_rows_and_files_next_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[[site]]\nid = \"example.com\"\ntimezone = \"Asia/Tokyo\"\nprofile = \"exempt\"\n";
    let config =
        Config::parse(text, &folder.path().join("sillage.toml")).expect("a valid configuration");
    let at = |text: &str| text.parse::<jiff::Timestamp>().expect("a time");
    let known = known_addresses();
    let noon = at("2026-11-23T03:00:00Z");
    let site = config.sites.find("example.com").expect("the site");
    let salts = folder.path().join("salts");
    let data = folder.path().join("data");
    let keeper = SaltKeeper::open(&salts, &data, &config.sites, noon).expect("salts");
    let stored: HashSet<u64> = keeper.with(site, noon, |salts| {
        known.iter().flat_map(|ip| ids(&salts, *ip)).collect()
    });
    assert_eq!(stored.len(), 1_000);

    // The right key recovers every address, so a sample is enough to test a key.
    let sample = &known[..20];
    let best = |keys: &HashSet<[u8; 32]>| {
        keys.iter()
            .map(|key| recovered(*key, &stored, sample))
            .max()
            .unwrap_or(0)
    };
    let of_today = keys_in(&salts);
    assert_eq!(
        best(&of_today),
        20,
        "the tool recovers addresses while the salt is there"
    );
    let right = of_today
        .iter()
        .find(|key| recovered(**key, &stored, &sample[..1]) == 1)
        .expect("the salt");
    assert_eq!(recovered(*right, &stored, &known), 1_000);

    // 00:31 of the next day in Tokyo, and a restart.
    let next = at("2026-11-23T15:31:00Z");
    keeper.tick(next).expect("salts are destroyed");
    let of_next_day = keys_in(&salts);
    assert_eq!(best(&of_next_day), 0);
    assert!(!of_next_day.contains(right), "the salt is in no file");
    drop(keeper);
    let keeper = SaltKeeper::open(&salts, &data, &config.sites, next).expect("salts");
    assert_eq!(best(&keys_in(folder.path())), 0);
    let live: HashSet<u64> = keeper.with(site, next, |salts| {
        known.iter().flat_map(|ip| ids(&salts, *ip)).collect()
    });
    assert!(
        live.is_disjoint(&stored),
        "the running collector has forgotten them as well"
    );
    // A clock that is set back does not bring them back.
    let back: HashSet<u64> = keeper.with(site, noon, |salts| {
        known.iter().flat_map(|ip| ids(&salts, *ip)).collect()
    });
    assert!(back.is_disjoint(&stored));
}

#[test]
fn a_search_for_a_canary_finds_one_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("a")).expect("a folder");
    for needle in needles() {
        std::fs::write(folder.path().join("a/b"), format!("\0\u{1}{needle}\0")).expect("a file");
        let found = wait_for(|| {
            let all = files(folder.path());
            if all
                .iter()
                .any(|(_, bytes)| contains(bytes, &needle.to_uppercase()))
            {
                Ok(())
            } else {
                Err(())
            }
        });
        assert!(found.is_ok(), "{needle}");
    }
}
