//! Differencing attacks (P10): they subtract answers to learn something about one planted person.
//!
//! Each attack runs in two worlds that differ only in the planted person. For members, who see
//! everything, the attack must tell the worlds apart (the positive control). For an audience with a
//! floor the questions may be refused or return no number, but the conclusions must be equal.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::as_json::AsJson;
use clickhouse::Client;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sillage::rollup::job::roll_up;
use sillage::stats::{QueryLimits, StatsService};
use sillage_query::suppression::audience::{Audience, Floors};
use tokio::sync::OnceCell;

use crate::engine::{database, insert_rows, registry, runtime, site};

const NOW: &str = "2025-05-20T12:30:00Z";
const FLOORS: Floors = Floors {
    members: 0,
    keys: 5,
    links: 5,
    analysts: 5,
};

/// A person with one visit.
#[derive(Clone)]
struct Person {
    country: &'static str,
    browser: &'static str,
    /// In the order of viewing.
    pages: Vec<&'static str>,
    at: &'static str,
    is_new: bool,
    lcp_ms: Option<u32>,
}

impl Person {
    fn of(country: &'static str, browser: &'static str) -> Self {
        Self {
            country,
            browser,
            pages: vec!["/", "/a"],
            at: "2025-05-02 10:00:00",
            is_new: false,
            lcp_ms: None,
        }
    }

    fn saw(self, pages: &[&'static str]) -> Self {
        Self {
            pages: pages.to_vec(),
            ..self
        }
    }

    fn at(self, at: &'static str) -> Self {
        Self { at, ..self }
    }

    fn times(&self, count: usize) -> Vec<Self> {
        vec![self.clone(); count]
    }

    fn rows(&self, site: &str, id: usize) -> Vec<Json> {
        let pages = self.pages.iter().zip(1_usize..);
        pages
            .map(|(page, seq)| {
                json!({
                    "site": site, "time": self.at, "name": "pageview", "key": id * 100 + seq,
                    "visitor": id, "visit": id, "seq": seq, "path": page, "entry_path": self.pages[0],
                    "country": self.country, "browser": self.browser, "source": "Google",
                    "days_since_seen": if self.is_new { 32767 } else { 40 }, "lcp_ms": self.lcp_ms,
                    "basis": "consent", "expires": "2099-01-01",
                })
            })
            .collect()
    }
}

fn world(groups: &[(Person, usize)], planted: Person) -> Vec<Person> {
    let groups = groups
        .iter()
        .flat_map(|(person, count)| person.times(*count));
    groups.chain([planted]).collect()
}

/// 40 from Japan with Chrome, 47 from Germany with Firefox, 30 from Germany with Chrome.
fn two_properties() -> Vec<(Person, usize)> {
    vec![
        (Person::of("JP", "Chrome"), 40),
        (Person::of("DE", "Firefox"), 47),
        (Person::of("DE", "Chrome"), 30),
    ]
}

/// A caller with an audience.
struct Asker {
    site: String,
    stats: StatsService,
    now: Timestamp,
}

impl Asker {
    async fn body(&self, change: Json) -> Option<Json> {
        let mut body = json!({
            "site_id": self.site, "metrics": ["visitors"], "date_range": ["2025-05-01", "2025-05-10"],
        });
        for (key, value) in change.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let answer = self
            .stats
            .query_json(body.to_string().as_bytes(), self.now)
            .await;
        assert!(
            matches!(answer.status, 200 | 400),
            "{body}: {}",
            answer.body
        );
        (answer.status == 200).then_some(answer.body)
    }

    /// The number in the first row, or `None` if it is withheld, which is shown as 0.
    async fn number(&self, change: Json) -> Option<i64> {
        let body = self.body(change).await?;
        body["results"][0]["metrics"][0]
            .as_i64()
            .filter(|number| *number != 0)
    }

    async fn count(&self, filters: Json) -> Option<i64> {
        self.number(json!({ "filters": filters })).await
    }

    /// The number in the row with this name.
    async fn row(&self, dimension: &str, name: &str, mut change: Json) -> Option<i64> {
        change["dimensions"] = json!([dimension]);
        let body = self.body(change).await?;
        let mut rows = body["results"].as_array().expect("a list").iter();
        rows.find(|row| row["dimensions"][0] == name)?["metrics"][0].as_i64()
    }

    fn of(&self, audience: Audience) -> Self {
        Self {
            site: self.site.clone(),
            stats: self.stats.for_audience(audience),
            now: self.now,
        }
    }

    fn at(&self, now: &str) -> Self {
        Self {
            site: self.site.clone(),
            stats: self.stats.clone(),
            now: now.parse().expect("a timestamp"),
        }
    }
}

/// Creates a site with these people. All sites share one database.
async fn asker(people: &[Person]) -> Asker {
    static DATABASE: OnceCell<Client> = OnceCell::const_new();
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let client = DATABASE.get_or_init(database).await.clone();
    let id = format!("site-{}.example", COUNT.fetch_add(1, Ordering::Relaxed));
    let numbered = people.iter().zip(1..);
    let rows: Vec<Json> = numbered
        .flat_map(|(person, number)| person.rows(&id, number))
        .collect();
    insert_rows(&client, &rows).await;
    let site = site(&id, "UTC");
    let now: Timestamp = NOW.parse().expect("NOW is a timestamp");
    roll_up(&client, &site, now)
        .await
        .expect("the roll-up runs");
    Asker {
        site: id,
        stats: StatsService::new(client, registry(&[site]), QueryLimits::default())
            .with_floors(FLOORS),
        now,
    }
}

/// Runs an attack in a world with the planted person, and in one with another person in its place.
fn tried(
    groups: &[(Person, usize)],
    planted: Person,
    other: Person,
    attack: impl AsyncFn(&Asker) -> Option<i64>,
) {
    runtime().block_on(async {
        let with = asker(&world(groups, planted)).await;
        let without = asker(&world(groups, other)).await;
        let control = (attack(&with).await, attack(&without).await);
        assert!(
            control.0.is_some() && control.0 != control.1,
            "a member's attack tells the worlds apart: {control:?}"
        );
        for audience in [Audience::Key, Audience::Link] {
            let of = |asker: &Asker| asker.of(audience);
            let told = (attack(&of(&with)).await, attack(&of(&without)).await);
            assert!(
                told.0.is_none() || told.0 == told.1,
                "{audience:?}: {told:?}"
            );
        }
    });
}

fn japan() -> Json {
    json!(["is", "visit:country", ["JP"]])
}

fn firefox() -> Json {
    json!(["is", "visit:browser", ["Firefox"]])
}

/// Runs an attack on the only person from Japan with Firefox.
fn tried_on_an_intersection(attack: impl AsyncFn(&Asker) -> Option<i64>) {
    tried(
        &two_properties(),
        Person::of("JP", "Firefox"),
        Person::of("DE", "Firefox"),
        attack,
    );
}

#[test]
fn or_of_two_dimensions_gives_no_intersection() {
    tried_on_an_intersection(async |asker| {
        let (a, b) = (
            asker.count(json!([japan()])).await?,
            asker.count(json!([firefox()])).await?,
        );
        Some(a + b - asker.count(json!([["or", [japan(), firefox()]]])).await?)
    });
}

#[test]
fn or_nested_in_and_gives_no_intersection() {
    tried_on_an_intersection(async |asker| {
        let (a, b) = (
            asker.count(json!([japan()])).await?,
            asker.count(json!([firefox()])).await?,
        );
        let either = json!([["and", [["or", [japan(), ["and", [firefox()]]]]]]]);
        Some(a + b - asker.count(either).await?)
    });
}

#[test]
fn not_around_two_dimensions_gives_no_intersection() {
    tried_on_an_intersection(async |asker| {
        let all = asker.count(json!([])).await?;
        Some(
            all - asker
                .count(json!([["not", ["and", [japan(), firefox()]]]]))
                .await?,
        )
    });
}

#[test]
fn or_of_behavioural_filters_gives_no_intersection() {
    let person = |country| Person::of(country, "Chrome").saw(&["/"]);
    let bought = |country| person(country).saw(&["/", "/bought"]);
    let groups = [(person("JP"), 40), (bought("DE"), 47), (person("DE"), 30)];
    tried(&groups, bought("JP"), bought("DE"), async |asker| {
        let done = json!(["has_done", ["is", "event:page", ["/bought"]]]);
        let (a, b) = (
            asker.count(json!([japan()])).await?,
            asker.count(json!([done])).await?,
        );
        Some(a + b - asker.count(json!([["or", [japan(), done]]])).await?)
    });
}

#[test]
fn two_combined_conditions_reveal_no_single_person() {
    tried_on_an_intersection(async |asker| asker.count(json!([japan(), firefox()])).await);
}

#[test]
fn a_condition_and_its_opposite_reveal_no_single_person() {
    tried_on_an_intersection(async |asker| {
        let opposite = json!(["is_not", "visit:browser", ["Firefox"]]);
        let all = asker.count(json!([japan()])).await?;
        Some(all - asker.count(json!([japan(), opposite])).await?)
    });
}

#[test]
fn a_breakdown_under_a_filter_reveals_no_single_person() {
    tried_on_an_intersection(async |asker| {
        let chrome = json!([["is", "visit:browser", ["Chrome"]]]);
        let all = asker.row("visit:country", "JP", json!({})).await?;
        Some(
            all - asker
                .row("visit:country", "JP", json!({ "filters": chrome }))
                .await?,
        )
    });
}

#[test]
fn people_matching_neither_of_two_conditions_are_not_revealed() {
    let groups = [
        (Person::of("JP", "Firefox"), 30),
        (Person::of("JP", "Chrome"), 30),
        (Person::of("DE", "Firefox"), 30),
    ];
    tried(
        &groups,
        Person::of("DE", "Chrome"),
        Person::of("DE", "Firefox"),
        async |asker| {
            let all = asker.count(json!([])).await?;
            let (a, b) = (
                asker.count(json!([japan()])).await?,
                asker.count(json!([firefox()])).await?,
            );
            Some(all - a - b + asker.count(json!([japan(), firefox()])).await?)
        },
    );
}

/// Runs an attack on ten people from Liechtenstein, at most one of them with Firefox.
fn tried_on_a_rest(attack: impl AsyncFn(&Asker) -> Option<i64>) {
    let groups = [
        (Person::of("DE", "Firefox"), 30),
        (Person::of("JP", "Firefox"), 20),
        (Person::of("DE", "Chrome"), 50),
        (Person::of("JP", "Chrome"), 20),
        (Person::of("LI", "Chrome"), 9),
    ];
    tried(
        &groups,
        Person::of("LI", "Firefox"),
        Person::of("LI", "Chrome"),
        attack,
    );
}

#[test]
fn the_remainder_of_a_filter_is_not_revealed() {
    tried_on_a_rest(async |asker| {
        let all = asker.count(json!([firefox()])).await?;
        let germany = json!(["is", "visit:country", ["DE"]]);
        let a = asker.count(json!([firefox(), germany])).await?;
        Some(all - a - asker.count(json!([firefox(), japan()])).await?)
    });
}

#[test]
fn a_pattern_hides_what_its_single_values_hide() {
    tried_on_a_rest(async |asker| {
        let pattern = |pattern: &str| json!([firefox(), ["matches", "visit:country", [pattern]]]);
        let all = asker.count(pattern("^(DE|JP|LI)$")).await?;
        Some(all - asker.count(pattern("^(DE|JP)$")).await?)
    });
}

#[test]
fn overlapping_lists_reveal_no_single_person() {
    tried_on_a_rest(async |asker| {
        let block = |countries: &[&str], browsers: &[&str]| {
            json!([
                ["is", "visit:country", countries],
                ["is", "visit:browser", browsers]
            ])
        };
        let both = asker
            .count(block(&["LI", "DE"], &["Firefox", "Chrome"]))
            .await?;
        let chrome = asker.count(block(&["LI", "DE"], &["Chrome"])).await?;
        Some(both - chrome - asker.count(block(&["DE"], &["Firefox"])).await?)
    });
}

#[test]
fn a_list_beside_each_of_its_values_gives_no_intersection() {
    tried_on_pages(json!(["is", "event:page", ["/a", "/b"]]));
}

#[test]
fn a_pattern_beside_each_of_its_values_gives_no_intersection() {
    tried_on_pages(json!(["matches", "event:page", ["^/(a|b)$"]]));
}

#[test]
fn or_within_a_dimension_gives_no_intersection() {
    let page = |page: &str| json!(["is", "event:page", [page]]);
    tried_on_pages(json!(["or", [page("/a"), page("/b")]]));
}

/// Runs an attack on the only person that saw two pages.
fn tried_on_pages(either: Json) {
    let a = Person::of("DE", "Chrome").saw(&["/a"]);
    let b = a.clone().saw(&["/b"]);
    let both = a.clone().saw(&["/a", "/b"]);
    tried(&[(a.clone(), 40), (b, 47)], both, a, async |asker| {
        let page = |page: &str| json!([["is", "event:page", [page]]]);
        let (a, b) = (
            asker.count(page("/a")).await?,
            asker.count(page("/b")).await?,
        );
        Some(a + b - asker.count(json!([either])).await?)
    });
}

#[test]
fn a_page_and_all_others_give_no_intersection() {
    let a = Person::of("DE", "Chrome").saw(&["/a"]);
    let b = a.clone().saw(&["/b"]);
    let both = a.clone().saw(&["/a", "/b"]);
    tried(&[(a.clone(), 40), (b, 47)], both, a, async |asker| {
        let all = asker.count(json!([])).await?;
        let is = asker.count(json!([["is", "event:page", ["/a"]]])).await?;
        Some(
            is + asker
                .count(json!([["is_not", "event:page", ["/a"]]]))
                .await?
                - all,
        )
    });
}

#[test]
fn a_page_seen_by_all_but_one_does_not_reveal_that_one() {
    let person = Person::of("DE", "Chrome").saw(&["/", "/a"]);
    let without = person.clone().saw(&["/a"]);
    tried(&[(person.clone(), 50)], without, person, async |asker| {
        let all = asker.count(json!([])).await?;
        Some(all - asker.row("event:page", "/", json!({})).await?)
    });
}

#[test]
fn two_actions_of_one_person_are_not_revealed() {
    let a = Person::of("DE", "Chrome").saw(&["/a"]);
    let b = a.clone().saw(&["/b"]);
    let both = a.clone().saw(&["/a", "/b"]);
    tried(&[(a.clone(), 40), (b, 47)], both, a, async |asker| {
        let done = |pages: Json| json!([["has_done", ["is", "event:page", pages]]]);
        let (a, b) = (
            asker.count(done(json!(["/a"]))).await?,
            asker.count(done(json!(["/b"]))).await?,
        );
        Some(a + b - asker.count(done(json!(["/a", "/b"]))).await?)
    });
}

#[test]
fn one_bounce_of_many_visits_looks_like_none() {
    let person = Person::of("DE", "Chrome");
    let bounced = person.clone().saw(&["/"]);
    tried(&[(person.clone(), 50)], bounced, person, async |asker| {
        asker.number(json!({"metrics": ["bounce_rate"]})).await
    });
}

#[test]
fn one_new_visitor_of_many_looks_like_none() {
    let person = Person::of("DE", "Chrome");
    let new = Person {
        is_new: true,
        ..person.clone()
    };
    tried(&[(person.clone(), 50)], new, person, async |asker| {
        asker.number(json!({"metrics": ["new_visitors"]})).await
    });
}

/// One of 40 people from Germany and six of 46 from Japan have the property. The attack subtracts
/// the count of Japan from the total.
fn tried_on_a_part(part: &Person, attack: impl AsyncFn(&Asker) -> Option<i64>) {
    let of = |person: &Person, country| Person {
        country,
        ..person.clone()
    };
    let other = Person::of("DE", "Chrome");
    let groups = [
        (of(&other, "JP"), 40),
        (of(part, "JP"), 6),
        (other.clone(), 39),
    ];
    tried(&groups, of(part, "DE"), other, attack);
}

#[test]
fn subtracting_new_visitors_reveals_no_single_person() {
    let new = Person {
        is_new: true,
        ..Person::of("DE", "Chrome")
    };
    let asked = || json!({"metrics": ["new_visitors"]});
    tried_on_a_part(&new, async |asker| {
        let filtered = json!({"metrics": ["new_visitors"], "filters": [japan()]});
        Some(asker.number(asked()).await? - asker.number(filtered).await?)
    });
    tried_on_a_part(&new, async |asker| {
        Some(asker.number(asked()).await? - asker.row("visit:country", "JP", asked()).await?)
    });
}

#[test]
fn subtracting_bounces_reveals_no_single_person() {
    let bounced = Person::of("DE", "Chrome").saw(&["/"]);
    tried_on_a_part(&bounced, async |asker| {
        let bounces = async |filters: Json| {
            let change = json!({"metrics": ["visits", "bounce_rate"], "filters": filters});
            let body = asker.body(change).await?;
            let metrics = &body["results"][0]["metrics"];
            let count = metrics[0].as_f64()? * metrics[1].as_f64()? / 100.0;
            // Round, since the rate is a whole percentage.
            Some(count.round() as i64)
        };
        Some(bounces(json!([])).await? - bounces(json!([japan()])).await?)
    });
}

#[test]
fn web_vitals_of_one_person_are_not_revealed() {
    let person = Person::of("DE", "Chrome");
    let measured = Person {
        lcp_ms: Some(1_234),
        ..person.clone()
    };
    tried(&[(person.clone(), 50)], measured, person, async |asker| {
        asker.number(json!({"metrics": ["lcp_p75"]})).await
    });
}

/// Runs an attack on the only person from Liechtenstein.
fn tried_on_a_row(attack: impl AsyncFn(&Asker) -> Option<i64>) {
    let groups = [
        (Person::of("DE", "Chrome"), 40),
        (Person::of("JP", "Chrome"), 20),
    ];
    let night = "2025-05-02 03:00:00";
    let planted = Person::of("LI", "Chrome").at(night);
    tried(&groups, planted, Person::of("DE", "Chrome"), attack);
}

#[test]
fn order_and_row_count_reveal_no_single_person() {
    tried_on_a_row(async |asker| {
        let change = json!({
            "order_by": [["visitors", "asc"]], "pagination": {"limit": 1}, "include": {"total_rows": true},
        });
        asker.row("visit:country", "LI", change).await
    });
    tried_on_a_row(async |asker| {
        let change = json!({
            "dimensions": ["visit:country"], "pagination": {"limit": 1, "offset": 9}, "include": {"total_rows": true},
        });
        asker.body(change).await?["meta"]["total_rows"].as_i64()
    });
}

#[test]
fn the_hour_of_one_persons_visit_is_not_revealed() {
    tried_on_a_row(async |asker| {
        let day =
            json!({"date_range": ["2025-05-02", "2025-05-02"], "include": {"time_labels": true}});
        asker.row("time:hour", "2025-05-02 03:00:00", day).await
    });
}

#[test]
fn an_export_reveals_no_single_person() {
    tried_on_a_row(async |asker| {
        let body = json!({
            "query": {
                "site_id": asker.site, "metrics": ["visitors"], "dimensions": ["visit:country"],
                "date_range": ["2025-05-01", "2025-05-10"],
            },
            "format": "csv", "recipient": "a", "purpose": "b",
        });
        let export = asker
            .stats
            .export_json(body.to_string().as_bytes(), asker.now)
            .await
            .expect("a file");
        let text = String::from_utf8(export.bytes).expect("UTF-8");
        text.lines()
            .find_map(|line| line.strip_prefix("LI,")?.trim().parse().ok())
    });
}

#[test]
fn changes_reveal_no_single_person() {
    tried_on_a_row(async |asker| {
        let body = json!({
            "site_id": asker.site, "metric": "visitors", "date_range": ["2025-05-01", "2025-05-10"], "limit": 100,
        });
        let answer = asker
            .stats
            .changes_json(body.to_string().as_bytes(), asker.now)
            .await;
        let rows = answer.body["contributors"].as_array()?.clone();
        rows.iter().find(|row| row["value"] == "LI")?["now"].as_i64()
    });
}

#[test]
fn hours_cannot_be_isolated_by_a_range_or_a_comparison() {
    let night = json!(["2025-05-02T02:00:00Z", "2025-05-02T04:00:00Z"]);
    tried_on_a_row(async |asker| asker.number(json!({ "date_range": night })).await);
    tried_on_a_row(async |asker| {
        let other = json!({"comparisons": {"mode": "custom", "date_range": night}});
        let body = asker.body(json!({ "include": other })).await?;
        body["results"][0]["comparison"]["metrics"][0]
            .as_i64()
            .filter(|number| *number != 0)
    });
}

#[test]
fn a_recent_visit_changes_no_answer_under_suppression() {
    runtime().block_on(async {
        let today = |hour: &'static str| Person::of("DE", "Chrome").at(hour);
        let mut people = today("2025-05-20 08:15:00").times(20);
        people.extend(today("2025-05-19 22:10:00").times(20));
        let all = asker(&people).await;
        // One more person, at 12:10.
        let mut more = people.clone();
        more.push(
            Person::of("LI", "Lynx")
                .saw(&["/secret"])
                .at("2025-05-20 12:10:00"),
        );
        let more = asker(&more).await;
        // One more person at 23:50 of the day before. The questions are asked after midnight and in
        // the morning.
        let mut late = people.clone();
        late.push(
            Person::of("LI", "Lynx")
                .saw(&["/secret"])
                .at("2025-05-19 23:50:00"),
        );
        let late = asker(&late[20..]).await;
        let early = asker(&people[20..]).await;
        let questions = [
            json!({"date_range": "day"}),
            json!({"date_range": "day", "dimensions": ["visit:country"]}),
            json!({"date_range": "day", "dimensions": ["event:page"]}),
            json!({"date_range": "month", "dimensions": ["visit:browser"]}),
            json!({"date_range": "all", "metrics": ["pageviews", "visits"]}),
            json!({"date_range": ["2025-05-20", "2025-05-20"], "dimensions": ["time:hour"]}),
            json!({"date_range": "7d", "dimensions": ["visit:country"]}),
            json!({"date_range": ["2025-05-01", "2025-05-10"], "include": {"comparisons":
                {"mode": "custom", "date_range": ["2025-05-11", "2025-05-20"]}}}),
        ];
        let (mut told, mut until) = ([0, 0], Vec::new());
        for (before, after, now) in [
            (&all, &more, "2025-05-20T12:30:00Z"),
            (&all, &more, "2025-05-20T14:30:00Z"),
            (&early, &late, "2025-05-20T00:30:00Z"),
            (&early, &late, "2025-05-20T09:30:00Z"),
        ] {
            for question in &questions {
                for (index, audience) in [Audience::Member, Audience::Key].into_iter().enumerate() {
                    let of = |asker: &Asker| asker.at(now).of(audience);
                    let answers = (
                        of(before).body(question.clone()).await.expect("an answer"),
                        of(after).body(question.clone()).await.expect("an answer"),
                    );
                    let said = |body: &Json| (body["results"].clone(), body["meta"].clone());
                    told[index] += usize::from(said(&answers.0) != said(&answers.1));
                    if audience == Audience::Key {
                        assert_eq!(said(&answers.0), said(&answers.1), "{now} {question}");
                        until.push(answers.0["meta"]["numbers_until"].clone());
                    }
                }
            }
        }
        assert!(
            told[0] >= 16,
            "members see the visit in {} answers",
            told[0]
        );
        assert_eq!(told[1], 0);
        assert_eq!(until[0], "2025-05-20T09:00:00+00:00");
        assert_eq!(
            until[16], "2025-05-19T23:00:00+00:00",
            "the rest of yesterday is not released yet"
        );
    });
}

#[test]
fn only_released_hours_are_counted_under_suppression() {
    runtime().block_on(async {
        let mut people = Person::of("DE", "Chrome")
            .at("2025-05-20 08:15:00")
            .times(20);
        people.extend(
            Person::of("JP", "Chrome")
                .at("2025-05-20 10:15:00")
                .times(7),
        );
        let member = asker(&people).await;
        let key = member.of(Audience::Key);
        let today = json!({"date_range": "day", "dimensions": ["visit:country"]});
        assert_eq!(key.row("visit:country", "JP", today.clone()).await, Some(7));
        // At 11:05, the hour from 10:00 to 11:00 has been over for less than ten minutes.
        let earlier = key.at("2025-05-20T11:05:00Z");
        assert_eq!(
            earlier.row("visit:country", "DE", today.clone()).await,
            Some(20)
        );
        assert_eq!(earlier.row("visit:country", "JP", today).await, None);
        let hours = key
            .body(json!({"date_range": "day", "dimensions": ["time:hour"]}))
            .await
            .expect("an answer");
        assert_eq!(hours["results"].as_array().expect("a list").len(), 2);
    });
}

#[test]
fn funnels_and_the_live_count_are_for_members_only() {
    runtime().block_on(async {
        let member = asker(&Person::of("DE", "Chrome").times(20)).await;
        let key = member.stats.for_audience(Audience::Key);
        let page = |page: &str| json!({"filters": [["is", "event:page", [page]]]});
        let funnel = json!({
            "site_id": member.site, "date_range": ["2025-05-01", "2025-05-10"], "steps": [page("/"), page("/a")],
        });
        let funnel = funnel.to_string();
        assert_eq!(member.stats.funnel_json(funnel.as_bytes(), member.now).await.status, 200);
        assert_eq!(key.funnel_json(funnel.as_bytes(), member.now).await.status, 403);
        assert_eq!(member.stats.live_json(&member.site, member.now).await.status, 200);
        assert_eq!(key.live_json(&member.site, member.now).await.status, 403);
    });
}
