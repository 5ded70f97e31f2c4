//! Roll-ups: what is stored by day, when an answer may be taken from it, and the statements for
//! both.
//!
//! Duty: the list of dimensions that are rolled up, and the two statements about table `daily`.
//! Building goes through the same [`reading`](super::reading)s as answering from events, grouped by
//! day, so there is one definition of every count; a test asks each golden question both ways.
//! Pure; `roll` runs the statements.
//!
//! The hours of a day are one more dimension, so that an earlier day can be looked at when its ids
//! are cleared.
//!
//! Why one dimension at a time: the cost of an answer is then the length of its rows times its
//! days. Filters and pairs of dimensions go to the events, which are there for as long as retention
//! says. Why arrays of `days_since_seen`: people over `[a, b]` are the visits whose device was last
//! seen before `a`, for every `a`.

use crate::dimension::{Bucket, Dimension, EventDimension, VisitDimension};
use crate::filter::Filter;
use crate::metric::{Measure, Reading};
use crate::scan::{Counting, DIMENSION_ALIASES, DIMENSION_COLUMNS, Scope, read, source};
use crate::sql::{Sql, Value};

/// What one kind of rows of `daily` is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Rolled {
    /// In column `dimension`.
    pub label: &'static str,
    /// None for the whole site, else those of columns `value` and `other`.
    pub dimensions: Vec<Dimension>,
}

/// Days of a site that are rolled up. All days are in days since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Ascending, each once.
    days: Vec<i64>,
    /// Beside `days`: of which building the rows count.
    versions: Vec<i64>,
    /// Those whose visits are written down; the same.
    visit_days: Vec<i64>,
    /// First day whose events have their ids, where those of earlier days are cleared.
    cleared_before: Option<i64>,
}

const VISIT: [(&str, VisitDimension); 20] = [
    ("visit:source", VisitDimension::Source),
    ("visit:channel", VisitDimension::Channel),
    ("visit:referrer", VisitDimension::Referrer),
    ("visit:utm_source", VisitDimension::UtmSource),
    ("visit:utm_medium", VisitDimension::UtmMedium),
    ("visit:utm_campaign", VisitDimension::UtmCampaign),
    ("visit:utm_content", VisitDimension::UtmContent),
    ("visit:utm_term", VisitDimension::UtmTerm),
    ("visit:screen", VisitDimension::Screen),
    ("visit:device", VisitDimension::Device),
    ("visit:browser", VisitDimension::Browser),
    ("visit:os", VisitDimension::Os),
    ("visit:country", VisitDimension::Country),
    ("visit:region", VisitDimension::Region),
    ("visit:city", VisitDimension::City),
    ("visit:language", VisitDimension::Language),
    ("visit:entry_page", VisitDimension::EntryPage),
    ("visit:exit_page", VisitDimension::ExitPage),
    ("visit:visit_number", VisitDimension::VisitNumber),
    ("visit:days_since_seen", VisitDimension::DaysSinceSeen),
];

const EVENT: [(&str, EventDimension); 5] = [
    ("event:name", EventDimension::Name),
    ("event:page", EventDimension::Page),
    ("event:hostname", EventDimension::Hostname),
    ("event:policy", EventDimension::Policy),
    ("event:basis", EventDimension::Basis),
];

const HOURS: &str = "time:hour";

const JOURNEY: &str = "event:page event:next_page";

/// All measures in the order of the columns of `daily`.
const MEASURES: [Measure; 14] = [
    Measure::Known,
    Measure::Daily,
    Measure::New,
    Measure::Visits,
    Measure::Pageviews,
    Measure::Events,
    Measure::WholeVisits,
    Measure::Bounces,
    Measure::DurationSeconds,
    Measure::VisitViews,
    Measure::EngagedMilliseconds,
    Measure::EngagedVisits,
    Measure::ScrollPercent,
    Measure::ScrolledViews,
];

impl Rolled {
    /// Everything that is rolled up.
    pub fn all() -> Vec<Rolled> {
        let whole = Rolled {
            label: "",
            dimensions: Vec::new(),
        };
        let visit = VISIT.map(|(label, which)| Rolled {
            label,
            dimensions: vec![Dimension::Visit(which)],
        });
        let event = EVENT.map(|(label, which)| Rolled {
            label,
            dimensions: vec![Dimension::Event(which)],
        });
        let pages = [EventDimension::Page, EventDimension::NextPage].map(Dimension::Event);
        let journey = Rolled {
            label: JOURNEY,
            dimensions: pages.to_vec(),
        };
        let hours = Rolled {
            label: HOURS,
            dimensions: vec![Dimension::Time(Bucket::Hour)],
        };
        [whole]
            .into_iter()
            .chain(visit)
            .chain(event)
            .chain([journey, hours])
            .collect()
    }

    /// The rows that hold an answer by these dimensions, those of time left out but for hours
    /// alone.
    pub fn of(dimensions: &[Dimension]) -> Option<Rolled> {
        let named: Vec<Dimension> = dimensions
            .iter()
            .filter(|dimension| {
                dimension.bucket().is_none() || **dimension == Dimension::Time(Bucket::Hour)
            })
            .map(|dimension| match dimension {
                Dimension::Visit(VisitDimension::CityName) => {
                    Dimension::Visit(VisitDimension::City)
                }
                other => other.clone(),
            })
            .collect();
        Self::all()
            .into_iter()
            .find(|rolled| rolled.dimensions == named)
    }

    /// Whether its rows hold what a reading counts.
    pub fn has(&self, reading: Reading) -> bool {
        match reading {
            Reading::Events => true,
            Reading::Visits => !self.is_of_events(),
            Reading::Views => self.label != JOURNEY,
            Reading::Pages | Reading::Everyone | Reading::Clicks | Reading::Vitals => false,
        }
    }

    /// Whether it is about the hours of a day; and such rows are there of days whose visits are
    /// written down only.
    pub fn is_by_hour(&self) -> bool {
        self.label == HOURS
    }

    /// Whether its people are counted by daily ids, not from histories.
    pub fn has_ids(&self) -> bool {
        self.is_of_events() || self.is_by_hour()
    }

    /// Whether it is about events.
    fn is_of_events(&self) -> bool {
        self.dimensions.iter().any(Dimension::is_of_events)
    }

    /// The statement that reads its rows from `[first_day, day_after)`: columns as those of a
    /// [`reading`](super::reading).
    pub fn read(
        &self,
        scope: &Scope,
        (coverage, days): (&Coverage, (i64, i64)),
        dimensions: &[Dimension],
        measures: &[Measure],
        counting: Counting,
    ) -> Sql {
        let [of_days, of_versions] = coverage.current(days);
        let mut values = ["rolled.value", "rolled.other"].into_iter();
        let columns = dimensions
            .iter()
            .zip(DIMENSION_ALIASES)
            .map(|(dimension, alias)| {
                let column = match dimension.bucket() {
                    Some(Bucket::Hour) => Sql::text("toDateTime(")
                        .then(values.next().unwrap_or("''"))
                        .then(", 'UTC')"),
                    Some(bucket) => bucket_of_day(bucket, "rolled.day", scope.first_day),
                    None => Sql::text(values.next().unwrap_or("''")),
                };
                column.then(alias)
            });
        let columns: Vec<Sql> = columns.collect();
        let counts = measures
            .iter()
            .map(|measure| rolled_measure(*measure, scope, counting).then(measure.alias()));
        let names = dimensions
            .iter()
            .zip(DIMENSION_COLUMNS)
            .map(|(_, name)| Sql::text(name));
        let groups = if dimensions.is_empty() {
            Sql::empty()
        } else {
            Sql::text("GROUP BY ").then(Sql::join(names, ", "))
        };
        Sql::template(
            include_str!("../sql/by_day.sql"),
            &[
                (
                    "columns",
                    Sql::join(columns.into_iter().chain(counts), ",\n    "),
                ),
                ("site", scope.site.clone()),
                of_days,
                of_versions,
                ("dimension", Value::Text(self.label.to_owned()).into()),
                ("first_day", Value::Number(days.0).into()),
                ("day_after", Value::Number(days.1).into()),
                ("groups", groups),
            ],
        )
    }

    /// The statement that rolls up the days of `scope`, which are whole days of the site, as
    /// `version`.
    pub fn build(&self, scope: &Scope, version: i64) -> Sql {
        let day = Dimension::Time(Bucket::Day);
        let dimensions: Vec<Dimension> = [day].into_iter().chain(self.dimensions.clone()).collect();
        let none = Filter::All(Vec::new());
        // People who are known are counted from their histories, but for events, where daily ids
        // are.
        let counting = if self.has_ids() {
            Counting::DailyIds
        } else {
            Counting::Histories
        };
        let readings = [Reading::Events, Reading::Visits, Reading::Views].into_iter();
        let readings = readings
            .filter(|reading| self.has(*reading))
            .map(|reading| {
                let reading = read(reading, scope, &dimensions, &MEASURES, counting, &none);
                Sql::template(
                    include_str!("../sql/without_history.sql"),
                    &[("reading", reading)],
                )
            });
        let histories = (!self.has_ids()).then(|| history(scope, &dimensions));
        let names = || {
            dimensions
                .iter()
                .zip(DIMENSION_COLUMNS)
                .map(|(_, name)| Sql::text(name))
        };
        let values = names()
            .skip(1)
            .chain([Sql::text("''"), Sql::text("''")])
            .take(2);
        Sql::template(
            include_str!("../sql/roll_days.sql"),
            &[
                ("site", scope.site.clone()),
                ("dimension", Value::Text(self.label.to_owned()).into()),
                ("version", Value::Number(version).into()),
                ("values", Sql::join(values, ", ")),
                (
                    "sums",
                    Sql::join(
                        MEASURES.iter().map(|measure| Sql::text(measure.sum())),
                        ", ",
                    ),
                ),
                (
                    "readings",
                    Sql::join(readings.chain(histories), "\nUNION ALL\n"),
                ),
                ("groups", Sql::join(names(), ", ")),
            ],
        )
    }
}

impl Coverage {
    /// Days that are rolled up, with whether their visits are written down and the version that
    /// counts; ascending, each once.
    pub fn new(days: &[(i64, bool, i64)], cleared_before: Option<i64>) -> Self {
        let with_visits = days.iter().filter(|(_, has_visits, _)| *has_visits);
        Self {
            days: days.iter().map(|(day, ..)| *day).collect(),
            versions: days.iter().map(|(.., version)| *version).collect(),
            visit_days: with_visits.map(|(day, ..)| *day).collect(),
            cleared_before,
        }
    }

    /// The slots `days` and `versions` of a statement over `[first_day, day_after)`: which building
    /// counts for which day. Bound from here rather than asked for in each statement, which took a
    /// third of the time of a short answer.
    pub fn current(&self, (first_day, day_after): (i64, i64)) -> [(&'static str, Sql); 2] {
        let within = self
            .days
            .iter()
            .zip(&self.versions)
            .filter(|(day, _)| (first_day..day_after).contains(*day));
        // The pair of a day that no row has: an empty list has no type to compare with.
        let pairs = within.map(|(day, version)| (*day, *version));
        let (days, versions): (Vec<i64>, Vec<i64>) = [(-1, 0)].into_iter().chain(pairs).unzip();
        [("days", days), ("versions", versions)]
            .map(|(slot, numbers)| (slot, Value::Numbers(numbers).into()))
    }

    /// The day up to which the days from `first_day` on can be taken from the roll-ups, at most
    /// `day_after`; none if the first can't.
    pub fn until(&self, first_day: i64, day_after: i64) -> Option<i64> {
        self.run(&self.days, first_day, day_after)
    }

    /// The same for finished visits.
    pub fn visits_until(&self, first_day: i64, day_after: i64) -> Option<i64> {
        self.run(&self.visit_days, first_day, day_after)
    }

    /// First day whose events have their ids, where `from` is one that has not.
    pub fn blind_until(&self, from: i64) -> Option<i64> {
        self.cleared_before.filter(|first| from < *first)
    }

    /// Building begins with the first day that has events, so the days before it hold nothing.
    fn run(&self, days: &[i64], first_day: i64, day_after: i64) -> Option<i64> {
        let begin = (*self.days.first()?).max(first_day);
        let index = days.binary_search(&begin).ok()?;
        let row = days[index..]
            .iter()
            .zip(begin..)
            .take_while(|(day, expected)| **day == *expected);
        let until = (begin + row.count() as i64).min(day_after);
        (until > first_day).then_some(until)
    }
}

/// The bucket of a row of days, whose column is `day`.
pub fn bucket_of_day(bucket: Bucket, day: &'static str, first_day: i64) -> Sql {
    match bucket {
        Bucket::Week => Sql::text("greatest(toMonday(")
            .then(day)
            .then("), toDate(")
            .then(Value::Number(first_day))
            .then("))"),
        Bucket::Month => Sql::text("toStartOfMonth(").then(day).then(")"),
        // Shorter ones are never planned on days.
        Bucket::Day | Bucket::Hour | Bucket::Minute => day.into(),
    }
}

fn rolled_measure(measure: Measure, scope: &Scope, counting: Counting) -> Sql {
    match (measure, counting) {
        (Measure::Known, Counting::FirstVisits(bucket)) => {
            let first = Sql::value(Value::Number(scope.first_day));
            let bucket_first = match bucket {
                None => first,
                Some(bucket) => Sql::text("greatest(toInt32(toDate(")
                    .then(bucket_of_day(bucket, "rolled.day", scope.first_day))
                    .then(")), ")
                    .then(first)
                    .then(")"),
            };
            Sql::text("sum(arraySum((seen, visits) -> if(seen > toInt32(rolled.day) - ")
                .then(bucket_first)
                .then(", visits, 0), rolled.seen_days, rolled.seen_visits))")
        }
        (Measure::New, Counting::FirstVisits(_)) => {
            "sum(arraySum((seen, visits) -> if(seen = 32767, visits, 0), rolled.seen_days, rolled.seen_visits))".into()
        }
        (Measure::Known, _) => "sum(rolled.known)".into(),
        (Measure::New, _) => "sum(rolled.new)".into(),
        (Measure::Daily, _) => "sum(rolled.daily)".into(),
        (Measure::Visits, _) => "sum(rolled.visits)".into(),
        (Measure::Pageviews, _) => "sum(rolled.pageviews)".into(),
        (Measure::Events, _) => "sum(rolled.events)".into(),
        (Measure::WholeVisits, _) => "sum(rolled.whole_visits)".into(),
        (Measure::Bounces, _) => "sum(rolled.bounces)".into(),
        (Measure::DurationSeconds, _) => "sum(rolled.duration_s)".into(),
        (Measure::VisitViews, _) => "sum(rolled.visit_views)".into(),
        (Measure::EngagedMilliseconds, _) => "sum(rolled.engaged_ms)".into(),
        (Measure::EngagedVisits, _) => "sum(rolled.engaged_visits)".into(),
        (Measure::ScrollPercent, _) => "sum(rolled.scroll_percent)".into(),
        (Measure::ScrolledViews, _) => "sum(rolled.scrolled_views)".into(),
        // Not rolled up: `Rolled::has` says so of their readings, and revenue is only asked for of
        // goals.
        (other, _) => Sql::text(other.zero()),
    }
}

/// The reading of histories, with the columns of the others left 0.
fn history(scope: &Scope, dimensions: &[Dimension]) -> Sql {
    let names = || {
        dimensions
            .iter()
            .zip(DIMENSION_COLUMNS)
            .map(|(_, name)| Sql::text(name))
    };
    let zeros = MEASURES
        .iter()
        .map(|measure| Sql::text("toUInt64(0)").then(measure.alias()));
    let arrays = [
        "groupArray(seen) AS seen_days",
        "groupArray(people) AS seen_visits",
    ]
    .map(Sql::text);
    let columns = dimensions
        .iter()
        .zip(DIMENSION_ALIASES)
        .map(|(dimension, alias)| scope.column(dimension).then(alias).then(",\n        "));
    Sql::template(
        include_str!("../sql/by_history.sql"),
        &[
            (
                "columns",
                Sql::join(names().chain(zeros).chain(arrays), ",\n    "),
            ),
            ("dimensions", Sql::join(columns, "")),
            ("joins", source(scope, dimensions)),
            ("site", scope.site.clone()),
            ("since", scope.since.clone()),
            ("until", scope.until.clone()),
            ("groups", Sql::join(names(), ", ")),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_as_rolled_up_only_without_a_gap() {
        let coverage = Coverage::new(
            &[(10, false, 1), (11, true, 1), (12, true, 2), (14, true, 1)],
            Some(12),
        );
        assert_eq!(coverage.visits_until(11, 20), Some(13));
        assert_eq!(
            coverage.visits_until(10, 20),
            None,
            "the first day is rolled up without"
        );
        assert_eq!(coverage.visits_until(9, 20), None);
        assert_eq!(coverage.blind_until(11), Some(12));
        assert_eq!(coverage.blind_until(12), None);
        assert_eq!(coverage.until(10, 12), Some(12));
        assert_eq!(coverage.until(11, 20), Some(13));
        assert_eq!(coverage.until(13, 20), None);
        assert_eq!(coverage.until(14, 20), Some(15));
        assert_eq!(coverage.until(15, 20), None);
        // Before the first event there is nothing to count.
        assert_eq!(coverage.until(5, 12), Some(12));
        assert_eq!(coverage.until(5, 8), Some(8));
        assert_eq!(Coverage::default().until(5, 8), None);
    }

    #[test]
    fn a_statement_binds_the_versions_of_its_days_only() {
        let coverage = Coverage::new(&[(10, true, 7), (11, true, 8), (12, true, 9)], None);
        let numbers = |numbers: [i64; 3]| Sql::value(Value::Numbers(numbers.to_vec()));
        assert_eq!(
            coverage.current((10, 12)),
            [
                ("days", numbers([-1, 10, 11])),
                ("versions", numbers([0, 7, 8]))
            ]
        );
    }

    #[test]
    fn every_label_names_its_dimensions() {
        for rolled in Rolled::all() {
            let names: Vec<String> = rolled.dimensions.iter().map(Dimension::name).collect();
            assert_eq!(names.join(" "), rolled.label);
            assert_eq!(Rolled::of(&rolled.dimensions), Some(rolled));
        }
    }
}
