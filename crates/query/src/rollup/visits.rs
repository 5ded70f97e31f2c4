//! Finished visits: what stays of a visit when the ids of its events are cleared, and how answers
//! are taken from it.
//!
//! Duty: the two statements about table `visits`, building and reading. Beside `rollup`: that one
//! holds counts by one dimension, this one holds visits, so that any filter and any breakdown by
//! properties of visits can be answered for days whose events no longer say who saw what
//! ([`can_tell`]). Building comes with each rolled-up day (`roll`). Pure.
//!
//! What differs from reading the events, and only for people without a history: somebody who came
//! twice in a day is found under the first of the two visits.
//!
//! Not here: questions about events. Which pages a visit saw is what clearing takes away; `plan`
//! says so in the answer.

use crate::suppression::conjunction;
use crate::dimension::{Bucket, Dimension};
use crate::filter::Filter;
use crate::metric::Measure;
use crate::scan::{Counting, DIMENSION_ALIASES, DIMENSION_COLUMNS, Scope};
use crate::rollup::daily::{Coverage, bucket_of_day};
use crate::sql::{Sql, Value};

/// Whether finished visits hold the answer to a question with these parts.
pub fn can_tell(
    dimensions: &[Dimension],
    measures: &[Measure],
    counting: Counting,
    filter: &Filter,
) -> bool {
    let is_by_days = |dimension: &Dimension| {
        dimension
            .bucket()
            .is_none_or(|bucket| !Bucket::is_within_a_day(bucket))
    };
    matches!(counting, Counting::FirstVisits(_))
        && !dimensions.iter().any(Dimension::is_of_events)
        && dimensions.iter().all(is_by_days)
        && !filter.is_about_events()
        && !filter.has_dimension(&|dimension| dimension.bucket().is_some())
        && measures
            .iter()
            .all(|measure| expression(*measure).is_some())
}

/// The statement that reads the days from `[first_day, day_after)`: columns as those of a
/// [`reading`](super::reading).
pub fn read(
    scope: &Scope,
    covered: (&Coverage, (i64, i64)),
    dimensions: &[Dimension],
    measures: &[Measure],
    bucket: Option<Bucket>,
    filter: &Filter,
) -> Sql {
    let (coverage, days) = covered;
    let [of_days, of_versions] = coverage.current(days);
    let column = |dimension: &Dimension| match dimension.bucket() {
        Some(bucket) => bucket_of_day(bucket, "finished.day", scope.first_day),
        None => scope.column(dimension),
    };
    let columns = dimensions
        .iter()
        .zip(DIMENSION_ALIASES)
        .map(|(dimension, alias)| column(dimension).then(alias));
    let counts = measures
        .iter()
        .map(|measure| count(*measure, scope, bucket).then(measure.alias()));
    let names = dimensions
        .iter()
        .zip(DIMENSION_COLUMNS)
        .map(|(_, name)| Sql::text(name));
    let groups = if dimensions.is_empty() {
        Sql::empty()
    } else {
        Sql::text("GROUP BY ").then(Sql::join(names, ", "))
    };
    let condition = if filter.is_empty() {
        Sql::empty()
    } else {
        let column = |dimension: &Dimension| seen(scope, covered, dimension, filter);
        // A filter that asks what else somebody did is about events, and not answered here.
        Sql::text("AND ").then(filter.predicate(&column, &|_| Sql::text("SELECT 0")))
    };
    Sql::template(
        include_str!("../sql/by_finished.sql"),
        &[
            ("columns", Sql::join(columns.chain(counts), ",\n    ")),
            ("site", scope.site.clone()),
            of_days,
            of_versions,
            ("first_day", Value::Number(days.0).into()),
            ("day_after", Value::Number(days.1).into()),
            ("filters", condition),
            ("groups", groups),
        ],
    )
}

/// A dimension's value as a filter may see it beside its other conditions.
fn seen(
    scope: &Scope,
    (coverage, days): (&Coverage, (i64, i64)),
    dimension: &Dimension,
    filter: &Filter,
) -> Sql {
    let [of_days, of_versions] = coverage.current(days);
    let column = scope.column(dimension);
    let Some(floor) = scope.floor else {
        return column;
    };
    let context = conjunction::context(filter, dimension);
    let condition = if context.is_empty() {
        Sql::empty()
    } else {
        let column = |dimension: &Dimension| scope.column(dimension);
        Sql::text("AND ").then(context.predicate(&column, &|_| Sql::text("SELECT 0")))
    };
    let rows = Sql::template(
        include_str!("../sql/period_visits.sql"),
        &[
            ("filters", condition),
            ("site", scope.site.clone()),
            of_days,
            of_versions,
            ("first_day", Value::Number(days.0).into()),
            ("day_after", Value::Number(days.1).into()),
        ],
    );
    let known = count(Measure::Known, scope, None);
    let daily = count(Measure::Daily, scope, None);
    let mut people = known.then(" + ").then(daily);
    if floor.counts_pages() {
        let pages = count(Measure::Events, scope, None);
        people = Sql::text("greatest(")
            .then(people)
            .then(", ")
            .then(pages)
            .then(")");
    }
    floor.seen(column, people, rows)
}

/// The statement that writes down the visits of the days of `scope`, which are whole days of the
/// site, as `version`.
pub fn build(scope: &Scope, version: i64) -> Sql {
    Sql::template(
        include_str!("../sql/build_visits.sql"),
        &[
            ("site", scope.site.clone()),
            ("zone", scope.zone.clone()),
            ("since", scope.since.clone()),
            ("until", scope.until.clone()),
            ("version", Value::Number(version).into()),
        ],
    )
}

/// A measure's count; that of [`Measure::Known`] needs the question's first day as well.
fn count(measure: Measure, scope: &Scope, bucket: Option<Bucket>) -> Sql {
    if measure != Measure::Known {
        return expression(measure).unwrap_or("toUInt64(0)").into();
    }
    let first = Sql::value(Value::Number(scope.first_day));
    let first_day = match bucket {
        None => first,
        Some(bucket) => Sql::text("greatest(toInt32(toDate(")
            .then(bucket_of_day(bucket, "finished.day", scope.first_day))
            .then(")), ")
            .then(first)
            .then(")"),
    };
    Sql::text("countIf(began AND days_since_seen > toInt32(finished.day) - ")
        .then(first_day)
        .then(")")
}

/// None where finished visits don't hold it.
fn expression(measure: Measure) -> Option<&'static str> {
    Some(match measure {
        Measure::Known => "countIf(began)",
        Measure::New => "countIf(began AND days_since_seen = 32767)",
        Measure::Daily => "countIf(first_of_day AND days_since_seen < 0)",
        Measure::Visits | Measure::WholeVisits => "countIf(began)",
        Measure::Pageviews => "toUInt64(sum(finished.pageviews))",
        Measure::Events => "toUInt64(sum(finished.events))",
        Measure::Bounces => "countIf(began AND bounced)",
        Measure::DurationSeconds => "toUInt64(sum(finished.duration_s))",
        Measure::VisitViews => "toUInt64(sum(finished.views))",
        Measure::EngagedMilliseconds => "toUInt64(sum(finished.engaged_ms))",
        Measure::EngagedVisits => "countIf(is_engaged)",
        Measure::ScrollPercent => "toUInt64(sum(finished.scroll_percent))",
        Measure::ScrolledViews => "toUInt64(sum(finished.scrolled_views))",
        // The others are read from the events.
        _ => return None,
    })
}
