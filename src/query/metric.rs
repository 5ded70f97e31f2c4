//! The metrics: what each is, in which unit, and from which counts it is made.
//!
//! Duty: the one definition of every number that an answer can hold. The doc comment of a variant is the public
//! definition: `docs/metrics.md` is made from it. A metric is an expression over [`Measure`]s, plain sums that `plan`
//! takes from the events in up to three readings ([`Reading`]); the same expression therefore serves raw rows and
//! roll-ups alike.
//!
//! Words: an *event* is a row that is not an engagement record. A *visit* begins with its first event (`seq` = 1) and
//! belongs, whole, to the period and the row in which it began, unless the question is about events (a page, a goal, an
//! event name): then a visit counts wherever it had such an event.

use serde_json::Value as Json;

/// A number that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Distinct people. For whole days and questions about whole visits it is exact for everybody who consented: a
    /// visit counts as a new person exactly when the same device's previous visit began before the period. People
    /// without a measurement cookie, and all people in questions about events, are counted per day and summed over
    /// days, an upper bound; `meta.visitors_semantics` says which it is.
    Visitors,
    /// Visits that began in the period. A visit ends after 30 minutes without an event.
    Visits,
    /// Pages seen. A page reported twice by a retrying browser counts once.
    Pageviews,
    /// Pageviews of visits divided by visits, two decimals.
    ViewsPerVisit,
    /// Share of visits with at most one pageview and no interactive custom event, in percent, 0 to 100.
    BounceRate,
    /// Mean time from the first to the last record of a visit, in seconds; engagement records count as records.
    VisitDuration,
    /// Pageviews and custom events.
    Events,
    /// Visitors of the row divided by visitors of the whole answer, in percent, one decimal.
    Percentage,
    /// Mean of the greatest depth to which a page was scrolled, in percent of its height, 0 to 100, over the pageviews
    /// whose depth is known; `null` when there is none.
    ScrollDepth,
    /// Mean time a page was visible and focused, in seconds per visit that saw it; `null` when none is known.
    TimeOnPage,
    /// Mean time the site's pages were visible and focused, in seconds per visit with any such time; `null` when none
    /// is known.
    EngagementTime,
    /// Visitors whose first visit ever lies in the period. Only people with a measurement cookie can be told apart.
    NewVisitors,
    /// Visitors who had been here before the period. Only people with a measurement cookie can be told apart.
    ReturningVisitors,
}

/// A count that can be summed over rows; the column names of the inner statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// People whose history is known.
    Known,
    /// People of a day whose history is not known.
    Daily,
    /// People who had never been here.
    New,
    Visits,
    Pageviews,
    Events,
    /// Visits, each read whole.
    WholeVisits,
    Bounces,
    DurationSeconds,
    VisitViews,
    EngagedMilliseconds,
    EngagedVisits,
    ScrollPercent,
    ScrolledViews,
}

/// A way of going through the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// Row by row.
    Events,
    /// Visit by visit, each whole.
    Visits,
    /// Pageview by pageview, each with its engagement records.
    Views,
}

impl Metric {
    /// All of them, in the order of the documentation.
    pub const ALL: [Metric; 13] = [
        Metric::Visitors,
        Metric::Visits,
        Metric::Pageviews,
        Metric::ViewsPerVisit,
        Metric::BounceRate,
        Metric::VisitDuration,
        Metric::Events,
        Metric::Percentage,
        Metric::ScrollDepth,
        Metric::TimeOnPage,
        Metric::EngagementTime,
        Metric::NewVisitors,
        Metric::ReturningVisitors,
    ];

    /// The metric of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Its name in requests and answers.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Visitors => "visitors",
            Metric::Visits => "visits",
            Metric::Pageviews => "pageviews",
            Metric::ViewsPerVisit => "views_per_visit",
            Metric::BounceRate => "bounce_rate",
            Metric::VisitDuration => "visit_duration",
            Metric::Events => "events",
            Metric::Percentage => "percentage",
            Metric::ScrollDepth => "scroll_depth",
            Metric::TimeOnPage => "time_on_page",
            Metric::EngagementTime => "engagement_time",
            Metric::NewVisitors => "new_visitors",
            Metric::ReturningVisitors => "returning_visitors",
        }
    }

    /// What it is made of.
    pub fn measures(self) -> &'static [Measure] {
        match self {
            Metric::Visitors | Metric::Percentage => &[Measure::Known, Measure::Daily],
            Metric::Visits => &[Measure::Visits],
            Metric::Pageviews => &[Measure::Pageviews],
            Metric::ViewsPerVisit => &[Measure::VisitViews, Measure::WholeVisits],
            Metric::BounceRate => &[Measure::Bounces, Measure::WholeVisits],
            Metric::VisitDuration => &[Measure::DurationSeconds, Measure::WholeVisits],
            Metric::Events => &[Measure::Events],
            Metric::ScrollDepth => &[Measure::ScrollPercent, Measure::ScrolledViews],
            Metric::TimeOnPage | Metric::EngagementTime => {
                &[Measure::EngagedMilliseconds, Measure::EngagedVisits]
            }
            Metric::NewVisitors => &[Measure::New],
            Metric::ReturningVisitors => &[Measure::Known, Measure::New],
        }
    }

    /// Its value over summed measures. `everyone` is the whole answer's number of visitors.
    pub fn expression(self) -> &'static str {
        match self {
            Metric::Visitors => "sum(known) + sum(daily)",
            Metric::Visits => "sum(visits)",
            Metric::Pageviews => "sum(pageviews)",
            Metric::ViewsPerVisit => "round(sum(visit_views) / greatest(sum(whole_visits), 1), 2)",
            Metric::BounceRate => {
                "toUInt64(round(100 * sum(bounces) / greatest(sum(whole_visits), 1)))"
            }
            Metric::VisitDuration => {
                "toUInt64(round(sum(duration_s) / greatest(sum(whole_visits), 1)))"
            }
            Metric::Events => "sum(events)",
            Metric::Percentage => {
                "round(100 * (sum(known) + sum(daily)) / greatest(any(everyone), 1), 1)"
            }
            Metric::ScrollDepth => {
                "if(sum(scrolled_views) = 0, NULL, toUInt64(round(sum(scroll_percent) / greatest(sum(scrolled_views), 1))))"
            }
            Metric::TimeOnPage | Metric::EngagementTime => {
                "if(sum(engaged_visits) = 0, NULL, toUInt64(round(sum(engaged_ms) / 1000 / greatest(sum(engaged_visits), 1))))"
            }
            Metric::NewVisitors => "sum(new)",
            // Within a day, whoever came for the first time and came again is still new.
            Metric::ReturningVisitors => "sum(known) - sum(new)",
        }
    }

    /// Whether it counts people.
    pub fn counts_people(self) -> bool {
        matches!(
            self,
            Metric::Visitors | Metric::Percentage | Metric::NewVisitors | Metric::ReturningVisitors
        )
    }

    /// Whether it is a property of whole visits and so has no meaning beside a dimension of events.
    pub fn describes_visits(self) -> bool {
        matches!(
            self,
            Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration
        )
    }

    /// Whether it can't be counted from events that name neither a visitor nor a visit.
    pub fn needs_ids(self) -> bool {
        !matches!(
            self,
            Metric::Pageviews | Metric::Events | Metric::ScrollDepth
        )
    }

    /// Whether it is only meaningful for a named page.
    pub fn needs_page(self) -> bool {
        matches!(self, Metric::ScrollDepth | Metric::TimeOnPage)
    }

    /// Its value where nothing was counted.
    pub fn nothing(self) -> Json {
        match self {
            Metric::ScrollDepth | Metric::TimeOnPage | Metric::EngagementTime => Json::Null,
            _ => Json::from(0),
        }
    }
}

impl Measure {
    /// Its column in the inner statements, with the keyword that names it.
    pub fn alias(self) -> &'static str {
        match self {
            Measure::Known => " AS known",
            Measure::Daily => " AS daily",
            Measure::New => " AS new",
            Measure::Visits => " AS visits",
            Measure::Pageviews => " AS pageviews",
            Measure::Events => " AS events",
            Measure::WholeVisits => " AS whole_visits",
            Measure::Bounces => " AS bounces",
            Measure::DurationSeconds => " AS duration_s",
            Measure::VisitViews => " AS visit_views",
            Measure::EngagedMilliseconds => " AS engaged_ms",
            Measure::EngagedVisits => " AS engaged_visits",
            Measure::ScrollPercent => " AS scroll_percent",
            Measure::ScrolledViews => " AS scrolled_views",
        }
    }

    /// Its sum in the outer statement.
    pub fn sum(self) -> &'static str {
        match self {
            Measure::Known => "sum(known)",
            Measure::Daily => "sum(daily)",
            Measure::New => "sum(new)",
            Measure::Visits => "sum(visits)",
            Measure::Pageviews => "sum(pageviews)",
            Measure::Events => "sum(events)",
            Measure::WholeVisits => "sum(whole_visits)",
            Measure::Bounces => "sum(bounces)",
            Measure::DurationSeconds => "sum(duration_s)",
            Measure::VisitViews => "sum(visit_views)",
            Measure::EngagedMilliseconds => "sum(engaged_ms)",
            Measure::EngagedVisits => "sum(engaged_visits)",
            Measure::ScrollPercent => "sum(scroll_percent)",
            Measure::ScrolledViews => "sum(scrolled_views)",
        }
    }

    /// The reading that counts it.
    pub fn reading(self) -> Reading {
        match self {
            Measure::Known
            | Measure::Daily
            | Measure::New
            | Measure::Visits
            | Measure::Pageviews
            | Measure::Events => Reading::Events,
            Measure::WholeVisits
            | Measure::Bounces
            | Measure::DurationSeconds
            | Measure::VisitViews => Reading::Visits,
            Measure::EngagedMilliseconds
            | Measure::EngagedVisits
            | Measure::ScrollPercent
            | Measure::ScrolledViews => Reading::Views,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_name() {
        for metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.name()), Some(metric));
        }
        assert_eq!(Metric::parse("Visitors"), None);
    }

    #[test]
    fn every_metric_uses_the_measures_it_names() {
        for metric in Metric::ALL {
            for measure in metric.measures() {
                assert!(
                    metric.expression().contains(measure.sum()),
                    "{metric:?} does not use {measure:?}"
                );
            }
        }
    }
}
