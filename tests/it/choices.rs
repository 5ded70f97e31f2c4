//! The choices page, through the socket: what it says, what its buttons do, and which requests it
//! refuses.

use serde_json::{Value, json};

use crate::support::{Answer, Collector, binary, cookie, get, pageview, post, write_config};

pub const OWN: (&str, &str) = ("Sec-Fetch-Site", "same-origin");
pub const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

pub fn press(collector: &Collector, action: &str, headers: &[(&str, &str)]) -> Answer {
    let headers = [&[OWN, FORM], headers].concat();
    let form = format!("site=example.com&action={action}");
    post(collector.address, "/api/event/choices", &form, &headers)
}

/// All `Set-Cookie` headers.
pub fn set_cookies(answer: &Answer) -> Vec<&str> {
    let all = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    all.map(|(_, value)| value.as_str()).collect()
}

/// Starts a collector with more lines in the site's table, which is the last table of the file.
pub fn start_with_site(top: &str, site: &str) -> Collector {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write_config(folder.path(), top);
    let text = std::fs::read_to_string(&path).expect("just written");
    let text = if site.contains("profile = ") {
        text.replace("profile = \"consent\"\n", "")
    } else {
        text
    };
    std::fs::write(&path, text + site).expect("a temporary folder can be written");
    Collector::start_in(folder)
}

fn json_of(collector: &Collector, path: &str) -> Value {
    let answer = get(collector.address, path, &[]);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).expect("JSON")
}

#[test]
fn the_page_shows_what_is_measured_and_the_current_choice() {
    let collector = Collector::start();
    for (language, word) in [
        ("en-GB", "Your choices"),
        ("ja", "選択"),
        ("de-AT,en;q=0.5", "Ihre Auswahl"),
        ("fr", "Your choices"),
    ] {
        let page = get(
            collector.address,
            "/privacy?site=example.com",
            &[("Accept-Language", language)],
        );
        assert_eq!(page.status, 200);
        assert!(page.body.contains(word), "{language}: {}", page.body);
        assert!(
            !page.body.contains("{{") && !page.body.contains("<script"),
            "{}",
            page.body
        );
    }
    let page = get(
        collector.address,
        "/privacy",
        &[("Host", "www.example.com"), ("Sec-GPC", "1")],
    );
    assert!(
        page.body
            .contains("Nothing that you do on this site is stored"),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains("sent by your browser and treated as a no")
    );
    let policy = page
        .header("content-security-policy")
        .expect("a content policy");
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.header("set-cookie"), None, "a GET sets no cookie");
    assert_eq!(page.header("cache-control"), Some("no-store"));

    let device = cookie(&collector.beacon(&pageview("/", "a")))
        .expect("a cookie")
        .to_owned();
    let page = get(
        collector.address,
        "/api/event/choices?site=example.com",
        &[("Cookie", &device)],
    );
    assert!(
        page.body.contains("You said yes in this browser"),
        "{}",
        page.body
    );
    let value = device.split_once('=').expect("a cookie").1;
    assert!(
        !page.body.contains(&value[..20]),
        "the page does not show the device id"
    );
    assert_eq!(
        get(collector.address, "/privacy?site=other.example", &[]).status,
        404
    );
    assert_eq!(
        get(collector.address, "/privacy/style.css", &[]).status,
        200
    );
}

#[test]
fn a_refusal_by_a_plain_form_stops_measuring_and_can_be_taken_back() {
    let collector = Collector::start();
    let device = cookie(&collector.beacon(&pageview("/", "a")))
        .expect("a cookie")
        .to_owned();
    let refused = press(&collector, "refuse", &[("Cookie", &device)]);
    assert_eq!(refused.status, 200, "{}", refused.body);
    assert!(refused.body.contains("role=\"status\""), "{}", refused.body);
    let cookies = set_cookies(&refused);
    let opt_out = cookies
        .iter()
        .find(|cookie| cookie.starts_with("sillage_opt_out="))
        .expect("an opt-out");
    assert!(
        opt_out.contains("Path=/;")
            && opt_out.contains("Max-Age=34560000")
            && opt_out.contains("SameSite=Lax"),
        "{opt_out}"
    );
    let name = device.split_once('=').expect("a cookie").0;
    assert!(
        cookies.iter().any(
            |cookie| cookie.starts_with(&format!("{name}=; Path=/api/event;"))
                && cookie.contains("Max-Age=0")
        ),
        "{cookies:?}"
    );
    // The opt-out cookie is the same for every visitor.
    let stranger = press(&collector, "refuse", &[("User-Agent", "another")]);
    assert!(set_cookies(&stranger).contains(opt_out));

    let opt_out = opt_out.split(';').next().expect("a cookie");
    let after = collector.beacon_with(&pageview("/after", "b"), &[("Cookie", opt_out)]);
    assert_eq!((after.status, after.header("set-cookie")), (202, None));
    let page = get(
        collector.address,
        "/privacy",
        &[("Host", "example.com"), ("Cookie", opt_out)],
    );
    assert!(
        page.body
            .contains("Nothing that you do on this site is stored"),
        "{}",
        page.body
    );

    let allowed = press(&collector, "allow", &[("Cookie", opt_out)]);
    assert!(
        set_cookies(&allowed)[0].contains("Max-Age=0"),
        "{:?}",
        set_cookies(&allowed)
    );
    collector.beacon(&pageview("/again", "c"));
    collector.until(
        "SELECT count(), countIf(path = '/after') FROM events",
        "2\t0",
    );
}

#[test]
fn choices_from_elsewhere_are_refused_and_change_nothing() {
    let collector = Collector::start();
    let form = "site=example.com&action=refuse";
    let send = |path: &str, headers: &[(&str, &str)]| {
        post(collector.address, path, form, &[&[FORM], headers].concat())
    };
    let choices = "/api/event/choices";
    for headers in [
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "https://evil.example"),
        ][..],
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "https://example.com"),
        ],
        &[("Origin", "https://evil.example")],
        &[("Origin", "null")],
        &[],
    ] {
        for path in [choices, "/privacy"] {
            let answer = send(path, headers);
            assert_eq!(answer.status, 403, "{headers:?}");
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
    // Behind a proxy that keeps `Host`, that sends it in another header, or that does neither.
    for headers in [
        &[
            ("Host", "stats.example.com"),
            ("Origin", "https://stats.example.com"),
        ][..],
        &[
            ("X-Forwarded-Host", "stats.example.com"),
            ("Origin", "https://stats.example.com"),
            ("X-Forwarded-Proto", "https"),
        ],
        &[
            ("Sec-Fetch-Site", "same-origin"),
            ("Origin", "https://stats.example.com"),
        ],
    ] {
        let answer = send(choices, headers);
        assert_eq!(answer.status, 200, "{headers:?}: {}", answer.body);
    }
    assert!(
        set_cookies(&send(choices, &[OWN, ("X-Forwarded-Proto", "https")]))
            .iter()
            .all(|cookie| cookie.ends_with("; Secure"))
    );
    let wrong = post(
        collector.address,
        choices,
        "site=example.com&action=sell",
        &[FORM, OWN],
    );
    assert_eq!(wrong.status, 400);
    assert_eq!(
        post(collector.address, choices, &"x".repeat(1_025), &[FORM, OWN]).status,
        413
    );
    assert_eq!(
        post(collector.address, "/privacy/policy.json", "", &[OWN]).status,
        405
    );
}

#[test]
fn todays_data_is_erased_for_the_requesting_visitor_only() {
    let collector = Collector::start();
    let mine = cookie(&collector.beacon(&pageview("/mine", "a")))
        .expect("a cookie")
        .to_owned();
    let other = cookie(&collector.beacon(&pageview("/other", "b")))
        .expect("a cookie")
        .to_owned();
    collector.until("SELECT count() FROM events", "2");
    // One more, still in the spool when the button is pressed.
    collector.beacon_with(&pageview("/mine/too", "c"), &[("Cookie", &mine)]);
    let redirected = post(
        collector.address,
        "/privacy",
        "site=example.com&action=erase",
        &[OWN, FORM],
    );
    assert_eq!(
        (redirected.status, redirected.header("location")),
        (307, Some("/api/event/choices"))
    );
    let erased = press(&collector, "erase", &[("Cookie", &mine)]);
    assert_eq!(erased.status, 200, "{}", erased.body);
    assert_eq!(
        set_cookies(&erased).len(),
        2,
        "sets the opt-out cookie and removes the measurement cookie"
    );
    assert_eq!(collector.sql("SELECT path FROM events"), "/other");
    assert_eq!(
        collector.sql("SELECT sum(rows) FROM system.parts WHERE database = 'sillage' AND table = 'events' AND active"),
        "1",
        "the parts are rewritten, the rows are not only masked"
    );
    // The visit is forgotten too: the same device starts a new one.
    collector.beacon_with(&pageview("/back", "d"), &[("Cookie", &mine)]);
    collector.beacon_with(&pageview("/on", "e"), &[("Cookie", &other)]);
    collector.until(
        "SELECT path, seq FROM events WHERE path IN ('/back', '/on') ORDER BY path FORMAT CSV",
        "\"/back\",1\n\"/on\",2",
    );
}

#[test]
fn without_a_cookie_the_visitor_of_the_truncated_address_is_erased() {
    let collector = start_with_site("", "profile = \"exempt\"\n");
    let silent = |path: &str| {
        json!({"n": "pageview", "u": format!("https://example.com{path}"), "d": "example.com"})
            .to_string()
    };
    let other = (
        "User-Agent",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    );
    collector.beacon(&silent("/mine"));
    collector.beacon_with(&silent("/other"), &[other]);
    collector.until("SELECT count(), uniqExact(visitor) FROM events", "2\t2");
    assert_eq!(press(&collector, "erase", &[]).status, 200);
    assert_eq!(collector.sql("SELECT path FROM events"), "/other");
    let again = press(&collector, "erase", &[]);
    assert_eq!(again.status, 200, "nothing to erase is not an error");
    assert!(
        again
            .body
            .contains("Nothing could be found for this browser")
    );
    assert_eq!(
        collector.sql("SELECT count() FROM system.mutations WHERE table = 'events' AND command LIKE '%DELETE%'"),
        "0",
        "no mutation with a visitor id is left"
    );
}

#[test]
fn the_published_policy_matches_the_configuration() {
    let policies = "[[policy]]\nversion = \"2026-01\"\neffective = \"2026-01-01\"\npurposes = [\"usage_trend\", \"service_health\"]\n\
        recipients = [\"Parent Company\"]\nretention_days = 60\n";
    let site = "policy_version = \"2026-01\"\nprofile = \"exempt\"\ncontroller = \"Example <K.K.>\"\ncontact = \"privacy@example.com\"\n\
        privacy_url = \"https://example.com/policy\"\n[[hold]]\nsite = \"example.com\"\nreason = \"Case 7\"\n\
        from = \"2026-01-01\"\nto = \"2026-02-01\"\nuntil = \"2099-01-01\"\n";
    let collector = start_with_site("", &[site, policies].concat());
    let policy = json_of(&collector, "/privacy/policy.json");
    assert_eq!(policy["controller"], "Example <K.K.>");
    assert_eq!(policy["contact"], "privacy@example.com");
    assert_eq!(policy["policy_version"], "2026-01");
    assert_eq!(policy["purposes"], json!(["usage_trend", "service_health"]));
    assert_eq!(policy["recipients"], json!(["Parent Company"]));
    assert_eq!(policy["retention"]["rows_days"], 60);
    assert_eq!(policy["holds"][0]["reason"], "Case 7");
    assert_eq!(
        policy["policies"][0]["sha256"].as_str().map(str::len),
        Some(64)
    );
    assert_eq!(json_of(&collector, "/.well-known/gpc.json")["gpc"], true);

    let page = get(collector.address, "/privacy", &[]).body;
    assert!(
        page.contains("Example &lt;K.K.&gt;")
            && page.contains("60 days")
            && page.contains("Parent Company")
            && page.contains("records from 2026-01-01 to 2026-02-01 are kept until 2099-01-01"),
        "{page}"
    );
    for (lang, word) in [("ja", "外部送信"), ("en", "To whom"), ("de", "An wen")] {
        let path = format!("/privacy/external-transmission?lang={lang}");
        let notice = get(collector.address, &path, &[]).body;
        assert!(
            notice.contains(word) && notice.contains("Example &lt;K.K.&gt;"),
            "{notice}"
        );
    }
    let assessment = get(collector.address, "/privacy/self-assessment", &[]).body;
    assert_eq!(assessment.matches("<tr><td>").count(), 14, "{assessment}");
    assert_eq!(
        assessment.matches("not held by this configuration").count(),
        1,
        "the recipient: {assessment}"
    );
    collector.beacon(
        &json!({"n": "pageview", "u": "https://example.com/", "d": "example.com"}).to_string(),
    );
    collector.until(
        "SELECT policy, toUInt16(expires - toDate(time, 'Asia/Tokyo')) FROM events",
        "2026-01\t60",
    );
}

#[test]
fn only_registered_cookies_are_ever_set() {
    let collector = Collector::start();
    let register = json_of(&collector, "/privacy/cookies.json");
    let registered: Vec<&str> = register["cookies"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|cookie| cookie["name"].as_str())
        .collect();
    let beacon = collector.beacon(&pageview("/", "a"));
    let device = cookie(&beacon).expect("a cookie").to_owned();
    let answers = [
        beacon,
        press(&collector, "refuse", &[("Cookie", &device)]),
        press(&collector, "allow", &[]),
        press(&collector, "erase", &[("Cookie", &device)]),
        get(collector.address, "/privacy", &[]),
        get(collector.address, "/s.js", &[]),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for answer in &answers {
        seen.extend(
            set_cookies(answer)
                .iter()
                .filter_map(|cookie| cookie.split('=').next()),
        );
        for hint in ["accept-ch", "critical-ch"] {
            assert_eq!(answer.header(hint), None);
        }
    }
    assert_eq!(seen, registered.into_iter().collect());
}

#[test]
fn a_changed_published_policy_stops_the_start_with_a_reason() {
    let policy = "[[policy]]\nversion = \"1\"\neffective = \"2026-01-01\"\npurposes = []\nretention_days = 60\n";
    let collector = start_with_site("", policy);
    let (folder, is_clean) = collector.stop();
    assert!(is_clean);
    let path = folder.path().join("sillage.toml");
    let text = std::fs::read_to_string(&path)
        .expect("written")
        .replace("retention_days = 60", "retention_days = 50");
    std::fs::write(&path, text).expect("a temporary folder can be written");
    let refused = binary()
        .args(["serve", "--config"])
        .arg(&path)
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("policy \"1\" was published") && said.contains("restore its record"),
        "{said}"
    );
}
