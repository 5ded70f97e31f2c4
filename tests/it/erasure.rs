//! Erasure through the socket, with requests in every order and under failures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::ToSpan;
use serde_json::json;
use sillage::config::Config;
use sillage::store::retention;
use sillage_spool::{Spool, SpoolOptions};

use crate::choices::{FORM, OWN, press, set_cookies, start_with_site};
use crate::support::{Answer, Collector, pageview, post, signal, wait_for, write_config};

const ERASURE_COOKIE: &str = "sillage_erase_example-com-a379a6f6";
const CHOICES: &str = "/api/event/choices";

/// A browser's cookies, stored and sent by path as browsers do.
#[derive(Default)]
struct Jar {
    /// Value and path of each cookie, by name.
    cookies: BTreeMap<String, (String, String)>,
}

impl Jar {
    fn keep(&mut self, answer: &Answer) {
        for line in set_cookies(answer) {
            let mut parts = line.split("; ");
            let (name, value) = parts
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a cookie");
            let attributes: Vec<&str> = parts.collect();
            let path = attributes
                .iter()
                .find_map(|attribute| attribute.strip_prefix("Path="))
                .expect("a path");
            if attributes.contains(&"Max-Age=0") {
                self.cookies.remove(name);
            } else {
                let kept = (value.to_owned(), path.to_owned());
                self.cookies.insert(name.to_owned(), kept);
            }
        }
    }

    fn header(&self, path: &str) -> String {
        let sent = self.cookies.iter().filter(|(_, (_, of))| {
            path == of || path.starts_with(&format!("{}/", of.trim_end_matches('/')))
        });
        let pairs: Vec<String> = sent
            .map(|(name, (value, _))| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    fn beacon(&mut self, collector: &Collector, body: &str) -> Answer {
        let cookies = self.header("/api/event");
        let answer = collector.beacon_with(body, &[("Cookie", &cookies)]);
        self.keep(&answer);
        answer
    }

    fn press(&mut self, collector: &Collector, action: &str) -> Answer {
        let cookies = self.header(CHOICES);
        let answer = press(collector, action, &[("Cookie", &cookies)]);
        self.keep(&answer);
        answer
    }

    fn has(&self, name: &str) -> bool {
        self.cookies.contains_key(name)
    }
}

fn no(key: &str) -> String {
    json!({"n": "pageview", "u": "https://example.com/", "d": "example.com", "c": 0, "k": key})
        .to_string()
}

/// Stores two pages of one browser and one page of another browser behind the same address.
fn two_people(collector: &Collector) -> (Jar, Jar) {
    let (mut mine, mut other) = (Jar::default(), Jar::default());
    mine.beacon(collector, &pageview("/secret-a", "a"));
    mine.beacon(collector, &pageview("/secret-b", "b"));
    other.beacon(collector, &pageview("/other", "c"));
    collector.until("SELECT count() FROM events", "3");
    (mine, other)
}

fn paths(collector: &Collector) -> String {
    collector.sql("SELECT path FROM events ORDER BY path FORMAT CSV")
}

#[test]
fn an_erasure_after_a_refusal_still_finds_the_rows() {
    let collector = Collector::start();
    let (mut mine, _) = two_people(&collector);
    let refused = mine.press(&collector, "refuse");
    assert_eq!(refused.status, 200);
    assert!(
        refused
            .body
            .contains("If anything was measured today for this browser, it is still stored"),
        "the page offers erasure at once: {}",
        refused.body
    );
    let line = set_cookies(&refused)
        .into_iter()
        .find(|line| line.starts_with(ERASURE_COOKIE))
        .expect("the erasure cookie");
    for attribute in [
        "Path=/api/event/choices;",
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=",
    ] {
        assert!(line.contains(attribute), "{line}");
    }
    let seconds: u32 = line
        .split("Max-Age=")
        .nth(1)
        .and_then(|rest| rest.split(';').next())
        .and_then(|seconds| seconds.parse().ok())
        .expect("seconds");
    assert!((1..=24 * 3600 + 1800).contains(&seconds), "{seconds}");
    assert_eq!(
        mine.header("/api/event"),
        "sillage_opt_out=1",
        "beacons no longer carry the device id"
    );
    let erased = mine.press(&collector, "erase");
    assert_eq!(erased.status, 200);
    assert!(erased.body.contains(
        "Done: what was measured today and can be found for this browser has been erased"
    ));
    assert_eq!(paths(&collector), "\"/other\"");
    assert!(!mine.has(ERASURE_COOKIE), "no longer needed");
}

#[test]
fn an_erasure_after_a_no_in_a_banner_still_finds_the_rows() {
    let collector = Collector::start();
    let (mut mine, _) = two_people(&collector);
    let refused = mine.beacon(&collector, &no("d"));
    assert_eq!(refused.status, 202);
    assert_eq!(
        mine.header("/api/event"),
        "",
        "the measurement cookie is gone"
    );
    assert!(mine.has(ERASURE_COOKIE));
    let erased = mine.press(&collector, "erase");
    assert!(erased.body.contains(
        "Done: what was measured today and can be found for this browser has been erased"
    ));
    assert_eq!(paths(&collector), "\"/other\"");
}

#[test]
fn a_yes_after_a_no_is_a_new_device_and_the_old_one_is_erasable() {
    let collector = Collector::start();
    let (mut mine, _) = two_people(&collector);
    let measurement = "sillage_example-com-a379a6f6";
    let (before, _) = mine.cookies[measurement].clone();
    mine.press(&collector, "refuse");
    mine.press(&collector, "allow");
    mine.beacon(&collector, &pageview("/again", "e"));
    let (after, _) = mine.cookies[measurement].clone();
    assert_ne!(
        before.split('.').nth(1),
        after.split('.').nth(1),
        "a new device id"
    );
    collector.until("SELECT count(), uniqExact(visitor) FROM events", "4\t3");
    // A second refusal on the choices page adds its device to that of the first.
    mine.press(&collector, "refuse");
    let erased = mine.press(&collector, "erase");
    assert!(erased.body.contains(
        "Done: what was measured today and can be found for this browser has been erased"
    ));
    assert_eq!(paths(&collector), "\"/other\"");
}

#[test]
fn the_erasure_cookie_is_not_used_for_measurement() {
    let collector = start_with_site("", "profile = \"exempt\"\n");
    let (mut mine, _) = two_people(&collector);
    mine.beacon(&collector, &no("d"));
    let (value, _) = mine.cookies[ERASURE_COOKIE].clone();
    // Not even if a beacon carries it under the name of the measurement cookie.
    for name in [ERASURE_COOKIE, "sillage_example-com-a379a6f6"] {
        let cookie = format!("{name}={value}");
        let body = pageview(&format!("/with-{}", name.len()), name);
        collector.beacon_with(&body, &[("Cookie", &cookie)]);
    }
    collector.until(
        "SELECT count(), uniqExact(visitor) FROM events WHERE path LIKE '/with-%' \
         AND visitor NOT IN (SELECT visitor FROM events WHERE path LIKE '/secret%')",
        "2\t2",
    );
}

#[test]
fn an_erasure_requested_while_the_engine_is_stopped_is_done_later() {
    let collector = Collector::start();
    let (mut mine, _) = two_people(&collector);
    mine.press(&collector, "refuse");
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "STOP");
    let asked = mine.press(&collector, "erase");
    assert_eq!(asked.status, 202, "{}", asked.body);
    assert!(
        asked.body.contains("Your request is recorded"),
        "{}",
        asked.body
    );
    let journal = collector.folder.path().join("data/erasures.journal");
    let lines = |path: &std::path::Path| {
        std::fs::read_to_string(path)
            .expect("a journal")
            .lines()
            .count()
    };
    assert_eq!(lines(&journal), 1);
    signal(engine, "CONT");
    collector.until("SELECT path FROM events", "/other");
    let emptied = wait_for(|| match lines(&journal) {
        0 => Ok(()),
        left => Err(left),
    });
    assert_eq!(
        emptied,
        Ok(()),
        "the journal entry is removed after the erasure"
    );
}

#[test]
fn a_recorded_erasure_is_done_after_a_kill() {
    let collector = Collector::start();
    let (mut mine, _) = two_people(&collector);
    // One more beacon, still in the spool when all processes are killed.
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "STOP");
    mine.beacon(&collector, &pageview("/secret-c", "d"));
    let asked = mine.press(&collector, "erase");
    assert_eq!(asked.status, 202, "{}", asked.body);
    let folder = collector.kill();
    signal(engine, "KILL");
    let collector = Collector::start_in(folder);
    collector.until(
        "SELECT groupArray(path) FROM (SELECT path FROM events ORDER BY path)",
        "['/other']",
    );
    // The erased visit is not continued: this pageview starts a new one.
    collector.beacon(&pageview("/later", "e"));
    collector.until(
        "SELECT path, seq FROM events WHERE path != '/other' FORMAT CSV",
        "\"/later\",1",
    );
}

#[test]
fn erasure_limits_are_separate_per_network() {
    let collector = Collector::start_with("trusted_proxies = [\"127.0.0.0/8\"]\n");
    let crowd = ("X-Forwarded-For", "203.0.113.7");
    let mut mine = Jar::default();
    mine.beacon(&collector, &pageview("/mine", "a"));
    collector.until("SELECT count() FROM events", "1");
    let asked = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..90)
            .map(|number: u32| {
                let address = collector.address;
                scope.spawn(move || {
                    let beacon = pageview("/flood", &number.to_string());
                    let answer = post(address, "/api/event", &beacon, &[crowd]);
                    let mut jar = Jar::default();
                    jar.keep(&answer);
                    let cookies = jar.header(CHOICES);
                    let headers = [crowd, OWN, FORM, ("Cookie", &*cookies)];
                    post(address, CHOICES, "site=example.com&action=erase", &headers)
                })
            })
            .collect();
        let cookies = mine.header(CHOICES);
        let own = ("X-Forwarded-For", "198.51.100.9");
        let legitimate = press(&collector, "erase", &[own, ("Cookie", &cookies)]);
        assert!(
            [200, 202].contains(&legitimate.status),
            "{}: {}",
            legitimate.status,
            legitimate.body
        );
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .collect::<Vec<_>>()
    });
    let refused: Vec<&Answer> = asked.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() >= 20, "{}", refused.len());
    for answer in refused {
        assert!(answer.header("retry-after").is_some());
        assert_eq!(answer.header("set-cookie"), None, "the cookies stay");
    }
    assert!(
        asked
            .iter()
            .all(|answer| [200, 202, 429].contains(&answer.status)),
        "every other answer is a success"
    );
    collector.until("SELECT count() FROM events WHERE path = '/mine'", "0");
}

#[test]
fn an_erasure_that_finds_nothing_says_so() {
    let collector = Collector::start();
    let (_, _) = two_people(&collector);
    for (language, sentence) in [
        ("en", "Nothing could be found for this browser"),
        ("ja", "このブラウザーのデータは見つからなかった"),
        ("de", "Für diesen Browser wurde nichts gefunden"),
    ] {
        let mut stranger = Jar::default();
        let cookies = stranger.header(CHOICES);
        let headers = [("Accept-Language", language), ("Cookie", &*cookies)];
        let answer = press(&collector, "erase", &headers);
        stranger.keep(&answer);
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains(sentence), "{}", answer.body);
        assert!(stranger.has("sillage_opt_out"), "the refusal counts anyway");
    }
    assert_eq!(collector.sql("SELECT count() FROM events"), "3");
}

#[test]
fn an_erasure_claims_no_more_than_this_browser_can_show() {
    let collector = start_with_site(
        "trusted_proxies = [\"127.0.0.1\"]\n",
        "profile = \"exempt\"\n",
    );
    let view = |path: &str, said: Option<u8>| {
        let url = format!("https://example.com{path}");
        json!({"n": "pageview", "u": url, "d": "example.com", "c": said}).to_string()
    };
    let (train, home) = ("198.51.100.9", "203.0.113.9");
    let from = |network| [("X-Forwarded-For", network)];
    collector.beacon_with(&view("/train", None), &from(train));
    collector.beacon_with(&view("/home", None), &from(home));
    // Two beacons in flight at the moment of the yes: each gets its own device id, and the browser
    // keeps one of the two cookies.
    let mut mine = Jar::default();
    let answers =
        ["/first", "/second"].map(|path| collector.beacon_with(&view(path, Some(1)), &from(home)));
    mine.keep(&answers[0]);
    mine.keep(&answers[1]);
    collector.until("SELECT count(), uniqExact(visitor) FROM events", "4\t4");
    for (lang, done, network, cookie) in [
        (
            "en",
            "Done: what was measured today and can be found for this browser has been erased",
            "only for the network and the browser version that you are using now",
            "with a cookie that this browser no longer has is not found",
        ),
        (
            "ja",
            "今日計測されたデータのうち、このブラウザーについて見つか",
            "現在お使いのネットワークとブラウザーのバージョンによるものだけ",
            "このブラウザーに残っていない Cookie で計測された記録",
        ),
        (
            "de",
            "finden lässt, ist gelöscht",
            "nur für das Netz und die Browser-Version, die Sie gerade verwenden",
            "das dieser Browser nicht mehr hat, finden wir nicht",
        ),
    ] {
        collector.beacon_with(&view("/again", None), &from(home));
        collector.until("SELECT countIf(path = '/again') FROM events", "1");
        let cookies = mine.header(CHOICES);
        let headers = [FORM, OWN, ("X-Forwarded-For", home), ("Cookie", &cookies)];
        let form = format!("site=example.com&action=erase&lang={lang}");
        let erased = post(collector.address, CHOICES, &form, &headers);
        assert_eq!(erased.status, 200);
        for said in [done, network, cookie] {
            assert!(
                erased.body.contains(said),
                "{lang}: {said}\n{}",
                erased.body
            );
        }
        // Positive control: the rows that this network and the remaining cookie identify are gone.
        assert_eq!(paths(&collector), "\"/first\"\n\"/train\"");
        mine = Jar::default();
    }
}

#[test]
fn no_mutation_and_no_file_holds_an_erased_visitors_id() {
    let collector = Collector::start();
    let (mut mine, _) = two_people(&collector);
    let ids = collector.sql("SELECT DISTINCT visitor FROM events WHERE path LIKE '/secret%'");
    assert!(ids.len() > 5, "{ids}");
    let erased = mine.press(&collector, "erase");
    assert!(erased.body.contains("Done"), "{}", erased.body);
    assert_eq!(
        collector.sql("SELECT count() FROM system.mutations WHERE table = 'events' AND command LIKE '%DELETE%'"),
        "0"
    );
    let mut searched = 0;
    let mut folders = vec![collector.folder.path().join("data")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // A file may be deleted between listing and reading.
            if let Ok(bytes) = std::fs::read(&path) {
                searched += 1;
                let text = String::from_utf8_lossy(&bytes);
                let names_it = text.contains(&ids) || text.contains("visitor IN");
                assert!(!names_it, "{}", path.display());
            }
        }
    }
    assert!(searched > 20, "{searched}");
}

#[test]
fn a_choice_is_forwarded_to_the_host_that_holds_the_cookie() {
    let collector = Collector::start();
    for action in ["erase", "refuse"] {
        let body = format!("action={action}");
        let answer = post(
            collector.address,
            "/privacy?site=example.com",
            &body,
            &[OWN, FORM],
        );
        assert_eq!(
            (
                answer.status,
                answer.header("location"),
                answer.header("set-cookie")
            ),
            (307, Some("/api/event/choices?site=example.com"), None)
        );
    }
}

/// Files of the spool with this extension.
fn spool_files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("data/spool")).expect("a spool");
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect()
}

#[test]
fn an_erasure_reaches_quarantined_records_of_the_visitor_only() {
    let collector = Collector::start();
    let (mut mine, mut other) = two_people(&collector);
    let id: u64 = collector
        .sql("SELECT DISTINCT visitor FROM events WHERE path LIKE '/secret%'")
        .parse()
        .expect("one visitor");
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "STOP");
    mine.beacon(&collector, &pageview("/set-aside/mine", "d"));
    other.beacon(&collector, &pageview("/set-aside/other", "e"));
    let folder = collector.kill();
    signal(engine, "KILL");
    // Rename segments as the spool does when it quarantines them.
    for path in ["open", "sealed"]
        .iter()
        .flat_map(|state| spool_files(folder.path(), &format!(".{state}")))
    {
        let name = path.file_name().expect("a name").to_string_lossy();
        let mut parts = name.split('-');
        let stem = [parts.next(), parts.next()].map(|part| part.expect("a part"));
        let aside = path.with_file_name(format!("{}.quarantine", stem.join("-")));
        std::fs::rename(&path, aside).expect("renamed");
    }
    // A damaged stretch, in which the start of a record can't be recognised.
    let stretch = folder
        .path()
        .join("data/spool/0000000000000000-000102030405060708090a0b0c0d0e0f.quarantine");
    std::fs::write(&stretch, [b"junk", &id.to_le_bytes()[..], b"junk"].concat()).expect("written");
    let holds = |folder: &Path, path: &str| {
        let files = spool_files(folder, ".quarantine");
        files.iter().any(|file| {
            let bytes = std::fs::read(file).expect("a file");
            String::from_utf8_lossy(&bytes).contains(path)
        })
    };
    assert!(
        holds(folder.path(), "/set-aside/mine"),
        "the file holds the visitor's records before the erasure"
    );
    let collector = Collector::start_in(folder);
    let erased = mine.press(&collector, "erase");
    assert!(
        erased.body.contains(
            "Done: what was measured today and can be found for this browser has been erased"
        ),
        "{}",
        erased.body
    );
    let folder = collector.folder.path();
    assert!(!holds(folder, "/set-aside/mine"));
    assert!(holds(folder, "/set-aside/other"));
    assert!(!stretch.exists(), "a damaged stretch is deleted whole");
    assert_eq!(paths(&collector), "\"/other\"");
}

#[tokio::test]
async fn quarantined_records_are_destroyed_when_they_expire() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write_config(folder.path(), "");
    let text = std::fs::read_to_string(&path).expect("just written") + "retention_days = 30\n";
    let config = Config::parse(&text, &path).expect("a valid configuration");
    let spool = Spool::open(SpoolOptions {
        dir: config.spool.dir.clone(),
        bytes_max: 1 << 24,
        segment_bytes_max: 1 << 20,
        segment_age_max: Duration::from_secs(3600),
        schema: "site".to_owned(),
    })
    .expect("a spool");
    std::fs::create_dir_all(&config.data_dir).expect("a folder");
    spool.append(b"a row").await.expect("appended");
    spool.seal().await.expect("sealed");
    let sealed = spool.next_sealed().await;
    spool.set_aside(sealed).await.expect("set aside");
    let files = || spool_files(folder.path(), ".quarantine").len();
    let rules = retention::Rules::of(&config);
    let today = retention::today();
    let after = |days: i64| today.saturating_add(days.days());
    for (days, destroyed, left) in [(0, 0, 1), (29, 0, 1), (30, 1, 0), (31, 0, 0)] {
        let done = retention::destroy_set_aside(&spool, &rules, after(days)).await;
        assert_eq!(
            (done.expect("the quarantine is readable"), files()),
            (destroyed, left),
            "{days}"
        );
    }
    assert_eq!(spool.stats().quarantine_bytes, 0);
    let log = std::fs::read_to_string(config.data_dir.join(retention::LOG)).expect("a log");
    assert!(log.contains(" destroyed file="), "{log}");
}
