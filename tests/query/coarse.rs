//! The migrations that round the values of earlier rows to the classes of
//! `sillage_privacy::coarse`: the same rules in SQL.

use serde_json::json;
use sillage::config::Tables;
use sillage::store::migrate::{MIGRATIONS, migrate};
use sillage_privacy::coarse;

use crate::engine::{database, insert_rows, runtime};

/// Runs a migration again, over the current rows.
async fn run(client: &clickhouse::Client, name: &str) {
    let (_, statement) = MIGRATIONS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a migration of this name");
    let statement = client.query(statement).with_setting("mutations_sync", "2");
    statement.execute().await.expect("the statement runs");
}

#[test]
fn older_rows_are_migrated_into_classes() {
    runtime().block_on(async {
        let client = database().await;
        let gaps = (-1..=400).chain([32_767]);
        let rows: Vec<_> = gaps
            .map(|days| {
                json!({
                    "site": "example.com", "time": "2025-05-02 10:00:00", "name": "pageview", "key": days + 2,
                    "elapsed": days + 2, "engaged_ms": (days + 2) * 1_234, "days_since_seen": days, "expires": "2099-01-01",
                    "lcp_ms": (days + 2) % 16_000 * 37, "cls": (days + 2) as f32 / 1000.0,
                })
            })
            .collect();
        insert_rows(&client, &rows).await;
        client
            .query("INSERT INTO visits (site, day, duration_s, days_since_seen, expires) SELECT site, toDate(time), elapsed, days_since_seen, expires FROM events")
            .execute()
            .await
            .expect("the statement runs");
        client
            .query("INSERT INTO daily (site, day, seen_days, seen_visits) SELECT 'example.com', '2025-05-02', groupArray(days_since_seen), groupArray(toUInt64(1)) FROM (SELECT * FROM events ORDER BY key)")
            .execute()
            .await
            .expect("the statement runs");
        // Twice: after a crash between a statement and its record, the statement runs again.
        for name in ["0073_coarsen_events", "0074_coarsen_visits", "0075_coarsen_histories", "0111_coarsen_vitals"] {
            run(&client, name).await;
            run(&client, name).await;
        }
        let stored: Vec<(u64, u32, u32, i16)> = client
            .query("SELECT key, elapsed, engaged_ms, days_since_seen FROM events ORDER BY key")
            .fetch_all()
            .await
            .expect("rows");
        let class = |days: i64| match days {
            0..=400 => coarse::days_since_seen(days as i32),
            other => other as i16,
        };
        for (key, elapsed, engaged_ms, days) in &stored {
            let was = *key as i64 - 2;
            assert_eq!(*days, class(was), "{was} days");
            assert_eq!(elapsed % 60, 0, "{was}");
            assert!(u64::from(*elapsed).abs_diff(*key) <= 30, "{elapsed} for {key}");
            // A value that is already a class does not change, whatever the key.
            assert_eq!(coarse::engaged_ms(*engaged_ms, 7).max(1), (*engaged_ms).max(1));
            let true_ms = *key as u32 * 1_234;
            assert!(engaged_ms.abs_diff(true_ms) < 60_000, "{engaged_ms} for {true_ms}");
        }
        type Vitals = (u64, Option<u32>, Option<u32>, Option<f32>);
        let vitals: Vec<Vitals> = client
            .query("SELECT key, lcp_ms, inp_ms, cls FROM events ORDER BY key")
            .fetch_all()
            .await
            .expect("rows");
        for (key, lcp_ms, inp_ms, cls) in vitals {
            assert_eq!(lcp_ms, Some(coarse::milliseconds(key as u32 % 16_000 * 37)), "{key}");
            assert_eq!((inp_ms, cls), (None, Some(coarse::shift(key as f32 / 1000.0))), "{key}");
        }
        let engaged: u64 = stored.iter().map(|(_, _, ms, _)| u64::from(*ms)).sum();
        let truth: u64 = stored.iter().map(|(key, ..)| key * 1_234).sum();
        assert!(engaged.abs_diff(truth) < truth / 20, "{engaged} for {truth}");
        let visits: Vec<(u32, i16)> = client
            .query("SELECT duration_s, days_since_seen FROM visits ORDER BY days_since_seen, duration_s")
            .fetch_all()
            .await
            .expect("rows");
        let events: Vec<(u32, i16)> = client
            .query("SELECT elapsed, days_since_seen FROM events ORDER BY days_since_seen, elapsed")
            .fetch_all()
            .await
            .expect("rows");
        assert_eq!(visits, events);
        let histories: Vec<i16> = client
            .query("SELECT seen_days FROM daily")
            .fetch_one()
            .await
            .expect("a row");
        let wanted: Vec<i16> = (-1..=400).chain([32_767]).map(class).collect();
        assert_eq!(histories, wanted);
    });
}

#[test]
fn events_spooled_by_an_earlier_version_are_stored_in_classes() {
    runtime().block_on(async {
        let client = database().await;
        let insert = |table: &'static str| {
            let client = client.clone();
            async move {
                client
                    .query(&format!("INSERT INTO {table} (site, time, name, key, elapsed, engaged_ms, days_since_seen, lcp_ms, cls, expires)
                        SELECT '{table}', toDateTime('2025-05-02 10:00:00', 'UTC'), 'pageview', number, number, number * 1234,
                        number % 402 - 1, number, number / 1000, '2099-01-01' FROM numbers(2000)"))
                    .execute()
                    .await
                    .expect("the statement runs");
            }
        };
        let outside = || async {
            client
                .query("SELECT site, countIf(elapsed % 60 != 0), countIf(engaged_ms > 1 AND engaged_ms % 10000 != 0), countIf(days_since_seen IN (32, 60, 399)), countIf(lcp_ms = 123 OR cls > 0.1229 AND cls < 0.1231) FROM events GROUP BY site ORDER BY site")
                .fetch_all::<(String, u64, u64, u64, u64)>()
                .await
                .expect("rows")
        };
        // The same after the view was dropped and a start created it again.
        client.query("DROP VIEW arrivals_into_events").execute().await.expect("the statement runs");
        let database: String = client.query("SELECT currentDatabase()").fetch_one().await.expect("a row");
        assert!(migrate(&client, &database, Tables::Local).await.expect("migrations run").is_empty());
        insert("arrivals").await;
        assert_eq!(outside().await, [("arrivals".to_owned(), 0, 0, 0, 0)]);
        let means: (f64, f64, i16, u32) = client
            .query("SELECT avg(elapsed), avg(engaged_ms) / 1234, min(days_since_seen), max(days_since_seen)::UInt32 FROM events")
            .fetch_one()
            .await
            .expect("a row");
        assert!((means.0 - 999.5).abs() < 10.0 && (means.1 - 999.5).abs() < 10.0, "{means:?}");
        assert_eq!((means.2, means.3), (-1, 400));

        // Values that are classes do not change: rows that pass through the view again stay equal.
        client
            .query("INSERT INTO arrivals SELECT * REPLACE ('again' AS site) FROM events")
            .execute()
            .await
            .expect("the statement runs");
        let differences: u64 = client
            .query("SELECT count() FROM (SELECT key, elapsed, engaged_ms, days_since_seen, lcp_ms, inp_ms, cls FROM events GROUP BY ALL HAVING count() != 2)")
            .fetch_one()
            .await
            .expect("a row");
        assert_eq!(differences, 0);

        // Positive control: the check finds values outside the classes.
        insert("events").await;
        let found = outside().await;
        assert!(found.iter().any(|(site, a, b, c, d)| site == "events" && *a > 0 && *b > 0 && *c > 0 && *d > 0), "{found:?}");
    });
}
