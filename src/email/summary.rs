//! The numbers of a summary: the dashboard's questions, answered by the same [`StatsService`] in
//! one batch.

use jiff::Timestamp;
use sillage_query::date_range::DateRange;
use sillage_query::dimension::{Dimension, EventDimension, VisitDimension};
use sillage_query::metric::Metric;
use sillage_query::plan::Semantics;
use sillage_query::report::Row;
use sillage_query::value::MetricValue;
use sillage_query::{QueryError, Question, Report};

use crate::config::Site;
use crate::control::subscription::Cadence;
use crate::email::cadence::Days;
use crate::email::error::EmailError;
use crate::stats::StatsService;

/// Most rows of each list.
pub const ROWS: usize = 5;

const TOTALS: [Metric; 6] = [
    Metric::Visitors,
    Metric::Visits,
    Metric::Pageviews,
    Metric::ViewsPerVisit,
    Metric::BounceRate,
    Metric::VisitDuration,
];
const LISTS: [Dimension; 3] = [
    Dimension::Event(EventDimension::Page),
    Dimension::Visit(VisitDimension::Source),
    Dimension::Visit(VisitDimension::Country),
];

/// The content of a summary.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub site: String,
    pub cadence: Cadence,
    pub period: Days,
    pub now: Totals,
    /// Totals of the period that it is compared with.
    pub before: Totals,
    /// Values and their visitors, the most frequent first.
    pub pages: Vec<(String, u64)>,
    pub sources: Vec<(String, u64)>,
    pub countries: Vec<(String, u64)>,
    /// Whether visitors are distinct people over the period. Otherwise they are counted per day.
    pub is_exact: bool,
}

/// The headline numbers, in the units of `docs/metrics.md`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    pub visitors: u64,
    pub visits: u64,
    pub pageviews: u64,
    pub views_per_visit: f64,
    pub bounce_rate: f64,
    pub visit_duration: f64,
}

impl Summary {
    /// Asks for the latest period that is over at `now`, in the site's time zone.
    ///
    /// # Errors
    /// The reports are not available.
    pub async fn ask(
        stats: &StatsService,
        site: &Site,
        cadence: Cadence,
        now: Timestamp,
    ) -> Result<Self, EmailError> {
        let today = now.to_zoned_datetime(site.timezone.clone()).date();
        let (period, before) = cadence.periods(today);
        let question = |metrics: &[Metric], days: Days| {
            let range = DateRange::Dates(days.first, days.last);
            Question::new(site.id.as_str(), metrics.to_vec(), range)
        };
        let list = |dimension: Dimension| {
            question(&[Metric::Visitors], period)
                .by([dimension])
                .limited_to(ROWS as u64)
        };
        let questions = [question(&TOTALS, period), question(&TOTALS, before)]
            .into_iter()
            .chain(LISTS.map(list))
            .collect();
        let reports = ask(stats, questions, now).await?;
        let [now, earlier, pages, sources, countries] = reports.as_slice() else {
            return Err(EmailError::Numbers("an answer is missing".into()));
        };
        Ok(Self {
            site: site.id.clone(),
            cadence,
            period,
            is_exact: now.meta.visitors == Some(Semantics::Exact),
            now: read_totals(now)?,
            before: read_totals(earlier)?,
            pages: read_list(pages)?,
            sources: read_list(sources)?,
            countries: read_list(countries)?,
        })
    }
}

/// Asks several questions at once. The reports are in the same order.
///
/// # Errors
/// The first error of a question.
pub async fn ask(
    stats: &StatsService,
    questions: Vec<Question>,
    now: Timestamp,
) -> Result<Vec<Report>, EmailError> {
    let failed = |error: QueryError| EmailError::Numbers(error.to_string());
    let reports = stats.batch(questions, now).await.map_err(failed)?;
    reports
        .into_iter()
        .map(|report| report.map_err(failed))
        .collect()
}

fn missing() -> EmailError {
    EmailError::Numbers("a number is missing in an answer".into())
}

fn read_totals(report: &Report) -> Result<Totals, EmailError> {
    let metrics = &report.rows.first().ok_or_else(missing)?.metrics;
    let value = |index: usize| metrics.get(index);
    let count = |index: usize| {
        value(index)
            .and_then(MetricValue::as_u64)
            .ok_or_else(missing)
    };
    // Without values there is no mean, and the report has `null`.
    let mean = |index: usize| value(index).and_then(MetricValue::as_f64).unwrap_or(0.0);
    Ok(Totals {
        visitors: count(0)?,
        visits: count(1)?,
        pageviews: count(2)?,
        views_per_visit: mean(3),
        bounce_rate: mean(4),
        visit_duration: mean(5),
    })
}

fn read_list(report: &Report) -> Result<Vec<(String, u64)>, EmailError> {
    let row = |row: &Row| {
        let value = row.dimensions.first()?.clone();
        Some((value, row.metrics.first()?.as_u64()?))
    };
    let rows: Option<Vec<_>> = report.rows.iter().map(row).collect();
    rows.ok_or_else(missing)
}
