//! The published list of stored fields against the tables. Beacons with every field go through the
//! whole collector under each profile. Then the test compares the columns that are not empty with
//! `policy.json`, in both directions.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sillage::event_row::stored::{BOOKKEEPING, FIELDS, SENT};

use crate::support::{Answer, Collector, cookie, get, post, write_config};

/// A site with each profile, and one that only counts pages if the browser objects.
const SITES: &str = r#"
[[site]]
id = "consent.test"
profile = "consent"
query_allow = ["q"]
mail_campaigns = ["spring"]

[[site]]
id = "exempt.test"
profile = "exempt"
query_allow = ["q"]
mail_campaigns = ["spring"]

[[site]]
id = "count.test"
profile = "count"
query_allow = ["q"]
mail_campaigns = ["spring"]

[[site]]
id = "signal.test"
profile = "exempt"
gpc = "count"

[[site]]
id = "asks.test"
profile = "consent"
gpc = "count"
"#;

/// An address in the place database.
const ADDRESS: (&str, &str) = ("X-Forwarded-For", "192.88.98.77");

/// The `User-Agent` of a phone, with the version of its operating system.
const PHONE: (&str, &str) = (
    "User-Agent",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
);

/// Writes a place database in which every address is in Tokyo (MaxMind DB 2.0: a tree with one
/// node, then the data).
fn database_of_places(path: &Path) {
    fn text(value: &str) -> Vec<u8> {
        assert!(value.len() < 29, "longer ones need a byte more");
        [&[0x40 | value.len() as u8], value.as_bytes()].concat()
    }
    fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = vec![0xe0 | pairs.len() as u8];
        for (key, value) in pairs {
            bytes.extend(text(key));
            bytes.extend_from_slice(value);
        }
        bytes
    }
    let list = |items: &[Vec<u8>]| [&[items.len() as u8, 0x04], &items.concat()[..]].concat();
    let number = |value: u16| [&[0xa2][..], &value.to_be_bytes()].concat();
    let place = map(&[
        ("country", map(&[("iso_code", text("JP"))])),
        ("subdivisions", list(&[map(&[("iso_code", text("13"))])])),
        ("city", map(&[("names", map(&[("en", text("Tokyo"))]))])),
    ]);
    // Both records of the only node point to the data: one node, and 16 bytes between tree and
    // data.
    let record = [0, 0, 17];
    let metadata = map(&[
        ("node_count", [&[0xc4][..], &1_u32.to_be_bytes()].concat()),
        ("record_size", number(24)),
        ("ip_version", number(4)),
        ("database_type", text("Test-City")),
        ("languages", list(&[text("en")])),
        ("binary_format_major_version", number(2)),
        ("binary_format_minor_version", number(0)),
        (
            "build_epoch",
            [&[0x08, 0x02][..], &1_760_000_000_u64.to_be_bytes()].concat(),
        ),
        ("description", map(&[("en", text("places"))])),
    ]);
    let bytes = [
        &record[..],
        &record,
        &[0; 16],
        &place,
        b"\xab\xcd\xefMaxMind.com",
        &metadata,
    ];
    std::fs::write(path, bytes.concat()).expect("a temporary folder can be written");
}

fn collector() -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let places = folder.path().join("places.mmdb");
    database_of_places(&places);
    let extra = format!(
        "trusted_proxies = [\"127.0.0.1\"]\n[geo]\ndatabase = {:?}\n",
        places.display().to_string()
    );
    let path = write_config(folder.path(), &extra);
    let text = std::fs::read_to_string(&path).expect("just written");
    std::fs::write(&path, text + SITES).expect("a temporary folder can be written");
    Collector::start_in(folder)
}

/// A beacon with every field except the consent, the event key, and the sign of automation, which
/// would end the processing.
fn full(name: &str, site: &str, path: &str) -> Value {
    json!({
        "n": name,
        "u": format!(
            "https://{site}{path}?q=esim&utm_source=s&utm_medium=m&utm_campaign=c&utm_content=o&utm_term=t#part"
        ),
        "d": site, "h": 0, "i": true, "r": "https://www.google.com/search?q=x",
        "p": {"plan": "gold"}, "$": {"amount": "12.5", "currency": "EUR"},
        "e": 12_345, "sd": 60, "w": 1_000, "x": [21, 42],
        "vl": 1_200, "vi": 80, "vc": 0.1, "vf": 700, "vt": 90,
    })
}

/// Sends a visit with every kind of event. `said` is the consent that the page reports.
fn visit(collector: &Collector, site: &str, said: Option<u8>, headers: &[(&str, &str)]) {
    let mut device = None;
    let events = [
        ("pageview", "/first"),
        ("pageview", "/second"),
        ("Signup", "/second"),
        ("engagement", "/second"),
    ];
    for (number, (name, path)) in events.into_iter().enumerate() {
        let mut body = full(name, site, path);
        body["k"] = json!(format!("{site}-{said:?}-{number}"));
        if let Some(said) = said {
            (body["c"], body["cv"]) = (json!(said), json!("1"));
        }
        let mut all = vec![ADDRESS, PHONE, ("Accept-Language", "ja-JP")];
        all.extend(headers);
        all.extend(device.as_deref().map(|device| ("Cookie", device)));
        let answer = collector.beacon_with(&body.to_string(), &all);
        assert_eq!(answer.status, 202, "{}", answer.body);
        device = cookie(&answer).map(str::to_owned).or(device);
    }
}

type Columns = BTreeSet<(String, String)>;

/// Columns that are not empty in at least one row that meets the condition.
fn filled(collector: &Collector, table: &str, condition: &str) -> Columns {
    let columns = collector.sql(&format!(
        "SELECT name FROM system.columns WHERE database = 'sillage' AND table = '{table}' ORDER BY position"
    ));
    let nothing = |column: &str| match column {
        // These two columns have a value for "unknown".
        "scroll" => "'', '255'",
        "days_since_seen" => "'', '-1'",
        _ => "'', '0', '[]', '{}', 'false', '1970-01-01', '1970-01-01 00:00:00'",
    };
    let columns: Vec<&str> = columns.lines().collect();
    assert!(!columns.is_empty(), "{table}");
    let counts: Vec<String> = columns
        .iter()
        .map(|column| {
            let nothing = nothing(column);
            format!("countIf(ifNull(toString({column}), '') NOT IN ({nothing})) > 0")
        })
        .collect();
    let counts = counts.join(", ");
    let found = collector.sql(&format!("SELECT {counts} FROM {table} WHERE {condition}"));
    columns
        .into_iter()
        .zip(found.split('\t'))
        .filter(|(_, is_filled)| *is_filled == "1")
        .map(|(column, _)| (table.to_owned(), column.to_owned()))
        .collect()
}

fn policy(collector: &Collector, site: &str) -> Value {
    let path = format!("/privacy/policy.json?site={site}");
    let answer = get(collector.address, &path, &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

/// The columns of one table that the published policy names for this case.
fn listed(policy: &Value, table: &str, case: &str) -> Columns {
    let fields = policy["stored"].as_array().expect("a list").iter();
    fields
        .filter(|field| field["table"] == table && field[case] == true)
        .flat_map(|field| field["columns"].as_array().expect("a list"))
        .map(|column| {
            let column = column.as_str().expect("a name");
            (table.to_owned(), column.to_owned())
        })
        .collect()
}

/// What is stored and not listed, and what is listed and not stored.
fn differences(stored: &Columns, listed: &Columns) -> (Vec<String>, Vec<String>) {
    let names = |left: &Columns, right: &Columns| {
        let difference = left.difference(right);
        difference
            .map(|(table, column)| format!("{table}.{column}"))
            .collect()
    };
    (names(stored, listed), names(listed, stored))
}

const NONE: (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());

#[test]
fn the_fields_listed_for_visitors_match_what_each_profile_stores() {
    let collector = collector();
    for site in ["consent.test", "exempt.test", "count.test"] {
        visit(&collector, site, None, &[]);
        visit(&collector, site, Some(1), &[]);
    }
    visit(&collector, "signal.test", Some(1), &[("Sec-GPC", "1")]);
    collector.until(
        "SELECT sum(beacons) FROM outcomes WHERE outcome = 'pages_only'",
        "4",
    );
    // Three visits with a yes and one exempt visit have four events each; the two others have
    // pageviews only.
    collector.until("SELECT count() FROM events", "20");

    let cases = [
        ("consent.test", "after_yes", "consent"),
        ("exempt.test", "after_yes", "consent"),
        ("count.test", "after_yes", "consent"),
        ("exempt.test", "without_yes", "exempt"),
        ("count.test", "without_yes", "count"),
        ("signal.test", "with_objection", "count"),
    ];
    for (site, case, basis) in cases {
        let condition = format!("site = '{site}' AND basis = '{basis}'");
        let mut stored = filled(&collector, "events", &condition);
        if basis != "count" {
            // The visit takes less than a minute, so `elapsed` may be stored as 0.
            stored.insert(("events".into(), "elapsed".into()));
        }
        let listed = listed(&policy(&collector, site), "events", case);
        assert_eq!(differences(&stored, &listed), NONE, "{site} {case}");

        // Positive control: the comparison finds an unlisted and a missing column.
        let new = ("events".to_owned(), "birthday".to_owned());
        let with_new = &stored | &BTreeSet::from([new]);
        assert_eq!(differences(&with_new, &listed).0, ["events.birthday"]);
        let source = ("events".to_owned(), "source".to_owned());
        let without = &stored - &BTreeSet::from([source]);
        assert_eq!(differences(&without, &listed).1, ["events.source"]);
    }
    let nothing =
        "site = 'consent.test' AND basis != 'consent' OR site = 'signal.test' AND basis != 'count'";
    assert_eq!(filled(&collector, "events", nothing), Columns::new());
    assert_eq!(
        listed(&policy(&collector, "consent.test"), "events", "without_yes"),
        Columns::new()
    );
    assert_eq!(
        collector.sql("SELECT DISTINCT toString(name) FROM events WHERE basis = 'count'"),
        "pageview",
        "page counts come from pageviews only"
    );
    let report = collector.report(&json!({
        "site_id": "count.test", "metrics": ["pageviews", "events"], "date_range": "day",
        "dimensions": ["event:basis"],
    }));
    assert_eq!(
        report["results"],
        json!([
            {"dimensions": ["consent"], "metrics": [2, 3]},
            {"dimensions": ["count"], "metrics": [2, 2]},
        ]),
        "reports of such a site still work"
    );
}

#[test]
fn totals_that_hold_refused_requests_are_listed_as_well() {
    let collector = collector();
    visit(&collector, "consent.test", Some(0), &[]);
    for site in ["consent.test", "exempt.test"] {
        get(collector.address, &format!("/p.gif?d={site}&m=spring"), &[]);
    }
    // Twenty refused requests within ten seconds name their network. The test sends more, since the
    // ten seconds may end in between.
    for _ in 0..60 {
        assert_eq!(collector.beacon_with("no beacon", &[ADDRESS]).status, 400);
    }
    collector.until("SELECT sum(opens) FROM mail_opens", "1");
    collector.until(
        "SELECT sum(beacons) FROM outcomes WHERE outcome = 'refused'",
        "4",
    );
    collector.until(
        "SELECT count() > 0 FROM security WHERE network = '192.88.98.0/24'",
        "1",
    );
    assert_eq!(collector.sql("SELECT count() FROM events"), "0");
    for (site, table, is_listed) in [
        ("exempt.test", "mail_opens", true),
        ("consent.test", "mail_opens", false),
        ("consent.test", "outcomes", true),
        ("consent.test", "security", true),
    ] {
        let listed = listed(&policy(&collector, site), table, "without_yes");
        if is_listed {
            let stored = filled(&collector, table, "true");
            assert_eq!(differences(&stored, &listed), NONE, "{table}");
        } else {
            assert_eq!(listed, Columns::new(), "{site} {table}");
        }
    }

    let tables = collector.sql("SELECT name FROM system.tables WHERE database = 'sillage'");
    let unknown: Vec<&str> = tables
        .lines()
        .filter(|table| !table.starts_with(".inner"))
        .filter(|table| !BOOKKEEPING.contains(table))
        .filter(|table| FIELDS.iter().all(|field| field.table != *table))
        .collect();
    assert_eq!(unknown, [""; 0], "every table is known");
}

/// The text of the page.
fn page(collector: &Collector, path: &str, headers: &[(&str, &str)]) -> String {
    let answer = get(collector.address, path, headers);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

#[test]
fn the_page_lists_exactly_the_stored_fields() {
    let collector = collector();
    for site in ["consent.test", "exempt.test", "count.test", "signal.test"] {
        let policy = policy(&collector, site);
        let fields = policy["stored"].as_array().expect("a list");
        let own = page(&collector, &format!("/privacy?site={site}&lang=en"), &[]);
        let notice = format!("/privacy/external-transmission?site={site}&lang=en");
        let notice = page(&collector, &notice, &[]);
        let assessment = format!("/privacy/self-assessment?site={site}");
        let assessment = page(&collector, &assessment, &[]);
        for field in fields {
            let text = field["text"].as_str().expect("a sentence");
            let is_kept = field["without_yes"] == true || field["after_yes"] == true;
            for html in [&own, &notice] {
                let is_there = html.contains(&format!("<li>{text}</li>"));
                assert_eq!(is_there, is_kept, "{site}: {text}");
            }
            let row = format!("<th scope=\"row\">{text}</th>");
            assert!(assessment.contains(&row), "{site}: {text}");
        }
        let known: Vec<_> = fields.iter().map(|field| &field["field"]).collect();
        for field in FIELDS
            .iter()
            .filter(|field| !known.contains(&&json!(field.key)))
        {
            assert!(
                ["query", "opened_mails"].contains(&field.key),
                "{}",
                field.key
            );
        }
    }
    // A browser that objects is shown what is stored about it, and nothing else.
    let path = "/privacy?site=signal.test&lang=en";
    let calm = page(&collector, path, &[]);
    let objecting = page(&collector, path, &[("Sec-GPC", "1")]);
    assert!(calm.contains("scroll depth") && !objecting.contains("scroll depth"));
    assert!(
        objecting.contains("Your browser sends an objection"),
        "{objecting}"
    );
}

#[test]
fn the_page_stays_true_after_a_yes() {
    let collector = collector();
    let known = |site: &str| {
        let mut body = full("pageview", site, "/");
        (body["c"], body["cv"]) = (json!(1), json!("1"));
        let answer = collector.beacon_with(&body.to_string(), &[ADDRESS]);
        cookie(&answer).expect("a cookie").to_owned()
    };
    for (site, condition) in [
        (
            "consent.test",
            "Nothing is stored unless you say yes on the site.",
        ),
        (
            "exempt.test",
            "Unless you say yes on the site, this works without a cookie.",
        ),
        (
            "count.test",
            "Unless you say yes on the site, pages are only counted",
        ),
    ] {
        let device = known(site);
        let at = |path: &str, headers: &[(&str, &str)]| {
            page(&collector, &format!("{path}?site={site}&lang=en"), headers)
        };
        let summary = |html: String| {
            let rest = html
                .split("<p class=\"summary\">")
                .nth(1)
                .expect("a summary");
            rest.split("</p>").next().unwrap_or_default().to_owned()
        };
        // The browser does not send the cookie to /privacy, so the sentence must hold with and
        // without a yes.
        assert!(summary(at("/privacy", &[])).contains(condition), "{site}");
        let seen = summary(at("/api/event/choices", &[("Cookie", &device)]));
        assert!(seen.contains("You said yes in this browser"), "{site}");
    }
    // After a yes in a browser that objects, only pages are counted: the page must say so.
    let device = known("asks.test");
    let headers = [("Cookie", &*device), ("Sec-GPC", "1")];
    let path = "/api/event/choices?site=asks.test&lang=en";
    let html = page(&collector, path, &headers);
    assert!(
        html.contains("Your browser sends an objection: pages are only counted"),
        "{html}"
    );
    assert!(
        !html.contains("You said yes") && !html.contains("scroll depth"),
        "{html}"
    );

    for (lang, falsehood) in [
        ("en", "another site or another day"),
        (
            "ja",
            "別のサイトや別の日とあなたを結び付けるものはありません",
        ),
        ("de", "einer anderen Website oder einem anderen Tag"),
    ] {
        let html = page(
            &collector,
            &format!("/privacy?site=consent.test&lang={lang}"),
            &[],
        );
        assert!(!html.contains(falsehood), "{lang}");
        assert!(
            html.contains("13"),
            "{lang}: for how long the cookie links days"
        );
    }
}

#[test]
fn the_notice_of_what_is_sent_is_complete_in_each_language() {
    let collector = collector();
    let notice = |query: &str, accepted: &str| -> Answer {
        let path = format!("/privacy/external-transmission?site=exempt.test{query}");
        get(collector.address, &path, &[("Accept-Language", accepted)])
    };
    for (query, accepted, lang, word) in [
        ("", "ja", "ja", "送信される情報"),
        ("", "de-AT", "de", "Was gesendet wird"),
        ("", "fr", "en", "What is sent"),
        ("&lang=ja", "de", "ja", "外部送信"),
    ] {
        let body = notice(query, accepted).body;
        assert!(body.contains(&format!("<html lang=\"{lang}\">")), "{body}");
        assert!(
            body.contains(word) && !body.contains("{{"),
            "{lang}: {body}"
        );
        assert!(
            !body.contains("<li></li>") && !body.contains("<p></p>"),
            "{lang}"
        );
    }
    // The notice covers every field of a beacon's wire format.
    let mut sent = full("pageview", "exempt.test", "/");
    for (key, value) in [
        ("k", json!("x")),
        ("c", json!(1)),
        ("cv", json!("1")),
        ("b", json!(0)),
    ] {
        sent[key] = value;
    }
    let on_wire: BTreeSet<&str> = sent
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let told: BTreeSet<&str> = SENT.iter().flat_map(|(_, names)| *names).copied().collect();
    assert_eq!(on_wire, told);
    let bytes = post(
        collector.address,
        "/api/event",
        &sent.to_string(),
        &[ADDRESS],
    );
    assert_eq!(bytes.status, 202, "{}", bytes.body);
}
