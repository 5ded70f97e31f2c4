//! The readings: ways of going through the events of a period, and what each counts.
//!
//! Duty: one statement a reading, put together from its file in `sql/`; `plan` adds the readings of
//! an answer up, and `rollup` stores them by day, so that both ways to an answer count alike. Pure.
//!
//! How people are counted ([`Counting`]): a visitor id lives for one site-local day, so ids alone
//! can't say how many people came in a week. Where the question is about whole visits in whole
//! days, a visit is taken as a new person exactly when the device's previous visit began before the
//! row's first day, which every visit carries along as `days_since_seen`; nobody is counted twice,
//! and a row's people are those whose first visit in the period has the row's properties. Where it
//! is about events or about parts of days, ids are counted, which is exact within a day and an
//! upper bound beyond.

use crate::suppression::conjunction;
use crate::dimension::{Bucket, Dimension, EventDimension, Goals, Join, VisitDimension};
use crate::filter::Filter;
use crate::suppression::floor::Floor;
use crate::metric::{Measure, Reading};
use crate::period::Period;
use crate::sql::{Sql, Value};

/// How people are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// By the visits that began in the bucket (or period) and whose predecessor began before it.
    FirstVisits(Option<Bucket>),
    /// By the daily ids.
    DailyIds,
    /// Not here: from the histories that the roll-ups keep.
    Histories,
}

/// Columns of the dimensions in every inner statement.
pub const DIMENSION_COLUMNS: [&str; 8] = ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7"];
/// The same, as they are named.
pub const DIMENSION_ALIASES: [&str; 8] = [
    " AS d0", " AS d1", " AS d2", " AS d3", " AS d4", " AS d5", " AS d6", " AS d7",
];

/// What every statement of an answer has in common.
#[derive(Debug, Clone)]
pub struct Scope {
    pub site: Sql,
    /// Name of the site's time zone.
    pub zone: Sql,
    /// Seconds since 1970, included.
    pub since: Sql,
    /// Seconds since 1970, not included.
    pub until: Sql,
    /// First day of the period, days since 1970; `since` may lie later when the days before come
    /// from roll-ups.
    pub first_day: i64,
    /// What filters may not see, for audiences with a floor.
    pub floor: Option<Floor>,
    /// ISO 4217 code of the amounts that count as revenue.
    pub currency: String,
    /// Whether some of the events no longer say which visit they are of.
    pub is_partly_cleared: bool,
    /// Dimensions under each of whose values a person counts, for audiences with a floor.
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

    /// A dimension's value on a row of events, as a filter may see it beside its other conditions.
    fn seen(&self, dimension: &Dimension, filter: &Filter) -> Sql {
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
        floor.seen(column, people.into(), rows)
    }

    /// The same rows, for conditions that see every value.
    pub fn unprotected(&self) -> Self {
        Self {
            floor: None,
            ..self.clone()
        }
    }

    /// The same with each person counted once, whatever values a filter takes.
    pub fn counting_once(&self) -> Self {
        Self {
            overlapping: Vec::new(),
            ..self.clone()
        }
    }

    /// A condition on a row of events.
    pub fn predicate(&self, filter: &Filter) -> Sql {
        filter.predicate(&|dimension| self.seen(dimension, filter), &|what| {
            self.matching(include_str!("sql/matching_visitors.sql"), what)
        })
    }

    /// A condition, with its `AND`, on the rows of visits: of those that meet it themselves or,
    /// where it is about events, that have an event which does.
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

    /// The statement of one of the two `matching` files.
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
}

impl Scope {
    /// What is counted distinct, once under each value of the overlapping dimensions.
    fn apart(&self, counted: Sql) -> Sql {
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

/// The tables that dimensions need beside the events.
pub fn source(scope: &Scope, dimensions: &[Dimension]) -> Sql {
    scope.joins(dimensions.iter().filter_map(Dimension::join).collect())
}

/// Engagement records are no events; only goals that are met by them look at them.
fn rows(with_engagement: bool) -> Sql {
    Sql::text(if with_engagement {
        ""
    } else {
        "AND name != 'engagement'"
    })
}

/// One reading, as a statement whose columns are the dimensions and all `measures`; those it
/// doesn't count are 0.
pub fn read(
    reading: Reading,
    scope: &Scope,
    dimensions: &[Dimension],
    measures: &[Measure],
    counting: Counting,
    filter: &Filter,
) -> Sql {
    let is_about_events =
        dimensions.iter().any(Dimension::is_of_events) || filter.is_about_events();
    let dimensions: &[Dimension] = &in_reading(reading, dimensions);
    let filter: &Filter = &match reading {
        Reading::Everyone => filter.without_goals(),
        _ => filter.clone(),
    };
    let with_engagement =
        filter.is_met_by_engagement() || dimensions.iter().any(Dimension::is_met_by_engagement);
    let mut joins: Vec<Join> = dimensions.iter().filter_map(Dimension::join).collect();
    joins.extend(scope.overlapping.iter().filter_map(Dimension::join));
    let condition = match reading {
        Reading::Visits => scope.visits_condition(filter, &mut joins),
        _ if filter.is_empty() => Sql::empty(),
        _ => {
            filter.add_joins(&mut joins);
            Sql::text("AND ").then(scope.predicate(filter))
        }
    };
    // Only pages have a next one.
    let condition = if reading == Reading::Events && joins.contains(&Join::Next) {
        condition.then(" AND name = 'pageview'")
    } else {
        condition
    };
    let count = |measure: &Measure| {
        let expression = if measure.reading() == reading {
            measure_expression(*measure, scope, counting, is_about_events)
        } else {
            Sql::text(measure.zero())
        };
        expression.then(measure.alias())
    };
    let of_rows = |aggregate: Option<(&'static str, &'static str)>| {
        dimensions
            .iter()
            .zip(DIMENSION_ALIASES)
            .map(move |(dimension, alias)| {
                let column = scope.column(dimension);
                match aggregate {
                    None => column.then(alias),
                    Some((before, after)) => Sql::text(before).then(column).then(after).then(alias),
                }
            })
    };
    let names = || {
        dimensions
            .iter()
            .zip(DIMENSION_COLUMNS)
            .map(|(_, name)| Sql::text(name))
    };
    let groups = if dimensions.is_empty() {
        Sql::empty()
    } else {
        Sql::text("GROUP BY ").then(Sql::join(names(), ", "))
    };
    let inner = |before, after| {
        // A click's cell is not one of the pageview's properties.
        let each = of_rows(Some((before, after)))
            .zip(dimensions)
            .filter(|(_, dimension)| **dimension != Dimension::Event(EventDimension::ClickCell))
            .map(|(column, _)| column);
        Sql::join(each.map(|column| column.then(",\n        ")), "")
    };
    let mut slots = vec![
        ("joins", scope.joins(joins)),
        ("site", scope.site.clone()),
        ("since", scope.since.clone()),
        ("until", scope.until.clone()),
        ("filters", condition),
        ("groups", groups),
    ];
    let counts = measures.iter().map(count);
    match reading {
        Reading::Events | Reading::Pages | Reading::Everyone => {
            slots.push(("rows", rows(with_engagement)));
            slots.push(("columns", Sql::join(of_rows(None).chain(counts), ",\n    ")));
            Sql::template(include_str!("sql/by_event.sql"), &slots)
        }
        Reading::Visits => {
            slots.push(("columns", Sql::join(names().chain(counts), ",\n    ")));
            slots.push((
                "dimensions",
                inner("anyIf(", ", seq = 1 AND name != 'engagement')"),
            ));
            Sql::template(include_str!("sql/by_visit.sql"), &slots)
        }
        Reading::Views | Reading::Vitals | Reading::Clicks => {
            let of_views = names().zip(dimensions).zip(DIMENSION_ALIASES);
            let columns = of_views.map(|((name, dimension), alias)| match dimension {
                Dimension::Event(EventDimension::ClickCell) => scope.column(dimension).then(alias),
                _ => name,
            });
            slots.push(("columns", Sql::join(columns.chain(counts), ",\n    ")));
            slots.push(("dimensions", inner("anyIf(", ", name = 'pageview')")));
            let file = match reading {
                Reading::Vitals => include_str!("sql/by_vitals.sql"),
                Reading::Clicks => include_str!("sql/by_click.sql"),
                _ => include_str!("sql/by_view.sql"),
            };
            Sql::template(file, &slots)
        }
    }
}

/// The dimensions as a reading sees them: what a page's exits and a goal's visitors are measured by
/// stands under the same values, taken from other columns.
fn in_reading(reading: Reading, dimensions: &[Dimension]) -> Vec<Dimension> {
    let one = |dimension: &Dimension| match (reading, dimension) {
        (Reading::Pages, Dimension::Visit(VisitDimension::ExitPage)) => {
            Dimension::Event(EventDimension::Page)
        }
        (Reading::Everyone, Dimension::Goal(goals, _)) => {
            Dimension::Goal(goals.clone(), Goals::All)
        }
        (_, other) => other.clone(),
    };
    dimensions.iter().map(one).collect()
}

/// A measure over the rows of its reading. Every one is a UInt64 but for revenue, an Int64, and
/// states.
fn measure_expression(
    measure: Measure,
    scope: &Scope,
    counting: Counting,
    is_about_events: bool,
) -> Sql {
    let people = |condition: &'static str| {
        let counted = scope.apart(Sql::text("visitor"));
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
            .then(scope.apart(Sql::text("(visit, visitor)")))
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
        // Of visits only, over which it is divided: views of cleared days have none.
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
        // An event sent twice has one amount.
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

/// Two counts of the rows whose amount is in the currency of the question.
fn amount(scope: &Scope, with_key: &'static str, without: &'static str, end: &'static str) -> Sql {
    let in_currency =
        || Sql::text(" AND revenue != 0 AND currency = ").then(Value::Text(scope.currency.clone()));
    Sql::text(with_key)
        .then(in_currency())
        .then(without)
        .then(in_currency())
        .then(end)
}
