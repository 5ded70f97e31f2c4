//! Scans: statements that read the events of a period and count.
//!
//! Each [`Scan`] is one statement, made from its file in `sql/`. `plan` adds up the scans of an
//! answer; the roll-up job stores the same scans by day, so both ways to an answer count alike.
//!
//! How people are counted ([`Counting`]): a visitor id lives for one site-local day, so ids alone
//! can't tell how many people came in a week. For questions about whole visits and whole days, a
//! visit counts as a new person exactly when the device's previous visit began before the first day
//! of the row. Every visit carries that distance as `days_since_seen`. So no one counts twice, and
//! the people of a row are those whose first visit in the period has the properties of the row. For
//! questions about events or parts of days, ids are counted: exact within a day, an upper bound
//! beyond.

use crate::bucket::Bucket;
use crate::columns;
use crate::dimension::{Dimension, EventDimension, Goals, Join, VisitDimension};
use crate::filter::Filter;
use crate::measure::{Measure, Scan};
use crate::period::Period;
use crate::sql::{Sql, Value};
use crate::suppression::conjunction;
use crate::suppression::floor::Floor;

/// How people are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// By visits that began in the bucket (or period) and whose device was last seen before it.
    FirstVisits(Option<Bucket>),
    /// By the daily ids.
    DailyIds,
    /// Not by this scan: the roll-ups store the histories (`days_since_seen`) as arrays.
    Histories,
}

/// What all statements of an answer share.
#[derive(Debug, Clone)]
pub struct Scope {
    pub site: Sql,
    /// Name of the site's time zone.
    pub zone: Sql,
    /// Seconds since 1970, inclusive.
    pub since: Sql,
    /// Seconds since 1970, exclusive.
    pub until: Sql,
    /// First day of the period, days since 1970; `since` may be later if the days before come from
    /// roll-ups.
    pub first_day: i64,
    /// The floor of the audience: filters do not see values of too few people.
    pub floor: Option<Floor>,
    /// ISO 4217 code of the amounts that count as revenue.
    pub currency: String,
    /// Whether some of the events have no ids any more.
    pub is_partly_cleared: bool,
    /// For audiences with a floor: dimensions under each value of which a person counts once.
    pub overlapping: Vec<Dimension>,
}

impl Scope {
    /// The whole of a period.
    pub fn of(site: &str, zone: &str, period: &Period, floor: Option<Floor>) -> Self {
        let released_s = floor.and_then(|floor| floor.released_until_s());
        let until_s = released_s.map_or(period.until_s(), |end| end.min(period.until_s()));
        Self {
            site: Value::Text(site.to_owned()).into(),
            zone: Value::Text(zone.to_owned()).into(),
            since: Value::Number(period.since_s()).into(),
            until: Value::Number(until_s).into(),
            first_day: period.first_day(),
            floor,
            currency: String::new(),
            is_partly_cleared: false,
            overlapping: Vec::new(),
        }
    }

    /// A dimension's value on a row of events.
    pub fn column(&self, dimension: &Dimension) -> Sql {
        dimension.expression(&self.zone, self.first_day)
    }

    /// A dimension's value on a row of events, as a filter sees it beside its other conditions.
    fn filtered_value(&self, dimension: &Dimension, filter: &Filter) -> Sql {
        let column = self.column(dimension);
        let Some(floor) = self.floor else {
            return column;
        };
        let context = conjunction::context(filter, dimension);
        let mut joins: Vec<Join> = dimension.join().into_iter().collect();
        context.add_joins(&mut joins);
        let condition = if context.is_empty() {
            Sql::empty()
        } else {
            Sql::text("AND ").then(self.unprotected().predicate(&context))
        };
        let rows = Sql::template(
            include_str!("sql/period_rows.sql"),
            &[
                ("joins", self.joins(joins)),
                ("site", self.site.clone()),
                ("since", self.since.clone()),
                ("until", self.until.clone()),
                ("rows", rows(context.is_met_by_engagement())),
                ("filters", condition),
            ],
        );
        let people = if floor.counts_pages() {
            "greatest(uniqExactIf(visitor, visitor != 0), countIf(visitor = 0))"
        } else {
            "uniqExactIf(visitor, visitor != 0)"
        };
        floor.filtered_value(column, people.into(), rows)
    }

    /// The same scope, for conditions that see every value.
    pub fn unprotected(&self) -> Self {
        Self {
            floor: None,
            ..self.clone()
        }
    }

    /// The same scope, with each person counted once.
    pub fn counting_once(&self) -> Self {
        Self {
            overlapping: Vec::new(),
            ..self.clone()
        }
    }

    /// A condition on a row of events.
    pub fn predicate(&self, filter: &Filter) -> Sql {
        filter.predicate(
            &|dimension| self.filtered_value(dimension, filter),
            &|what| self.matching(include_str!("sql/matching_visitors.sql"), what),
        )
    }

    /// A condition on visits, with its `AND`: on the visit itself or, where the filter is about
    /// events, on one of its events.
    pub fn visits_condition(&self, filter: &Filter, joins: &mut Vec<Join>) -> Sql {
        if filter.is_empty() {
            return Sql::empty();
        }
        if filter.is_about_events() {
            let visits = self.matching(include_str!("sql/matching_visits.sql"), filter);
            return Sql::text("AND visit IN (\n").then(visits).then(")");
        }
        filter.add_joins(joins);
        Sql::text("AND ").then(self.predicate(filter))
    }

    /// The statement of one of the two files `matching_*.sql`.
    fn matching(&self, file: &'static str, filter: &Filter) -> Sql {
        let mut joins = Vec::new();
        filter.add_joins(&mut joins);
        Sql::template(
            file,
            &[
                ("joins", self.joins(joins)),
                ("site", self.site.clone()),
                ("since", self.since.clone()),
                ("until", self.until.clone()),
                ("rows", rows(filter.is_met_by_engagement())),
                ("filters", Sql::text("AND ").then(self.predicate(filter))),
            ],
        )
    }

    /// The tables that rows are joined with.
    pub fn joins(&self, joins: Vec<Join>) -> Sql {
        let file = |join: Join| match join {
            Join::Ends => include_str!("sql/join_ends.sql"),
            Join::Next => include_str!("sql/join_next.sql"),
        };
        let wanted = [Join::Ends, Join::Next]
            .into_iter()
            .filter(|join| joins.contains(join));
        let each = wanted.map(|join| {
            Sql::template(
                file(join),
                &[
                    ("site", self.site.clone()),
                    ("since", self.since.clone()),
                    ("until", self.until.clone()),
                ],
            )
        });
        Sql::join(each, "\n")
    }

    /// What is counted distinct: once under each value of the overlapping dimensions.
    fn distinct(&self, counted: Sql) -> Sql {
        if self.overlapping.is_empty() {
            return counted;
        }
        let values = self
            .overlapping
            .iter()
            .map(|dimension| self.column(dimension));
        let parts = [counted].into_iter().chain(values);
        Sql::text("(").then(Sql::join(parts, ", ")).then(")")
    }
}

/// Engagement records are not events. Only goals that they can meet count them.
fn rows(with_engagement: bool) -> Sql {
    Sql::text(if with_engagement {
        ""
    } else {
        "AND name != 'engagement'"
    })
}

/// The statement of a scan. Its columns are the dimensions and all `measures`; those that the scan
/// does not count are 0.
pub fn read(
    scan: Scan,
    scope: &Scope,
    dimensions: &[Dimension],
    measures: &[Measure],
    counting: Counting,
    filter: &Filter,
) -> Sql {
    let is_about_events =
        dimensions.iter().any(Dimension::is_of_events) || filter.is_about_events();
    let dimensions: &[Dimension] = &in_scan(scan, dimensions);
    let filter: &Filter = &match scan {
        Scan::Everyone => filter.without_goals(),
        _ => filter.clone(),
    };
    let with_engagement =
        filter.is_met_by_engagement() || dimensions.iter().any(Dimension::is_met_by_engagement);
    let mut joins: Vec<Join> = dimensions.iter().filter_map(Dimension::join).collect();
    joins.extend(scope.overlapping.iter().filter_map(Dimension::join));
    let condition = match scan {
        Scan::Visits => scope.visits_condition(filter, &mut joins),
        _ if filter.is_empty() => Sql::empty(),
        _ => {
            filter.add_joins(&mut joins);
            Sql::text("AND ").then(scope.predicate(filter))
        }
    };
    // Only pageviews have a next page.
    let condition = if scan == Scan::Events && joins.contains(&Join::Next) {
        condition.then(" AND name = 'pageview'")
    } else {
        condition
    };
    let count = |measure: &Measure| {
        let expression = if measure.scan() == scan {
            measure_expression(*measure, scope, counting, is_about_events)
        } else {
            Sql::text(measure.zero())
        };
        expression.then(measure.alias())
    };
    let names = columns::names(dimensions.len());
    let is_cell = |dimension: &Dimension| *dimension == Dimension::Event(EventDimension::ClickCell);
    let inner = |before: &'static str, after: &'static str| {
        let values = dimensions
            .iter()
            .map(|dimension| Sql::text(before).then(scope.column(dimension)).then(after));
        // A click's cell is not a property of the pageview.
        let each = columns::named(values)
            .zip(dimensions)
            .filter(|(_, dimension)| !is_cell(dimension))
            .map(|(column, _)| column.then(",\n        "));
        Sql::join(each, "")
    };
    let mut slots = vec![
        ("joins", scope.joins(joins)),
        ("site", scope.site.clone()),
        ("since", scope.since.clone()),
        ("until", scope.until.clone()),
        ("filters", condition),
        ("groups", columns::group_by(dimensions.len())),
    ];
    let counts = measures.iter().map(count);
    match scan {
        Scan::Events | Scan::Pages | Scan::Everyone => {
            slots.push(("rows", rows(with_engagement)));
            let values = dimensions.iter().map(|dimension| scope.column(dimension));
            let columns = columns::named(values).chain(counts);
            slots.push(("columns", Sql::join(columns, ",\n    ")));
            Sql::template(include_str!("sql/by_event.sql"), &slots)
        }
        Scan::Visits => {
            slots.push(("columns", Sql::join(names.chain(counts), ",\n    ")));
            slots.push((
                "dimensions",
                inner("anyIf(", ", seq = 1 AND name != 'engagement')"),
            ));
            Sql::template(include_str!("sql/by_visit.sql"), &slots)
        }
        Scan::Views | Scan::Vitals | Scan::Clicks => {
            let values = dimensions.iter().map(|dimension| scope.column(dimension));
            let of_views = names.zip(columns::named(values)).zip(dimensions);
            let columns = of_views.map(|((name, named), dimension)| match is_cell(dimension) {
                true => named,
                false => name,
            });
            slots.push(("columns", Sql::join(columns.chain(counts), ",\n    ")));
            slots.push(("dimensions", inner("anyIf(", ", name = 'pageview')")));
            let file = match scan {
                Scan::Vitals => include_str!("sql/by_vitals.sql"),
                Scan::Clicks => include_str!("sql/by_click.sql"),
                _ => include_str!("sql/by_view.sql"),
            };
            Sql::template(file, &slots)
        }
    }
}

/// The dimensions as a scan sees them. The base of a rate has the same values as the rate itself,
/// taken from other columns.
fn in_scan(scan: Scan, dimensions: &[Dimension]) -> Vec<Dimension> {
    let one = |dimension: &Dimension| match (scan, dimension) {
        (Scan::Pages, Dimension::Visit(VisitDimension::ExitPage)) => {
            Dimension::Event(EventDimension::Page)
        }
        (Scan::Everyone, Dimension::Goal(goals, _)) => Dimension::Goal(goals.clone(), Goals::All),
        (_, other) => other.clone(),
    };
    dimensions.iter().map(one).collect()
}

/// A measure over the rows of its scan: a UInt64, except revenue (Int64) and states.
fn measure_expression(
    measure: Measure,
    scope: &Scope,
    counting: Counting,
    is_about_events: bool,
) -> Sql {
    let people = |condition: &'static str| {
        let counted = scope.distinct(Sql::text("visitor"));
        Sql::text("uniqExactIf(").then(counted).then(condition)
    };
    match (measure, counting) {
        (Measure::Known, Counting::FirstVisits(bucket)) => {
            let first_day = match bucket {
                None => Value::Number(scope.first_day).into(),
                Some(bucket) => bucket.first_day_expression(&scope.zone, scope.first_day),
            };
            Sql::text("uniqExactIf(visit, visit != 0 AND seq = 1 AND days_since_seen > toInt32(toDate(time, ")
                .then(scope.zone.clone())
                .then(")) - ")
                .then(first_day)
                .then(")")
        }
        (Measure::New, Counting::FirstVisits(_)) => {
            "uniqExactIf(visit, visit != 0 AND seq = 1 AND days_since_seen = 32767)".into()
        }
        (Measure::Known | Measure::New, Counting::Histories) => "toUInt64(0)".into(),
        (Measure::Known, Counting::DailyIds) => people(", visitor != 0 AND days_since_seen >= 0)"),
        (Measure::New, Counting::DailyIds) => people(", visitor != 0 AND days_since_seen = 32767)"),
        (Measure::Daily, _) => people(", visitor != 0 AND days_since_seen < 0)"),
        (Measure::Visits, _) if is_about_events => Sql::text("uniqExactIf(")
            .then(scope.distinct(Sql::text("(visit, visitor)")))
            .then(", visit != 0)"),
        (Measure::Visits, _) => "uniqExactIf(visit, visit != 0 AND seq = 1)".into(),
        (Measure::Pageviews, _) => {
            "uniqExactIf(key, name = 'pageview' AND key != 0) + countIf(name = 'pageview' AND key = 0)".into()
        }
        (Measure::Events, _) => "uniqExactIf(key, key != 0) + countIf(key = 0)".into(),
        (Measure::WholeVisits, _) => "count()".into(),
        (Measure::Bounces, _) => "countIf(views <= 1 AND NOT is_interactive)".into(),
        (Measure::DurationSeconds, _) => "toUInt64(sum(duration))".into(),
        (Measure::VisitViews, _) => "toUInt64(sum(views))".into(),
        // Of views with a visit only, because it is divided by visits. Views of cleared days have
        // none.
        (Measure::EngagedMilliseconds, _) if scope.is_partly_cleared => {
            "toUInt64(sumIf(engaged, of_visit != 0))".into()
        }
        (Measure::EngagedMilliseconds, _) => "toUInt64(sum(engaged))".into(),
        (Measure::EngagedVisits, _) => "uniqExactIf((of_visit, of_visitor), of_visit != 0 AND engaged > 0)".into(),
        (Measure::ScrollPercent, _) => "toUInt64(sum(depth))".into(),
        (Measure::ScrolledViews, _) => "countIf(has_depth)".into(),
        (Measure::ExitViews, _) => {
            "uniqExactIf(key, name = 'pageview' AND key != 0 AND visit != 0) + countIf(name = 'pageview' AND key = 0 AND visit != 0)".into()
        }
        (Measure::Candidates, _) => people(", visitor != 0)"),
        // An event that was sent twice has one amount.
        (Measure::RevenueMilli, _) => amount(scope, "toInt64(1000 * (arraySum(groupUniqArrayIf((key, revenue), key != 0", ").2) + sumIf(revenue, key = 0", ")))"),
        (Measure::RevenueEvents, _) => amount(scope, "uniqExactIf(key, key != 0", ") + countIf(key = 0", ")"),
        (Measure::Clicks, _) => "count()".into(),
        (Measure::LcpViews, _) => "countIf(lcp IS NOT NULL)".into(),
        (Measure::InpViews, _) => "countIf(inp IS NOT NULL)".into(),
        (Measure::ClsViews, _) => "countIf(cls_milli IS NOT NULL)".into(),
        (Measure::FcpViews, _) => "countIf(fcp IS NOT NULL)".into(),
        (Measure::TtfbViews, _) => "countIf(ttfb IS NOT NULL)".into(),
        (Measure::LcpValues, _) => "quantileExactIfState(0.75)(assumeNotNull(lcp), lcp IS NOT NULL)".into(),
        (Measure::InpValues, _) => "quantileExactIfState(0.75)(assumeNotNull(inp), inp IS NOT NULL)".into(),
        (Measure::ClsValues, _) => "quantileExactIfState(0.75)(assumeNotNull(cls_milli), cls_milli IS NOT NULL)".into(),
        (Measure::FcpValues, _) => "quantileExactIfState(0.75)(assumeNotNull(fcp), fcp IS NOT NULL)".into(),
        (Measure::TtfbValues, _) => "quantileExactIfState(0.75)(assumeNotNull(ttfb), ttfb IS NOT NULL)".into(),
    }
}

/// An expression over the rows whose amount is in the currency of the question.
fn amount(scope: &Scope, with_key: &'static str, without: &'static str, end: &'static str) -> Sql {
    let in_currency =
        || Sql::text(" AND revenue != 0 AND currency = ").then(Value::Text(scope.currency.clone()));
    Sql::text(with_key)
        .then(in_currency())
        .then(without)
        .then(in_currency())
        .then(end)
}
