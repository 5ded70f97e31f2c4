//! The plan: one statement for a question about a period.
//!
//! `plan` decides which scans of the events an answer needs and builds the statement from the files
//! in `sql/`. Invariants: the columns of the statement are the dimensions, then the metrics, then
//! those of [`Columns`]. A row in which nothing was counted is absent. Rows of equal order are
//! ordered by their dimensions, so the same question has the same answer and pages do not overlap.
//!
//! Where the roll-ups hold the answer, its first days come from them and only the rest is read from
//! the events: usually the last two days. Questions about whole visits can use stored visits
//! instead. Questions about events always read the events; for days whose ids are cleared they
//! count pages, but not people.

mod answer;
mod counts;

use crate::bucket::Bucket;
use crate::dimension::Dimension;
use crate::filter::Filter;
use crate::measure::Measure;
use crate::metric::Metric;
use crate::period::Period;
use crate::question::Question;
use crate::rollup::coverage::Coverage;
use crate::scan::{Counting, Scope};
use crate::sql::{Sql, Statement};
use crate::suppression::conjunction;
use crate::suppression::floor::Floor;
pub use answer::Columns;
use answer::{answer_columns, answer_groups, answer_page};
use counts::Counts;

/// The statement for a question, and how to read its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub statement: Statement,
    /// The dimensions, with a bucket for `time`.
    pub dimensions: Vec<Dimension>,
    pub columns: Columns,
    pub semantics: Option<Semantics>,
    /// Whether people with a history are counted over more days than histories are exact for.
    pub is_estimated: bool,
    /// First day (since 1970) whose events have their ids, where the answer also counts events of
    /// earlier days.
    pub blind_until: Option<i64>,
    /// Whether the question asks for properties that clearing removes. Then the days before are not
    /// counted at all.
    pub needs_cleared: bool,
}

/// What `visitors` means in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Semantics {
    /// Distinct people.
    Exact,
    /// Distinct people over more days than gaps between visits are stored exactly for: an estimate.
    Estimated,
    /// Distinct people, each under the properties of the first visit in the period or bucket.
    FirstTouch,
    /// Sum of the distinct visitors of each day: a person who came on three days counts three
    /// times.
    Daily,
    /// As `Daily`, and once under each value of a dimension that the filter allows; for audiences
    /// with a floor.
    ByValue,
}

impl Semantics {
    /// Its name in `meta.visitors_semantics`.
    pub fn name(self) -> &'static str {
        match self {
            Semantics::Exact => "exact",
            Semantics::Estimated => "estimated",
            Semantics::FirstTouch => "first_touch",
            Semantics::Daily => "daily",
            Semantics::ByValue => "by_value",
        }
    }
}

impl Plan {
    /// Whether a metric can't be counted from events without ids.
    pub fn is_unknown_when_cleared(&self, metric: Metric) -> bool {
        self.needs_cleared || metric.needs_ids()
    }
}

/// Distinct visitors are exact over at most this number of days: longer gaps between visits are
/// stored by the week. The privacy crate has the same number; the program checks that both agree.
pub const EXACT_DAYS_MAX: i32 = 31;

/// Plans the statement for a question. `zone` is the name of the site's time zone, `coverage` its
/// days that are rolled up (none for a plan over events), `floor` that of the audience.
pub fn plan(
    question: &Question,
    period: &Period,
    zone: &str,
    coverage: &Coverage,
    floor: Option<Floor>,
) -> Plan {
    let dimensions = question.dimensions(period.bucket());
    let scope = Scope {
        currency: question.currency().unwrap_or_default().to_owned(),
        overlapping: match floor {
            Some(_) => conjunction::overlapping(&question.filter),
            None => Vec::new(),
        },
        ..Scope::of(&question.site, zone, period, floor)
    };
    let mut measures: Vec<Measure> = Vec::new();
    let asked = question.metrics.iter().flat_map(|metric| metric.measures());
    let floored = floor.iter().flat_map(|floor| floor.measures());
    // Amounts are shown where enough events have one.
    let has_amounts = question.metrics.iter().any(|metric| metric.is_revenue());
    let amounts = (floor.is_some() && has_amounts).then_some(&Measure::RevenueEvents);
    for measure in asked.chain(floored).chain(amounts) {
        if !measures.contains(measure) {
            measures.push(*measure);
        }
    }
    let counting = counting(question, period, &dimensions);
    let needs_cleared = dimensions.iter().any(Dimension::is_cleared)
        || question.filter.has_dimension(&Dimension::is_cleared)
        || question.filter.has_behaviour();
    let counts = Counts {
        filter: &question.filter,
        counting,
        period,
        scope: &scope,
        coverage,
        needs_cleared,
    };
    let events_from = counts.source(&dimensions, &measures).events_from;
    let blind_until = events_from.and_then(|first| coverage.blind_until(first));
    let scans = counts.scans(&dimensions, &measures);
    let scans = match floor {
        None => scans,
        Some(floor) => {
            let is_additive = counting == Counting::FirstVisits(None);
            let total = Counts {
                counting: self::counting(question, period, &[]),
                ..counts
            };
            let neighbours = counts.neighbours(question);
            let condition = total.condition(floor, &dimensions, &neighbours);
            let revealing = counts.revealing_rows(floor, &dimensions, &neighbours);
            floor.fold(
                scans,
                &dimensions,
                &measures,
                is_additive,
                revealing,
                condition,
            )
        }
    };
    let people = |people: &'static str, alias: &'static str, filter: &Filter, counting| {
        let counts = Counts {
            filter,
            counting,
            ..counts
        };
        let scan = counts.scans(&[], &[Measure::Known, Measure::Daily]);
        Sql::template(
            include_str!("sql/everyone.sql"),
            &[
                ("people", people.into()),
                ("alias", alias.into()),
                ("scan", scan),
            ],
        )
    };
    let mut everyone = Sql::empty();
    if question.metrics.contains(&Metric::Percentage) {
        everyone = everyone.then(people(
            "everyone",
            "all_people",
            &question.filter,
            self::counting(question, period, &[]),
        ));
    }
    if question.metrics.contains(&Metric::ConversionRate) {
        let filter = question.filter.without_goals();
        // Daily visitors, like those who reached the goal.
        everyone = everyone.then(people(
            "candidates_all",
            "candidates",
            &filter,
            Counting::DailyIds,
        ));
    }
    let columns = Columns {
        has_daily: measures.contains(&Measure::Daily),
        has_total: question.include_total_rows,
    };
    let statement = Sql::template(
        include_str!("sql/answer.sql"),
        &[
            ("columns", answer_columns(question, &dimensions, columns)),
            ("scans", scans),
            ("everyone", everyone),
            ("groups", answer_groups(&dimensions, &measures)),
            ("page", answer_page(question, &dimensions)),
        ],
    );
    // Histories are exact within a bucket, which is a month at most.
    let is_estimated = counting == Counting::FirstVisits(None)
        && period.day_count() > i64::from(EXACT_DAYS_MAX) + 1;
    let semantics = question
        .metrics
        .iter()
        .any(|metric| metric.counts_people())
        .then(|| {
            let is_broken_down = dimensions
                .iter()
                .any(|dimension| dimension.bucket().is_none())
                || !question.filter.is_empty();
            match counting {
                Counting::FirstVisits(_) if is_broken_down => Semantics::FirstTouch,
                Counting::FirstVisits(_) if is_estimated => Semantics::Estimated,
                Counting::FirstVisits(_) => Semantics::Exact,
                Counting::DailyIds if !scope.overlapping.is_empty() => Semantics::ByValue,
                Counting::DailyIds if is_each_row_within_a_day(period, &dimensions) => {
                    Semantics::Exact
                }
                Counting::DailyIds | Counting::Histories => Semantics::Daily,
            }
        });
    Plan {
        statement: statement.finish(),
        dimensions,
        columns,
        semantics,
        is_estimated,
        blind_until,
        needs_cleared,
    }
}

/// Whether every row of the answer is about one day of the site.
pub fn is_each_row_within_a_day(period: &Period, dimensions: &[Dimension]) -> bool {
    period.is_within_a_day()
        || dimensions
            .iter()
            .filter_map(Dimension::bucket)
            .any(|bucket| bucket <= Bucket::Day)
}

/// How the people of a question are counted.
fn counting(question: &Question, period: &Period, dimensions: &[Dimension]) -> Counting {
    let is_about_events =
        dimensions.iter().any(Dimension::is_of_events) || question.filter.is_about_events();
    let bucket = dimensions.iter().filter_map(Dimension::bucket).min();
    if is_about_events || !period.begins_with_a_day() || bucket.is_some_and(Bucket::is_within_a_day)
    {
        Counting::DailyIds
    } else {
        Counting::FirstVisits(bucket)
    }
}
