//! Alerts on unusual traffic over a real engine: the right hours are counted and compared.

use serde_json::json;
use sillage::email::alert::{Kind, look};
use sillage::stats::{QueryLimits, StatsService};

use crate::engine::{database, insert_rows, registry, runtime, site};

/// Wednesday 15:42 in Berlin.
const NOW: &str = "2026-11-11T14:42:00Z";

/// One pageview each of `count` visitors at an instant.
fn visitors(at: &str, count: u64) -> Vec<serde_json::Value> {
    (0..count)
        .map(|number| {
            json!({
                "site": "example.com", "time": at, "name": "pageview", "path": "/", "expires": "2099-01-01",
                "key": number + 1, "visitor": number + 1, "visit": number + 1, "seq": 1, "days_since_seen": 32767,
            })
        })
        .collect()
}

/// Looks for unusual traffic after eight weeks with 100 visitors from 12:00 to 15:00 on Wednesdays,
/// five times as many in other hours and on Tuesdays, and `now` visitors in the last hours.
async fn judged(now: u64) -> Option<(Kind, u64, u64)> {
    let client = database().await;
    let mut rows = visitors("2026-11-11 11:00:00", now);
    // Summer time ended on 25 October: noon in Berlin moved from 10:00 to 11:00 UTC.
    let weeks = [
        ("2026-11-04", "11:00:00"),
        ("2026-10-28", "13:59:00"),
        ("2026-10-21", "10:00:00"),
        ("2026-10-14", "12:59:00"),
        ("2026-10-07", "10:00:00"),
        ("2026-09-30", "11:30:00"),
        ("2026-09-23", "10:00:00"),
        ("2026-09-16", "12:59:00"),
    ];
    for (day, time) in weeks {
        rows.extend(visitors(&format!("{day} {time}"), 100));
        rows.extend(visitors(&format!("{day} 14:00:00"), 500));
        rows.extend(visitors(&format!("{day} 09:59:00"), 500));
    }
    rows.extend(visitors("2026-11-10 12:00:00", 500));
    insert_rows(&client, &rows).await;
    let site = site("example.com", "Europe/Berlin");
    let stats = StatsService::new(
        client,
        registry(std::slice::from_ref(&site)),
        QueryLimits::default(),
    );
    let found = look(&stats, &site, NOW.parse().expect("NOW is a timestamp"))
        .await
        .expect("the check runs");
    found.map(|alert| (alert.kind, alert.visitors, alert.usual))
}

#[test]
fn the_last_hours_are_compared_with_the_same_weekdays_hours() {
    runtime().block_on(async {
        assert_eq!(judged(104).await, None);
        assert_eq!(judged(300).await, Some((Kind::Spike, 300, 100)));
        assert_eq!(judged(20).await, Some((Kind::Drop, 20, 100)));
        assert_eq!(judged(0).await, Some((Kind::Drop, 0, 100)));
    });
}
