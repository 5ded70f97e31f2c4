//! Roll-ups are safe to repeat, follow late events, outlive the events they were made from, and read no half-built day.

use serde_json::{Value as Json, json};
use sillage::query::roll::roll_up;
use sillage::query::{Answerer, QueryLimits};

use crate::engine::{database, insert_rows, runtime, site};

const NOW: &str = "2025-05-10T12:00:00Z";

fn pageview(id: u64, time: &str) -> Json {
    json!({
        "site": "example.com", "time": time, "name": "pageview", "key": id, "visitor": id, "visit": id, "seq": 1,
        "path": "/", "days_since_seen": 32767, "expires": "2099-01-01",
    })
}

async fn pageviews(client: &clickhouse::Client) -> Json {
    // A new one each time: what is rolled up is remembered for some seconds.
    let sites = [site("example.com", "Asia/Tokyo")].into();
    let answerer = Answerer::new(client.clone(), sites, QueryLimits::default());
    let body = json!({"site_id": "example.com", "metrics": ["pageviews", "visitors"], "date_range": ["2025-05-01", "2025-05-09"]});
    answerer
        .query(body.to_string().as_bytes(), NOW.parse().unwrap())
        .await
        .body["results"][0]["metrics"]
        .clone()
}

#[test]
fn a_day_is_rolled_up_once_again_when_events_come_late_and_kept_when_they_are_gone() {
    runtime().block_on(async {
        let client = database().await;
        let site = site("example.com", "Asia/Tokyo");
        let now = NOW.parse().unwrap();
        insert_rows(
            &client,
            &[
                pageview(1, "2025-05-02 10:00:00"),
                pageview(2, "2025-05-05 10:00:00"),
            ],
        )
        .await;
        // 2 to 8 May; the 9th was yesterday, and a visit may have run on into today.
        assert_eq!(roll_up(&client, &site, now).await.unwrap(), 7);
        assert_eq!(pageviews(&client).await, json!([2, 2]));
        // Nothing to do, and nothing counted twice.
        assert_eq!(roll_up(&client, &site, now).await.unwrap(), 0);
        assert_eq!(pageviews(&client).await, json!([2, 2]));
        // A segment that came late, into a day that was empty and one that was not.
        insert_rows(
            &client,
            &[
                pageview(3, "2025-05-04 10:00:00"),
                pageview(4, "2025-05-05 11:00:00"),
            ],
        )
        .await;
        let later = "2025-05-10T12:10:00Z".parse().unwrap();
        assert_eq!(roll_up(&client, &site, later).await.unwrap(), 2);
        assert_eq!(pageviews(&client).await, json!([4, 4]));
        // Retention takes the events; the counts stay, and the days are not built anew from nothing.
        client
            .query("TRUNCATE TABLE events")
            .execute()
            .await
            .unwrap();
        assert_eq!(roll_up(&client, &site, later).await.unwrap(), 0);
        assert_eq!(pageviews(&client).await, json!([4, 4]));
    });
}

#[test]
fn a_building_that_broke_off_is_never_read() {
    runtime().block_on(async {
        let client = database().await;
        let site = site("example.com", "Asia/Tokyo");
        insert_rows(&client, &[pageview(1, "2025-05-02 10:00:00")]).await;
        roll_up(&client, &site, NOW.parse().unwrap()).await.unwrap();
        // What a crash before the record leaves behind: rows of a later version.
        client
            .query("INSERT INTO daily SELECT * REPLACE (version + 1 AS version) FROM daily")
            .execute()
            .await
            .unwrap();
        assert_eq!(pageviews(&client).await, json!([1, 1]));
    });
}
