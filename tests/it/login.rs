//! Log-ins: cookies, forms, throttled guesses, second factors, and when the dashboard needs no
//! log-in.

use serde_json::json;

use crate::support::people::{after, csrf, folder_with_root, form, said};
use crate::support::{
    Answer, Collector, PASSWORD, binary, get, log_in, post, user_add, write_config,
};

/// The cookie that marks a browser from which somebody logged in before.
fn device_cookie(answer: &Answer) -> String {
    let set = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    let mut values = set.filter_map(|(_, value)| value.split(';').next());
    let device = values.find(|value| value.starts_with("sillage_device="));
    device.expect("a device cookie").to_owned()
}

#[test]
fn a_demo_is_open_on_loopback_until_a_person_is_added() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "");
    let collector = Collector::start_in(folder);
    assert_eq!(get(collector.address, "/", &[]).status, 200);
    assert_eq!(get(collector.address, "/account", &[]).status, 403);
    user_add(collector.folder.path(), "root", "*", "owner");
    assert_eq!(get(collector.address, "/", &[]).status, 303);
}

#[test]
fn log_in_cookies_are_http_only_and_end_at_log_out() {
    let collector = Collector::start_guarded(folder_with_root());
    let fields = [("name", "root"), ("password", PASSWORD)];
    let answer = form(&collector, "/login", &fields, "");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    let set = answer.header("set-cookie").expect("a cookie");
    for part in ["sillage_login=", "Path=/", "HttpOnly", "SameSite=Strict"] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert!(!set.contains("Secure"), "{set}");
    let https = post(
        collector.address,
        "/login",
        &format!("name=root&password={}", PASSWORD.replace(' ', "+")),
        &[
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Forwarded-Proto", "https"),
        ],
    );
    let set = https.header("set-cookie").expect("a cookie");
    assert!(
        set.starts_with("__Host-sillage_login=") && set.contains("; Secure"),
        "{set}"
    );

    let first = log_in(&collector, "root", PASSWORD);
    // A new log-in ends the browser's old one.
    let again = form(&collector, "/login", &fields, &first);
    let second = again
        .header("set-cookie")
        .expect("a cookie")
        .split(';')
        .next()
        .expect("a value")
        .to_owned();
    assert_ne!(first, second);
    let is_in =
        |cookie: &str| get(collector.address, "/api/me", &[("Cookie", cookie)]).status == 200;
    assert!(!is_in(&first) && is_in(&second));
    let forged = second.replace(|c: char| c.is_ascii_digit(), "0");
    for cookie in [
        forged.as_str(),
        "sillage_login=",
        "sillage_login=x",
        "sillage_login=\"; DROP TABLE logins",
    ] {
        assert!(!is_in(cookie), "{cookie}");
    }

    // The database does not hold the secret of the cookie.
    let file = std::fs::read(collector.folder.path().join("data/control.db")).expect("read");
    let secret = second.split('=').nth(1).expect("a value").as_bytes();
    assert!(!file.windows(secret.len()).any(|window| window == secret));
    assert!(
        !file
            .windows(PASSWORD.len())
            .any(|window| window == PASSWORD.as_bytes())
    );

    let token = csrf(&collector, &second);
    assert_eq!(
        form(&collector, "/logout", &[("csrf", "x")], &second).status,
        403
    );
    assert!(is_in(&second));
    let out = form(&collector, "/logout", &[("csrf", &token)], &second);
    assert_eq!(out.status, 303);
    assert!(
        out.header("set-cookie")
            .expect("a deletion")
            .contains("Max-Age=0")
    );
    assert!(!is_in(&second));
}

#[test]
fn cross_site_forms_and_changes_without_token_are_refused() {
    let collector = Collector::start_guarded(folder_with_root());
    let cookie = log_in(&collector, "root", PASSWORD);
    let token = csrf(&collector, &cookie);
    let body = format!("name=root&password={}", PASSWORD.replace(' ', "+"));
    for headers in [
        &[][..],
        &[("Sec-Fetch-Site", "cross-site")],
        &[
            ("Sec-Fetch-Site", "same-site"),
            ("Origin", "http://127.0.0.1"),
        ],
        &[("Origin", "null")],
        &[("Origin", "https://evil.example")],
    ] {
        assert_eq!(
            post(collector.address, "/login", &body, headers).status,
            403,
            "{headers:?}"
        );
    }
    let same = post(
        collector.address,
        "/login",
        &body,
        &[("Origin", "http://127.0.0.1")],
    );
    assert_eq!(same.status, 303);

    let invitation = json!({"site": "example.com", "role": "viewer"}).to_string();
    let invite = |headers: &[(&str, &str)]| {
        let headers = [&[("Cookie", cookie.as_str())], headers].concat();
        post(
            collector.address,
            "/api/people/invitations",
            &invitation,
            &headers,
        )
        .status
    };
    assert_eq!(invite(&[]), 403);
    assert_eq!(invite(&[("x-sillage-csrf", "0")]), 403);
    assert_eq!(
        invite(&[("x-sillage-csrf", &token), ("Sec-Fetch-Site", "cross-site")]),
        403
    );
    assert_eq!(invite(&[("x-sillage-csrf", &token)]), 200);
}

#[test]
fn wrong_passwords_are_throttled_and_lock_out_no_other_person() {
    let collector =
        Collector::start_guarded_with(folder_with_root(), "trusted_proxies = [\"127.0.0.1\"]");
    let attempt = |network: &str, name: &str, password: &str, cookie: &str| {
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("name", name), ("password", password)])
            .finish();
        let headers = [
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Forwarded-For", network),
            ("Cookie", cookie),
        ];
        post(collector.address, "/login", &body, &headers)
    };
    let known = attempt("203.0.113.1", "root", PASSWORD, "x=y");
    let device = &device_cookie(&known);
    let statuses: Vec<u16> = (0..6)
        .map(|_| attempt("203.0.113.1", "root", "wrong password", "x=y").status)
        .collect();
    assert_eq!(statuses[..4], [403; 4]);
    assert_eq!(statuses[5], 429);
    let slow = attempt("203.0.113.1", "ROOT", PASSWORD, "x=y");
    assert_eq!(
        slow.status, 429,
        "the right password is throttled too, also with the name in capitals"
    );
    assert!(slow.header("retry-after").is_some());
    assert_eq!(
        attempt("198.51.100.1", "root", PASSWORD, "x=y").status,
        303,
        "another network"
    );
    assert_eq!(
        attempt("203.0.113.1", "root", PASSWORD, device).status,
        303,
        "a browser with a device cookie is not throttled"
    );
    assert_eq!(
        attempt("203.0.113.1", "other", "wrong password", "x=y").status,
        403,
        "another name"
    );
}

#[test]
fn the_account_page_changes_the_password_and_sets_up_a_second_factor() {
    let collector = Collector::start_guarded(folder_with_root());
    let here = log_in(&collector, "root", PASSWORD);
    let fields = [("name", "root"), ("password", PASSWORD)];
    let elsewhere = form(&collector, "/login", &fields, "");
    let elsewhere = crate::support::cookie(&elsewhere)
        .expect("a cookie")
        .to_owned();
    let token = csrf(&collector, &here);
    let change = |present: &str, new: &str| {
        form(
            &collector,
            "/account/password",
            &[("csrf", &token), ("present", present), ("password", new)],
            &here,
        )
    };
    assert_eq!(
        change("wrong password", "another long password").status,
        403
    );
    assert_eq!(change(PASSWORD, "short").status, 403);
    let done = change(PASSWORD, "another long password");
    assert_eq!(done.status, 200);
    assert!(done.body.contains("was changed"), "{}", done.body);
    assert_eq!(
        get(collector.address, "/api/me", &[("Cookie", &elsewhere)]).status,
        401
    );
    assert_eq!(
        get(collector.address, "/api/me", &[("Cookie", &here)]).status,
        200
    );

    let page = get(collector.address, "/account", &[("Cookie", &here)]).body;
    let secret = after(&page, "name=\"secret\" value=\"").to_owned();
    let key = sillage::control::totp::unspell(&secret).expect("base 32");
    let code = |early: i64| {
        let now = jiff::Timestamp::now().as_second() + early;
        format!("{:06}", sillage::control::totp::code(&key, now / 30))
    };
    let password = "another long password";
    let add = |code: &str| {
        let fields = [
            ("csrf", token.as_str()),
            ("present", password),
            ("secret", &secret),
            ("code", code),
            ("action", "add"),
        ];
        form(&collector, "/account/second-factor", &fields, &here)
    };
    assert_eq!(add("000").status, 403);
    let added = add(&code(0));
    assert_eq!(added.status, 200, "{}", added.body);
    let recovery = added
        .body
        .split("<code>")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .expect("a code")
        .to_owned();
    assert_eq!(added.body.matches("<code>").count(), 10);
    // Attempts are limited, so each comes from a browser with a device cookie.
    let mut device = String::new();
    let mut attempt = |code: &str| {
        let fields = [("name", "root"), ("password", password), ("code", code)];
        let answer = form(&collector, "/login", &fields, &device);
        if answer.status == 303 {
            device = device_cookie(&answer);
        }
        answer.status
    };
    assert_eq!(attempt(""), 403);
    assert_eq!(
        attempt(&code(30)),
        303,
        "the next code; the code of the set-up is used up"
    );
    assert_eq!(attempt(&recovery), 303);
    assert_eq!(attempt(&recovery), 403, "a replay");
}

#[test]
fn the_dashboard_may_leave_loopback_once_a_person_can_log_in() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_config(folder.path(), "[dashboard]\nlisten = \"192.0.2.1:8001\"");
    let check = || {
        let output = binary()
            .args(["--log-level", "off", "check-config", "--config"])
            .arg(folder.path().join("sillage.toml"))
            .output()
            .expect("the binary starts");
        (output.status.success(), said(&output))
    };
    let (is_sound, told) = check();
    assert!(!is_sound && told.contains("sillage user add"), "{told}");
    assert!(
        !folder.path().join("data").exists(),
        "`check-config` creates no database"
    );
    user_add(folder.path(), "root", "*", "owner");
    let (is_sound, told) = check();
    assert!(is_sound, "{told}");
}

#[test]
fn second_factor_guesses_are_limited_audited_and_reported() {
    let collector = Collector::start_guarded(folder_with_root());
    let here = log_in(&collector, "root", PASSWORD);
    let token = csrf(&collector, &here);
    let page = get(collector.address, "/account", &[("Cookie", &here)]).body;
    let secret = after(&page, "name=\"secret\" value=\"").to_owned();
    let key = sillage::control::totp::unspell(&secret).expect("base 32");
    let now = jiff::Timestamp::now().as_second();
    let code = format!("{:06}", sillage::control::totp::code(&key, now / 30));
    let fields = [
        ("csrf", token.as_str()),
        ("present", PASSWORD),
        ("secret", &secret),
        ("code", &code),
        ("action", "add"),
    ];
    let added = form(&collector, "/account/second-factor", &fields, &here);
    let recovery: Vec<&str> = added.body.split("<code>").skip(1).collect();
    let recovery = recovery
        .iter()
        .map(|rest| rest.split('<').next().expect("a code"));
    let recovery: Vec<String> = recovery.map(str::to_owned).collect();
    // An attacker with the password guesses codes from many networks.
    let folder = collector.stop().0;
    let config = "trusted_proxies = [\"127.0.0.1\"]";
    let collector = Collector::start_guarded_with(folder, config);
    let attempt = |network: usize, password: &str, code: &str| {
        let body: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("name", "root"), ("password", password), ("code", code)])
            .finish();
        let network = format!("203.0.{network}.1");
        let headers = [
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Forwarded-For", network.as_str()),
        ];
        post(collector.address, "/login", &body, &headers)
    };
    for network in 0..5 {
        assert_eq!(attempt(network, PASSWORD, "000000").status, 403);
    }
    // During the pause the right code is refused too, and stays unused.
    assert_eq!(attempt(6, PASSWORD, &recovery[0]).status, 403);
    assert_eq!(attempt(7, "wrong password", "").status, 403);
    collector_waits_for_audit(&collector, &here, "password_wrong");
    let audit = get(collector.address, "/api/audit", &[("Cookie", &here)]);
    assert_eq!(
        audit.body.matches("second_factor_wrong").count(),
        5,
        "{}",
        audit.body
    );
    assert!(!audit.body.contains("203.0"), "{}", audit.body);
    // End the pause.
    let folder = collector.stop().0;
    let path = folder.path().join("data/control.db");
    let database = rusqlite::Connection::open(path).expect("opened");
    let over = "UPDATE second_factor_tries SET paused_until = 0";
    assert_eq!(database.execute(over, []).expect("written"), 1);
    drop(database);
    let collector = Collector::start_guarded(folder);
    let fields = [
        ("name", "root"),
        ("password", PASSWORD),
        ("code", recovery[0].as_str()),
    ];
    let answer = form(&collector, "/login", &fields, "");
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/account?tried"))
    );
    let cookie = crate::support::cookie(&answer)
        .expect("a cookie")
        .to_owned();
    let page = get(collector.address, "/account?tried", &[("Cookie", &cookie)]);
    assert!(
        page.body.contains("choose a new password now"),
        "{}",
        page.body
    );
}

/// Waits until the audit list contains a word.
fn collector_waits_for_audit(collector: &Collector, cookie: &str, what: &str) {
    let found = crate::support::wait_for(|| {
        let audit = get(collector.address, "/api/audit", &[("Cookie", cookie)]).body;
        if audit.contains(what) {
            Ok(())
        } else {
            Err(audit)
        }
    });
    assert_eq!(found, Ok(()), "{what}");
}

#[test]
fn on_https_only_the_host_bound_log_in_cookie_counts() {
    let collector = Collector::start_guarded(folder_with_root());
    let cookie = log_in(&collector, "root", PASSWORD);
    let me = |cookie: &str, https: bool| {
        let mut headers = vec![("Cookie", cookie)];
        if https {
            headers.push(("X-Forwarded-Proto", "https"));
        }
        get(collector.address, "/api/me", &headers).status
    };
    let prefixed = format!("__Host-{cookie}");
    assert_eq!([me(&cookie, false), me(&prefixed, false)], [200, 200]);
    assert_eq!([me(&cookie, true), me(&prefixed, true)], [401, 200]);
    let tossed = format!("{cookie}; __Host-sillage_login={}", "0".repeat(64));
    assert_eq!(me(&tossed, true), 401);
}
