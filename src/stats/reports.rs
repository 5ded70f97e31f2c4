//! Reports: one question, several at once, and funnels.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sillage_query::comparison::Comparison;
use sillage_query::date_range::{DateRange, RangeError};
use sillage_query::dimension::Dimension;
use sillage_query::funnel::{Funnel, FunnelReport};
use sillage_query::period::Period;
use sillage_query::plan::{self, Plan};
use sillage_query::question::LIMIT_MAX;
use sillage_query::report::Rows;
use sillage_query::report::pair::{Times, pair};
use sillage_query::rollup::coverage::Coverage;
use sillage_query::sql::{Sql, Value};
use sillage_query::suppression::floor::Floor;
use sillage_query::suppression::limits;
use sillage_query::{QueryError, Question, Report};

use super::service::{KnownSite, StatsService};
use crate::rollup;
use crate::store::runner::{RunError, first_number};

/// Most questions of one batch.
pub const BATCH_MAX: usize = 32;
/// How long a cached coverage (which days are rolled up) is used.
const COVERAGE_AGE_MAX: Duration = Duration::from_secs(10);

/// What all statements of one report share.
struct Context<'a> {
    zone: &'a str,
    coverage: Arc<Coverage>,
    floor: Option<Floor>,
}

impl StatsService {
    /// Answers a question.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn query(&self, question: &Question, now: Timestamp) -> Result<Report, QueryError> {
        let known = self.site(&question.site)?;
        let mut floor = self.floor(known.site);
        let mut released_s = None;
        if let Some(of_audience) = floor {
            limits::refuse(question)?;
            let until_s = self.released(known, of_audience, now).await?;
            released_s = Some(until_s);
            floor = Some(of_audience.released_until(until_s));
        }
        let period = self.period(question.range, known, now).await?;
        let context = Context {
            zone: known.site.zone_name(),
            coverage: self.coverage(known).await?,
            floor,
        };
        let (plan, mut rows) = self.rows(question, &period, &context).await?;
        let bucket = plan.dimensions.iter().filter_map(Dimension::bucket).min();
        let has_labels = question.include_time_labels || question.comparison.is_some();
        let labels = match bucket.filter(|_| has_labels) {
            Some(bucket) => Some(period.labels(bucket, now).map_err(range_error)?),
            None => None,
        };
        let comparison = match &question.comparison {
            None => None,
            Some(comparison) => {
                let other = resolve(comparison, &period, now)?;
                let other_labels = match bucket {
                    Some(bucket) => Some(other.labels(bucket, now).map_err(comparison_error)?),
                    None => None,
                };
                let asked = question.of_comparison(bucket);
                let (_, others) = self.rows(&asked, &other, &context).await?;
                let mut dimensions = plan.dimensions.iter();
                let time = dimensions.position(|each| each.bucket().is_some());
                let times = match (time, &labels, &other_labels) {
                    (Some(index), Some(labels), Some(others)) => Some(Times {
                        index,
                        labels,
                        others,
                    }),
                    _ => None,
                };
                let is_cut = others.rows.len() as u64 == LIMIT_MAX;
                pair(
                    &mut rows.rows,
                    &question.metrics,
                    others.rows,
                    times,
                    is_cut,
                );
                let shown = other_labels.filter(|_| question.include_time_labels);
                Some((other, shown))
            }
        };
        if question.include_total_rows && rows.total.is_none() {
            rows.total = Some(self.count_rows(question, &period, &context).await?);
        }
        let until_s = period.until_s();
        let mut report = Report::new(question.clone(), &plan, period, rows);
        report.meta.comparison = comparison;
        report.meta.time_labels = labels.filter(|_| question.include_time_labels);
        report.meta.visitors_floor = floor.map(|floor| floor.visitors());
        report.meta.numbers_until_s = released_s.filter(|released_s| *released_s < until_s);
        Ok(report)
    }

    /// Answers several questions at the same time, in their order. An error of one question does
    /// not affect the others.
    ///
    /// # Errors
    /// A fault of this program; then nothing is answered.
    pub async fn batch(
        &self,
        questions: Vec<Question>,
        now: Timestamp,
    ) -> Result<Vec<Result<Report, QueryError>>, QueryError> {
        let mut running = tokio::task::JoinSet::new();
        for (index, question) in questions.into_iter().enumerate() {
            let stats = self.clone();
            running.spawn(async move { (index, stats.query(&question, now).await) });
        }
        // Dropping the set, as a cancelled request does, aborts the questions that still run.
        let mut reports = Vec::new();
        while let Some(done) = running.join_next().await {
            reports.push(done.map_err(|error| {
                tracing::error!(%error, "a question of a batch failed");
                QueryError::Internal("a question was not answered")
            })?);
        }
        reports.sort_by_key(|(index, _)| *index);
        Ok(reports.into_iter().map(|(_, report)| report).collect())
    }

    /// Answers how many visits complete each step of a funnel.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn funnel(
        &self,
        funnel: &Funnel,
        now: Timestamp,
    ) -> Result<FunnelReport, QueryError> {
        let known = self.site(&funnel.site)?;
        if self.floor(known.site).is_some() {
            return Err(QueryError::Protected(
                "funnels can't be asked for here: small counts are protected, and each step could reveal a few visitors",
            ));
        }
        let period = self.period(funnel.range, known, now).await?;
        let statement = funnel.plan(&period, known.site.zone_name());
        let lines = self.runner.rows(statement).await?;
        let coverage = self.coverage(known).await?;
        let cleared_before = coverage.blind_until(period.first_day());
        let report = funnel.report(&lines, period, cleared_before);
        Ok(report.map_err(RunError::from)?)
    }

    /// The period of a question.
    async fn period(
        &self,
        range: DateRange,
        known: KnownSite<'_>,
        now: Timestamp,
    ) -> Result<Period, QueryError> {
        let first_event = match range {
            DateRange::All => self.first_event(&known.site.id).await?,
            _ => None,
        };
        Period::resolve(range, &known.site.timezone, now, first_event).map_err(range_error)
    }

    /// The rows of a question about a period. Every report gets its numbers here.
    async fn rows(
        &self,
        question: &Question,
        period: &Period,
        context: &Context<'_>,
    ) -> Result<(Plan, Rows), QueryError> {
        let (zone, coverage, floor) = (context.zone, &context.coverage, context.floor);
        let plan = match floor.and_then(|floor| floor.released_until_s()) {
            Some(end_s) if end_s < period.until_s() => {
                let asked = question.in_buckets_of(period.bucket());
                plan::plan(&asked, &period.before(end_s), zone, coverage, floor)
            }
            Some(_) | None => plan::plan(question, period, zone, coverage, floor),
        };
        let lines = self.runner.rows(plan.statement.clone()).await?;
        let mut rows = Rows::parse(&lines, question, &plan).map_err(RunError::from)?;
        rows.blank_cleared(question, &plan, period);
        Ok((plan, rows))
    }

    /// The number of rows of an answer, for a page behind the last row: the statement of an empty
    /// page does not return it.
    async fn count_rows(
        &self,
        question: &Question,
        period: &Period,
        context: &Context<'_>,
    ) -> Result<u64, QueryError> {
        if question.offset == 0 {
            return Ok(0);
        }
        let first = Question {
            limit: 1,
            offset: 0,
            ..question.clone()
        };
        let (_, rows) = self.rows(&first, period, context).await?;
        Ok(rows.total.unwrap_or(0))
    }

    /// The coverage of a site; queried at most every few seconds.
    async fn coverage(&self, known: KnownSite<'_>) -> Result<Arc<Coverage>, QueryError> {
        if !self.uses_rollups() {
            return Ok(Arc::default());
        }
        // Locked during the request to ClickHouse, so the questions of a batch ask once.
        let mut remembered = known.state.coverage.lock().await;
        if let Some((asked, coverage)) = &*remembered
            && asked.elapsed() < COVERAGE_AGE_MAX
        {
            return Ok(coverage.clone());
        }
        let coverage = Arc::new(rollup::coverage::read(&self.runner, known.site).await?);
        *remembered = Some((Instant::now(), coverage.clone()));
        Ok(coverage)
    }

    async fn first_event(&self, site: &str) -> Result<Option<Timestamp>, QueryError> {
        let site = Value::Text(site.to_owned()).into();
        let statement = Sql::template(include_str!("sql/first_event.sql"), &[("site", site)]);
        let rows = self.runner.rows(statement.finish()).await?;
        Ok(first_number(&rows).and_then(|seconds| Timestamp::from_second(seconds).ok()))
    }
}

fn resolve(comparison: &Comparison, period: &Period, now: Timestamp) -> Result<Period, QueryError> {
    comparison.resolve(period, now).map_err(comparison_error)
}

fn range_error(error: RangeError) -> QueryError {
    QueryError::invalid("#/date_range", error.0)
}

fn comparison_error(error: RangeError) -> QueryError {
    QueryError::invalid("#/include/comparisons", error.0)
}
