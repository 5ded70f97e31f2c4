//! What survives a restart: visits, and the deduplication of repeated events.

use crate::support::{Collector, binary, cookie, pageview, post, signal, wait_for, write_config};

/// The visit so far: pages, visits and visitors, and the position of the latest page.
const STANDING: &str = "SELECT count(), uniqExact(visit), uniqExact(visitor), max(visit_number), argMax(seq, seq), argMax(path, seq), \
     argMax(previous_path, seq), argMax(entry_path, seq), argMax(source, seq) FROM events WHERE name = 'pageview'";

fn from_search(path: &str, key: &str) -> String {
    let mut body: serde_json::Value = serde_json::from_str(&pageview(path, key)).expect("JSON");
    body["r"] = "https://www.google.com/".into();
    body.to_string()
}

#[test]
fn a_visit_continues_after_a_kill_when_its_rows_are_stored() {
    let collector = Collector::start();
    let first = collector.beacon(&from_search("/", "a"));
    let device = cookie(&first).expect("a cookie").to_owned();
    let with = [("Cookie", device.as_str())];
    collector.beacon_with(&pageview("/prices", "b"), &with);
    collector.until("SELECT count() FROM events", "2");

    let collector = Collector::start_in(collector.kill());
    let again = collector.beacon_with(&pageview("/prices", "b"), &with);
    assert_eq!(again.status, 202, "sent again, counted once");
    let next = collector.beacon_with(&pageview("/order", "c"), &with);
    assert_eq!(
        next.header("set-cookie"),
        None,
        "no new visit for the cookie"
    );
    collector.until(STANDING, "3\t1\t1\t1\t3\t/order\t/prices\t/\tGoogle");
    collector.until(
        "SELECT sum(beacons) FROM outcomes WHERE outcome = 'duplicate'",
        "1",
    );
}

#[test]
fn a_visit_continues_after_a_kill_when_its_rows_are_in_the_spool() {
    let collector = Collector::start();
    // Stop the engine, so that no row is stored before the kill.
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "STOP");
    let first = collector.beacon(&from_search("/", "a"));
    let device = cookie(&first).expect("a cookie").to_owned();
    let with = [("Cookie", device.as_str())];
    collector.beacon_with(&pageview("/prices", "b"), &with);
    let signup = serde_json::json!({"n": "Signup", "u": "https://example.com/prices", "d": "example.com", "c": 1, "k": "s"});
    collector.beacon_with(&signup.to_string(), &with);
    let folder = collector.kill();
    // A stopped engine may outlive its collector and would keep its folder locked.
    let _ = std::process::Command::new("kill")
        .args(["-KILL", &engine.to_string()])
        .stderr(std::process::Stdio::null())
        .status();

    let collector = Collector::start_in(folder);
    let again = collector.beacon_with(&pageview("/prices", "b"), &with);
    assert_eq!(again.status, 202, "sent again, counted once");
    let next = collector.beacon_with(&pageview("/order", "c"), &with);
    assert_eq!(
        next.header("set-cookie"),
        None,
        "no new visit for the cookie"
    );
    collector.until(STANDING, "3\t1\t1\t1\t4\t/order\t/prices\t/\tGoogle");
    assert_eq!(
        collector.sql("SELECT seq, previous_path FROM events WHERE name = 'Signup'"),
        "3\t/"
    );
}

#[test]
fn a_visit_without_a_cookie_continues_after_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = crate::support::write_config(folder.path(), "");
    let text = std::fs::read_to_string(&config).expect("readable");
    std::fs::write(&config, text.replace("\"consent\"", "\"exempt\"")).expect("writable");
    let collector = Collector::start_in(folder);
    let body = |path: &str| {
        serde_json::json!({"n": "pageview", "u": format!("https://example.com{path}"), "d": "example.com"})
            .to_string()
    };
    assert_eq!(collector.beacon(&body("/")).status, 202);
    collector.until("SELECT count() FROM events", "1");
    let collector = Collector::start_in(collector.kill());
    assert_eq!(
        post(collector.address, "/api/event", &body("/b"), &[]).status,
        202
    );
    collector.until(
        "SELECT count(), uniqExact(visit), uniqExact(visitor), max(seq), argMax(previous_path, seq) FROM events",
        "2\t1\t1\t2\t/",
    );
}

#[test]
fn elapsed_counts_whole_minutes_across_a_restart() {
    let collector = Collector::start();
    let first = collector.beacon(&pageview("/", "a"));
    let device = cookie(&first).expect("a cookie").to_owned();
    let with = [("Cookie", device.as_str())];
    collector.beacon_with(&pageview("/b", "b"), &with);
    collector.until("SELECT count() FROM events", "2");
    let collector = Collector::start_in(collector.kill());
    collector.beacon_with(&pageview("/c", "c"), &with);
    // Compare with the stored times, since the test may run across a minute's end.
    collector.until(
        "SELECT count(), countIf(elapsed != toUnixTimestamp(time) - (SELECT toUnixTimestamp(min(time)) FROM events)) FROM events",
        "3\t0",
    );
}

#[test]
fn the_engines_merge_settings_survive_a_restart() {
    let settings = "SELECT engine_full LIKE '%min_parts_to_merge_at_once = 12%' \
         AND engine_full LIKE '%min_age_to_force_merge_seconds = 3600%' FROM system.tables WHERE database != 'system' AND name = 'events'";
    let collector = Collector::start();
    collector.until(settings, "1");
    let (folder, is_clean) = collector.stop();
    assert!(is_clean);
    Collector::start_in(folder).until(settings, "1");
}

#[test]
fn a_reboot_that_loses_the_salts_keeps_devices_and_the_audit_log() {
    let collector = Collector::start();
    let first = collector.beacon(&pageview("/", "a"));
    let device = cookie(&first).expect("a cookie").to_owned();
    let with = [("Cookie", device.as_str())];
    collector.until("SELECT count() FROM events", "1");
    let (folder, _) = collector.stop();
    let audit = folder.path().join("data/audit.log");
    let line = "2026-01-01T00:00:00Z salts destroyed site=example.com day=2025-12-31 salt=0000000000000000\n";
    std::fs::write(&audit, line).expect("written");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&audit, private).expect("set");
    // A reboot empties /run.
    std::fs::remove_dir_all(folder.path().join("data/salts")).expect("removed");

    // The salt is new, so the visit is new, but the device counts as seen today.
    let known = "SELECT visit_number, days_since_seen FROM events WHERE path = '/later'";
    let collector = Collector::start_in(folder);
    collector.beacon_with(&pageview("/later", "b"), &with);
    collector.until(known, "2\t0");
    let folder = collector.stop().0;
    let kept = std::fs::read_to_string(folder.path().join("data/audit.log")).expect("an audit log");
    assert!(kept.starts_with(line), "{kept}");

    // Positive control: without the key the cookie is not recognised.
    std::fs::remove_file(folder.path().join("data/cookie.key")).expect("removed");
    let collector = Collector::start_in(folder);
    collector.beacon_with(&pageview("/stranger", "c"), &with);
    collector.until(
        "SELECT visit_number, days_since_seen FROM events WHERE path = '/stranger'",
        "1\t32767",
    );
    assert!(collector.log().contains("there was no cookie key"));
}

#[test]
fn only_sigterm_and_sigint_end_the_collector() {
    let collector = Collector::start();
    for name in ["HUP", "USR1", "USR2"] {
        signal(collector.id(), name);
        wait_for(|| match collector.log() {
            log if log.contains(&format!("SIG{name} is ignored")) => Ok(()),
            log => Err(log),
        })
        .unwrap_or_else(|log| panic!("{name}: {log}"));
        assert_eq!(collector.beacon(&pageview("/", name)).status, 202);
    }
    let (_folder, is_clean) = collector.stop();
    assert!(is_clean);
}

#[test]
fn the_engine_outlives_signals_to_the_whole_service() {
    let collector = Collector::start();
    let engine = collector.engine_id().expect("an engine runs");
    for (count, name) in ["HUP", "USR1", "USR2"].into_iter().enumerate() {
        // `systemctl kill -s HUP` sends the signal to every process of the service.
        signal(engine, name);
        assert_eq!(collector.beacon(&pageview("/", name)).status, 202);
        collector.until("SELECT count() FROM events", &(count + 1).to_string());
        assert_eq!(collector.engine_id(), Some(engine), "{name}");
    }
    let log = collector.log();
    assert!(!log.contains("the embedded engine ended"), "{log}");
    let (_folder, is_clean) = collector.stop();
    assert!(is_clean);
}

#[test]
fn the_shipped_unit_restarts_after_any_exit() {
    let unit = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/deploy/sillage.service"
    ));
    let unit = unit.expect("the unit");
    assert!(unit.lines().any(|line| line == "Restart=always"));
}

/// A name made of letters, since the scrubber removes long numbers.
fn invented_name(number: usize) -> String {
    let letters = [number / 676, number / 26 % 26, number % 26];
    letters
        .iter()
        .map(|digit| char::from(b'a' + *digit as u8))
        .chain("-event".chars())
        .collect()
}

#[test]
fn yesterdays_values_keep_their_slots_after_a_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = write_config(folder.path(), "trusted_proxies = [\"127.0.0.1\"]");
    let output = binary()
        .args(["--log-level", "off", "demo", "--days", "3", "--config"])
        .arg(config)
        .output()
        .expect("the command runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let accepted = printed
        .lines()
        .find_map(|line| line.trim().strip_suffix(" accepted"))
        .unwrap_or_else(|| panic!("no count of accepted beacons in {printed}"));
    let collector = Collector::start_in(folder);
    collector.until("SELECT count() FROM events", accepted);
    let collector = Collector::start_in(collector.kill());

    let send = |network: usize, name: &str, path: &str| {
        let mut body: serde_json::Value =
            serde_json::from_str(&pageview(path, &format!("{network}-{name}"))).expect("JSON");
        body["n"] = name.into();
        let address = format!("8.8.{network}.1");
        let answer = post(
            collector.address,
            "/api/event",
            &body.to_string(),
            &[("X-Forwarded-For", &address)],
        );
        assert_eq!(answer.status, 202, "{}", answer.body);
    };
    // Twenty networks use up the cardinality limit for new names.
    for number in 0..2_100 {
        send(number / 100, &invented_name(number), "/");
    }
    send(30, "Add to basket", "/known");
    send(30, "Something new", "/new");
    collector.until(
        "SELECT groupArray((path, name)) FROM (SELECT path, toString(name) AS name FROM events WHERE path IN ('/known', '/new') ORDER BY path)",
        "[('/known','Add to basket'),('/new','(other)')]",
    );
}
