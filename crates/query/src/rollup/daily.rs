//! Table `daily`: totals of finished days, by one dimension each.
//!
//! The list of dimensions that are rolled up, and the statement that reads them. The hours of a day
//! are one more dimension, so that hours of an earlier day can be read after its ids are cleared.
//!
//! Why one dimension at a time: the cost of an answer is then the number of its rows times its
//! days. Filters and pairs of dimensions read the events, which exist for as long as retention
//! allows. Why arrays of `days_since_seen`: the people of `[a, b]` are the visits whose device was
//! last seen before `a`, for every `a`.

use super::coverage::{Coverage, bucket_of_day};
use crate::bucket::Bucket;
use crate::columns;
use crate::dimension::{Dimension, EventDimension, VisitDimension};
use crate::measure::{Measure, Scan};
use crate::scan::{Counting, Scope};
use crate::sql::{Sql, Value};

/// The rows of `daily` about one dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct Rolled {
    /// The dimensions of columns `value` and `other`; empty for the whole site.
    pub dimensions: Vec<Dimension>,
}

const VISIT: [VisitDimension; 20] = [
    VisitDimension::Source,
    VisitDimension::Channel,
    VisitDimension::Referrer,
    VisitDimension::UtmSource,
    VisitDimension::UtmMedium,
    VisitDimension::UtmCampaign,
    VisitDimension::UtmContent,
    VisitDimension::UtmTerm,
    VisitDimension::Screen,
    VisitDimension::Device,
    VisitDimension::Browser,
    VisitDimension::Os,
    VisitDimension::Country,
    VisitDimension::Region,
    VisitDimension::City,
    VisitDimension::Language,
    VisitDimension::EntryPage,
    VisitDimension::ExitPage,
    VisitDimension::VisitNumber,
    VisitDimension::DaysSinceSeen,
];

const EVENT: [EventDimension; 5] = [
    EventDimension::Name,
    EventDimension::Page,
    EventDimension::Hostname,
    EventDimension::Policy,
    EventDimension::Basis,
];

/// A page and the page after it.
const JOURNEY: [Dimension; 2] = [
    Dimension::Event(EventDimension::Page),
    Dimension::Event(EventDimension::NextPage),
];

const HOURS: [Dimension; 1] = [Dimension::Time(Bucket::Hour)];

/// The measures in the order of the columns of `daily`.
pub const MEASURES: [Measure; 14] = [
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
    /// All rows that are rolled up.
    pub fn all() -> Vec<Rolled> {
        let visit = VISIT.map(|which| vec![Dimension::Visit(which)]);
        let event = EVENT.map(|which| vec![Dimension::Event(which)]);
        [Vec::new()]
            .into_iter()
            .chain(visit)
            .chain(event)
            .chain([JOURNEY.to_vec(), HOURS.to_vec()])
            .map(|dimensions| Rolled { dimensions })
            .collect()
    }

    /// The value of column `dimension`: the names of the dimensions.
    pub fn label(&self) -> String {
        let names: Vec<String> = self.dimensions.iter().map(Dimension::name).collect();
        names.join(" ")
    }

    /// The rows that hold an answer by these dimensions. Days and longer buckets need no dimension
    /// of their own; hours do.
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

    /// Whether its rows hold the counts of a scan.
    pub fn has(&self, scan: Scan) -> bool {
        match scan {
            Scan::Events => true,
            Scan::Visits => !self.is_of_events(),
            Scan::Views => self.dimensions != JOURNEY,
            Scan::Pages | Scan::Everyone | Scan::Clicks | Scan::Vitals => false,
        }
    }

    /// Whether it is about the hours of a day. Such rows exist only for days whose visits are
    /// stored.
    pub fn is_by_hour(&self) -> bool {
        self.dimensions == HOURS
    }

    /// Whether its people are counted by daily ids and not from histories.
    pub fn has_ids(&self) -> bool {
        self.is_of_events() || self.is_by_hour()
    }

    /// Whether it is about events.
    fn is_of_events(&self) -> bool {
        self.dimensions.iter().any(Dimension::is_of_events)
    }

    /// The statement that reads its rows of `[first_day, day_after)`. It has the columns of a
    /// [scan](crate::scan).
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
        let columns = dimensions.iter().map(|dimension| match dimension.bucket() {
            Some(Bucket::Hour) => Sql::text("toDateTime(")
                .then(values.next().unwrap_or("''"))
                .then(", 'UTC')"),
            Some(bucket) => bucket_of_day(bucket, "rolled.day", scope.first_day),
            None => Sql::text(values.next().unwrap_or("''")),
        });
        let counts = measures
            .iter()
            .map(|measure| rolled_measure(*measure, scope, counting).then(measure.alias()));
        Sql::template(
            include_str!("../sql/by_day.sql"),
            &[
                (
                    "columns",
                    Sql::join(columns::named(columns).chain(counts), ",\n    "),
                ),
                ("site", scope.site.clone()),
                of_days,
                of_versions,
                ("dimension", Value::Text(self.label()).into()),
                ("first_day", Value::Number(days.0).into()),
                ("day_after", Value::Number(days.1).into()),
                ("groups", columns::group_by(dimensions.len())),
            ],
        )
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
        // Not rolled up: `Rolled::has` excludes their scans, and only questions about goals ask for
        // revenue.
        (other, _) => Sql::text(other.zero()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_that_are_stored_and_name_their_dimensions() {
        let stored = [
            "",
            "visit:source",
            "visit:channel",
            "visit:referrer",
            "visit:utm_source",
            "visit:utm_medium",
            "visit:utm_campaign",
            "visit:utm_content",
            "visit:utm_term",
            "visit:screen",
            "visit:device",
            "visit:browser",
            "visit:os",
            "visit:country",
            "visit:region",
            "visit:city",
            "visit:language",
            "visit:entry_page",
            "visit:exit_page",
            "visit:visit_number",
            "visit:days_since_seen",
            "event:name",
            "event:page",
            "event:hostname",
            "event:policy",
            "event:basis",
            "event:page event:next_page",
            "time:hour",
        ];
        let labels: Vec<String> = Rolled::all().iter().map(Rolled::label).collect();
        assert_eq!(labels, stored);
        for rolled in Rolled::all() {
            assert_eq!(Rolled::of(&rolled.dimensions), Some(rolled));
        }
    }
}
