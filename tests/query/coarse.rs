//! The migrations that bring earlier rows into the classes of `privacy::coarse`: the same rules in SQL.

use serde_json::json;
use sillage::privacy::coarse;
use sillage::store::migrate::MIGRATIONS;

use crate::engine::{database, insert_rows, runtime};

/// Runs a migration again, over rows that lie there now.
async fn run(client: &clickhouse::Client, name: &str) {
    let (_, statement) = MIGRATIONS.iter().find(|(known, _)| *known == name).unwrap();
    let statement = client.query(statement).with_setting("mutations_sync", "2");
    statement.execute().await.unwrap();
}

#[test]
fn rows_from_before_the_classes_are_brought_into_them() {
    runtime().block_on(async {
        let client = database().await;
        let gaps = (-1..=400).chain([32_767]);
        let rows: Vec<_> = gaps
            .map(|days| {
                json!({
                    "site": "example.com", "time": "2025-05-02 10:00:00", "name": "pageview", "key": days + 2,
                    "elapsed": days + 2, "engaged_ms": (days + 2) * 1_234, "days_since_seen": days, "expires": "2099-01-01",
                })
            })
            .collect();
        insert_rows(&client, &rows).await;
        client
            .query("INSERT INTO visits (site, day, duration_s, days_since_seen, expires) SELECT site, toDate(time), elapsed, days_since_seen, expires FROM events")
            .execute()
            .await
            .unwrap();
        client
            .query("INSERT INTO daily (site, day, seen_days, seen_visits) SELECT 'example.com', '2025-05-02', groupArray(days_since_seen), groupArray(toUInt64(1)) FROM (SELECT * FROM events ORDER BY key)")
            .execute()
            .await
            .unwrap();
        // Twice: a crash between a statement and its record runs it again.
        for name in ["0073_coarsen_events", "0074_coarsen_visits", "0075_coarsen_histories"] {
            run(&client, name).await;
            run(&client, name).await;
        }
        let stored: Vec<(u64, u32, u32, i16)> = client
            .query("SELECT key, elapsed, engaged_ms, days_since_seen FROM events ORDER BY key")
            .fetch_all()
            .await
            .unwrap();
        let class = |days: i64| match days {
            0..=400 => coarse::days_since_seen(days as i32),
            other => other as i16,
        };
        for (key, elapsed, engaged_ms, days) in &stored {
            let was = *key as i64 - 2;
            assert_eq!(*days, class(was), "{was} days");
            assert_eq!(elapsed % 60, 0, "{was}");
            assert!(u64::from(*elapsed).abs_diff(*key) <= 30, "{elapsed} for {key}");
            // A class stays as it is, whatever the key.
            assert_eq!(coarse::engaged_ms(*engaged_ms, 7).max(1), (*engaged_ms).max(1));
            let true_ms = *key as u32 * 1_234;
            assert!(engaged_ms.abs_diff(true_ms) < 60_000, "{engaged_ms} for {true_ms}");
        }
        let engaged: u64 = stored.iter().map(|(_, _, ms, _)| u64::from(*ms)).sum();
        let truth: u64 = stored.iter().map(|(key, ..)| key * 1_234).sum();
        assert!(engaged.abs_diff(truth) < truth / 20, "{engaged} for {truth}");
        let visits: Vec<(u32, i16)> = client
            .query("SELECT duration_s, days_since_seen FROM visits ORDER BY days_since_seen, duration_s")
            .fetch_all()
            .await
            .unwrap();
        let events: Vec<(u32, i16)> = client
            .query("SELECT elapsed, days_since_seen FROM events ORDER BY days_since_seen, elapsed")
            .fetch_all()
            .await
            .unwrap();
        assert_eq!(visits, events);
        let histories: Vec<i16> = client
            .query("SELECT seen_days FROM daily")
            .fetch_one()
            .await
            .unwrap();
        let wanted: Vec<i16> = (-1..=400).chain([32_767]).map(class).collect();
        assert_eq!(histories, wanted);
    });
}
