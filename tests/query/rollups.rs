//! Roll-ups can be repeated, follow late events and outlive their events. A day that is not
//! complete is never read.

use crate::as_json::AsJson;
use serde_json::{Value as Json, json};
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};

use crate::engine::{clear, database, insert_rows, registry, runtime, site};

const NOW: &str = "2025-05-10T12:00:00Z";

fn pageview(id: u64, time: &str) -> Json {
    json!({
        "site": "example.com", "time": time, "name": "pageview", "key": id, "visitor": id, "visit": id, "seq": 1,
        "path": "/", "days_since_seen": 32767, "expires": "2099-01-01",
    })
}

async fn pageviews(client: &clickhouse::Client) -> Json {
    // A new service each time, since coverage is cached for some seconds.
    let sites = registry(&[site("example.com", "Asia/Tokyo")]);
    let stats = StatsService::new(client.clone(), sites, QueryLimits::default());
    let body = json!({"site_id": "example.com", "metrics": ["pageviews", "visitors"], "date_range": ["2025-05-01", "2025-05-09"]});
    stats
        .query_json(
            body.to_string().as_bytes(),
            NOW.parse().expect("NOW is a timestamp"),
        )
        .await
        .body["results"][0]["metrics"]
        .clone()
}

#[test]
fn late_events_renew_a_roll_up_and_expired_events_do_not() {
    runtime().block_on(async {
        let client = database().await;
        let site = site("example.com", "Asia/Tokyo");
        let now = NOW.parse().expect("NOW is a timestamp");
        insert_rows(
            &client,
            &[
                pageview(1, "2025-05-02 10:00:00"),
                pageview(2, "2025-05-05 10:00:00"),
            ],
        )
        .await;
        // 2 to 8 May. The 9th was yesterday, and its last visits may continue today.
        assert_eq!(
            roll_up(&client, &site, now)
                .await
                .expect("the roll-up runs"),
            7
        );
        assert_eq!(pageviews(&client).await, json!([2, 2]));
        // A second run finds no work and counts no event twice.
        assert_eq!(
            roll_up(&client, &site, now)
                .await
                .expect("the roll-up runs"),
            0
        );
        assert_eq!(pageviews(&client).await, json!([2, 2]));
        // Late events, on a day without events and on a day with events.
        insert_rows(
            &client,
            &[
                pageview(3, "2025-05-04 10:00:00"),
                pageview(4, "2025-05-05 11:00:00"),
            ],
        )
        .await;
        let later = "2025-05-10T12:10:00Z".parse().expect("a timestamp");
        assert_eq!(
            roll_up(&client, &site, later)
                .await
                .expect("the roll-up runs"),
            2
        );
        assert_eq!(pageviews(&client).await, json!([4, 4]));
        // Retention destroys the events. The counts stay, and the days are not rebuilt without
        // events.
        client
            .query("TRUNCATE TABLE events")
            .execute()
            .await
            .expect("the statement runs");
        assert_eq!(
            roll_up(&client, &site, later)
                .await
                .expect("the roll-up runs"),
            0
        );
        assert_eq!(pageviews(&client).await, json!([4, 4]));
    });
}

#[test]
fn an_interrupted_roll_up_is_never_read() {
    runtime().block_on(async {
        let client = database().await;
        let site = site("example.com", "Asia/Tokyo");
        insert_rows(&client, &[pageview(1, "2025-05-02 10:00:00")]).await;
        roll_up(&client, &site, NOW.parse().expect("NOW is a timestamp"))
            .await
            .expect("the roll-up runs");
        // A crash before the record leaves rows of a later version behind.
        client
            .query("INSERT INTO daily SELECT * REPLACE (version + 1 AS version) FROM daily")
            .execute()
            .await
            .expect("the statement runs");
        assert_eq!(pageviews(&client).await, json!([1, 1]));
    });
}

#[test]
fn a_day_with_cleared_ids_is_never_rolled_up_again() {
    runtime().block_on(async {
        let client = database().await;
        let site = site("example.com", "Asia/Tokyo");
        let now = NOW.parse().expect("NOW is a timestamp");
        let mut google = pageview(1, "2025-05-02 10:00:00");
        google["source"] = json!("Google");
        insert_rows(&client, &[google, pageview(2, "2025-05-02 11:00:00")]).await;
        roll_up(&client, &site, now)
            .await
            .expect("the roll-up runs");
        let sites = [site.clone()];
        assert_eq!(
            clear(
                &client,
                &sites,
                "2025-05-04T00:00:00Z".parse().expect("a timestamp")
            )
            .await,
            2
        );
        // This event is too late to be counted, and the others keep their visitors.
        insert_rows(&client, &[pageview(3, "2025-05-02 12:00:00")]).await;
        let later = "2025-05-10T12:10:00Z".parse().expect("a timestamp");
        assert_eq!(
            roll_up(&client, &site, later)
                .await
                .expect("the roll-up runs"),
            0
        );
        assert_eq!(pageviews(&client).await, json!([2, 2]));
        let stats = StatsService::new(client, registry(&[site]), QueryLimits::default());
        let ask = async |filters: Json| {
            let body = json!({
                "site_id": "example.com", "metrics": ["visitors", "visits", "pageviews"],
                "date_range": ["2025-05-01", "2025-05-09"], "filters": filters,
            });
            stats
                .query_json(body.to_string().as_bytes(), now)
                .await
                .body
        };
        let google = ask(json!([["is", "visit:source", ["Google"]]])).await;
        assert_eq!(google["results"][0]["metrics"], json!([1, 1, 1]));
        assert_eq!(google["meta"].get("ids_cleared_before"), None);
        // Visitors and visits of a page are unknown, and the answer says so. Pageviews are known.
        let page = ask(json!([["is", "event:page", ["/"]]])).await;
        assert_eq!(page["results"][0]["metrics"], json!([1, 1, 3]));
        assert_eq!(page["meta"]["ids_cleared_before"], "2025-05-03");
        let warned = page["meta"]["metric_warnings"]
            .as_object()
            .expect("an object");
        assert_eq!(warned["visitors"]["code"], "ids_cleared");
        assert_eq!(warned["visits"]["code"], "ids_cleared");
        assert_eq!(warned.get("pageviews"), None);
    });
}

#[test]
fn a_day_without_stored_visits_is_rebuilt_while_events_remain() {
    runtime().block_on(async {
        let client = database().await;
        let site = site("example.com", "UTC");
        let now = NOW.parse().expect("NOW is a timestamp");
        insert_rows(&client, &[pageview(1, "2025-05-07 10:00:00")]).await;
        for (day, events) in [("2025-05-01", 5), ("2025-05-07", 1), ("2025-05-08", 0)] {
            client
                .query("INSERT INTO rolled_days (site, day, version, events, zone) VALUES ('example.com', {day:String}, 1, {events:UInt64}, 'UTC')")
                .param("day", day)
                .param("events", events)
                .execute()
                .await
                .expect("the statement runs");
        }
        // The events of the first day have expired, so its counts stay. The days in between had no
        // events.
        assert_eq!(roll_up(&client, &site, now).await.expect("the roll-up runs"), 6);
        let kept: Vec<(String, u64)> = client
            .query("SELECT toString(day), argMax(events, version) FROM rolled_days GROUP BY day HAVING argMax(events, version) > 0 ORDER BY day")
            .fetch_all()
            .await
            .expect("rows");
        assert_eq!(kept, [("2025-05-01".to_owned(), 5), ("2025-05-07".to_owned(), 1)]);
        assert_eq!(roll_up(&client, &site, now).await.expect("the roll-up runs"), 0);
    });
}

#[test]
fn a_site_with_a_waiting_erasure_is_not_rolled_up_and_others_are() {
    let began_s = jiff::Timestamp::now().as_second() - 5 * 24 * 60 * 60;
    let row = |id: &str| {
        serde_json::json!({
            "site": id, "time": began_s, "name": "pageview", "key": 1, "visitor": 1, "visit": 1, "seq": 1,
            "path": "/", "entry_path": "/", "basis": "consent", "expires": "2099-01-01",
        })
    };
    runtime().block_on(async {
        let client = database().await;
        insert_rows(&client, &[row("held.example"), row("free.example")]).await;
        let sites = registry(&[site("held.example", "UTC"), site("free.example", "UTC")]);
        // The site with the erasure comes first: without the wait it would be rolled up first.
        let rolling = tokio::spawn(sillage::rollup::job::keep(client.clone(), sites, |id| {
            id == "held.example"
        }));
        let rolled = async |id: &str| {
            let query = "SELECT count() FROM rolled_days WHERE site = {site:String} AND events > 0";
            let query = client.query(query).param("site", id);
            query.fetch_one::<u64>().await.expect("a row")
        };
        let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while rolled("free.example").await == 0 && std::time::Instant::now() < patience {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        rolling.abort();
        assert_eq!(rolled("free.example").await, 1);
        assert_eq!(rolled("held.example").await, 0);
    });
}
