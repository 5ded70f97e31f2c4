//! The counts of an answer: stored days first, then scans of the events; and what suppression
//! compares them with.

use crate::bucket::Bucket;
use crate::dimension::Dimension;
use crate::filter::Filter;
use crate::measure::{Measure, Scan};
use crate::metric::Metric;
use crate::period::Period;
use crate::question::Question;
use crate::rollup::coverage::Coverage;
use crate::rollup::daily::Rolled;
use crate::rollup::visits;
use crate::scan::{Counting, Scope, read};
use crate::sql::{Sql, Value};
use crate::suppression::conjunction;
use crate::suppression::floor::Floor;
use crate::suppression::neighbours::neighbours;

/// The counts of one filter over one period.
#[derive(Clone, Copy)]
pub(super) struct Counts<'a> {
    pub(super) filter: &'a Filter,
    pub(super) counting: Counting,
    pub(super) period: &'a Period,
    pub(super) scope: &'a Scope,
    pub(super) coverage: &'a Coverage,
    /// Whether days without ids are left out.
    pub(super) needs_cleared: bool,
}

impl Counts<'_> {
    /// The filters of answers with which this one can be compared.
    pub(super) fn neighbours(&self, question: &Question) -> Vec<Filter> {
        let mut others = neighbours(self.filter);
        // The base of a rate is an answer too.
        let is_rate = |metric: &Metric| {
            matches!(metric, Metric::ConversionRate | Metric::GroupConversionRate)
        };
        let candidates = self.filter.without_goals();
        if question.metrics.iter().any(is_rate)
            && candidates != *self.filter
            && !others.contains(&candidates)
        {
            others.push(candidates);
        }
        others
    }

    fn with(&self, filter: &Filter, dimensions: &[Dimension], floor: Floor) -> Sql {
        let counts = Counts { filter, ..*self };
        counts.scans(dimensions, floor.measures())
    }

    /// All people, each counted on each day, as in an answer by days.
    fn all_people(&self, filter: &Filter, floor: Floor) -> Sql {
        let counting = match filter.is_about_events() {
            true => Counting::DailyIds,
            false => Counting::FirstVisits(Some(Bucket::Day)),
        };
        let scope = self.scope.counting_once();
        let counts = Counts {
            counting,
            scope: &scope,
            ..*self
        };
        counts.with(filter, &[Dimension::Time(Bucket::Day)], floor)
    }

    /// The same under each value of a dimension of events.
    fn by_value(&self, dimension: &Dimension, filter: &Filter, floor: Floor) -> Sql {
        let scope = self.scope.counting_once();
        let counts = Counts {
            counting: Counting::DailyIds,
            scope: &scope,
            ..*self
        };
        counts.with(filter, std::slice::from_ref(dimension), floor)
    }

    /// The condition under which the answer can be given although its neighbours can be asked for
    /// too. People are counted as in the whole answer, so the numbers are comparable. Beside the
    /// number of all people, the sum over the values of a dimension of events reveals how many
    /// people have several values.
    pub(super) fn condition(
        &self,
        floor: Floor,
        dimensions: &[Dimension],
        neighbours: &[Filter],
    ) -> Sql {
        let people = |filter: &Filter| self.with(filter, &[], floor);
        // With rare values: a value that is folded would match all visitors under `not`.
        let unprotected = self.scope.unprotected();
        let cell = |filter: &Filter| {
            let counts = Counts {
                scope: &unprotected,
                ..*self
            };
            counts.with(filter, &[], floor)
        };
        let mut contexts = conjunction::event_contexts(self.filter);
        let of_events = dimensions.iter().filter(|each| each.can_be_added_up());
        contexts.extend(of_events.map(|dimension| (dimension.clone(), self.filter.clone())));
        contexts.retain(|(dimension, _)| dimension.can_be_added_up());
        let severals = contexts.iter().map(|(dimension, filter)| {
            [
                self.by_value(dimension, filter, floor),
                self.all_people(filter, floor),
            ]
        });
        floor.condition(
            people(self.filter),
            neighbours.iter().map(people).collect(),
            conjunction::cells(self.filter).iter().map(cell).collect(),
            severals.collect(),
            conjunction::names_values(self.filter).then(|| cell(self.filter)),
        )
    }

    /// Rows that reveal a few people beside the rows of the neighbours. People can lack a value of
    /// a dimension of events, so its rows are compared with the number of all people too.
    pub(super) fn revealing_rows(
        &self,
        floor: Floor,
        dimensions: &[Dimension],
        neighbours: &[Filter],
    ) -> Sql {
        let own = [self.filter];
        let asked = own.into_iter().chain(neighbours);
        let rows = asked.map(|filter| self.with(filter, dimensions, floor));
        let is_of_events = dimensions.len() == 1 && dimensions[0].is_of_events();
        let whole = is_of_events.then(|| self.all_people(self.filter, floor));
        floor.revealing_rows(dimensions.len(), rows.collect(), whole)
    }

    /// All rows for these dimensions and measures: from roll-ups as far as they reach, then from
    /// events.
    pub(super) fn scans(&self, dimensions: &[Dimension], measures: &[Measure]) -> Sql {
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
            (Days::Visits(bucket), Some(until)) => parts.push(visits::read(
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
            let wanted = Scan::ALL
                .into_iter()
                .filter(|scan| measures.iter().any(|measure| measure.scan() == *scan));
            parts.extend(wanted.map(|scan| {
                read(
                    scan,
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

    /// Where the counts come from: whole days that are stored, then events.
    pub(super) fn source(&self, dimensions: &[Dimension], measures: &[Measure]) -> Source {
        let counting = self.counting;
        let days_end = self.period.whole_days_end();
        let first_day = self.scope.first_day;
        // Totals of whole visits are stored with their histories, not with daily ids.
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
                if visits::can_answer(dimensions, measures, counting, self.filter) =>
            {
                let until = self.coverage.visits_until(first_day, days_end);
                (Days::Visits(bucket), until)
            }
            _ => (Days::Visits(None), None),
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
        let has_all = measures.iter().all(|measure| rolled.has(measure.scan()));
        has_all.then_some(rolled)
    }
}

fn is_within_a_day(dimension: &Dimension) -> bool {
    dimension.bucket().is_some_and(Bucket::is_within_a_day)
}

/// Where the counts of an answer come from.
pub(super) struct Source {
    days: Days,
    /// The first day that is not taken from `days`; `None` where no day is.
    until: Option<i64>,
    /// The first day that is read from events; `None` where no day is.
    pub(super) events_from: Option<i64>,
}

/// How whole days are stored.
enum Days {
    Rolled(Rolled),
    /// With the bucket in which people are counted.
    Visits(Option<Bucket>),
}
