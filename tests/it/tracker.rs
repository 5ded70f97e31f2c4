//! What pages embed, through the socket: the tracker's files and the pixel. Also the command that
//! prints the snippet.

use crate::support::{AGENT, Answer, Collector, binary, get, post, write_config};

const EXEMPT: &str = "[[site]]\nid = \"exempt.test\"\nhostnames = [\"exempt.test\"]\nprofile = \"exempt\"\nmail_campaigns = [\"spring-2026\"]\n";
const COUNT: &str =
    "[[site]]\nid = \"count.test\"\nhostnames = [\"count.test\"]\nprofile = \"count\"\n";

/// A collector with a site of each profile. `example.com` has `consent`.
fn collector() -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write_config(folder.path(), "");
    let text = std::fs::read_to_string(&path).expect("just written");
    std::fs::write(&path, format!("{text}\n{EXEMPT}\n{COUNT}")).expect("writable");
    Collector::start_in(folder)
}

fn pixel(collector: &Collector, query: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [headers, &[("User-Agent", AGENT)]].concat();
    let answer = get(collector.address, &format!("/p.gif?{query}"), &headers);
    assert_eq!(answer.header("content-type"), Some("image/gif"), "{query}");
    assert_eq!(answer.header("content-length"), Some("43"), "{query}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{query}");
    assert_eq!(answer.header("set-cookie"), None, "{query}");
    assert!(answer.body.starts_with("GIF89a"), "{query}");
    answer
}

#[test]
fn the_pixel_counts_only_where_no_consent_is_needed() {
    let collector = collector();
    let view = |site: &str, headers: &[(&str, &str)]| {
        let query = format!("d={site}&u=https%3A%2F%2F{site}%2Fread%3Ftoken%3Dx");
        assert_eq!(pixel(&collector, &query, headers).status, 200, "{site}");
    };
    // Consent can't be given in the address of an image.
    pixel(
        &collector,
        "d=example.com&u=https%3A%2F%2Fexample.com%2F&c=1&cv=1",
        &[],
    );
    view("example.com", &[]);
    view("exempt.test", &[("Sec-GPC", "1")]);
    view("exempt.test", &[("DNT", "1")]);
    view("exempt.test", &[("Cookie", "sillage_opt_out=1")]);
    view("exempt.test", &[("Sec-Purpose", "prefetch")]);
    view("exempt.test", &[]);
    view("count.test", &[]);
    // Without `u` the page is taken from `Referer`.
    let referrer = [("Referer", "https://count.test/start?token=x")];
    assert_eq!(pixel(&collector, "d=count.test", &referrer).status, 200);
    collector.until("SELECT count() FROM events", "3");
    assert_eq!(
        collector.sql(
            "SELECT site, name, path, basis, visitor != 0, channel FROM events ORDER BY site, path"
        ),
        "count.test\tpageview\t/read\tcount\t0\tDirect\n\
         count.test\tpageview\t/start\tcount\t0\tDirect\n\
         exempt.test\tpageview\t/read\texempt\t1\tDirect"
    );
    collector.until(
        "SELECT outcome, sum(beacons) FROM outcomes WHERE outcome != 'accepted' GROUP BY outcome ORDER BY outcome FORMAT CSV",
        "\"dnt\",1\n\"gpc\",1\n\"no_consent\",2\n\"opted_out\",1\n\"prefetch\",1",
    );
}

#[test]
fn a_pixel_without_a_page_gets_an_error_status_and_an_image() {
    let collector = collector();
    for (query, status) in [
        ("d=count.test", 400),
        ("d=count.test&u=nonsense", 400),
        ("", 400),
    ] {
        assert_eq!(pixel(&collector, query, &[]).status, status, "{query}");
    }
    let long = format!(
        "d=count.test&u=https%3A%2F%2Fcount.test%2F{}",
        "a".repeat(2_001)
    );
    assert_eq!(pixel(&collector, &long, &[]).status, 400);
    // An unknown site or page gets the same answer as a known one.
    for query in [
        "d=nobody.test&u=https%3A%2F%2Fcount.test%2F",
        "d=count.test&u=https%3A%2F%2Felse.test%2F",
    ] {
        assert_eq!(pixel(&collector, query, &[]).status, 200, "{query}");
    }
    assert_eq!(post(collector.address, "/p.gif", "", &[]).status, 405);
    // Positive control, sent last: by then the earlier ones would be stored.
    pixel(
        &collector,
        "d=count.test&u=https%3A%2F%2Fcount.test%2Fcontrol",
        &[],
    );
    collector.until("SELECT groupArray(path) FROM events", "['/control']");
}

#[test]
fn email_opens_are_stored_only_as_totals_by_campaign_and_day() {
    let collector = collector();
    let canary = [
        ("User-Agent", "CANARY-AGENT-7f3a"),
        ("Referer", "https://mail.test/CANARY-7f3a"),
    ];
    for _ in 0..3 {
        let answer = get(
            collector.address,
            "/p.gif?d=exempt.test&m=spring-2026",
            &canary,
        );
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, Some("no-store"))
        );
    }
    for headers in [
        &[("Sec-GPC", "1")][..],
        &[("DNT", "1")],
        &[("Cookie", "sillage_opt_out=1")],
        &[("Purpose", "prefetch")],
    ] {
        pixel(&collector, "d=exempt.test&m=spring-2026", headers);
    }
    // A name made for one recipient, a name that is not configured, and sites without campaigns.
    for query in [
        "d=exempt.test&m=spring-2026%2Ftaro%40example.jp",
        "d=exempt.test&m=autumn",
        "d=count.test&m=spring-2026",
        "d=example.com&m=spring-2026",
    ] {
        assert_eq!(pixel(&collector, query, &[]).status, 200, "{query}");
    }
    collector.until(
        "SELECT site, campaign, sum(opens) FROM mail_opens GROUP BY site, campaign FORMAT CSV",
        "\"exempt.test\",\"spring-2026\",3",
    );
    collector.until(
        "SELECT sum(beacons) FROM outcomes WHERE outcome = 'unknown_campaign'",
        "4",
    );
    assert_eq!(collector.sql("SELECT count() FROM events"), "0");
    assert_eq!(
        collector.sql("SELECT count() FROM outcomes WHERE outcome NOT IN ('unknown_campaign')"),
        "0"
    );
}

#[test]
fn counted_email_opens_are_stored_when_the_collector_stops() {
    let collector = collector();
    pixel(&collector, "d=exempt.test&m=spring-2026", &[]);
    let (folder, is_clean) = collector.stop();
    assert!(is_clean);
    let again = Collector::start_in(folder);
    again.until("SELECT sum(opens) FROM mail_opens", "1");
}

#[test]
fn a_campaign_that_could_name_a_recipient_is_refused_at_start() {
    let check = |campaigns: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("sillage.toml");
        let text = format!("[[site]]\nid = \"a.test\"\nmail_campaigns = [{campaigns}]\n");
        std::fs::write(&path, text).expect("writable");
        let ran = binary()
            .args(["check-config", "--config"])
            .arg(&path)
            .output()
            .expect("the binary runs");
        (
            ran.status.success(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    };
    let long = |bytes: usize| format!("\"{}\"", "spring ".repeat(20).get(..bytes).expect("long"));
    let many = |count: usize| vec!["\"spring\""; count].join(",");
    for sound in ["\"spring-2026\"", &long(62), &many(100)] {
        assert!(check(sound).0, "{sound}");
    }
    for faulty in [
        "\"\"",
        "\"taro@example.jp\"",
        "\"+81 90-1234-5678\"",
        &long(66),
        &many(101),
    ] {
        let (is_usable, message) = check(faulty);
        assert!(
            !is_usable && message.contains("mail_campaigns"),
            "{faulty}: {message}"
        );
    }
}

#[test]
fn the_tracker_is_compressed_and_releases_outlive_an_upgrade() {
    let collector = collector();
    let address = collector.address;
    let plain = get(address, "/s.js", &[]);
    assert_eq!(
        (plain.status, plain.header("content-encoding")),
        (200, None)
    );
    let packed = |coding: &str, path: &str| {
        let answer = get(address, path, &[("Accept-Encoding", coding)]);
        assert_eq!(answer.header("content-encoding"), Some(coding), "{path}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        let length = answer.header("content-length").expect("a length");
        (
            length.parse::<usize>().expect("a number"),
            answer.header("etag").map(str::to_owned),
        )
    };
    let (brotli, gzip) = (packed("br", "/s.js"), packed("gzip", "/s.js"));
    // The size budget of the core file, as transferred.
    assert!(brotli.0 <= 1_800 && gzip.0 <= 2_000 && plain.body.len() <= 4_000);
    let plain_tag = plain.header("etag").map(str::to_owned);
    assert!(
        brotli.1 != gzip.1 && gzip.1 != plain_tag,
        "each encoding has its own entity tag"
    );

    for name in [
        "tcf",
        "gpp",
        "consent-mode",
        "cookiebot",
        "onetrust",
        "klaro",
        "osano",
        "wp-consent-api",
    ] {
        let path = format!("/s/consent/{name}.js");
        let answer = get(address, &path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let release = std::fs::read_dir(collector.folder.path().join("data/tracker"))
        .expect("a folder of releases")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .into_string()
                .expect("plain")
        })
        .next()
        .expect("the release of this binary");
    let pinned = get(address, &format!("/s/{release}/s.js"), &[]);
    assert_eq!(pinned.body, plain.body);
    assert_eq!(
        pinned.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    packed("br", &format!("/s/{release}/consent/tcf.js"));

    // The data folder keeps the release of an earlier binary, which is still served.
    let earlier = collector
        .folder
        .path()
        .join("data/tracker/00000000000000aa");
    std::fs::create_dir(&earlier).expect("writable");
    std::fs::write(earlier.join("s.js"), "earlier").expect("writable");
    std::fs::write(collector.folder.path().join("data/secret.js"), "secret").expect("writable");
    assert_eq!(
        get(address, "/s/00000000000000aa/s.js", &[]).body,
        "earlier"
    );
    for path in [
        "/s/",
        "/s/s.js",
        "/s/npm/module.js",
        "/s/00000000000000ab/s.js",
        "/s/00000000000000aa/",
        "/s/00000000000000aa/../../secret.js",
        "/s/00000000000000aa/%2e%2e/%2e%2e/secret.js",
        "/s/consent/../s.js",
        "/s/consent/nothing.js",
        "/s/consent/tcf.js.br",
    ] {
        assert_eq!(get(address, path, &[]).status, 404, "{path}");
    }
    assert_eq!(post(address, "/s/consent/tcf.js", "", &[]).status, 405);

    let (folder, is_clean) = collector.stop();
    assert!(is_clean);
    let upgraded = Collector::start_in(folder);
    let pinned = get(upgraded.address, "/s/00000000000000aa/s.js", &[]);
    assert_eq!((pinned.status, pinned.body.as_str()), (200, "earlier"));
}

#[test]
fn the_command_prints_snippets_whose_addresses_are_served() {
    let collector = collector();
    let config = collector.folder.path().join("sillage.toml");
    let print = |arguments: &[&str]| {
        let ran = binary()
            .arg("snippet")
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .output()
            .expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
    };
    let (code, line, _) = print(&["example.com"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        line,
        "<script defer src=\"/s.js\" data-site=\"example.com\" data-consent=\"wait\" data-policy=\"1\"></script>"
    );
    let (_, line, _) = print(&[
        "example.com",
        "--variant",
        "integrity",
        "--origin",
        "https://stats.example.com",
    ]);
    let between = |text: &str, before: &str| {
        let rest = text.split(before).nth(1).expect("the text before it");
        rest.split('"').next().expect("quoted").to_owned()
    };
    let address = between(&line, "src=\"https://stats.example.com");
    let served = get(collector.address, &address, &[]);
    assert_eq!(served.status, 200, "{address}");
    let integrity = sillage::tracker_files::integrity(served.body.as_bytes());
    assert_eq!(between(&line, "integrity=\""), integrity);

    let (_, image, _) = print(&["count.test", "--variant", "noscript"]);
    let address = between(&image, "src=\"");
    let referrer = [
        ("Referer", "https://count.test/by-image"),
        ("User-Agent", AGENT),
    ];
    assert_eq!(get(collector.address, &address, &referrer).status, 200);
    collector.until("SELECT groupArray(path) FROM events", "['/by-image']");

    let (code, out, error) = print(&["exemple.com"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert!(
        error.contains("configured are example.com, exempt.test, count.test"),
        "{error}"
    );
    let (code, _, error) = print(&["example.com", "--variant", "noscript"]);
    assert!(
        code == Some(1) && error.contains("profile `consent`"),
        "{error}"
    );
}
