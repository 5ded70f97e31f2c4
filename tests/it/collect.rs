//! Beacons through the socket into ClickHouse: what is stored, what is not, and which response is
//! sent.

use serde_json::json;

use crate::support::{Collector, cookie, get, pageview, post, raw};

#[test]
fn a_consented_visit_is_stored_and_a_refusal_leaves_only_a_count() {
    let collector = Collector::start();
    let said = |c: serde_json::Value, headers: &[(&str, &str)]| {
        let body = json!({"n": "pageview", "u": "https://example.com/refused", "d": "example.com", "c": c});
        let answer = collector.beacon_with(&body.to_string(), headers);
        assert_eq!((answer.status, answer.body.as_str()), (202, "ok"));
        assert_eq!(answer.header("set-cookie"), None);
    };
    said(json!(0), &[]);
    said(json!(false), &[]);
    said(json!("yes"), &[]);
    said(json!(null), &[]);
    said(json!(1), &[("Sec-GPC", "1")]);
    said(json!(1), &[("DNT", "1")]);
    said(json!(1), &[("Cookie", "sillage_opt_out=1")]);

    let first = collector.beacon(&pageview("/", "a"));
    assert_eq!((first.status, first.body.as_str()), (202, "ok"));
    let device = cookie(&first)
        .expect("a measurement cookie after yes")
        .to_owned();
    let second = collector.beacon_with(
        &pageview("/prices?plan=x#y", "b"),
        &[("Cookie", &format!("login=secret; {device}"))],
    );
    assert_eq!(
        second.header("set-cookie"),
        None,
        "the cookie changes once per visit"
    );
    collector.until("SELECT count() FROM events", "2");
    assert_eq!(
        collector.sql(
            "SELECT path, seq, previous_path, entry_path, visit_number, days_since_seen, basis, uniqExact(visitor) OVER (), uniqExact(visit) OVER () \
             FROM events ORDER BY seq"
        ),
        "/\t1\t\t/\t1\t32767\tconsent\t1\t1\n/prices\t2\t/\t/\t1\t32767\tconsent\t1\t1"
    );
    collector.until(
        "SELECT outcome, sum(beacons) FROM outcomes GROUP BY outcome ORDER BY outcome FORMAT CSV",
        "\"accepted\",2\n\"dnt\",1\n\"gpc\",1\n\"no_consent\",1\n\"opted_out\",1\n\"refused\",3",
    );
}

#[test]
fn the_measurement_cookie_is_http_only_and_removed_on_refusal() {
    let collector = Collector::start();
    let first = collector.beacon(&pageview("/", "a"));
    let set = first.header("set-cookie").expect("a cookie").to_owned();
    assert!(
        set.contains("; HttpOnly")
            && set.contains("; SameSite=Lax")
            && set.contains("; Path=/api/event"),
        "{set}"
    );
    assert!(!set.contains("Secure"), "plain http: {set}");
    let secure = collector.beacon_with(&pageview("/", "b"), &[("Origin", "https://example.com")]);
    assert!(
        secure
            .header("set-cookie")
            .expect("a cookie")
            .contains("; Secure")
    );

    let device = cookie(&first).expect("a cookie").to_owned();
    let no = json!({"n": "pageview", "u": "https://example.com/", "d": "example.com", "c": 0})
        .to_string();
    let withdrawn = collector.beacon_with(&no, &[("Cookie", &device)]);
    let deleted = withdrawn.header("set-cookie").expect("a deletion");
    assert!(
        deleted.contains("=; ") && deleted.contains("Max-Age=0"),
        "{deleted}"
    );

    let (name, value) = device.split_once('=').expect("a cookie");
    let forged = format!("{name}={}", value.chars().rev().collect::<String>());
    let stranger = collector.beacon_with(&pageview("/", "c"), &[("Cookie", &forged)]);
    assert!(
        stranger.header("set-cookie").is_some(),
        "a forged cookie counts as no cookie"
    );
    collector.until("SELECT uniqExact(visitor) FROM events", "3");
}

#[test]
fn an_event_sent_again_counts_once_and_an_engagement_finds_its_pageview() {
    let collector = Collector::start();
    let first = collector.beacon(&pageview("/read", "k1"));
    let device = cookie(&first).expect("a cookie").to_owned();
    for _ in 0..3 {
        assert_eq!(
            collector
                .beacon_with(&pageview("/read", "k1"), &[("Cookie", &device)])
                .status,
            202
        );
    }
    for (ms, depth) in [(1_000, 10), (5_000, 80), (4_000, 90)] {
        let body = json!({"n": "engagement", "u": "https://example.com/read", "d": "example.com", "c": 1, "k": "k1", "e": ms, "sd": depth});
        assert_eq!(
            collector
                .beacon_with(&body.to_string(), &[("Cookie", &device)])
                .status,
            202
        );
    }
    collector.until(
        "SELECT countIf(name = 'pageview'), countIf(name = 'engagement') FROM events",
        "1\t3",
    );
    assert_eq!(collector.sql("SELECT uniqExact(key), uniqExact(visit), max(engaged_ms) IN (1, 10000), max(scroll) FROM events WHERE scroll <= 100"), "1\t1\t1\t90");
}

#[test]
fn bad_input_gets_a_clear_answer_stores_nothing_and_is_not_repeated() {
    let collector = Collector::start();
    let canary = "canary-5f1c";
    let long_url = format!("https://example.com/{}", canary.repeat(400));
    let long_name = canary.repeat(20);
    let url = "https://example.com/";
    let cases: Vec<(String, u16, &str)> = vec![
        (String::new(), 400, "request"),
        ("{".into(), 400, "request"),
        ("[]".into(), 400, "request"),
        (format!("\"{canary}\""), 400, "request"),
        (
            format!("{{\"n\":\"pageview\",\"u\":\"{url}\"}} {canary}"),
            400,
            "request",
        ),
        (json!({"u": url}).to_string(), 400, "event_name"),
        (json!({"n": "", "u": url}).to_string(), 400, "event_name"),
        (
            json!({"n": [canary], "u": url}).to_string(),
            400,
            "event_name",
        ),
        (
            json!({"n": long_name, "u": url}).to_string(),
            400,
            "event_name",
        ),
        (json!({"n": "pageview"}).to_string(), 400, "url"),
        (json!({"n": "pageview", "u": 7}).to_string(), 400, "url"),
        (
            json!({"n": "pageview", "u": canary}).to_string(),
            400,
            "url",
        ),
        (
            json!({"n": "pageview", "u": long_url}).to_string(),
            400,
            "url",
        ),
        (
            json!({"n": "pageview", "u": format!("data:text/html,{canary}")}).to_string(),
            400,
            "url",
        ),
        (
            json!({"n": "pageview", "u": "https://"}).to_string(),
            400,
            "url",
        ),
        (
            json!({"n": "pageview", "u": url, "d": " "}).to_string(),
            400,
            "domain",
        ),
        (
            json!({"n": "pageview", "u": url, "d": {"a": canary}}).to_string(),
            400,
            "domain",
        ),
        (
            json!({"n": "engagement", "u": url, "d": "example.com"}).to_string(),
            400,
            "e",
        ),
        (
            json!({"n": "a", "u": url, "p": {"k": canary.repeat(200)}}).to_string(),
            400,
            "props",
        ),
    ];
    for (body, status, field) in &cases {
        let answer = collector.beacon(body);
        assert_eq!(answer.status, *status, "{body}: {}", answer.body);
        assert!(
            answer.body.contains(&format!("\"{field}\"")),
            "{body}: {}",
            answer.body
        );
        assert!(
            !answer.body.contains(canary),
            "input repeated: {}",
            answer.body
        );
    }
    let ok = pageview("/", "a");
    let event = "/api/event";
    assert_eq!(
        post(
            collector.address,
            event,
            &ok,
            &[("Content-Encoding", "gzip")]
        )
        .status,
        415
    );
    assert_eq!(
        post(collector.address, event, &"x".repeat(8 << 10), &[]).status,
        400,
        "at the limit"
    );
    assert_eq!(
        post(collector.address, event, &"x".repeat((8 << 10) + 1), &[]).status,
        413,
        "beyond the limit"
    );
    assert_eq!(
        post(collector.address, event, &canary.repeat(100_000), &[]).status,
        413
    );
    for method in ["GET", "PUT", "DELETE", "BREW"] {
        let request = format!("{method} {event} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = raw(collector.address, request.as_bytes()).expect("an answer");
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("POST")),
            "{method}"
        );
    }
    let mut invalid =
        b"POST /api/event HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\n"
            .to_vec();
    invalid.extend_from_slice(&[b'"', 0xff, 0xfe, b'"']);
    assert_eq!(
        raw(collector.address, &invalid).expect("an answer").status,
        400
    );
    let huge_head = format!(
        "POST {event} HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        canary.repeat(10_000)
    );
    assert!(
        raw(collector.address, huge_head.as_bytes())
            .is_ok_and(|answer| answer.status == 431 || answer.status == 400)
    );

    // Dropped beacons get the same response: it must not reveal whether a visitor is measured.
    let kept = collector.beacon(&ok);
    for body in [
        json!({"n": "pageview", "u": url, "d": "unknown.example", "c": 1}),
        json!({"n": "pageview", "u": "https://elsewhere.example/", "d": "example.com", "c": 1}),
        json!({"n": "pageview", "u": url, "d": "example.com", "c": 1, "b": 1}),
        json!({"n": "pageview", "u": url, "d": "example.com", "c": 1, "r": "http://semalt.com/x"}),
    ] {
        let answer = collector.beacon(&body.to_string());
        assert_eq!(
            (answer.status, &answer.body),
            (kept.status, &kept.body),
            "{body}"
        );
    }
    let bot = collector.beacon_with(&pageview("/", "b"), &[("User-Agent", "curl/8.5.0")]);
    assert_eq!((bot.status, &bot.body), (kept.status, &kept.body));
    collector.until("SELECT count() FROM events", "1");
    let log = collector.log();
    assert!(!log.contains(canary), "input logged:\n{log}");
    assert!(!log.contains("panic"), "{log}");
}

#[test]
fn the_dashboard_is_loopback_only_and_health_is_reported() {
    let collector = Collector::start();
    for path in ["/", "/api/sites", "/metrics"] {
        assert_eq!(get(collector.address, path, &[]).status, 200, "{path}");
        assert_eq!(
            get(collector.address, path, &[("Host", "localhost:8000")]).status,
            200,
            "{path}"
        );
        assert_eq!(
            get(collector.address, path, &[("Host", "rebound.example")]).status,
            421,
            "{path}"
        );
        assert_eq!(
            get(
                collector.address,
                path,
                &[("X-Forwarded-For", "203.0.113.7")]
            )
            .status,
            421,
            "{path}"
        );
    }
    for path in ["/healthz", "/readyz", "/s.js"] {
        assert_eq!(
            get(collector.address, path, &[("Host", "www.example.com")]).status,
            200,
            "{path}"
        );
    }
    let script = get(collector.address, "/s.js", &[]);
    let tag = script.header("etag").expect("an entity tag").to_owned();
    assert_eq!(
        get(collector.address, "/s.js", &[("If-None-Match", &tag)]).status,
        304
    );
    assert_eq!(
        get(collector.address, "/s.js", &[("User-Agent", "another")]).body,
        script.body,
        "every client gets the same file"
    );
    assert_eq!(get(collector.address, "/nothing", &[]).status, 404);
}

#[test]
fn pages_of_other_hosts_may_send_only_if_configured() {
    let collector = Collector::start();
    let of = |origin: &str| {
        let answer = collector.beacon_with(&pageview("/", "a"), &[("Origin", origin)]);
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    assert_eq!(
        of("https://www.example.com").as_deref(),
        Some("https://www.example.com")
    );
    assert_eq!(
        of("https://example.com:8443").as_deref(),
        Some("https://example.com:8443")
    );
    assert_eq!(of("https://evil.example"), None);
    assert_eq!(of("null"), None);
}

#[test]
fn row_times_are_whole_minutes() {
    let collector = Collector::start();
    let first = collector.beacon(&pageview("/", "a"));
    let device = cookie(&first).expect("a cookie").to_owned();
    let second = collector.beacon_with(&pageview("/b", "b"), &[("Cookie", &device)]);
    assert_eq!(second.status, 202);
    let read = json!({"n": "engagement", "u": "https://example.com/b", "d": "example.com", "c": 1, "k": "b", "e": 34_567, "sd": 50, "vl": 1_234});
    let read = collector.beacon_with(&read.to_string(), &[("Cookie", &device)]);
    assert_eq!(read.status, 202);
    collector.until(
        "SELECT count(), max(toSecond(time)), max(elapsed % 60), groupArray(seq) FROM (SELECT * FROM events ORDER BY seq)",
        "3\t0\t0\t[1,2,2]",
    );
    // Sent as 34,567 ms and 1,234 ms.
    assert_eq!(
        collector.sql("SELECT max(engaged_ms) IN (30000, 40000), max(lcp_ms) FROM events"),
        "1\t1200"
    );
    // `time` and `expires` are the only columns with a date or time.
    assert_eq!(
        collector.sql("SELECT groupArray(name) FROM system.columns WHERE database = currentDatabase() AND table = 'events' AND type LIKE '%Date%'"),
        "['time','expires']"
    );
}

/// A second site with policy version 2.
const SECOND_POLICY: &str = r#"
[[site]]
id = "second.example"
hostnames = ["second.example"]
timezone = "UTC"
policy_version = "2"
"#;

#[test]
fn only_the_exact_text_of_the_policy_in_force_keeps_a_yes_valid() {
    let collector = Collector::start_with(SECOND_POLICY);
    let beacon = |path: &str, rest: &str| {
        let body = format!(
            r#"{{"n":"pageview","u":"https://second.example/{path}","d":"second.example",{rest}}}"#
        );
        let answer = collector.beacon(&body);
        assert_eq!(answer.status, 202, "{body}");
        answer.header("set-cookie").is_some()
    };
    let stale = [
        "1", "2", "2.0", "null", "true", "[]", "{}", r#"["2"]"#, r#""1""#, r#""""#, r#"" 2""#,
        r#""02""#,
    ];
    for version in stale {
        let has_cookie = beacon("stale", &format!(r#""c":1,"cv":{version}"#));
        assert!(!has_cookie, "{version}");
    }
    assert!(!beacon("stale", r#""c":1,"cv":"1","cv":"2""#));
    assert!(!beacon("stale", r#""c":1,"cv":1,"cv":"2""#));
    assert!(!beacon("stale", r#""c":1,"cv":"2","cv":null"#));
    // Positive control: the right version, the right version twice, and no version.
    assert!(beacon("kept", r#""c":1,"cv":"2""#));
    assert!(beacon("kept", r#""c":1,"cv":"2","cv":"2""#));
    assert!(beacon("kept", r#""c":1"#));
    collector.until("SELECT path, count() FROM events GROUP BY path", "/kept\t3");
    collector.until(
        "SELECT outcome, sum(beacons) FROM outcomes GROUP BY outcome ORDER BY outcome FORMAT CSV",
        "\"accepted\",3\n\"stale_policy\",15",
    );
}

#[test]
fn any_no_among_repeated_fields_and_objections_wins() {
    let collector = Collector::start();
    let beacon = |path: &str, said: &str, headers: &[(&str, &str)]| {
        let body = format!(
            r#"{{"n":"pageview","u":"https://example.com/{path}","d":"example.com",{said}}}"#
        );
        assert_eq!(collector.beacon_with(&body, headers).status, 202, "{body}");
    };
    for said in [
        r#""c":0,"c":1"#,
        r#""c":1,"c":0"#,
        r#""c":0,"c":1,"c":1"#,
        r#""c":1,"c":false,"c":1"#,
        r#""c":null,"c":1"#,
        r#""c":1,"\u0063":0"#,
        r#""c":"1""#,
        r#""c":1.0"#,
        r#""c":"false""#,
        r#""c":[1]"#,
    ] {
        beacon("no", said, &[]);
    }
    let yes = r#""c":1"#;
    for value in ["1, 1", "0, 1", "?1", "1;a=b"] {
        beacon("no", yes, &[("Sec-GPC", value)]);
        beacon("no", yes, &[("DNT", value)]);
    }
    beacon("no", yes, &[("Sec-GPC", "0"), ("Sec-GPC", "1")]);
    beacon("no", yes, &[("DNT", "0"), ("DNT", "1")]);
    beacon(
        "yes",
        r#""c":1,"c":true"#,
        &[("Sec-GPC", "0"), ("DNT", "0, 0")],
    );
    collector.until("SELECT path, count() FROM events GROUP BY path", "/yes\t1");
    collector.until(
        "SELECT outcome, sum(beacons) FROM outcomes GROUP BY outcome ORDER BY outcome FORMAT CSV",
        "\"accepted\",1\n\"dnt\",5\n\"gpc\",5\n\"refused\",10",
    );
}

#[test]
fn content_carried_in_link_addresses_is_never_stored() {
    let collector = Collector::start();
    let (mark, mailbox) = ("Mustermann%3Basthma", "mustermann.erika");
    let url = "https://example.com/patients";
    let event = |name: &str, props: serde_json::Value| {
        let body = json!({"n": name, "u": url, "d": "example.com", "c": 1, "p": props});
        let answer = collector.beacon(&body.to_string());
        assert_eq!((answer.status, &*answer.body), (202, "ok"), "{body}");
    };
    let table = format!("text/csv;charset=utf-8,name%3Bdiagnosis%0AErika%20{mark}");
    // What our earlier trackers, and Plausible's, send for such links.
    event("download", json!({"path": table}));
    event(
        "download",
        json!({"path": format!("{mailbox}@kanzlei.zip")}),
    );
    event("outbound", json!({"host": mailbox.replace('.', " ")}));
    event("File Download", json!({"url": format!("data:{table}")}));
    event(
        "File Download",
        json!({"url": format!("mailto:{mailbox}@kanzlei.zip")}),
    );
    event(
        "Export",
        json!({"what": format!("Data:{table}"), "rows": 2}),
    );
    // Positive control.
    event("download", json!({"path": "/files/report.pdf"}));
    event("outbound", json!({"host": "other.example"}));
    for (address, referrer) in [
        (format!("data:{table}"), ""),
        (format!("sms://{mailbox}/"), ""),
        (format!("filesystem:https://example.com/{mark}"), ""),
    ] {
        let body =
            json!({"n": "pageview", "u": address, "d": "example.com", "c": 1, "r": referrer});
        assert_eq!(collector.beacon(&body.to_string()).status, 400, "{body}");
    }
    let from = json!({"n": "pageview", "u": url, "d": "example.com", "c": 1, "r": format!("data:{table}")});
    assert_eq!(collector.beacon(&from.to_string()).status, 202);
    collector.until("SELECT count() FROM events", "9");
    let rows = collector.sql("SELECT * FROM events FORMAT JSONEachRow");
    assert!(
        !rows.contains("Mustermann") && !rows.contains("mustermann"),
        "{rows}"
    );
    assert_eq!(
        collector
            .sql("SELECT name, props FROM events WHERE notEmpty(props) ORDER BY name FORMAT CSV"),
        "\"Export\",\"{'rows':'2'}\"\n\"download\",\"{'path':'/files/report.pdf'}\"\n\"outbound\",\"{'host':'other.example'}\""
    );
}
