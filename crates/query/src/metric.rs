//! The metrics: what each of them means, its unit, and the counts from which it is made.
//!
//! This is the only definition of every number of a report. The doc comment of a variant is the
//! public definition: `docs/metrics.md` is made from it. A metric is an expression over
//! [`Measure`]s, which are plain sums. `plan` takes them from the events in as few [`Scan`]s as
//! possible. The same expression serves events and roll-ups.
//!
//! Terms: an *event* is a row that is not an engagement record. A *visit* begins with its first
//! event (`seq` = 1). The whole visit belongs to the period and the row in which it began, unless
//! the question is about events (a page, a goal, an event name): then a visit counts wherever it
//! has such an event.

use crate::measure::{Measure, Scan};
use crate::value::MetricValue;

/// A number that a question can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Distinct people. For whole days and questions about whole visits, the number is exact for
    /// people who consented, over up to 32 days: a visit counts as a new person exactly when the
    /// previous visit of the same device began before the period. Over longer periods it is an
    /// estimate, because longer gaps between visits are stored by the week or month. People
    /// without a measurement cookie, and all people in questions about events, are counted per day
    /// and summed over days, which is an upper bound. `meta.visitors_semantics` says which of
    /// these applies.
    Visitors,
    /// Visits that began in the period. A visit ends after 30 minutes without an event.
    Visits,
    /// Pages seen. A page that a browser reports twice counts once.
    Pageviews,
    /// Pageviews of visits divided by visits, two decimals.
    ViewsPerVisit,
    /// Share of visits with at most one pageview and no interactive custom event, in percent, 0 to
    /// 100.
    BounceRate,
    /// Mean time from the first to the last record of a visit, in seconds; engagement records are
    /// included. Times are stored by the minute: a single visit is off by up to a minute, the mean
    /// of many is not.
    VisitDuration,
    /// Pageviews and custom events.
    Events,
    /// Visitors of the row divided by visitors of the whole answer, in percent, one decimal.
    Percentage,
    /// Mean of the greatest depth to which a page was scrolled, in percent of its height, 0 to
    /// 100, over the pageviews with a known depth; `null` if there are none.
    ScrollDepth,
    /// Mean time that a page was visible and focused, in seconds per visit that saw it; `null` if
    /// none is known.
    TimeOnPage,
    /// Mean time that the site's pages were visible and focused, in seconds per visit with any
    /// such time; `null` if none is known. The time of a single page is stored in classes, rounded
    /// so that sums and means of many stay right.
    EngagementTime,
    /// Visitors whose first visit ever is in the period. Known only for people with a measurement
    /// cookie.
    NewVisitors,
    /// Visitors with a visit before the period. Known only for people with a measurement cookie.
    ReturningVisitors,
    /// Share of the pageviews of a page after which the visit ended, in percent, one decimal.
    /// Needs `visit:exit_page` as the only dimension.
    ExitRate,
    /// Visitors who reached the goal divided by all visitors of the period, in percent, two
    /// decimals. Filters on goals and properties do not restrict the divisor. Both numbers are
    /// daily visitors.
    ConversionRate,
    /// Visitors who reached the goal divided by the visitors of the same row (source, page, ...),
    /// in percent, two decimals. Filters on goals and properties do not restrict the divisor. Both
    /// numbers are daily visitors.
    GroupConversionRate,
    /// Sum of the amounts of the goal's events in the goal's currency. Amounts in other currencies
    /// do not count.
    TotalRevenue,
    /// Mean of the amounts of the goal's events that have one in the goal's currency; `null` if
    /// there are none.
    AverageRevenue,
    /// Clicks on pages by visitors who consented.
    Clicks,
    /// Largest Contentful Paint in milliseconds, 75th percentile of the pageviews; `null` if none
    /// is known.
    LcpP75,
    /// Interaction to Next Paint in milliseconds, 75th percentile of the pageviews; `null` if none
    /// is known.
    InpP75,
    /// Cumulative Layout Shift (no unit), three decimals, 75th percentile of the pageviews; `null`
    /// if none is known.
    ClsP75,
    /// First Contentful Paint in milliseconds, 75th percentile of the pageviews; `null` if none is
    /// known.
    FcpP75,
    /// Time to First Byte in milliseconds, 75th percentile of the pageviews; `null` if none is
    /// known.
    TtfbP75,
}

impl Metric {
    /// All metrics, in the order of the documentation.
    pub const ALL: [Metric; 24] = [
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
        Metric::ExitRate,
        Metric::ConversionRate,
        Metric::GroupConversionRate,
        Metric::TotalRevenue,
        Metric::AverageRevenue,
        Metric::Clicks,
        Metric::LcpP75,
        Metric::InpP75,
        Metric::ClsP75,
        Metric::FcpP75,
        Metric::TtfbP75,
    ];

    /// The metric of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Its name in questions and reports.
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
            Metric::ExitRate => "exit_rate",
            Metric::ConversionRate => "conversion_rate",
            Metric::GroupConversionRate => "group_conversion_rate",
            Metric::TotalRevenue => "total_revenue",
            Metric::AverageRevenue => "average_revenue",
            Metric::Clicks => "clicks",
            Metric::LcpP75 => "lcp_p75",
            Metric::InpP75 => "inp_p75",
            Metric::ClsP75 => "cls_p75",
            Metric::FcpP75 => "fcp_p75",
            Metric::TtfbP75 => "ttfb_p75",
        }
    }

    /// The measures from which it is made.
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
            Metric::ExitRate => &[Measure::Visits, Measure::ExitViews],
            Metric::ConversionRate => &[Measure::Known, Measure::Daily],
            Metric::GroupConversionRate => &[Measure::Known, Measure::Daily, Measure::Candidates],
            Metric::TotalRevenue => &[Measure::RevenueMilli],
            Metric::AverageRevenue => &[Measure::RevenueMilli, Measure::RevenueEvents],
            Metric::Clicks => &[Measure::Clicks],
            Metric::LcpP75 => &[Measure::LcpViews, Measure::LcpValues],
            Metric::InpP75 => &[Measure::InpViews, Measure::InpValues],
            Metric::ClsP75 => &[Measure::ClsViews, Measure::ClsValues],
            Metric::FcpP75 => &[Measure::FcpViews, Measure::FcpValues],
            Metric::TtfbP75 => &[Measure::TtfbViews, Measure::TtfbValues],
        }
    }

    /// Its value over summed measures. `everyone` is the number of visitors of the whole answer.
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
            // A person whose first visit is in the period is still new after another visit on that
            // day.
            Metric::ReturningVisitors => "sum(known) - sum(new)",
            // The last page of a visit was seen, but its records can lie beyond the end of the
            // period.
            Metric::ExitRate => {
                "round(least(100 * sum(visits) / greatest(sum(exit_views), 1), 100), 1)"
            }
            Metric::ConversionRate => {
                "round(100 * (sum(known) + sum(daily)) / greatest(any(candidates_all), 1), 2)"
            }
            Metric::GroupConversionRate => {
                "round(100 * (sum(known) + sum(daily)) / greatest(sum(candidates), 1), 2)"
            }
            Metric::TotalRevenue => "sum(revenue_milli)",
            Metric::AverageRevenue => {
                "if(sum(revenue_events) = 0, NULL, toInt64(round(sum(revenue_milli) / greatest(sum(revenue_events), 1))))"
            }
            Metric::Clicks => "sum(clicked)",
            Metric::LcpP75 => {
                "if(sum(lcp_views) = 0, NULL, quantileExactIfMerge(0.75)(lcp_values))"
            }
            Metric::InpP75 => {
                "if(sum(inp_views) = 0, NULL, quantileExactIfMerge(0.75)(inp_values))"
            }
            Metric::ClsP75 => {
                "if(sum(cls_views) = 0, NULL, quantileExactIfMerge(0.75)(cls_values) / 1000)"
            }
            Metric::FcpP75 => {
                "if(sum(fcp_views) = 0, NULL, quantileExactIfMerge(0.75)(fcp_values))"
            }
            Metric::TtfbP75 => {
                "if(sum(ttfb_views) = 0, NULL, quantileExactIfMerge(0.75)(ttfb_values))"
            }
        }
    }

    /// Whether it counts people.
    pub fn counts_people(self) -> bool {
        matches!(
            self,
            Metric::Visitors
                | Metric::Percentage
                | Metric::NewVisitors
                | Metric::ReturningVisitors
                | Metric::ConversionRate
                | Metric::GroupConversionRate
        )
    }

    /// Whether it is only meaningful for goals.
    pub fn needs_goal(self) -> bool {
        matches!(self, Metric::ConversionRate | Metric::GroupConversionRate) || self.is_revenue()
    }

    /// Whether it is an amount of money.
    pub fn is_revenue(self) -> bool {
        matches!(self, Metric::TotalRevenue | Metric::AverageRevenue)
    }

    /// Whether it is a share. Its change is a difference and not a ratio.
    pub fn is_share(self) -> bool {
        matches!(
            self,
            Metric::BounceRate
                | Metric::Percentage
                | Metric::ScrollDepth
                | Metric::ExitRate
                | Metric::ConversionRate
                | Metric::GroupConversionRate
        )
    }

    /// Whether it is read from engagement records, to which goals do not apply.
    pub fn is_of_views(self) -> bool {
        self.measures()
            .iter()
            .any(|measure| matches!(measure.scan(), Scan::Views | Scan::Vitals | Scan::Clicks))
    }

    /// Whether it describes whole visits. It has no meaning beside a dimension of events.
    pub fn describes_visits(self) -> bool {
        matches!(
            self,
            Metric::ViewsPerVisit | Metric::BounceRate | Metric::VisitDuration
        )
    }

    /// Whether it can't be counted from events without the ids of visitor and visit.
    pub fn needs_ids(self) -> bool {
        !matches!(
            self,
            Metric::Pageviews | Metric::Events | Metric::ScrollDepth | Metric::Clicks
        ) && !self.is_revenue()
            && !self
                .measures()
                .iter()
                .any(|measure| measure.scan() == Scan::Vitals)
    }

    /// Whether it is only meaningful for a named page.
    pub fn needs_page(self) -> bool {
        matches!(self, Metric::ScrollDepth | Metric::TimeOnPage)
    }

    /// Its value where no event was counted.
    pub fn nothing(self) -> MetricValue {
        match self {
            Metric::ScrollDepth
            | Metric::TimeOnPage
            | Metric::EngagementTime
            | Metric::AverageRevenue
            | Metric::LcpP75
            | Metric::InpP75
            | Metric::ClsP75
            | Metric::FcpP75
            | Metric::TtfbP75 => MetricValue::Unknown,
            _ => MetricValue::Whole(0),
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
