//! The measures: counts that can be summed over rows, and from which metrics are made.
//!
//! A measure is a column of the inner statements. Each is counted by one [`Scan`] of the events.

/// A count that can be summed over rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// People whose history is known.
    Known,
    /// People of a day whose history is not known.
    Daily,
    /// People whose first visit ever is in the period.
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
    /// Pageviews of a page, under the visits that end with it.
    ExitViews,
    /// Visitors of the row, whether they reached a goal or not.
    Candidates,
    /// Thousandths of the currency.
    RevenueMilli,
    /// Events with an amount.
    RevenueEvents,
    Clicks,
    /// For each web vital: pageviews whose value is known, then all values as an aggregation state
    /// of ClickHouse.
    LcpViews,
    LcpValues,
    InpViews,
    InpValues,
    ClsViews,
    ClsValues,
    FcpViews,
    FcpValues,
    TtfbViews,
    TtfbValues,
}

/// A way to read the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scan {
    /// Row by row.
    Events,
    /// Visit by visit, each whole.
    Visits,
    /// Pageview by pageview, each with its engagement records.
    Views,
    /// Row by row, with the page in place of the exit page.
    Pages,
    /// Row by row, with all visitors, whether they reached a goal or not.
    Everyone,
    /// Click by click.
    Clicks,
    /// Pageview by pageview, each with its web vitals.
    Vitals,
}

impl Scan {
    /// All scans.
    pub const ALL: [Scan; 7] = [
        Scan::Events,
        Scan::Visits,
        Scan::Views,
        Scan::Pages,
        Scan::Everyone,
        Scan::Clicks,
        Scan::Vitals,
    ];
}

impl Measure {
    /// Its column in the inner statements, as an alias.
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
            Measure::ExitViews => " AS exit_views",
            Measure::Candidates => " AS candidates",
            Measure::RevenueMilli => " AS revenue_milli",
            Measure::RevenueEvents => " AS revenue_events",
            Measure::Clicks => " AS clicked",
            Measure::LcpViews => " AS lcp_views",
            Measure::LcpValues => " AS lcp_values",
            Measure::InpViews => " AS inp_views",
            Measure::InpValues => " AS inp_values",
            Measure::ClsViews => " AS cls_views",
            Measure::ClsValues => " AS cls_values",
            Measure::FcpViews => " AS fcp_views",
            Measure::FcpValues => " AS fcp_values",
            Measure::TtfbViews => " AS ttfb_views",
            Measure::TtfbValues => " AS ttfb_values",
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
            Measure::ExitViews => "sum(exit_views)",
            Measure::Candidates => "sum(candidates)",
            Measure::RevenueMilli => "sum(revenue_milli)",
            Measure::RevenueEvents => "sum(revenue_events)",
            Measure::Clicks => "sum(clicked)",
            Measure::LcpViews => "sum(lcp_views)",
            Measure::LcpValues => "quantileExactIfMerge(0.75)(lcp_values)",
            Measure::InpViews => "sum(inp_views)",
            Measure::InpValues => "quantileExactIfMerge(0.75)(inp_values)",
            Measure::ClsViews => "sum(cls_views)",
            Measure::ClsValues => "quantileExactIfMerge(0.75)(cls_values)",
            Measure::FcpViews => "sum(fcp_views)",
            Measure::FcpValues => "quantileExactIfMerge(0.75)(fcp_values)",
            Measure::TtfbViews => "sum(ttfb_views)",
            Measure::TtfbValues => "quantileExactIfMerge(0.75)(ttfb_values)",
        }
    }

    /// Its sum for a statement that is summed again: a state stays a state.
    pub fn carried(self) -> &'static str {
        match self {
            Measure::LcpValues => "quantileExactIfMergeState(0.75)(lcp_values)",
            Measure::InpValues => "quantileExactIfMergeState(0.75)(inp_values)",
            Measure::ClsValues => "quantileExactIfMergeState(0.75)(cls_values)",
            Measure::FcpValues => "quantileExactIfMergeState(0.75)(fcp_values)",
            Measure::TtfbValues => "quantileExactIfMergeState(0.75)(ttfb_values)",
            number => number.sum(),
        }
    }

    /// The scan that counts it.
    pub fn scan(self) -> Scan {
        match self {
            Measure::Known
            | Measure::Daily
            | Measure::New
            | Measure::Visits
            | Measure::Pageviews
            | Measure::Events
            | Measure::RevenueMilli
            | Measure::RevenueEvents => Scan::Events,
            Measure::WholeVisits
            | Measure::Bounces
            | Measure::DurationSeconds
            | Measure::VisitViews => Scan::Visits,
            Measure::EngagedMilliseconds
            | Measure::EngagedVisits
            | Measure::ScrollPercent
            | Measure::ScrolledViews => Scan::Views,
            Measure::ExitViews => Scan::Pages,
            Measure::Candidates => Scan::Everyone,
            Measure::Clicks => Scan::Clicks,
            Measure::LcpViews
            | Measure::LcpValues
            | Measure::InpViews
            | Measure::InpValues
            | Measure::ClsViews
            | Measure::ClsValues
            | Measure::FcpViews
            | Measure::FcpValues
            | Measure::TtfbViews
            | Measure::TtfbValues => Scan::Vitals,
        }
    }

    /// Whether it is an aggregation state and not a number.
    pub fn is_state(self) -> bool {
        matches!(
            self,
            Measure::LcpValues
                | Measure::InpValues
                | Measure::ClsValues
                | Measure::FcpValues
                | Measure::TtfbValues
        )
    }

    /// Whether its count alone makes a row appear. The base of a rate does not.
    pub fn is_presence(self) -> bool {
        !self.is_state() && !matches!(self, Measure::ExitViews | Measure::Candidates)
    }

    /// Its column in a scan that does not count it.
    pub fn zero(self) -> &'static str {
        match self {
            Measure::RevenueMilli => "toInt64(0)",
            _ if self.is_state() => "quantileExactIfState(0.75)(toUInt32(0), false)",
            _ => "toUInt64(0)",
        }
    }
}
