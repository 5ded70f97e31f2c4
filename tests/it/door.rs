//! Privacy rules that need the whole collector: the consent cookie of a consent manager, the region
//! where rows may be stored, and what two sites or two visitors can learn about each other.
//! `docs/policy-clauses.md` names the clause that each test checks.

use crate::support::{Collector, binary, pageview, post, write_config};

/// Starts a collector with more lines in the site's table, which is the last table of the file.
fn start_with_site(top: &str, site: &str) -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write_config(folder.path(), top);
    let text = std::fs::read_to_string(&path).expect("just written");
    std::fs::write(&path, text + site).expect("a temporary folder can be written");
    Collector::start_in(folder)
}

/// A pageview without a choice: the page reports neither a yes nor a no.
fn silent(path: &str) -> String {
    pageview(path, path).replace("\"c\":1,", "")
}

#[test]
fn a_configured_consent_cookie_is_read_and_a_no_wins() {
    let collector = start_with_site(
        "",
        "consent_cookie = { manager = \"onetrust\", category = \"C0002\" }\n",
    );
    let consent = |state: &str, rest: &str| {
        format!("session=SECRET; OptanonConsent=groups=C0001%3A1%2CC0002%3A{state}{rest}")
    };
    let closed = "; OptanonAlertBoxClosed=2026-11-25T03:41:00.123Z";
    let send = |body: &str, cookie: &str, header: (&str, &str)| {
        let answer = collector.beacon_with(body, &[("Cookie", cookie), header]);
        assert_eq!(answer.status, 202, "{}", answer.body);
        answer
    };
    let none = ("X-Nothing", "1");
    // A yes in the banner counts even if the page reports no choice.
    let answer = send(&silent("/yes"), &consent("1", closed), none);
    assert!(
        answer.header("set-cookie").is_some(),
        "a yes in the banner counts like a yes from the page"
    );
    // The cookie's no wins over the page's yes; the browser's no wins over the cookie's yes.
    send(&pageview("/no", "no"), &consent("0", closed), none);
    send(&silent("/gpc"), &consent("1", closed), ("Sec-GPC", "1"));
    let opted_out = consent("1", closed) + "; sillage_opt_out=1";
    send(&silent("/opted-out"), &opted_out, none);
    // A cookie from before the choice, or of another consent manager, has no effect.
    send(&silent("/default"), &consent("1", ""), none);
    let other = "CookieConsent={statistics:true,method:'explicit'}";
    send(&silent("/other"), other, none);
    collector.until("SELECT groupArray(path) FROM events", "['/yes']");
    collector.until(
        "SELECT groupArray((outcome, beacons)) FROM (SELECT toString(outcome) AS outcome, sum(beacons) AS beacons FROM outcomes GROUP BY outcome ORDER BY outcome)",
        "[('accepted',1),('consent_manager',1),('gpc',1),('no_consent',2),('opted_out',1)]",
    );
    let policy = crate::support::get(collector.address, "/privacy/policy.json", &[]);
    assert!(
        policy.body.contains("OptanonAlertBoxClosed"),
        "the policy says that the cookie is read: {}",
        policy.body
    );
    let page = |state: &str| {
        let cookie = consent(state, closed);
        crate::support::get(collector.address, "/privacy", &[("Cookie", &cookie)]).body
    };
    assert!(page("1").contains("You said yes in this browser"));
    assert!(page("0").contains("Nothing that you do on this site is stored"));
}

#[test]
fn a_consent_cookie_that_is_not_configured_is_not_read() {
    let collector = Collector::start();
    let cookie = "OptanonConsent=groups=C0002%3A0; OptanonAlertBoxClosed=2026-11-25T03:41:00.123Z";
    let answer = collector.beacon_with(&pageview("/", "a"), &[("Cookie", cookie)]);
    assert_eq!(answer.status, 202);
    collector.until("SELECT groupArray(path) FROM events", "['/']");
}

/// What `check-config` says about a configuration.
fn check_config(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sillage.toml");
    std::fs::write(&path, text).expect("a temporary folder can be written");
    let done = binary()
        .args(["check-config", "--config"])
        .arg(&path)
        .output()
        .expect("the binary runs");
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn a_site_with_a_storage_region_refuses_a_store_elsewhere() {
    let with = |region: &str, residency: &str| {
        check_config(&format!(
            "[clickhouse]\n{region}\n[[site]]\nid = \"example.com\"\n{residency}\n"
        ))
    };
    for (region, residency, is_sound) in [
        ("", "", true),
        ("region = \"EU\"", "", true),
        ("region = \"JP\"", "residency = \"JP\"", true),
        ("region = \"EU\"", "residency = \"JP\"", false),
        ("", "residency = \"JP\"", false),
    ] {
        let (is_taken, said) = with(region, residency);
        assert_eq!(is_taken, is_sound, "{region} {residency}: {said}");
        assert!(
            is_sound || said.contains("may be stored in \"JP\" only"),
            "{said}"
        );
    }
}

#[test]
fn an_impossible_consent_cookie_setting_is_refused_with_a_reason() {
    for (line, reason) in [
        (
            "consent_cookie = { manager = \"cookiebot\", category = \"C0002\" }",
            "always statistics",
        ),
        (
            "consent_cookie = { manager = \"onetrust\", category = \"C0002:1\" }",
            "use the id of the category",
        ),
        (
            "consent_cookie = { manager = \"onetrust\", category = \"\" }",
            "use the id of the category",
        ),
        ("consent_cookie = { manager = \"other\" }", "onetrust"),
        (
            "consent_cookie = { manager = \"cookiebot\", kategory = \"x\" }",
            "did you mean `category`",
        ),
    ] {
        let (is_taken, said) = check_config(&format!("[[site]]\nid = \"example.com\"\n{line}\n"));
        assert!(!is_taken && said.contains(reason), "{line}: {said}");
    }
}

#[test]
fn two_sites_see_two_visitors_and_foreign_hosts_are_only_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write_config(folder.path(), "");
    let text = std::fs::read_to_string(&path).expect("just written");
    let two = "[[site]]\nid = \"b.example\"\nprofile = \"exempt\"\n".to_owned();
    let text = text.replace("profile = \"consent\"", "profile = \"exempt\"") + &two;
    std::fs::write(&path, text).expect("a temporary folder can be written");
    let collector = Collector::start_in(folder);
    collector.beacon(&silent("/"));
    collector.beacon(&silent("/").replace("example.com", "b.example"));
    collector.beacon(&silent("/strange").replace("https://example.com", "https://evil.example"));
    collector.until(
        "SELECT count(), uniqExact(site), uniqExact(visitor), countIf(visitor = 0) FROM events",
        "2\t2\t2\t0",
    );
    collector.until(
        "SELECT sum(beacons) FROM outcomes WHERE outcome = 'foreign_host'",
        "1",
    );
}

#[test]
fn responses_do_not_reveal_what_became_of_a_beacon() {
    let collector = Collector::start();
    let ask = |body: &str, headers: &[(&str, &str)]| {
        let mut answer = post(collector.address, "/api/event", body, headers);
        answer.headers.retain(|(name, _)| name != "date");
        (answer.status, answer.headers, answer.body)
    };
    let refused = ask(&silent("/"), &[]);
    for (body, headers) in [
        (
            silent("/").replace("\"example.com\"", "\"nobody.example\""),
            vec![],
        ),
        (pageview("/", "b"), vec![("Sec-GPC", "1")]),
        (pageview("/", "c"), vec![("Cookie", "sillage_opt_out=1")]),
        (pageview("/", "d"), vec![("User-Agent", "Googlebot/2.1")]),
    ] {
        assert_eq!(ask(&body, &headers), refused, "{body} {headers:?}");
    }
    // The response to a stored beacon differs only in the cookie, which the visitor consented to.
    let mut kept = ask(&pageview("/", "e"), &[]);
    kept.1.retain(|(name, _)| name != "set-cookie");
    assert_eq!(kept, refused);
    for (name, _) in &refused.1 {
        assert!(
            !["accept-ch", "critical-ch", "etag", "last-modified"].contains(&name.as_str()),
            "{name} is sent"
        );
    }
    let opt_out = |agent: &str| {
        let answer = post(
            collector.address,
            "/api/event/choices",
            "site=example.com&action=refuse",
            &[("Sec-Fetch-Site", "same-origin"), ("User-Agent", agent)],
        );
        let mut set: Vec<_> = answer
            .headers
            .into_iter()
            .filter(|(name, value)| name == "set-cookie" && value.starts_with("sillage_opt_out"))
            .collect();
        set.pop().expect("a cookie").1
    };
    assert_eq!(opt_out("one"), opt_out("two"), "the same for every visitor");
}

#[test]
fn a_floor_below_three_is_for_members_only() {
    let with = |line: &str| check_config(&format!("[floor]\n{line}\n[[site]]\nid = \"a\"\n"));
    for (line, is_sound) in [
        ("members = 0", true),
        ("members = 1000", true),
        ("members = 1001", false),
        ("keys = 3", true),
        ("keys = 2", false),
        ("links = 0", false),
        ("analysts = 1000", true),
        ("analysts = 1001", false),
    ] {
        let (is_taken, said) = with(line);
        assert_eq!(is_taken, is_sound, "{line}: {said}");
        assert!(is_sound || said.contains("is allowed"), "{said}");
    }
}

#[test]
fn impossible_limits_are_refused_with_the_allowed_range() {
    let with = |line: &str| check_config(&format!("[limits]\n{line}\n[[site]]\nid = \"a\"\n"));
    for (line, is_sound) in [
        ("threads = 1", true),
        ("threads = 1024", true),
        ("threads = 0", false),
        ("threads = 1025", false),
        ("seen_keys_max = 0", true),
        ("seen_keys_max = 100000000", true),
        ("seen_keys_max = 100000001", false),
    ] {
        let (is_taken, said) = with(line);
        assert_eq!(is_taken, is_sound, "{line}: {said}");
        let name = line.split(' ').next().expect("a name");
        let is_told = said.contains(&format!("limits.{name}")) && said.contains("is allowed");
        assert!(is_sound || is_told, "{said}");
    }
}

#[test]
fn campaigns_are_collected_only_if_the_policy_says_so() {
    let page = "https://example.com/?utm_source=spring-letter&utm_campaign=may";
    let body = pageview("/", "a").replace("https://example.com/", page);
    for (purposes, stored) in [
        (
            "\"usage_trend\", \"campaign_effect\"",
            "spring-letter\tmay\tspring-letter",
        ),
        ("\"usage_trend\"", ""),
    ] {
        let policy = format!(
            "[[policy]]\nversion = \"1\"\neffective = \"2026-01-01\"\npurposes = [{purposes}]\nretention_days = 60\n"
        );
        let collector = start_with_site("", &policy);
        assert_eq!(collector.beacon(&body).status, 202);
        collector.until("SELECT count() FROM events", "1");
        let got = collector.sql("SELECT utm_source, utm_campaign, source FROM events");
        assert_eq!(got.trim(), stored, "{purposes}");
    }
}

#[test]
fn the_embedded_button_refuses_in_one_click_on_its_site_only() {
    let collector = Collector::start();
    let printed = binary()
        .args(["snippet", "example.com", "--refuse-button", "--config"])
        .arg(collector.folder.path().join("sillage.toml"))
        .output()
        .expect("the binary runs");
    let html = String::from_utf8_lossy(&printed.stdout).into_owned();
    let attribute = |name: &str| {
        let (_, rest) = html
            .split_once(&format!("{name}=\""))
            .expect("the attribute");
        rest.split('"').next().expect("closed").to_owned()
    };
    assert_eq!(attribute("method"), "post", "{html}");
    let form = format!("{}={}", attribute("<button name"), attribute("value"));
    let press = |origin: &str, site: &str| {
        post(
            collector.address,
            &attribute("action"),
            &form,
            &[
                ("Origin", origin),
                ("Sec-Fetch-Site", site),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
        )
    };
    // The page is on the site's host, the collector on another host of the same site.
    let pressed = press("https://www.example.com", "same-site");
    assert_eq!(pressed.status, 200, "{}", pressed.body);
    let set = pressed.header("set-cookie").expect("a cookie");
    assert!(set.starts_with("sillage_opt_out=1; Path=/;"), "{set}");
    assert!(
        pressed
            .body
            .contains("Nothing that you do on this site is stored")
    );
    assert_eq!(press("https://evil.example", "cross-site").status, 403);
}

#[test]
fn a_panic_logs_its_location_and_not_its_message() {
    const MESSAGE: &str = "SILLAGE_TEST_PANICS_WITH";
    if let Ok(message) = std::env::var(MESSAGE) {
        sillage::telemetry::start("trace");
        panic!("{message}");
    }
    let canary = "203.0.113.77 canary@example.com";
    let child = std::process::Command::new(std::env::current_exe().expect("this binary"))
        .args([
            "door::a_panic_logs_its_location_and_not_its_message",
            "--exact",
            "--nocapture",
        ])
        .env(MESSAGE, canary)
        .output()
        .expect("the test binary runs");
    let said = [child.stdout, child.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!child.status.success());
    assert!(
        said.contains("panic at ") && said.contains("door.rs:"),
        "{said}"
    );
    assert!(
        !said.contains("203.0.113.77") && !said.contains("canary@"),
        "{said}"
    );
}
