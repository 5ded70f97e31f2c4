//! Small-count suppression (P10): what an audience under suppression sees, and what it can't infer
//! by subtracting answers.

use std::collections::BTreeSet;

use crate::as_json::AsJson;
use serde_json::{Value as Json, json};
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};
use sillage_query::suppression::audience::{Audience, Floors};

use crate::engine::{database, insert_rows, registry, runtime, site};

const NOW: &str = "2025-05-20T12:00:00Z";
const FLOOR: u64 = 5;

/// A person with one visit.
#[derive(Clone)]
struct Person {
    id: u64,
    country: &'static str,
    browser: &'static str,
    source: &'static str,
    page: &'static str,
    day: u32,
}

impl Person {
    fn row(&self) -> Json {
        json!({
            "site": "example.com", "time": format!("2025-05-{:02} 10:00:00", self.day), "name": "pageview",
            "key": self.id, "visitor": self.id, "visit": self.id, "seq": 1, "path": self.page, "entry_path": self.page,
            "country": self.country, "browser": self.browser, "source": self.source, "channel": "Referral",
            "days_since_seen": 32767, "basis": "consent", "expires": "2099-01-01",
        })
    }
}

fn people(count: u64, first: u64, country: &'static str) -> Vec<Person> {
    (first..first + count)
        .map(|id| Person {
            id,
            country,
            browser: "Firefox",
            source: "Google",
            page: "/",
            day: 2,
        })
        .collect()
}

async fn stats(people: &[Person], floors: Floors) -> StatsService {
    let client = database().await;
    let rows: Vec<Json> = people.iter().map(Person::row).collect();
    insert_rows(&client, &rows).await;
    let site = site("example.com", "UTC");
    roll_up(&client, &site, NOW.parse().expect("NOW is a timestamp"))
        .await
        .expect("the roll-up runs");
    StatsService::new(client, registry(&[site]), QueryLimits::default()).with_floors(floors)
}

const FLOORS: Floors = Floors {
    members: 0,
    keys: FLOOR as u32,
    links: 10,
    analysts: FLOOR as u32,
};

async fn ask(stats: &StatsService, change: Json) -> Json {
    let mut body = json!({
        "site_id": "example.com", "metrics": ["visitors", "pageviews"], "date_range": ["2025-05-01", "2025-05-10"],
    });
    for (key, value) in change.as_object().expect("an object") {
        body[key] = value.clone();
    }
    let answer = stats
        .query_json(
            body.to_string().as_bytes(),
            NOW.parse().expect("NOW is a timestamp"),
        )
        .await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    answer.body
}

/// The metrics of a filtered question, or `[0, 0]` if it is refused.
async fn told_or_nothing(stats: &StatsService, filters: &[Json]) -> Json {
    let body = json!({
        "site_id": "example.com", "metrics": ["visitors", "pageviews"], "filters": filters,
        "date_range": ["2025-05-01", "2025-05-10"],
    });
    let bytes = body.to_string();
    let answer = stats
        .query_json(bytes.as_bytes(), NOW.parse().expect("NOW is a timestamp"))
        .await;
    match answer.status {
        200 => answer.body["results"][0]["metrics"].clone(),
        400 => json!([0, 0]),
        status => panic!("{status} {}", answer.body),
    }
}

fn rows(body: &Json) -> Vec<(String, u64)> {
    let rows = body["results"].as_array().expect("a list").iter();
    rows.map(|row| {
        let name = row["dimensions"][0].as_str().unwrap_or("").to_owned();
        (name, row["metrics"][0].as_u64().expect("a number"))
    })
    .collect()
}

fn row(name: &str, visitors: u64) -> (String, u64) {
    (name.to_owned(), visitors)
}

#[test]
fn small_rows_are_folded_and_cannot_be_recovered_by_subtraction() {
    runtime().block_on(async {
        let world = [
            people(20, 1, "DE"),
            people(7, 101, "JP"),
            people(3, 201, "FR"),
            people(1, 301, "LI"),
        ]
        .concat();
        let member = stats(&world, FLOORS).await;
        let countries = json!({"dimensions": ["visit:country"]});
        for stats in [member.clone(), member.clone().without_rollups()] {
            let key = stats.for_audience(Audience::Key);
            assert_eq!(
                rows(&ask(&stats, countries.clone()).await),
                [row("DE", 20), row("JP", 7), row("FR", 3), row("LI", 1)],
                "members see every row"
            );
            // France and Liechtenstein have four visitors together, fewer than the floor, so Japan
            // is folded with them.
            let body = ask(&key, countries.clone()).await;
            assert_eq!(rows(&body), [row("DE", 20), row("(other)", 11)]);
            assert_eq!(body["meta"]["visitors_floor"], 5);
            let link = stats.for_audience(Audience::Link);
            assert_eq!(
                rows(&ask(&link, countries.clone()).await),
                [row("DE", 20), row("(other)", 11)]
            );
            // Metrics that are not sums are computed from the folded rows.
            let pages = json!({"dimensions": ["visit:country"], "metrics": ["visitors", "bounce_rate"], "include": {"total_rows": true}});
            let body = ask(&key, pages).await;
            assert_eq!(body["results"][1]["metrics"], json!([11, 100]));
            assert_eq!(body["meta"]["total_rows"], 2);
            // One person may be in the rows of two pages, so a row above the floor is folded as
            // well.
            let by_page = ask(&key, json!({"dimensions": ["event:page"]})).await;
            assert_eq!(rows(&by_page), [row("/", 31)]);
        }
    });
}

#[test]
fn counts_below_the_floor_look_like_zero() {
    runtime().block_on(async {
        let key = stats(&people(4, 1, "DE"), FLOORS)
            .await
            .for_audience(Audience::Key);
        let nobody = stats(&[], FLOORS).await.for_audience(Audience::Key);
        for change in [
            json!({}),
            json!({"dimensions": ["visit:country"]}),
            json!({"dimensions": ["time:day"]}),
            json!({"filters": [["is", "visit:country", ["DE"]]]}),
            json!({"metrics": ["visits", "bounce_rate", "visit_duration"], "dimensions": ["visit:country"]}),
        ] {
            assert_eq!(
                ask(&key, change.clone()).await,
                ask(&nobody, change.clone()).await,
                "{change}"
            );
        }
        let now = "2025-05-02T10:01:00Z".parse().expect("a timestamp");
        // The live count would reveal each arrival, so it is for members only.
        assert_eq!(key.live_json("example.com", now).await.status, 403);
        // With one visitor more the count is shown.
        let key = stats(&people(5, 1, "DE"), FLOORS)
            .await
            .for_audience(Audience::Key);
        assert_eq!(rows(&ask(&key, json!({})).await), [row("", 5)]);
        let member = key.for_audience(Audience::Member);
        assert_eq!(member.live_json("example.com", now).await.body, json!({"visitors": 5}));
    });
}

#[test]
fn a_period_of_hours_is_refused_under_suppression() {
    runtime().block_on(async {
        let member = stats(&people(9, 1, "DE"), FLOORS).await;
        let body = json!({"site_id": "example.com", "metrics": ["visitors"], "date_range": "24h"});
        let ask = async |stats: &StatsService| {
            let bytes = body.to_string();
            stats
                .query_json(bytes.as_bytes(), NOW.parse().expect("NOW is a timestamp"))
                .await
        };
        assert_eq!(ask(&member).await.status, 200);
        let refused = ask(&member.for_audience(Audience::Link)).await;
        assert_eq!(refused.status, 400);
        assert!(
            refused.body["error"]
                .as_str()
                .expect("a text")
                .contains("#/date_range"),
            "{}",
            refused.body
        );
    });
}

/// A condition: its filter, and the people that it matches.
type Condition = (Json, Box<dyn Fn(&Person) -> bool>);

/// All conditions with one comparison over the existing values.
fn conditions() -> Vec<Condition> {
    let mut all: Vec<Condition> = Vec::new();
    let mut push = |filter: Json, test: Box<dyn Fn(&Person) -> bool>| all.push((filter, test));
    for country in ["DE", "JP", "FR", "LI"] {
        push(
            json!(["is", "visit:country", [country]]),
            Box::new(move |person| person.country == country),
        );
        push(
            json!(["is_not", "visit:country", [country]]),
            Box::new(move |person| person.country != country),
        );
        push(
            json!(["is", "visit:country", ["DE", country]]),
            Box::new(move |person| person.country == "DE" || person.country == country),
        );
    }
    for browser in ["Firefox", "Chrome", "Lynx"] {
        push(
            json!(["is", "visit:browser", [browser]]),
            Box::new(move |person| person.browser == browser),
        );
        push(
            json!(["not", ["is", "visit:browser", [browser]]]),
            Box::new(move |person| person.browser != browser),
        );
    }
    for letters in ["o", "oo", "ry"] {
        push(
            json!(["contains", "visit:source", [letters]]),
            Box::new(move |person| person.source.contains(letters)),
        );
    }
    push(
        json!([
            "or",
            [
                ["is", "visit:country", ["DE"]],
                ["contains", "visit:country", ["L"]]
            ]
        ]),
        Box::new(|person| person.country == "DE" || person.country == "LI"),
    );
    push(
        json!(["is", "event:page", ["/rare"]]),
        Box::new(|person| person.page == "/rare"),
    );
    push(
        json!(["is_not", "event:page", ["/rare"]]),
        Box::new(|person| person.page != "/rare"),
    );
    all
}

#[test]
fn nested_questions_never_differ_by_less_than_the_floor() {
    runtime().block_on(async {
        // A site with 60 people. One of them differs from all others in every property.
        let pick =
            |id: u64, of: &[&'static str]| of[(id as usize * 7 + id as usize / 3) % of.len()];
        let mut world: Vec<Person> = (1..60)
            .map(|id| Person {
                id,
                country: pick(id, &["DE", "DE", "JP", "FR"]),
                browser: pick(id + 1, &["Firefox", "Chrome", "Chrome"]),
                source: pick(id + 2, &["Google", "Yahoo", "Bing"]),
                page: pick(id + 3, &["/", "/a"]),
                day: 2,
            })
            .collect();
        world.push(Person {
            id: 60,
            country: "LI",
            browser: "Lynx",
            source: "Gallery",
            page: "/rare",
            day: 2,
        });
        let member = stats(&world, FLOORS).await;
        let key = member.for_audience(Audience::Key);
        let singles = conditions();
        let mut questions: Vec<(Vec<Json>, BTreeSet<u64>)> =
            vec![(vec![], world.iter().map(|person| person.id).collect())];
        for (index, (filter, test)) in singles.iter().enumerate() {
            let who = |test: &dyn Fn(&Person) -> bool| {
                world
                    .iter()
                    .filter(|person| test(person))
                    .map(|person| person.id)
                    .collect()
            };
            questions.push((vec![filter.clone()], who(test)));
            for (other, also) in singles.iter().skip(index + 1).step_by(3) {
                let both = |person: &Person| test(person) && also(person);
                questions.push((vec![filter.clone(), other.clone()], who(&both)));
            }
        }
        let mut told = Vec::new();
        for (filters, who) in &questions {
            // Two conditions with several values each are refused, which reveals nothing.
            let answer = told_or_nothing(&key, filters).await;
            let truth =
                ask(&member, json!({"filters": filters})).await["results"][0]["metrics"].clone();
            assert_eq!(
                truth[0].as_u64().expect("a number"),
                who.len() as u64,
                "{filters:?}"
            );
            told.push(answer);
        }
        let answered = told.iter().filter(|answer| answer[0] != 0).count();
        assert!(
            answered > 20,
            "only {answered} of {} are answered",
            told.len()
        );
        for (index, (filters, who)) in questions.iter().enumerate() {
            let is_told = told[index][0] != 0;
            assert!(!is_told || who.len() as u64 >= FLOOR, "{filters:?}");
            for (other, (others, whom)) in questions.iter().enumerate() {
                let apart = whom.difference(who).count() as u64;
                if !(who.is_subset(whom) && (1..FLOOR).contains(&apart)) {
                    continue;
                }
                let is_other_told = told[other][0] != 0;
                let difference = told[index][0]
                    .as_u64()
                    .expect("a number")
                    .abs_diff(told[other][0].as_u64().expect("a number"));
                // A filter folds rare values into one, so its answer may be about other people than
                // it names, but never about few people.
                assert!(
                    told[index] == told[other] || !is_told || !is_other_told || difference >= FLOOR,
                    "{filters:?} and {others:?} differ by {apart}: {} and {}",
                    told[index],
                    told[other]
                );
            }
        }
    });
}

#[test]
fn a_count_only_site_is_suppressed_by_its_pageviews() {
    runtime().block_on(async {
        let client = database().await;
        let page = |key: u64, path: &str| {
            json!({
                "site": "example.com", "time": "2025-05-02 10:00:00", "name": "pageview", "key": key, "path": path,
                "days_since_seen": -1, "basis": "count", "expires": "2099-01-01",
            })
        };
        let rows_of: Vec<Json> = (1..=9)
            .map(|key| page(key, "/"))
            .chain((10..=12).map(|key| page(key, "/rare")))
            .collect();
        insert_rows(&client, &rows_of).await;
        let mut site = site("example.com", "UTC");
        site.consent.profile = sillage_privacy::Profile::Count;
        let key = StatsService::new(client, registry(&[site]), QueryLimits::default())
            .with_floors(FLOORS)
            .for_audience(Audience::Key);
        let body = ask(&key, json!({"dimensions": ["event:page"], "metrics": ["pageviews"]})).await;
        assert_eq!(rows(&body), [row("(other)", 12)]);
        let body = ask(&key, json!({"metrics": ["pageviews"]})).await;
        assert_eq!(rows(&body), [row("", 12)]);
    });
}

#[test]
fn the_analysts_view_folds_small_counts_and_is_empty_without_a_floor() {
    runtime().block_on(async {
        let client = database().await;
        let world = [
            people(20, 1, "DE"),
            people(7, 101, "JP"),
            people(3, 201, "FR"),
            people(1, 301, "LI"),
        ]
        .concat();
        let rows: Vec<Json> = world.iter().map(Person::row).collect();
        insert_rows(&client, &rows).await;
        let site = site("example.com", "UTC");
        roll_up(&client, &site, NOW.parse().expect("NOW is a timestamp")).await.expect("the roll-up runs");
        let view = async |dimension: &str| -> Vec<(String, u64, u64)> {
            client
                .query("SELECT value, visitors, pageviews FROM report_days WHERE dimension = {dimension:String} ORDER BY visitors DESC")
                .param("dimension", dimension)
                .fetch_all()
                .await
                .expect("rows")
        };
        assert_eq!(view("visit:country").await, []);
        sillage::store::floors::set_for_analysts(&client, 5).await.expect("the floor is set");
        let row = |value: &str, count| (value.to_owned(), count, count);
        assert_eq!(view("visit:country").await, [row("DE", 20), row("(other)", 11)]);
        assert_eq!(view("").await, [row("", 31)]);
        assert_eq!(view("event:page").await, [row("/", 31)]);
        // The last floor applies. 32 is more than all visitors of the site.
        sillage::store::floors::set_for_analysts(&client, 32).await.expect("the floor is set");
        assert_eq!(view("").await, []);
    });
}
