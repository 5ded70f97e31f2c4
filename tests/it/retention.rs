//! Retention on the real engine: expired rows are destroyed, held rows stay, and the check reports
//! both.

use clickhouse::Client;
use jiff::civil::{Date, date};
use sillage::config::Config;
use sillage::store::{self, retention};
use sillage_engine::supervise::Supervisor;
use tempfile::TempDir;

use crate::support::{self, Collector, binary, pageview, post, wait_for};

/// An engine with migrated tables, and a configuration with retention rules.
struct Bench {
    client: Client,
    rules: retention::Rules,
    engine: Supervisor,
    folder: TempDir,
}

impl Bench {
    async fn start(extra: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!(
            "[retention]\nvisitor_days = 7\n[[site]]\nid = \"a.example\"\n[[site]]\nid = \"b.example\"\n{extra}"
        );
        let config = Config::parse(&text, &folder.path().join("sillage.toml"))
            .expect("a valid configuration");
        std::fs::create_dir_all(&config.data_dir).expect("a folder");
        let engine = support::engine::supervised(folder.path().join("engine")).await;
        let target = engine.target();
        let client = store::client(
            &target.url,
            Some(&target.user),
            Some(&target.password),
            "sillage",
        );
        store::migrate::migrate(&client, "sillage", sillage::config::Tables::Local)
            .await
            .expect("tables");
        Self {
            client,
            rules: retention::Rules::of(&config),
            engine,
            folder,
        }
    }

    async fn event(&self, site: &str, day: Date, expires: Date) {
        self.client
            .query("INSERT INTO events (site, time, name, visitor, visit, expires) VALUES ({site:String}, {time:String}, 'pageview', 7, 8, {expires:String})")
            .param("site", site)
            .param("time", format!("{day} 12:00:00"))
            .param("expires", expires.to_string())
            .execute()
            .await
            .expect("a row");
    }

    async fn rows(&self) -> Vec<(String, String, u64)> {
        self.client
            .query("SELECT site, toString(expires), visitor FROM events ORDER BY site, expires")
            .fetch_all()
            .await
            .expect("rows")
    }

    async fn enforce(&self, today: Date) -> retention::Destroyed {
        retention::enforce(&self.client, &self.rules, today)
            .await
            .expect("retention runs")
    }

    async fn verify(&self, today: Date) -> retention::Found {
        retention::verify(&self.client, &self.rules, today)
            .await
            .expect("the check runs")
    }

    async fn has_ttl(&self) -> bool {
        let engine: String = self
            .client
            .query("SELECT engine_full FROM system.tables WHERE database = 'sillage' AND name = 'events'")
            .fetch_one()
            .await
            .expect("a table");
        engine.contains("TTL expires")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("data").join(retention::LOG))
            .unwrap_or_default()
    }
}

fn row(site: &str, expires: Date, visitor: u64) -> (String, String, u64) {
    (site.to_owned(), expires.to_string(), visitor)
}

/// Far in the future, so that ClickHouse's own TTL destroys nothing.
const EARLY: Date = date(2090, 1, 1);
const LATE: Date = date(2090, 3, 1);

#[tokio::test(flavor = "multi_thread")]
async fn a_single_block_of_a_day_is_rewritten_and_keeps_its_rows() {
    let bench = Bench::start("").await;
    bench.event("a.example", date(2026, 1, 1), EARLY).await;
    bench.event("a.example", date(2026, 1, 1), LATE).await;
    bench.event("b.example", date(2026, 1, 1), LATE).await;
    let parts = async || -> Vec<(String, u32)> {
        let query = "SELECT partition, level FROM system.parts WHERE table = 'events' AND active ORDER BY name";
        bench.client.query(query).fetch_all().await.expect("parts")
    };
    let part = |expires: Date, level| (expires.to_string(), level);
    assert_eq!(
        parts().await,
        [part(EARLY, 0), part(LATE, 0), part(LATE, 0)]
    );
    let rows = bench.rows().await;
    let rewrite = async |seconds| {
        let age = std::time::Duration::from_secs(seconds);
        store::merges::rewrite_lone(&bench.client, "sillage", age)
            .await
            .expect("the part is rewritten")
    };
    assert_eq!(rewrite(3_600).await, 0, "the part is not old enough");
    assert_eq!(rewrite(0).await, 1);
    // Parts that the engine merges by itself are not rewritten.
    assert_eq!(
        parts().await,
        [part(EARLY, 1), part(LATE, 0), part(LATE, 0)]
    );
    assert_eq!(bench.rows().await, rows);
    assert_eq!(rewrite(0).await, 0, "a part is rewritten once");
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_rows_go_as_whole_parts_and_the_check_finds_none() {
    let bench = Bench::start("").await;
    bench.event("a.example", date(2026, 1, 1), EARLY).await;
    bench.event("b.example", date(2026, 1, 1), EARLY).await;
    bench.event("a.example", date(2026, 1, 1), LATE).await;
    assert_eq!(
        bench.enforce(EARLY.yesterday().expect("a day")).await,
        retention::Destroyed::default()
    );
    let day_after = EARLY.tomorrow().expect("a day");
    let found = bench.verify(day_after).await;
    assert!(!found.is_clean(), "{found:?}");
    assert_eq!((found.rows, found.held), (2, 0));

    for expires in [EARLY, LATE] {
        bench
            .client
            .query("INSERT INTO visits (site, day, expires) VALUES ('a.example', '2026-01-01', {expires:String})")
            .param("expires", expires.to_string())
            .execute()
            .await
            .expect("a row");
    }
    let done = bench.enforce(EARLY).await;
    assert_eq!((done.partitions, done.rows), (1, 2));
    assert_eq!(bench.rows().await, [row("a.example", LATE, 7)]);
    let visits: Vec<String> = bench
        .client
        .query("SELECT toString(expires) FROM visits")
        .fetch_all()
        .await
        .expect("rows");
    assert_eq!(
        visits,
        [LATE.to_string()],
        "visits expire with their events"
    );
    assert!(
        bench
            .log()
            .contains("destroyed table=visits expires=2090-01-01 rows=1"),
        "{}",
        bench.log()
    );
    assert!(
        bench
            .log()
            .contains("destroyed table=events expires=2090-01-01 rows=2"),
        "{}",
        bench.log()
    );
    // Dropped parts stay on disk for some minutes, and the check reports it.
    let found = bench.verify(day_after).await;
    assert_eq!(found.rows, 0);
    assert_eq!(
        bench.enforce(day_after).await,
        retention::Destroyed::default(),
        "once"
    );
    bench.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_its_rows_and_no_others_until_it_ends() {
    let hold = "[[hold]]\nsite = \"a.example\"\nreason = \"Case 7\"\nfrom = \"2026-01-01\"\nto = \"2026-01-31\"\nuntil = \"2090-02-01\"\n";
    let bench = Bench::start(hold).await;
    bench.event("a.example", date(2026, 1, 31), EARLY).await;
    bench.event("a.example", date(2026, 2, 1), EARLY).await;
    bench.event("b.example", date(2026, 1, 31), EARLY).await;
    bench
        .event(
            "b.example",
            date(2026, 1, 31),
            EARLY.yesterday().expect("a day"),
        )
        .await;
    assert!(bench.has_ttl().await);
    let done = bench.enforce(EARLY).await;
    assert_eq!(
        (done.partitions, done.rows),
        (1, 3),
        "one partition has no held rows"
    );
    assert!(
        !bench.has_ttl().await,
        "ClickHouse must not destroy held rows"
    );
    assert_eq!(bench.rows().await, [row("a.example", EARLY, 7)]);
    let found = bench.verify(EARLY.tomorrow().expect("a day")).await;
    assert_eq!((found.rows, found.held), (1, 1));
    assert!(found.is_clean(), "{found:?}");
    let log = bench.log();
    assert!(
        log.contains("suspended table=events reason=hold")
            && log.contains("rows=2 parts=")
            && log.contains("held=1"),
        "{log}"
    );

    let ended = date(2090, 2, 2);
    assert_eq!(bench.verify(ended).await.held, 0);
    assert_eq!(bench.enforce(ended).await.rows, 1);
    assert!(bench.has_ttl().await);
    assert_eq!(bench.rows().await, []);
    bench.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitor_ids_are_cleared_on_time_and_only_after_the_roll_up() {
    let bench = Bench::start("").await;
    for day in [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 9)] {
        bench.event("a.example", day, LATE).await;
    }
    let today = date(2026, 1, 10);
    assert_eq!(bench.enforce(today).await.cleared, 0, "no day is rolled up");
    bench
        .client
        .query("INSERT INTO rolled_days (site, day, version, events, zone, has_visits) VALUES ('a.example', '2026-01-01', 1, 1, 'UTC', true), ('a.example', '2026-01-02', 1, 1, 'UTC', false)")
        .execute()
        .await
        .expect("a row");
    assert_eq!(
        bench.enforce(today).await.cleared,
        1,
        "the second day has no stored visits"
    );
    bench
        .client
        .query("INSERT INTO rolled_days (site, day, version, events, zone, has_visits) VALUES ('a.example', '2026-01-02', 2, 1, 'UTC', true), ('a.example', '2026-01-09', 1, 1, 'UTC', true)")
        .execute()
        .await
        .expect("a row");
    assert_eq!(
        bench.enforce(today).await.cleared,
        1,
        "9 January is less than seven days old"
    );
    let left: Vec<(u64, u64)> = bench
        .client
        .query("SELECT visitor, visit FROM events ORDER BY time")
        .fetch_all()
        .await
        .expect("rows");
    assert_eq!(left, [(0, 0), (0, 0), (7, 8)]);
    let before: String = bench
        .client
        .query("SELECT toString(max(before)) FROM cleared WHERE site = 'a.example'")
        .fetch_one()
        .await
        .expect("a row");
    assert_eq!(before, "2026-01-03");
    assert_eq!(bench.enforce(today).await.cleared, 0);
    bench.engine.stop().await;
}

/// Columns that a cleared row may keep. All others have their default value.
const LEFT_WHEN_CLEARED: [&str; 20] = [
    "site",
    "time",
    "name",
    "key",
    "hostname",
    "path",
    "interactive",
    "engaged_ms",
    "scroll",
    "props",
    "revenue",
    "currency",
    "clicks",
    "lcp_ms",
    "inp_ms",
    "cls",
    "fcp_ms",
    "ttfb_ms",
    "basis",
    "policy",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_cleared_row_keeps_page_and_hour_but_nothing_linkable() {
    let hold = "[[hold]]\nsite = \"a.example\"\nreason = \"Case 7\"\nfrom = \"2026-01-02\"\nto = \"2026-01-02\"\nuntil = \"2090-02-01\"\n";
    let bench = Bench::start(hold).await;
    let columns: Vec<(String, String)> = bench
        .client
        .query("SELECT name, type FROM system.columns WHERE database = 'sillage' AND table = 'events' AND name != 'expires'")
        .fetch_all()
        .await
        .expect("columns");
    // Every column has a value, and no time is a whole hour.
    let value = |name: &str, kind: &str| match (name, kind) {
        ("name", _) => "if(number % 2 = 0, 'pageview', 'engagement')".to_owned(),
        ("key", _) => "intDiv(number, 2) + 1".to_owned(),
        (_, kind) if kind.starts_with("Map") => "map('plan', 'pro')".to_owned(),
        (_, kind) if kind.starts_with("Array") => "[7]".to_owned(),
        (_, kind) if kind.contains("String") => "'filled'".to_owned(),
        _ => "3".to_owned(),
    };
    for (site, day) in [("a.example", 1), ("a.example", 2), ("b.example", 1)] {
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (name, kind) in &columns {
            names.push(name.as_str());
            values.push(match name.as_str() {
                "site" => format!("'{site}'"),
                "time" => {
                    format!("toDateTime('2026-01-0{day} 12:34:00', 'UTC') + 60 * (number % 3)")
                }
                name => value(name, kind),
            });
        }
        let insert = format!(
            "INSERT INTO events ({}, expires) SELECT {}, '2090-03-01' FROM numbers(10)",
            names.join(", "),
            values.join(", ")
        );
        bench.client.query(&insert).execute().await.expect("rows");
    }
    let filled = async |site: &str, day: u8| {
        let mut filled = Vec::new();
        for (name, kind) in &columns {
            let is_filled = match (name.as_str(), kind.as_str()) {
                ("days_since_seen", _) => "days_since_seen != -1".to_owned(),
                (name, kind) if kind.starts_with("Nullable") => format!("isNotNull({name})"),
                (name, kind) => format!(
                    "{name} != defaultValueOfTypeName('{}')",
                    kind.replace('\'', "\\'")
                ),
            };
            let count: u64 = bench
                .client
                .query(&format!(
                    "SELECT countIf({is_filled}) FROM events WHERE site = '{site}' AND toDate(time) = '2026-01-0{day}'"
                ))
                .fetch_one()
                .await
                .expect("a count");
            if count > 0 {
                filled.push(name.clone());
            }
        }
        filled
    };
    let all: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(
        filled("a.example", 1).await,
        all,
        "every column has a value before"
    );
    bench
        .client
        .query("INSERT INTO rolled_days (site, day, version, events, zone, has_visits) VALUES ('a.example', '2026-01-01', 1, 1, 'UTC', true), ('a.example', '2026-01-02', 1, 1, 'UTC', true)")
        .execute()
        .await
        .expect("a row");
    let today = date(2026, 1, 20);
    assert_eq!(bench.enforce(today).await.cleared, 10);
    assert_eq!(filled("a.example", 1).await, LEFT_WHEN_CLEARED);
    assert_eq!(filled("a.example", 2).await, all, "held rows are unchanged");
    assert_eq!(
        filled("b.example", 1).await,
        all,
        "other sites' rows are unchanged"
    );
    let (rows, times, keys, old_keys): (u64, u64, u64, u64) = bench
        .client
        .query("SELECT count(), countIf(time != toStartOfHour(time)), uniqExact(key), countIf(key <= 5) FROM events WHERE site = 'a.example' AND toDate(time) = '2026-01-01'")
        .fetch_one()
        .await
        .expect("a row");
    // Records of one pageview keep a common key, which is a new one.
    assert_eq!((rows, times, keys, old_keys), (10, 0, 5, 0));
    // The temporary copy is dropped, and so is one that a crash has left behind.
    let copies = async || -> u64 {
        let count = bench.client.query("SELECT count() FROM system.tables WHERE database = 'sillage' AND name = 'events_rewritten'");
        count.fetch_one().await.expect("a count")
    };
    assert_eq!(copies().await, 0);
    let left = "CREATE TABLE events_rewritten AS events ENGINE = Memory";
    bench.client.query(left).execute().await.expect("a table");
    assert_eq!(
        bench.enforce(today).await.cleared,
        0,
        "a day is cleared once"
    );
    assert_eq!(copies().await, 0);
    bench.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_arrive_while_a_day_is_cleared_are_kept() {
    let bench = Bench::start("").await;
    bench
        .client
        .query("INSERT INTO events (site, time, name, visitor, visit, expires) SELECT 'a.example', '2026-01-01 12:00:00', 'pageview', 7, 8, '2090-03-01' FROM numbers(50000)")
        .execute()
        .await
        .expect("rows");
    bench
        .client
        .query("INSERT INTO rolled_days (site, day, version, events, zone, has_visits) VALUES ('a.example', '2026-01-01', 1, 1, 'UTC', true)")
        .execute()
        .await
        .expect("a row");
    // Meanwhile another site's rows keep arriving in the same partition.
    let (mut arrived, mut cleared) = (0_u64, None);
    let mut clearing = Box::pin(bench.enforce(date(2026, 1, 10)));
    while cleared.is_none() {
        let key = arrived + 1;
        let arriving = async {
            let _inserting = sillage::store::clear::inserting().await;
            bench
                .client
                .query("INSERT INTO events (site, time, name, key, visitor, visit, expires) VALUES ('b.example', '2026-01-09 12:00:00', 'pageview', {key:UInt64}, 7, 8, '2090-03-01')")
                .param("key", key)
                .execute()
                .await
                .expect("a row");
        };
        tokio::pin!(arriving);
        loop {
            tokio::select! {
                done = &mut clearing, if cleared.is_none() => cleared = Some(done.cleared),
                () = &mut arriving => break,
            }
        }
        arrived += 1;
    }
    drop(clearing);
    assert_eq!(cleared, Some(50_000));
    let counts: (u64, u64, u64) = bench
        .client
        .query("SELECT countIf(site = 'a.example'), countIf(site = 'a.example' AND visitor != 0), countIf(site = 'b.example' AND visitor = 7) FROM events")
        .fetch_one()
        .await
        .expect("a row");
    assert_eq!(counts, (50_000, 0, arrived));
    assert!(arrived > 0);
    bench.engine.stop().await;
}

#[test]
fn the_command_certifies_that_no_expired_rows_remain() {
    let collector = Collector::start();
    collector.beacon(&pageview("/", "a"));
    collector.until("SELECT count() FROM events", "1");
    let config = collector.folder.path().join("sillage.toml");
    let check = |url: &str| {
        let mut command = binary();
        command
            .args(["retention", "--verify", "--clickhouse", url, "--config"])
            .arg(&config);
        command.output().expect("the binary runs")
    };
    let done = check(&format!("http://{}", collector.clickhouse));
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{said} {}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        said.starts_with("certificate database=sillage tables=events,visits expired_until="),
        "{said}"
    );
    let log = std::fs::read_to_string(collector.folder.path().join("data/destruction.log"))
        .expect("a log");
    assert!(log.contains(said.trim()), "{log}");
    let nowhere = check("http://127.0.0.1:1");
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("ClickHouse must be running"));
}

#[test]
fn refused_requests_are_counted_separately_and_join_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = crate::support::write_config(folder.path(), "trusted_proxies = [\"127.0.0.1\"]");
    assert!(path.is_file());
    let collector = Collector::start_in(folder);
    for _ in 0..30 {
        let answer = post(
            collector.address,
            "/api/event",
            "{",
            &[("X-Forwarded-For", "203.0.113.77")],
        );
        assert_eq!(answer.status, 400);
    }
    post(
        collector.address,
        "/api/event",
        "{",
        &[("X-Forwarded-For", "198.51.100.77")],
    );
    let stored = wait_for(|| {
        let got = collector.sql("SELECT sum(requests), countIf(network LIKE '198%'), countIf(network LIKE '%.77%') FROM security");
        if got.starts_with("31\t") {
            Ok(got)
        } else {
            Err(got)
        }
    });
    assert_eq!(
        stored.as_deref(),
        Ok("31\t0\t0"),
        "a network with few requests is not named, an address never"
    );
    let shared = collector.sql(
        "SELECT groupArray(name) FROM (SELECT name FROM system.columns WHERE database = 'sillage' AND table = 'security' \
         INTERSECT SELECT name FROM system.columns WHERE database = 'sillage' AND table = 'events')",
    );
    assert_eq!(shared, "[]", "no column in common");
    assert_eq!(collector.sql("SELECT count() FROM events"), "0");
}
