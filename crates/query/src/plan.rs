//! From a request and a period to one statement.
//!
//! Duty: decide which readings of the events an answer needs and put the statement together from
//! the files in `sql/`. Pure, so that every plan can be looked at and tested without a server.
//! Invariants: the statement's columns are the dimensions, then the metrics, then what `Columns`
//! says; a row in which nothing was counted is absent; equal rows are ordered by their dimensions,
//! so that the same question has the same answer and pages don't overlap.
//!
//! Where the roll-ups hold the answer ([`Rolled`]), its first days are taken from them and only the
//! rest is read from the events: the last two days, as a rule. Where they don't but it is about
//! whole visits, [`finished`] visits stand in for them. What is left are questions about events; of
//! days whose ids are cleared they can count pages, not people.

use crate::suppression::conjunction;
use crate::dimension::{Bucket, Dimension};
use crate::filter::Filter;
use crate::rollup::visits as finished;
use crate::suppression::floor::{Floor, neighbours};
use crate::metric::{Measure, Metric, Reading};
use crate::period::Period;
use crate::scan::{Counting, DIMENSION_COLUMNS, Scope, read};
use crate::question::{Direction, OrderKey, Request};
use crate::rollup::daily::{Coverage, Rolled};
use crate::sql::{Sql, Statement, Value};

/// What is sent to the server, and how to read what comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub statement: Statement,
    /// The dimensions, with `time` settled.
    pub dimensions: Vec<Dimension>,
    pub columns: Columns,
    pub semantics: Option<Semantics>,
    /// Whether people who are known are counted over more days than their histories are exact for.
    pub is_estimated: bool,
    /// First day, since 1970, whose events have their ids, where the answer is counted from events
    /// of earlier days too.
    pub blind_until: Option<i64>,
    /// Whether the question asks for what cleared events do not say: then nothing of the days
    /// before is counted.
    pub needs_cleared: bool,
}

/// The columns after the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// People of the whole answer who were counted by daily ids.
    pub has_daily: bool,
    /// Rows of the whole answer.
    pub has_total: bool,
}

/// What `visitors` means in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Semantics {
    /// Distinct people.
    Exact,
    /// Distinct people over more days than gaps between visits are stored to the day for: near, not
    /// exact.
    Estimated,
    /// Distinct people, each under the properties of the first visit in the period (in the bucket,
    /// where there is one).
    FirstTouch,
    /// Sum of the distinct visitors of each day: somebody who came on three days counts three
    /// times.
    Daily,
    /// As `Daily`, and once under each value that the filter takes of a dimension; for audiences
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
    /// Whether a metric of this question can't be counted from events that are cleared.
    pub fn is_unknown_when_cleared(&self, metric: Metric) -> bool {
        self.needs_cleared || metric.needs_ids()
    }
}

/// Distinct visitors are exact over up to this many days: gaps between visits are stored to the day
/// up to it. The privacy door decides it; the program's `stats` checks that both agree.
pub const EXACT_DAYS_MAX: i32 = 31;

const METRIC_COLUMNS: [&str; 24] = [
    "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12", "m13", "m14",
    "m15", "m16", "m17", "m18", "m19", "m20", "m21", "m22", "m23",
];
const METRIC_ALIASES: [&str; 24] = [
    " AS m0", " AS m1", " AS m2", " AS m3", " AS m4", " AS m5", " AS m6", " AS m7", " AS m8",
    " AS m9", " AS m10", " AS m11", " AS m12", " AS m13", " AS m14", " AS m15", " AS m16",
    " AS m17", " AS m18", " AS m19", " AS m20", " AS m21", " AS m22", " AS m23",
];

/// Plans the statement for a request. `zone` is the name of the site's time zone, `coverage` what
/// of the site is rolled up; none makes a plan over raw events. `floor` is that of whoever asks.
pub fn plan(
    request: &Request,
    period: &Period,
    zone: &str,
    coverage: &Coverage,
    floor: Option<Floor>,
) -> Plan {
    let dimensions = request.dimensions(period.bucket());
    let scope = Scope {
        currency: request.currency().unwrap_or_default().to_owned(),
        overlapping: match floor {
            Some(_) => conjunction::overlapping(&request.filter),
            None => Vec::new(),
        },
        ..Scope::of(&request.site, zone, period, floor)
    };
    let mut measures: Vec<Measure> = Vec::new();
    let asked = request.metrics.iter().flat_map(|metric| metric.measures());
    let floored = floor.iter().flat_map(|floor| floor.measures());
    // Amounts are shown where enough events have one.
    let has_amounts = request.metrics.iter().any(|metric| metric.is_revenue());
    let amounts = (floor.is_some() && has_amounts).then_some(&Measure::RevenueEvents);
    for measure in asked.chain(floored).chain(amounts) {
        if !measures.contains(measure) {
            measures.push(*measure);
        }
    }
    let counting = counting(request, period, &dimensions);
    let needs_cleared = dimensions.iter().any(Dimension::is_cleared)
        || request.filter.has_dimension(&Dimension::is_cleared)
        || request.filter.has_behaviour();
    let question = Question {
        filter: &request.filter,
        counting,
        period,
        scope: &scope,
        coverage,
        needs_cleared,
    };
    let events_from = question.source(&dimensions, &measures).events_from;
    let blind_until = events_from.and_then(|first| coverage.blind_until(first));
    let readings = question.readings(&dimensions, &measures);
    let readings = match floor {
        None => readings,
        Some(floor) => {
            let is_additive = counting == Counting::FirstVisits(None);
            let total = Question {
                counting: self::counting(request, period, &[]),
                ..question
            };
            let neighbours = question.neighbours(request);
            let gate = total.gate(floor, &dimensions, &neighbours);
            let telling = question.telling(floor, &dimensions, &neighbours);
            floor.fold(readings, &dimensions, &measures, is_additive, telling, gate)
        }
    };
    let people = |people: &'static str, everybody: &'static str, filter: &Filter, counting| {
        let question = Question {
            filter,
            counting,
            ..question
        };
        let reading = question.readings(&[], &[Measure::Known, Measure::Daily]);
        Sql::template(
            include_str!("sql/everyone.sql"),
            &[
                ("people", people.into()),
                ("everybody", everybody.into()),
                ("reading", reading),
            ],
        )
    };
    let mut everyone = Sql::empty();
    if request.metrics.contains(&Metric::Percentage) {
        everyone = everyone.then(people(
            "everyone",
            "everybody",
            &request.filter,
            self::counting(request, period, &[]),
        ));
    }
    if request.metrics.contains(&Metric::ConversionRate) {
        let filter = request.filter.without_goals();
        // Daily visitors, as those who reached the goal are.
        everyone = everyone.then(people(
            "candidates_all",
            "candidates",
            &filter,
            Counting::DailyIds,
        ));
    }
    let columns = Columns {
        has_daily: measures.contains(&Measure::Daily),
        has_total: request.include_total_rows,
    };
    let statement = Sql::template(
        include_str!("sql/answer.sql"),
        &[
            ("columns", answer_columns(request, &dimensions, columns)),
            ("readings", readings),
            ("everyone", everyone),
            ("groups", answer_groups(&dimensions, &measures)),
            ("page", answer_page(request, &dimensions)),
        ],
    );
    // A bucket is a month at most, in which histories are exact.
    let is_estimated = counting == Counting::FirstVisits(None)
        && period.day_count() > i64::from(EXACT_DAYS_MAX) + 1;
    let semantics = request
        .metrics
        .iter()
        .any(|metric| metric.counts_people())
        .then(|| {
            let is_broken_down = dimensions
                .iter()
                .any(|dimension| dimension.bucket().is_none())
                || !request.filter.is_empty();
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

/// Whether no row of the answer is about more than one day of the site.
pub fn is_each_row_within_a_day(period: &Period, dimensions: &[Dimension]) -> bool {
    period.is_within_a_day()
        || dimensions
            .iter()
            .filter_map(Dimension::bucket)
            .any(|bucket| bucket <= Bucket::Day)
}

fn counting(request: &Request, period: &Period, dimensions: &[Dimension]) -> Counting {
    let is_about_events =
        dimensions.iter().any(Dimension::is_of_events) || request.filter.is_about_events();
    let bucket = dimensions.iter().filter_map(Dimension::bucket).min();
    if is_about_events || !period.begins_with_a_day() || bucket.is_some_and(Bucket::is_within_a_day)
    {
        Counting::DailyIds
    } else {
        Counting::FirstVisits(bucket)
    }
}

#[derive(Clone, Copy)]
struct Question<'a> {
    filter: &'a Filter,
    counting: Counting,
    period: &'a Period,
    scope: &'a Scope,
    coverage: &'a Coverage,
    /// Whether events of days that are cleared don't count.
    needs_cleared: bool,
}

impl Question<'_> {
    /// The filters of answers that this one may be compared with.
    fn neighbours(&self, request: &Request) -> Vec<Filter> {
        let mut others = neighbours(self.filter);
        // What a rate is measured against.
        let is_rate = |metric: &Metric| {
            matches!(metric, Metric::ConversionRate | Metric::GroupConversionRate)
        };
        let candidates = self.filter.without_goals();
        if request.metrics.iter().any(is_rate)
            && candidates != *self.filter
            && !others.contains(&candidates)
        {
            others.push(candidates);
        }
        others
    }

    fn with(&self, filter: &Filter, dimensions: &[Dimension], floor: Floor) -> Sql {
        let question = Question { filter, ..*self };
        question.readings(dimensions, floor.measures())
    }

    /// People, each counted on each day, by the same way as everybody sees them in an answer by
    /// days.
    fn everybody(&self, filter: &Filter, floor: Floor) -> Sql {
        let counting = match filter.is_about_events() {
            true => Counting::DailyIds,
            false => Counting::FirstVisits(Some(Bucket::Day)),
        };
        let scope = self.scope.counting_once();
        let question = Question {
            counting,
            scope: &scope,
            ..*self
        };
        question.with(filter, &[Dimension::Time(Bucket::Day)], floor)
    }

    /// The same under each value of a dimension of events.
    fn by_value(&self, dimension: &Dimension, filter: &Filter, floor: Floor) -> Sql {
        let scope = self.scope.counting_once();
        let question = Question {
            counting: Counting::DailyIds,
            scope: &scope,
            ..*self
        };
        question.with(filter, std::slice::from_ref(dimension), floor)
    }

    /// Whether the answer may be given beside its neighbours. The counting is that of the whole
    /// answer, so that people are compared who are counted alike. What the values of a dimension of
    /// events add up to tells, beside the number of all, how many people have several of them.
    fn gate(&self, floor: Floor, dimensions: &[Dimension], neighbours: &[Filter]) -> Sql {
        let people = |filter: &Filter| self.with(filter, &[], floor);
        // Rare values as well: what is folded among a few would be everybody under `not`.
        let unprotected = self.scope.unprotected();
        let cell = |filter: &Filter| {
            let question = Question {
                scope: &unprotected,
                ..*self
            };
            question.with(filter, &[], floor)
        };
        let mut contexts = conjunction::event_contexts(self.filter);
        let of_events = dimensions.iter().filter(|each| each.can_be_added_up());
        contexts.extend(of_events.map(|dimension| (dimension.clone(), self.filter.clone())));
        contexts.retain(|(dimension, _)| dimension.can_be_added_up());
        let severals = contexts.iter().map(|(dimension, filter)| {
            [
                self.by_value(dimension, filter, floor),
                self.everybody(filter, floor),
            ]
        });
        floor.gate(
            people(self.filter),
            neighbours.iter().map(people).collect(),
            conjunction::cells(self.filter).iter().map(cell).collect(),
            severals.collect(),
            conjunction::names_values(self.filter).then(|| cell(self.filter)),
        )
    }

    /// Rows that would tell of a few people beside the rows of its neighbours. People can lack a
    /// value of a dimension of events, so its rows are compared with the number of all people too.
    fn telling(&self, floor: Floor, dimensions: &[Dimension], neighbours: &[Filter]) -> Sql {
        let own = [self.filter];
        let asked = own.into_iter().chain(neighbours);
        let rows = asked.map(|filter| self.with(filter, dimensions, floor));
        let is_of_events = dimensions.len() == 1 && dimensions[0].is_of_events();
        let whole = is_of_events.then(|| self.everybody(self.filter, floor));
        floor.telling(dimensions.len(), rows.collect(), whole)
    }

    /// All rows that count for these dimensions and measures: from roll-ups as far as they go, then
    /// from events.
    fn readings(&self, dimensions: &[Dimension], measures: &[Measure]) -> Sql {
        let source = self.source(dimensions, measures);
        let first_day = self.scope.first_day;
        let mut parts = Vec::new();
        match (&source.days, source.until) {
            (Days::Rolled(rolled), Some(until)) => parts.push(rolled.read(
                self.scope,
                (self.coverage, (first_day, until)),
                dimensions,
                measures,
                self.counting,
            )),
            (Days::Finished(bucket), Some(until)) => parts.push(finished::read(
                self.scope,
                (self.coverage, (first_day, until)),
                dimensions,
                measures,
                *bucket,
                self.filter,
            )),
            (_, None) => {}
        }
        if let Some(first) = source.events_from {
            let mut events = self.scope.clone();
            let blind_until = self.coverage.blind_until(first);
            events.is_partly_cleared = blind_until.is_some();
            let seen_from = blind_until.filter(|_| self.needs_cleared).or(source.until);
            if let Some(day) = seen_from {
                events.since = Value::Number(self.period.day_start_s(day)).into();
            }
            let wanted = Reading::ALL
                .into_iter()
                .filter(|reading| measures.iter().any(|measure| measure.reading() == *reading));
            parts.extend(wanted.map(|reading| {
                read(
                    reading,
                    &events,
                    dimensions,
                    measures,
                    self.counting,
                    self.filter,
                )
            }));
        }
        Sql::join(parts, "\nUNION ALL\n")
    }

    /// Where the counts come from: whole days from what is written down of them, then events.
    fn source(&self, dimensions: &[Dimension], measures: &[Measure]) -> Source {
        let counting = self.counting;
        let days_end = self.period.whole_days_end();
        let first_day = self.scope.first_day;
        // Whole visits are rolled up with their histories, not with daily ids.
        let rolled = self
            .rolled(dimensions, measures)
            .filter(|rolled| counting != Counting::DailyIds || rolled.has_ids());
        let (days, until) = match (rolled, counting) {
            (Some(rolled), _) => {
                let until = if rolled.is_by_hour() {
                    self.coverage.visits_until(first_day, days_end)
                } else {
                    self.coverage.until(first_day, days_end)
                };
                (Days::Rolled(rolled), until)
            }
            (None, Counting::FirstVisits(bucket))
                if finished::can_tell(dimensions, measures, counting, self.filter) =>
            {
                let until = self.coverage.visits_until(first_day, days_end);
                (Days::Finished(bucket), until)
            }
            _ => (Days::Finished(None), None),
        };
        let is_answered = until == Some(days_end) && self.period.is_whole_days();
        Source {
            days,
            until,
            events_from: (!is_answered).then_some(until.unwrap_or(first_day)),
        }
    }

    /// The roll-up that holds whole days of this answer.
    fn rolled(&self, dimensions: &[Dimension], measures: &[Measure]) -> Option<Rolled> {
        let is_whole =
            |rolled: &Rolled| rolled.is_by_hour() || !dimensions.iter().any(is_within_a_day);
        let rolled = Rolled::of(dimensions).filter(|rolled| {
            self.period.begins_with_a_day() && is_whole(rolled) && self.filter.is_empty()
        })?;
        let has_all = measures.iter().all(|measure| rolled.has(measure.reading()));
        has_all.then_some(rolled)
    }
}

fn is_within_a_day(dimension: &Dimension) -> bool {
    dimension.bucket().is_some_and(Bucket::is_within_a_day)
}

/// Where an answer's counts come from.
struct Source {
    days: Days,
    /// The first day that is not taken from `days`; none when no day is.
    until: Option<i64>,
    /// The first day that is read from events; none when none is.
    events_from: Option<i64>,
}

/// What is written down of whole days.
enum Days {
    Rolled(Rolled),
    /// By the bucket in which people are counted.
    Finished(Option<Bucket>),
}

fn answer_columns(request: &Request, dimensions: &[Dimension], columns: Columns) -> Sql {
    let names = dimensions
        .iter()
        .zip(DIMENSION_COLUMNS)
        .map(|(_, name)| Sql::text(name));
    let metrics = request
        .metrics
        .iter()
        .zip(METRIC_ALIASES)
        .map(|(metric, alias)| Sql::text(metric.expression()).then(alias));
    let daily = match (columns.has_daily, dimensions.is_empty()) {
        (false, _) => None,
        (true, true) => Some(Sql::text("sum(daily)")),
        (true, false) => Some(Sql::text("sum(sum(daily)) OVER ()")),
    };
    let total = match (columns.has_total, dimensions.is_empty()) {
        (false, _) => None,
        (true, true) => Some(Sql::text("toUInt64(1)")),
        (true, false) => Some(Sql::text("count() OVER ()")),
    };
    Sql::join(names.chain(metrics).chain(daily).chain(total), ",\n    ")
}

fn answer_groups(dimensions: &[Dimension], measures: &[Measure]) -> Sql {
    if dimensions.is_empty() {
        return Sql::empty();
    }
    let names = dimensions
        .iter()
        .zip(DIMENSION_COLUMNS)
        .map(|(_, name)| Sql::text(name));
    let sums = measures
        .iter()
        .filter(|measure| measure.is_presence())
        .map(|measure| Sql::text(measure.sum()));
    Sql::text("GROUP BY ")
        .then(Sql::join(names, ", "))
        .then("\nHAVING ")
        .then(Sql::join(sums, " + "))
        .then(" > 0")
}

fn answer_page(request: &Request, dimensions: &[Dimension]) -> Sql {
    let mut order: Vec<Sql> = Vec::new();
    for (key, direction) in &request.order {
        let name = match key {
            OrderKey::Metric(index) => METRIC_COLUMNS[*index],
            OrderKey::Dimension(index) => DIMENSION_COLUMNS[*index],
        };
        order.push(Sql::text(name).then(match direction {
            Direction::Ascending => " ASC",
            Direction::Descending => " DESC",
        }));
    }
    for (index, name) in (0..dimensions.len()).zip(DIMENSION_COLUMNS) {
        if !request
            .order
            .iter()
            .any(|(key, _)| *key == OrderKey::Dimension(index))
        {
            order.push(name.into());
        }
    }
    let limit = |number: u64| Value::Number(i64::try_from(number).unwrap_or(i64::MAX));
    Sql::text("ORDER BY ")
        .then(Sql::join(order, ", "))
        .then("\nLIMIT ")
        .then(limit(request.limit))
        .then(" OFFSET ")
        .then(limit(request.offset))
}
