//! Suggested goals and funnels, made from the events of the last 30 days, and a preview of what a
//! goal would have counted.
//!
//! `GET …/suggestions` answers
//! `{"goals": [{"value", "visits"}], "funnels": [{"value", "visits"}]}`, the most frequent first,
//! without goals that exist already. A client can send a `value` as it is to store it.
//! `POST …/goals/preview` takes a goal and answers
//! `{"days", "visitors", "conversions", "conversion_rate", "revenue"}`.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::call::{Call, SitePart};
use crate::access::error::ApiError;
use crate::access::identity::Identity;
use crate::api::goals;
use crate::api::json::read_json;
use crate::control::funnel::{Funnel, Order, Step};
use crate::control::goal::{Achievement, Goal};
use crate::control::site_objects;
use sillage_query::date_range::DateRange;
use sillage_query::dimension::{Dimension, EventDimension, VisitDimension};
use sillage_query::filter::Filter;
use sillage_query::metric::Metric;
use sillage_query::report;
use sillage_query::suppression::floor::OTHER;
use sillage_query::{Question, Report, wire};

/// Days whose events count, today included.
const DAYS: i64 = 30;
/// Suggestions of each kind.
const SUGGESTIONS_MAX: usize = 8;
/// Steps of a suggested funnel.
const STEPS_MAX: usize = 4;
/// Rows of each list from which suggestions are made.
const ROWS: u64 = 500;
/// Parts of the paths of success pages, in the languages of many shops; lower case.
const SUCCESS_WORDS: [&str; 20] = [
    "thank",
    "success",
    "confirm",
    "complete",
    "receipt",
    "welcome",
    "signed-up",
    "registered",
    "order-received",
    "danke",
    "bestaetig",
    "bestätig",
    "erfolg",
    "merci",
    "gracias",
    "grazie",
    "obrigad",
    "kanryo",
    "完了",
    "ありがとう",
];

/// What a goal would have counted.
pub async fn preview_goal(call: Call<Identity, SitePart>) -> Result<Json, ApiError> {
    let (app, site) = (&*call.app, &call.path.0);
    let goal: Goal = read_json(app, call.request).await?;
    goal.check().map_err(ApiError::rule)?;
    let stats = app.reports()?;
    let mut metrics = vec![Metric::Visitors, Metric::Events, Metric::ConversionRate];
    if goal.currency.is_some() {
        metrics.push(Metric::TotalRevenue);
    }
    let trial = Arc::new(goals::meant(0, goal));
    let question = Question {
        filter: Filter::All(vec![Filter::Goal(vec![trial])]),
        ..Question::new(site, metrics, range(app, site))
    };
    let report = stats.query(&question, Timestamp::now()).await?;
    let row = report.rows.first();
    let metric = |index: usize| {
        row.and_then(|row| row.metrics.get(index))
            .map(wire::report::value)
    };
    Ok(json!({
        "days": DAYS, "visitors": metric(0), "conversions": metric(1),
        "conversion_rate": metric(2), "revenue": metric(3),
    }))
}

/// Suggested goals and funnels.
pub async fn list(call: Call<Identity, SitePart>) -> Result<Json, ApiError> {
    let (app, SitePart(site)) = (&*call.app, call.path);
    let stats = app.reports()?;
    let range = range(app, &site);
    let list = |dimensions: &[Dimension]| {
        Question::new(site.as_str(), vec![Metric::Visits], range)
            .by(dimensions.iter().cloned())
            .limited_to(ROWS)
    };
    let page = Dimension::Event(EventDimension::Page);
    let questions = vec![
        list(&[Dimension::Event(EventDimension::Name)]),
        list(std::slice::from_ref(&page)),
        list(&[Dimension::Visit(VisitDimension::EntryPage)]),
        list(&[page.clone(), Dimension::Event(EventDimension::NextPage)]),
    ];
    let reports = stats.batch(questions, Timestamp::now()).await;
    let reports: Option<Vec<Report>> = reports
        .ok()
        .and_then(|all| all.into_iter().collect::<Result<_, _>>().ok());
    let Some([events, pages, entries, steps]) = reports.as_deref() else {
        return Err(ApiError::BadGateway(
            "the stored events could not be read; try again in a few seconds".into(),
        ));
    };
    let of = site.clone();
    let known = app
        .control
        .run(move |connection| site_objects::goals(connection, &of));
    let known = known.await?;
    let activity = Activity {
        events: rows_of(&events.rows),
        pages: rows_of(&pages.rows),
        entries: rows_of(&entries.rows),
        steps: rows_of(&steps.rows),
    };
    let known: Vec<Goal> = known.into_iter().map(|(_, goal)| goal).collect();
    Ok(
        json!({ "goals": to_json(&activity.goals(&known)), "funnels": to_json(&activity.funnels()) }),
    )
}

/// The days whose events count, in the site's calendar.
fn range(app: &App, site: &str) -> DateRange {
    let site = app.config.site(site);
    let zone = site.map_or(TimeZone::UTC, |site| site.timezone.clone());
    let today = Timestamp::now().to_zoned_datetime(zone).date();
    let first = today.saturating_sub((DAYS - 1).days());
    DateRange::Dates(first, today)
}

fn to_json<T: serde::Serialize>(found: &[(T, u64)]) -> Vec<Json> {
    let entry = |(value, visits): &(T, u64)| json!({ "value": value, "visits": visits });
    found.iter().map(entry).collect()
}

/// A row: its dimensions' values, and the visits.
type Row = (Vec<String>, u64);

fn rows_of(rows: &[report::Row]) -> Vec<Row> {
    let row = |row: &report::Row| {
        // The row of folded small counts is not a value.
        let is_folded = row.dimensions.iter().any(|value| value == OTHER);
        let visits = row.metrics.first()?.as_u64()?;
        (!is_folded).then(|| (row.dimensions.clone(), visits))
    };
    rows.iter().filter_map(row).collect()
}

/// The activity of visitors. The most frequent rows of each list come first.
#[derive(Default)]
struct Activity {
    events: Vec<Row>,
    pages: Vec<Row>,
    entries: Vec<Row>,
    /// A page and the page after it.
    steps: Vec<Row>,
}

impl Activity {
    /// Custom events, and pages that look like a success.
    fn goals(&self, known: &[Goal]) -> Vec<(Goal, u64)> {
        let goal = |name: &str, achieved_by| Goal {
            name: name.chars().take(64).collect::<String>().trim().to_owned(),
            achieved_by,
            currency: None,
        };
        let events = self.events.iter().filter_map(|(values, visits)| {
            let name = values.first()?;
            let by = Achievement::Event {
                name: name.clone(),
                props: Default::default(),
            };
            Some((goal(name, by), *visits))
        });
        let pages = self.pages.iter().filter_map(|(values, visits)| {
            let path = values.first().filter(|path| is_success_page(path))?;
            let by = Achievement::Page {
                pattern: path.clone(),
            };
            Some((goal(path, by), *visits))
        });
        let is_new = |goal: &Goal| {
            let is_like =
                |other: &Goal| other.achieved_by == goal.achieved_by || other.name == goal.name;
            goal.check().is_ok() && !known.iter().any(is_like)
        };
        let mut found: Vec<_> = events
            .chain(pages)
            .filter(|(goal, _)| is_new(goal))
            .collect();
        found.sort_by_key(|(_, visits)| std::cmp::Reverse(*visits));
        found.truncate(SUGGESTIONS_MAX);
        found
    }

    /// Paths to success pages, followed backwards along the most frequent step, and paths from
    /// entry pages.
    fn funnels(&self) -> Vec<(Funnel, u64)> {
        let ways = |from: usize, page: &str| -> Vec<(&str, u64)> {
            let ways = self.steps.iter().filter(|(way, _)| way[from] == page);
            ways.map(|(way, visits)| (way[1 - from].as_str(), *visits))
                .collect()
        };
        let ends = self.pages.iter().map(|(values, _)| &values[0]);
        let to_success = ends.filter(|path| is_success_page(path)).map(|end| {
            let mut way = walk(end, |page| ways(1, page));
            way.0.reverse();
            way
        });
        let entries = self.entries.iter();
        let onwards = entries.map(|(values, _)| walk(&values[0], |page| ways(0, page)));
        let mut names = HashSet::new();
        let mut found = Vec::new();
        for (way, visits) in to_success.chain(onwards) {
            let (Some(first), Some(last)) = (way.first(), way.last()) else {
                continue;
            };
            let step = |page: &String| Step {
                name: None,
                filters: vec![json!(["is", "event:page", [page]])],
            };
            let name: String = format!("{first} → {last}").chars().take(64).collect();
            let funnel = Funnel {
                name: name.trim().to_owned(),
                order: Order::Loose,
                steps: way.iter().map(step).collect(),
            };
            if funnel.check().is_ok() && names.insert(funnel.name.clone()) {
                found.push((funnel, visits));
            }
            if found.len() == SUGGESTIONS_MAX {
                break;
            }
        }
        found
    }
}

/// Follows the most frequent step to a new page, until no new page follows. The number of visits is
/// that of the rarest step.
fn walk<'a>(start: &str, ways: impl Fn(&str) -> Vec<(&'a str, u64)>) -> (Vec<String>, u64) {
    let mut pages = vec![start.to_owned()];
    let mut least = u64::MAX;
    while pages.len() < STEPS_MAX {
        let here = pages.last().map_or("", String::as_str);
        let next = ways(here)
            .into_iter()
            .filter(|(page, _)| {
                page.starts_with('/') && !pages.iter().any(|visited| visited == page)
            })
            .max_by_key(|(_, visits)| *visits);
        let Some((page, visits)) = next else {
            break;
        };
        let page = page.to_owned();
        least = least.min(visits);
        pages.push(page);
    }
    (pages, if least == u64::MAX { 0 } else { least })
}

fn is_success_page(path: &str) -> bool {
    let path = path.to_lowercase();
    path.starts_with('/') && SUCCESS_WORDS.iter().any(|word| path.contains(word))
}

#[cfg(test)]
mod tests {
    use sillage_query::value::MetricValue;

    use super::*;

    fn row(values: &[&str], visits: u64) -> Row {
        let values = values.iter().map(|value| (*value).to_owned());
        (values.collect(), visits)
    }

    fn activity() -> Activity {
        Activity {
            events: vec![
                row(&["pageview"], 90),
                row(&["Signup"], 12),
                row(&["Order"], 4),
            ],
            pages: vec![
                row(&["/"], 60),
                row(&["/pricing"], 30),
                row(&["/order/thank-you"], 5),
                row(&["(not set)"], 2),
            ],
            entries: vec![row(&["/"], 50), row(&["/blog"], 3)],
            steps: vec![
                row(&["/", "(exit)"], 30),
                row(&["/", "/pricing"], 20),
                row(&["/pricing", "/"], 15),
                row(&["/pricing", "/cart"], 9),
                row(&["/cart", "/order/thank-you"], 5),
                row(&["/", "/cart"], 4),
            ],
        }
    }

    #[test]
    fn suggested_goals_are_events_without_a_goal() {
        let names = |known: &[Goal]| -> Vec<(String, u64)> {
            let goals = activity().goals(known).into_iter();
            goals.map(|(goal, visits)| (goal.name, visits)).collect()
        };
        assert_eq!(
            names(&[]),
            [
                ("Signup".into(), 12),
                ("/order/thank-you".into(), 5),
                ("Order".into(), 4)
            ]
        );
        let known = activity().goals(&[]).remove(0).0;
        let known = Goal {
            name: "Another name".into(),
            ..known
        };
        assert!(!names(&[known]).iter().any(|(name, _)| name == "Signup"));
    }

    #[test]
    fn suggested_funnels_follow_the_most_frequent_path_without_loops() {
        let found: Vec<(String, Vec<Json>, u64)> = activity()
            .funnels()
            .into_iter()
            .map(|(funnel, visits)| {
                let steps = funnel
                    .steps
                    .iter()
                    .map(|step| step.filters[0][2][0].clone());
                (funnel.name, steps.collect(), visits)
            })
            .collect();
        // No visit went on from the blog.
        assert_eq!(
            found,
            [(
                "/ → /order/thank-you".into(),
                vec![
                    json!("/"),
                    json!("/pricing"),
                    json!("/cart"),
                    json!("/order/thank-you")
                ],
                5
            )]
        );
    }

    #[test]
    fn folded_small_counts_are_not_suggested() {
        let row_of = |values: &[&str], visits: i64| report::Row {
            metrics: vec![MetricValue::Whole(visits)],
            dimensions: values.iter().map(|value| (*value).to_owned()).collect(),
            comparison: None,
        };
        let rows = [
            row_of(&[OTHER], 9),
            row_of(&["/", OTHER], 8),
            row_of(&["Signup"], 7),
        ];
        assert_eq!(rows_of(&rows), [row(&["Signup"], 7)]);
    }

    #[test]
    fn without_events_nothing_is_suggested() {
        let none = Activity::default();
        assert!(none.goals(&[]).is_empty() && none.funnels().is_empty());
    }
}
