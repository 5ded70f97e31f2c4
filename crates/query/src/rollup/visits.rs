//! Table `visits`: what remains of finished visits when the ids of their events are cleared.
//!
//! `daily` holds counts by one dimension. This table holds visits, so any filter and any breakdown
//! by properties of visits can be answered for days without ids ([`can_answer`]).
//!
//! The answer differs from that of the events for people without a history only: a person who came
//! twice in a day is found under the first of the two visits. Questions about events can't be
//! answered here: which pages a visit saw is what clearing removes. The answer's `meta` states
//! this.

use super::coverage::{Coverage, bucket_of_day};
use crate::bucket::Bucket;
use crate::columns;
use crate::dimension::Dimension;
use crate::filter::Filter;
use crate::measure::Measure;
use crate::scan::{Counting, Scope};
use crate::sql::{Sql, Value};
use crate::suppression::conjunction;

/// Whether stored visits can answer a question with these parts.
pub fn can_answer(
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

/// The statement that reads the visits of `[first_day, day_after)`. It has the columns of a
/// [scan](crate::scan).
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
        Some(bucket) => bucket_of_day(bucket, "stored.day", scope.first_day),
        None => scope.column(dimension),
    };
    let columns = columns::named(dimensions.iter().map(column));
    let counts = measures
        .iter()
        .map(|measure| count(*measure, scope, bucket).then(measure.alias()));
    let condition = if filter.is_empty() {
        Sql::empty()
    } else {
        let column = |dimension: &Dimension| filtered_value(scope, covered, dimension, filter);
        // Filters about other events of the visitor are not answered here.
        Sql::text("AND ").then(filter.predicate(&column, &|_| Sql::text("SELECT 0")))
    };
    Sql::template(
        include_str!("../sql/by_stored_visit.sql"),
        &[
            ("columns", Sql::join(columns.chain(counts), ",\n    ")),
            ("site", scope.site.clone()),
            of_days,
            of_versions,
            ("first_day", Value::Number(days.0).into()),
            ("day_after", Value::Number(days.1).into()),
            ("filters", condition),
            ("groups", columns::group_by(dimensions.len())),
        ],
    )
}

/// A dimension's value as a filter sees it beside its other conditions.
fn filtered_value(
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
    floor.filtered_value(column, people, rows)
}

/// The count of a measure; that of [`Measure::Known`] depends on the first day of the question.
fn count(measure: Measure, scope: &Scope, bucket: Option<Bucket>) -> Sql {
    if measure != Measure::Known {
        return expression(measure).unwrap_or("toUInt64(0)").into();
    }
    let first = Sql::value(Value::Number(scope.first_day));
    let first_day = match bucket {
        None => first,
        Some(bucket) => Sql::text("greatest(toInt32(toDate(")
            .then(bucket_of_day(bucket, "stored.day", scope.first_day))
            .then(")), ")
            .then(first)
            .then(")"),
    };
    Sql::text("countIf(began AND days_since_seen > toInt32(stored.day) - ")
        .then(first_day)
        .then(")")
}

/// `None` where stored visits do not hold it.
fn expression(measure: Measure) -> Option<&'static str> {
    Some(match measure {
        Measure::Known => "countIf(began)",
        Measure::New => "countIf(began AND days_since_seen = 32767)",
        Measure::Daily => "countIf(first_of_day AND days_since_seen < 0)",
        Measure::Visits | Measure::WholeVisits => "countIf(began)",
        Measure::Pageviews => "toUInt64(sum(stored.pageviews))",
        Measure::Events => "toUInt64(sum(stored.events))",
        Measure::Bounces => "countIf(began AND bounced)",
        Measure::DurationSeconds => "toUInt64(sum(stored.duration_s))",
        Measure::VisitViews => "toUInt64(sum(stored.views))",
        Measure::EngagedMilliseconds => "toUInt64(sum(stored.engaged_ms))",
        Measure::EngagedVisits => "countIf(is_engaged)",
        Measure::ScrollPercent => "toUInt64(sum(stored.scroll_percent))",
        Measure::ScrolledViews => "toUInt64(sum(stored.scrolled_views))",
        // The others are read from the events.
        _ => return None,
    })
}
