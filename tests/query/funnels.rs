//! Funnels over the golden events and over visits made for one question each. The numbers are
//! worked out by hand next to the data.

use crate::as_json::AsJson;
use serde_json::{Value as Json, json};
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};
use sillage_query::suppression::audience::{Audience, Floors};

use crate::engine::{clear, database, insert_events, insert_rows, registry, runtime, site};

/// Thursday noon in Tokyo.
const NOW: &str = "2025-03-13T03:00:00Z";

fn page(path: &str) -> Json {
    json!({"name": path, "filters": [["is", "event:page", [path]]]})
}

async fn ask(stats: &StatsService, body: &Json) -> Json {
    let answer = stats
        .funnel_json(
            body.to_string().as_bytes(),
            NOW.parse().expect("NOW is a timestamp"),
        )
        .await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    answer.body
}

/// The visits of one row: all of them, then those of each step.
fn visits(row: &Json) -> Vec<u64> {
    let steps = row["steps"].as_array().expect("a list").iter();
    [&row["visits"]]
        .into_iter()
        .chain(steps.map(|step| &step["visits"]))
        .map(|number| number.as_u64().expect("a number"))
        .collect()
}

#[test]
fn a_funnel_over_cleared_days_is_unknown_and_says_so() {
    runtime().block_on(async {
        let client = database().await;
        insert_events(&client, include_str!("../golden/events.tsv")).await;
        let sites = [site("example.com", "Asia/Tokyo")];
        let later = "2025-04-20T00:00:00Z".parse().expect("a timestamp");
        roll_up(&client, &sites[0], later)
            .await
            .expect("the roll-up runs");
        let question = json!({
            "site_id": "example.com", "date_range": ["2025-03-10", "2025-03-12"],
            "steps": [page("/"), page("/pricing")],
        });
        let new = || StatsService::new(client.clone(), registry(&sites), QueryLimits::default());
        let before = ask(&new(), &question).await;
        assert_eq!(before["meta"], json!({}));
        assert_eq!(visits(&before["results"][0]), [9, 5, 1]);
        assert!(clear(&client, &sites, later).await > 0);
        let after = ask(&new(), &question).await;
        assert_eq!(after["meta"]["ids_cleared_before"], "2025-04-19");
        assert_eq!(after["results"][0]["visits"], Json::Null);
        assert_eq!(
            after["results"][0]["steps"][1]["conversion_rate"],
            Json::Null
        );
    });
}

#[test]
fn the_golden_visits_reach_the_steps_worked_out_by_hand() {
    runtime().block_on(async {
        let client = database().await;
        insert_events(&client, include_str!("../golden/events.tsv")).await;
        let stats = StatsService::new(
            client,
            registry(&[site("example.com", "Asia/Tokyo")]),
            QueryLimits::default(),
        );
        // Nine visits began from Monday to Wednesday. 1001, 1002, 1005, 1006 and 1010 saw `/`; of
        // these, 1001 saw `/pricing`. (So did 1009, but it began on Sunday.)
        let mut question = json!({
            "site_id": "example.com", "date_range": ["2025-03-10", "2025-03-12"],
            "steps": [page("/"), page("/pricing")],
        });
        let answer = ask(&stats, &question).await;
        assert_eq!(
            answer["results"],
            json!([{"dimensions": [], "visits": 9, "steps": [
                {"name": "/", "visits": 5, "dropped": 4, "step_rate": 55.6, "conversion_rate": 100.0},
                {"name": "/pricing", "visits": 1, "dropped": 4, "step_rate": 20.0, "conversion_rate": 20.0},
            ]}])
        );
        assert_eq!(answer["query"]["date_range"][0], "2025-03-10T00:00:00+09:00");

        // From Google (1001, 1003, 1005, 1006), three visits saw `/`; of the direct ones (1002,
        // 1004, 1007, 1010), two; from the newsletter, none.
        question["dimensions"] = json!(["visit:source"]);
        let answer = ask(&stats, &question).await;
        let rows: Vec<(Json, Vec<u64>)> = answer["results"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|row| (row["dimensions"][0].clone(), visits(row)))
            .collect();
        assert_eq!(
            rows,
            [
                (json!("Direct / None"), vec![4, 2, 0]),
                (json!("Google"), vec![4, 3, 1]),
                (json!("Newsletter"), vec![1, 0, 0]),
            ]
        );

        // A filter on visits selects visits. A filter on events selects visits with such an event:
        // only 1004 has a Signup.
        question["dimensions"] = json!([]);
        question["filters"] = json!([["is", "visit:country", ["DE"]]]);
        assert_eq!(visits(&ask(&stats, &question).await["results"][0]), [3, 3, 1]);
        question["filters"] = json!([["is", "event:name", ["Signup"]]]);
        question["steps"] = json!([page("/blog"), {"filters": [["is", "event:props:plan", ["pro"]]]}]);
        assert_eq!(visits(&ask(&stats, &question).await["results"][0]), [1, 1, 1]);

        // A visit over midnight is read to its end: 1007 began on Tuesday and saw its second page
        // on Wednesday.
        question["filters"] = json!([]);
        question["date_range"] = json!(["2025-03-11", "2025-03-11"]);
        question["steps"] = json!([page("/docs"), page("/docs/api")]);
        assert_eq!(visits(&ask(&stats, &question).await["results"][0]), [4, 1, 1]);

        // A period without a visit.
        question["date_range"] = json!(["2025-01-01", "2025-01-02"]);
        assert_eq!(visits(&ask(&stats, &question).await["results"][0]), [0, 0, 0]);
    });
}

/// Pages, and the steps reached in loose and in strict order.
type Journey = (&'static [&'static str], usize, usize);

/// Visits: the pages of each in order, and the number of steps it reaches of `/a`, `/b`, `/c` in
/// loose and in strict order.
const JOURNEYS: [Journey; 9] = [
    (&["/a", "/b", "/c"], 3, 3),
    (&["/a", "/x", "/b", "/c"], 3, 1),
    // Strict order may start again later in the visit.
    (&["/a", "/x", "/a", "/b", "/c"], 3, 3),
    (&["/a", "/a", "/b"], 2, 2),
    (&["/b", "/a", "/c"], 1, 1),
    (&["/c", "/b", "/a"], 1, 1),
    (&["/x"], 0, 0),
    (&["/a", "/b", "/a", "/b", "/c"], 3, 3),
    (&["/a", "/b", "/x", "/c"], 3, 2),
];

#[test]
fn loose_order_allows_other_events_and_strict_order_does_not() {
    runtime().block_on(async {
        let client = database().await;
        let mut rows = Vec::new();
        for (number, (pages, _, _)) in JOURNEYS.iter().enumerate() {
            for (index, path) in pages.iter().enumerate() {
                let row = json!({
                    "site": "example.com", "time": "2025-03-11 03:00:00", "name": "pageview", "path": path,
                    "key": number * 100 + index + 1, "visitor": number + 1, "visit": number + 1, "seq": index + 1,
                    "expires": "2099-01-01",
                });
                rows.push(row.clone());
                // Rows that are stored twice, and engagement records in between, change nothing.
                rows.push(row.clone());
                let mut reading = row;
                reading["name"] = json!("engagement");
                rows.push(reading);
            }
        }
        insert_rows(&client, &rows).await;
        let stats = StatsService::new(
            client,
            registry(&[site("example.com", "UTC")]),
            QueryLimits::default(),
        );
        let ask = async |steps: &[&str], order: &str| {
            let steps: Vec<Json> = steps.iter().map(|path| page(path)).collect();
            let question = json!({
                "site_id": "example.com", "date_range": ["2025-03-11", "2025-03-11"], "steps": steps, "order": order,
            });
            visits(&ask(&stats, &question).await["results"][0])
        };
        let expected = |reached: &dyn Fn(&Journey) -> usize| -> Vec<u64> {
            (0..=3)
                .map(|least| JOURNEYS.iter().filter(|one| reached(one) >= least).count() as u64)
                .collect()
        };
        let steps = ["/a", "/b", "/c"];
        assert_eq!(ask(&steps, "loose").await, expected(&|one| one.1));
        assert_eq!(ask(&steps, "strict").await, expected(&|one| one.2));
        // One pageview is one step: seeing `/a` once does not reach the second step. Three visits
        // saw it twice, one of them in a row.
        assert_eq!(ask(&["/a", "/a"], "loose").await, [9, 8, 3]);
        assert_eq!(ask(&["/a", "/a"], "strict").await, [9, 8, 1]);
        // The maximum number of steps.
        assert_eq!(ask(&["/a"; 8], "loose").await, [9, 8, 3, 0, 0, 0, 0, 0, 0]);
    });
}

#[test]
fn a_funnel_of_another_site_or_with_hostile_values_reveals_nothing() {
    runtime().block_on(async {
        let client = database().await;
        insert_events(&client, include_str!("../golden/events.tsv")).await;
        let stats = StatsService::new(
            client,
            registry(&[site("example.com", "Asia/Tokyo")]),
            QueryLimits::default(),
        );
        let now = NOW.parse().expect("NOW is a timestamp");
        let question = |site: &str, first: &str| {
            json!({"site_id": site, "date_range": "7d", "steps": [page(first), page("/")]})
                .to_string()
        };
        let other = stats
            .funnel_json(question("other.example", "/").as_bytes(), now)
            .await;
        assert_eq!(other.status, 401, "{}", other.body);
        for hostile in [
            "' OR 1 = 1 --",
            "{p0:String}",
            "\\', 1) OR (1",
            "/*{site}*/",
        ] {
            let answer = stats
                .funnel_json(question("example.com", hostile).as_bytes(), now)
                .await;
            assert_eq!(answer.status, 200, "{hostile}: {}", answer.body);
            assert_eq!(visits(&answer.body["results"][0])[1..], [0, 0], "{hostile}");
        }
        let broken = stats.funnel_json(b"{", now).await;
        assert_eq!(broken.status, 400);

        // The example of the contract is accepted, and its answer has the keys of the contract.
        let schemas = &sillage::api::openapi::document()["components"]["schemas"];
        let mut example = schemas["Funnel"]["examples"][0].clone();
        example["date_range"] = json!("7d");
        let answer = ask(&stats, &example).await;
        let named = &schemas["FunnelReport"]["properties"];
        let row = &named["results"]["items"];
        let required = |schema: &Json| schema["required"].as_array().expect("a list").clone();
        let keys = |value: &Json| {
            let keys = value.as_object().expect("an object").keys();
            keys.map(|key| json!(key)).collect::<Vec<_>>()
        };
        for (value, schema) in [
            (&answer["results"][0], row),
            (
                &answer["results"][0]["steps"][0],
                &row["properties"]["steps"]["items"],
            ),
        ] {
            let (mut there, mut wanted) = (keys(value), required(schema));
            there.sort_by_key(Json::to_string);
            wanted.sort_by_key(Json::to_string);
            assert_eq!(there, wanted);
        }
    });
}

#[test]
fn funnels_are_refused_to_audiences_under_suppression() {
    runtime().block_on(async {
        let floors = Floors {
            members: 0,
            keys: 5,
            links: 5,
            analysts: 5,
        };
        let stats = StatsService::new(
            database().await,
            registry(&[site("example.com", "UTC")]),
            QueryLimits::default(),
        )
        .with_floors(floors);
        let question =
            json!({"site_id": "example.com", "date_range": "7d", "steps": [page("/"), page("/a")]});
        let ask = async |audience: Audience| {
            let stats = stats.for_audience(audience);
            let answer = stats
                .funnel_json(
                    question.to_string().as_bytes(),
                    NOW.parse().expect("NOW is a timestamp"),
                )
                .await;
            answer.status
        };
        assert_eq!(ask(Audience::Member).await, 200);
        assert_eq!(ask(Audience::Key).await, 403);
        assert_eq!(ask(Audience::Link).await, 403);
    });
}
