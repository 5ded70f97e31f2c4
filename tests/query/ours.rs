//! Goals, revenue, comparisons, exits, web vitals and clicks over the real engine. The comment next
//! to each expected number derives it from the rows of `rows()`.

use crate::as_json::AsJson;
use serde_json::{Value as Json, json};
use sillage::stats::{QueryLimits, StatsService};
use sillage_query::goal::{Goal, GoalKind};

use crate::engine::{database, insert_rows, registry, runtime, site};

const NOW: &str = "2025-03-13T03:00:00Z";

/// The row of an event on 12 March 2025 in Tokyo, with the changes of `change`.
fn row(id: u64, visit: u64, seq: u64, change: Json) -> Json {
    let mut row = json!({
        "site": "example.com", "time": "2025-03-12 01:00:00", "name": "pageview", "key": id, "visitor": visit, "visit": visit,
        "seq": seq, "path": "/", "entry_path": "/", "days_since_seen": 32767, "visit_number": 1, "expires": "2099-01-01",
    });
    for (key, value) in change.as_object().expect("an object") {
        row[key] = value.clone();
    }
    row
}

/// Four visitors. 1, from Google: `/`, `/shop/a`, then buys for 10.50 USD (sent twice) and for 3
/// EUR. 2, from Google: `/`, read to 80 % in 40 s. 3, direct: `/shop/b`, buys for 20 USD. 4,
/// direct, the day before: `/shop/b`, read to 30 % in 5 s.
fn rows() -> Vec<Json> {
    let buys = |id, visit, amount: &str, currency: &str| {
        row(
            id,
            visit,
            3,
            json!({"name": "Buy", "revenue": amount, "currency": currency, "interactive": true, "props": {"plan": "pro"},
                   "source": if visit == 1 { "Google" } else { "" }}),
        )
    };
    let engagement = |id, visit, more: Json| {
        let mut row = row(id, visit, 1, more);
        row["name"] = json!("engagement");
        row
    };
    vec![
        row(1, 1, 1, json!({"source": "Google"})),
        row(2, 1, 2, json!({"source": "Google", "path": "/shop/a"})),
        buys(3, 1, "10.5", "USD"),
        buys(3, 1, "10.5", "USD"),
        buys(4, 1, "3", "EUR"),
        row(5, 2, 1, json!({"source": "Google"})),
        engagement(
            5,
            2,
            json!({"source": "Google", "engaged_ms": 10_000, "scroll": 40, "lcp_ms": 900, "clicks": [7]}),
        ),
        engagement(
            5,
            2,
            json!({"source": "Google", "engaged_ms": 40_000, "scroll": 80, "lcp_ms": 1_000, "cls": 0.25, "clicks": [7, 7, 41]}),
        ),
        row(6, 3, 1, json!({"path": "/shop/b"})),
        buys(7, 3, "20", "USD"),
        engagement(
            6,
            3,
            json!({"path": "/shop/b", "lcp_ms": 3_000, "scroll": 255, "clicks": [7]}),
        ),
        row(
            8,
            4,
            1,
            json!({"path": "/shop/b", "time": "2025-03-11 01:00:00"}),
        ),
        engagement(
            8,
            4,
            json!({"path": "/shop/b", "time": "2025-03-11 01:00:00", "engaged_ms": 5_000, "scroll": 30, "lcp_ms": 2_000}),
        ),
    ]
}

fn goals() -> Vec<Goal> {
    let goal = |id, name: &str, kind, currency: Option<&str>| Goal {
        id,
        name: name.into(),
        kind,
        currency: currency.map(str::to_owned),
    };
    let event = |props: &[(&str, &str)]| GoalKind::Event {
        name: "Buy".into(),
        props: props
            .iter()
            .map(|(key, value)| ((*key).into(), vec![(*value).into()]))
            .collect(),
    };
    vec![
        goal(1, "Buy", event(&[]), Some("USD")),
        goal(
            2,
            "Shop",
            GoalKind::Page {
                pattern: "/shop/*".into(),
            },
            None,
        ),
        goal(
            3,
            "Read",
            GoalKind::Scroll {
                pattern: "**".into(),
                percent: 50,
            },
            None,
        ),
        goal(
            4,
            "Stay",
            GoalKind::Engaged {
                pattern: "/".into(),
                ms: 30_000,
            },
            None,
        ),
        goal(5, "Buy free", event(&[("plan", "free")]), Some("EUR")),
    ]
}

async fn stats() -> StatsService {
    let client = database().await;
    insert_rows(&client, &rows()).await;
    let stats = StatsService::new(
        client,
        registry(&[site("example.com", "Asia/Tokyo")]),
        QueryLimits::default(),
    );
    stats.set_goals("example.com", goals());
    stats
}

async fn ask(stats: &StatsService, change: Json) -> (u16, Json) {
    let mut body = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": ["2025-03-12", "2025-03-12"]});
    for (key, value) in change.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let answer = stats
        .query_json(
            body.to_string().as_bytes(),
            NOW.parse().expect("NOW is a timestamp"),
        )
        .await;
    (answer.status, answer.body)
}

/// `[[dimensions..., metrics...], ...]`
async fn table(stats: &StatsService, change: Json) -> Json {
    let (status, body) = ask(stats, change).await;
    assert_eq!(status, 200, "{body}");
    let rows = body["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| {
            let dimensions = row["dimensions"].as_array().expect("a list").iter();
            Json::Array(
                dimensions
                    .chain(row["metrics"].as_array().expect("a list"))
                    .cloned()
                    .collect(),
            )
        });
    rows.collect()
}

#[test]
fn goals_count_each_event_once_and_divide_by_all_visitors() {
    runtime().block_on(async {
        let stats = stats().await;
        // Buy: visitors 1 and 3, keys 3, 4 and 7, of three visitors. Shop: 1 and 3, keys 2 and 6.
        // Read and Stay: 2, key 5, by an engagement record. No visitor reached `Buy free`.
        let by_goal = json!({"metrics": ["visitors", "events", "conversion_rate"], "dimensions": ["event:goal"]});
        assert_eq!(
            table(&stats, by_goal).await,
            json!([["Buy", 2, 3, 66.67], ["Shop", 2, 2, 66.67], ["Read", 1, 1, 33.33], ["Stay", 1, 1, 33.33]])
        );
        // Of the two visitors from Google one bought; the one direct visitor bought too.
        let by_source = json!({"metrics": ["visitors", "conversion_rate", "group_conversion_rate"], "dimensions": ["visit:source"],
                               "filters": [["is", "event:goal", ["Buy"]]]});
        assert_eq!(table(&stats, by_source).await, json!([["Direct / None", 1, 33.33, 100], ["Google", 1, 33.33, 50]]));
        let both = json!({"metrics": ["visitors", "group_conversion_rate"], "dimensions": ["event:goal", "visit:source"],
                          "filters": [["contains", "event:goal", ["rea", "STAY"], {"case_sensitive": false}]]});
        assert_eq!(table(&stats, both).await, json!([["Read", "Google", 1, 50], ["Stay", "Google", 1, 50]]));
        // A filter on a property selects conversions, not the visitors to divide by.
        let pro = json!({"metrics": ["visitors", "conversion_rate"], "filters": [["is", "event:goal", ["Buy"]], ["is", "event:props:plan", ["pro"]]]});
        assert_eq!(table(&stats, pro).await, json!([[2, 66.67]]));
        // Visits with a conversion: 1 has two pages and 3 one, and neither bounced.
        let visits = json!({"metrics": ["visits", "views_per_visit", "bounce_rate"], "filters": [["is", "event:goal", ["Buy"]]]});
        assert_eq!(table(&stats, visits).await, json!([[2, 1.5, 0]]));
        let stayed = json!({"metrics": ["visits", "bounce_rate"], "filters": [["is", "event:goal", ["Stay"]]]});
        assert_eq!(table(&stats, stayed).await, json!([[1, 100]]));
        let done = json!({"metrics": ["visitors", "pageviews"], "filters": [["has_not_done", ["is", "event:goal", ["Read"]]]]});
        assert_eq!(table(&stats, done).await, json!([[2, 3]]));
    });
}

#[test]
fn revenue_is_in_the_goals_currency_and_an_event_sent_twice_pays_once() {
    runtime().block_on(async {
        let stats = stats().await;
        let ask_for = |names: Json| {
            json!({"metrics": ["total_revenue", "average_revenue"], "filters": [["is", "event:goal", names]]})
        };
        // 10.50 and 20 USD. The 3 EUR are in another currency.
        let (_, body) = ask(&stats, ask_for(json!(["Buy", "Shop"]))).await;
        assert_eq!(
            body["results"][0]["metrics"],
            json!([
                {"value": 30.5, "currency": "USD", "short": "$30.50", "long": "$30.50"},
                {"value": 15.25, "currency": "USD", "short": "$15.25", "long": "$15.25"},
            ])
        );
        for (names, code) in [(json!(["Buy", "Buy free"]), "no_single_revenue_currency"), (json!(["Shop"]), "no_revenue_goals_matching")] {
            let (status, body) = ask(&stats, ask_for(names)).await;
            assert_eq!((status, &body["results"][0]["metrics"]), (200, &json!([null, null])));
            assert_eq!(body["meta"]["metric_warnings"]["total_revenue"]["code"], code);
        }
    });
}

#[test]
fn a_deleted_goal_is_refused_with_its_place() {
    runtime().block_on(async {
        let stats = stats().await;
        for (change, at) in [
            (json!({"filters": [["is", "event:goal", ["Buy", "Gone"]]]}), "#/filters/0/2/1"),
            (json!({"filters": [["is_not", "event:goal", ["Buy"]]]}), "#/filters/0/0"),
            (json!({"filters": [["not", ["is", "event:goal", ["Buy"]]]]}), "#/filters/0/1"),
            (json!({"filters": [["or", [["is", "event:goal", ["Buy"]]]]]}), "#/filters/0/1/0"),
            (json!({"metrics": ["conversion_rate"]}), "#/metrics/0"),
            (json!({"metrics": ["total_revenue"]}), "#/metrics/0"),
            (json!({"metrics": ["exit_rate"], "dimensions": ["event:page"]}), "#/metrics/0"),
            (json!({"metrics": ["visitors"], "dimensions": ["event:click_cell"]}), "#/metrics/0"),
            (
                json!({"metrics": ["conversion_rate"], "filters": [["is", "event:goal", ["Buy"]], ["not", ["is", "event:props:plan", ["pro"]]]]}),
                "#/metrics/0",
            ),
        ] {
            let (status, body) = ask(&stats, change.clone()).await;
            assert_eq!(status, 400, "{change}: {body}");
            let error = body["error"].as_str().expect("a text");
            assert!(error.starts_with(&format!("{at}: ")), "{change}: {error}");
        }
        stats.set_goals("example.com", []);
        let (status, body) = ask(&stats, json!({"filters": [["is", "event:goal", ["Buy"]]]})).await;
        assert_eq!(status, 400, "{body}");
    });
}

#[test]
fn web_vitals_are_75th_percentiles() {
    runtime().block_on(async {
        let stats = stats().await;
        // Both days: keys 5 (1,000 ms, the larger of two records), 6 (3,000) and 8 (2,000) of five
        // pageviews.
        let range = json!(["2025-03-11", "2025-03-12"]);
        let all = json!({"metrics": ["lcp_p75", "cls_p75", "ttfb_p75", "pageviews"], "date_range": range});
        assert_eq!(table(&stats, all).await, json!([[3_000, 0.25, null, 5]]));
        let by_page = json!({"metrics": ["lcp_p75"], "dimensions": ["event:page"], "date_range": range, "order_by": [["event:page", "asc"]]});
        assert_eq!(table(&stats, by_page).await, json!([["/", 1_000], ["/shop/b", 3_000]]));
    });
}

#[test]
fn clicks_are_counted_by_cell_and_a_later_record_replaces_an_earlier_one() {
    runtime().block_on(async {
        let stats = stats().await;
        let of_page = json!({"metrics": ["clicks"], "dimensions": ["event:click_cell"], "filters": [["is", "event:page", ["/"]]]});
        assert_eq!(table(&stats, of_page).await, json!([["7", 2], ["41", 1]]));
        let by_page = json!({"metrics": ["clicks"], "dimensions": ["event:page"]});
        assert_eq!(table(&stats, by_page).await, json!([["/", 3], ["/shop/b", 1]]));
    });
}

#[test]
fn an_exit_rate_is_a_share_of_the_views_of_the_page() {
    runtime().block_on(async {
        let stats = stats().await;
        // `/` was seen twice and was once the last page, of visit 2. `/shop/a` and `/shop/b` were
        // always the last.
        let exits = json!({"metrics": ["visits", "exit_rate"], "dimensions": ["visit:exit_page"], "order_by": [["visit:exit_page", "asc"]]});
        assert_eq!(table(&stats, exits).await, json!([["/", 1, 50], ["/shop/a", 1, 100], ["/shop/b", 1, 100]]));
    });
}

#[test]
fn rows_are_compared_with_the_same_rows_of_another_period() {
    runtime().block_on(async {
        let stats = stats().await;
        let include = json!({"comparisons": {"mode": "previous_period"}});
        let (status, body) = ask(
            &stats,
            json!({"metrics": ["visitors", "bounce_rate"], "dimensions": ["visit:source"], "include": include}),
        )
        .await;
        assert_eq!(status, 200, "{body}");
        // Google: visits 1 and 2, one of them bounced, no visit the day before. Direct: visit 3 did
        // not bounce, visit 4 did.
        assert_eq!(
            body["results"],
            json!([
                {"dimensions": ["Google"], "metrics": [2, 50], "comparison": {"dimensions": ["Google"], "metrics": [0, 0], "change": [100, 50.0]}},
                {"dimensions": ["Direct / None"], "metrics": [1, 0], "comparison": {"dimensions": ["Direct / None"], "metrics": [1, 100], "change": [0, -100.0]}},
            ])
        );
        assert_eq!(body["meta"]["comparison_date_range"], json!(["2025-03-11T00:00:00+09:00", "2025-03-11T23:59:59+09:00"]));
        assert_eq!(body["query"]["include"], include);
        let (_, body) = ask(
            &stats,
            json!({"dimensions": ["time:day"], "include": {"time_labels": true, "comparisons": {"mode": "custom", "date_range": ["2025-03-11", "2025-03-11"]}}}),
        )
        .await;
        assert_eq!(body["results"][0]["comparison"], json!({"dimensions": ["2025-03-11"], "metrics": [1], "change": [200]}));
        assert_eq!(body["meta"]["comparison_time_labels"], json!(["2025-03-11"]));
    });
}

#[test]
fn changes_name_the_greatest_differences_and_a_filter_for_each() {
    runtime().block_on(async {
        let stats = stats().await;
        let now = NOW.parse().expect("NOW is a timestamp");
        let body = json!({"site_id": "example.com", "metric": "pageviews", "date_range": ["2025-03-12", "2025-03-12"], "limit": 100});
        let answer = stats.changes_json(body.to_string().as_bytes(), now).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        // Four pageviews instead of one: three instead of none from Google. `/shop/b` was seen once
        // on both days.
        assert_eq!(answer.body["total"], json!({"now": 4, "before": 1}));
        let contributors = answer.body["contributors"].as_array().expect("a list");
        let google = json!({"dimension": "visit:source", "value": "Google", "now": 3, "before": 0, "difference": 3, "filter": ["is", "visit:source", ["Google"]]});
        assert!(contributors.contains(&google), "{contributors:?}");
        assert!(!contributors.iter().any(|row| row["value"] == "/shop/b"), "{contributors:?}");
        // The differences of a dimension's rows add up to the difference of the totals.
        let pages = contributors.iter().filter(|row| row["dimension"] == "event:page");
        assert_eq!(pages.map(|row| row["difference"].as_i64().expect("a number")).sum::<i64>(), 3);
        // A question with the filter returns the number.
        let (_, asked) = ask(&stats, json!({"metrics": ["pageviews"], "filters": [google["filter"]]})).await;
        assert_eq!(asked["results"][0]["metrics"], json!([3]));
        for (change, at) in [
            (json!({"metric": "bounce_rate"}), "#/metric"),
            (json!({"limit": 101}), "#/limit"),
            (json!({"limits": 1}), "#/limits"),
            (json!({"filters": [["is", "page", ["x"]]]}), "#/filters/0/1"),
            (json!({"comparison": {"mode": "x"}}), "#/include/comparisons/mode"),
        ] {
            let mut spoilt = body.clone();
            for (key, value) in change.as_object().expect("an object") {
                spoilt[key] = value.clone();
            }
            let answer = stats.changes_json(spoilt.to_string().as_bytes(), now).await;
            assert_eq!(answer.status, 400, "{change}");
            assert!(answer.body["error"].as_str().expect("a text").starts_with(at), "{change}: {}", answer.body);
        }
    });
}

#[test]
fn a_report_is_exported_for_a_recipient_and_a_purpose() {
    runtime().block_on(async {
        let stats = stats().await;
        let now = NOW.parse().expect("NOW is a timestamp");
        let body = json!({
            "format": "csv", "recipient": "Board", "purpose": "Quarterly report",
            "query": {"site_id": "example.com", "metrics": ["visitors", "total_revenue"], "date_range": "7d", "dimensions": ["event:goal"],
                      "filters": [["is", "event:goal", ["Buy"]]]},
        });
        let csv = stats.export_json(body.to_string().as_bytes(), now).await.expect("a file");
        let text = String::from_utf8(csv.bytes).expect("UTF-8");
        assert_eq!(text, "event:goal,visitors,total_revenue,total_revenue_currency\r\nBuy,2,30.5,USD\r\n");
        for (change, status, at) in [
            (json!({"format": "xls"}), 400, "#/format"),
            (json!({"recipient": ""}), 400, "#/recipient"),
            (json!({"purpose": null}), 400, "#/purpose"),
            (json!({"query": {}}), 400, "#/site_id"),
            (json!({"query": null}), 400, "#"),
            (json!({"query": {"site_id": "other", "metrics": ["visits"], "date_range": "7d"}}), 401, "no such site"),
            (json!({"extra": 1}), 400, "#/extra"),
        ] {
            let mut spoilt = body.clone();
            for (key, value) in change.as_object().expect("an object") {
                spoilt[key] = value.clone();
            }
            let refusal = stats.export_json(spoilt.to_string().as_bytes(), now).await.unwrap_err();
            assert_eq!(refusal.status, status, "{change}");
            assert!(refusal.body["error"].as_str().expect("a text").starts_with(at), "{change}: {}", refusal.body);
        }
    });
}
