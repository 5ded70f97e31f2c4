//! Questions and answers: from a request's JSON to a report, by one statement.
//!
//! ```text
//! bytes ▶ request ▶ period ▶ plan ▶ run ▶ report ▶ Answer
//!                             ▲ reading (events), rollup (days; `roll` builds them)
//! ```
//!
//! Duty: answer for the dashboard, for integrations and for exports, all by the same [`Answerer`].
//! It knows nothing of HTTP but a status number, and trusts its caller to have checked *who* asks;
//! it checks *what* is asked. Invariants:
//!
//! - What a request says never becomes part of a statement's text (see [`sql`]).
//! - Days, weeks and hours are the site's.
//! - Every number is defined once, in [`metric`].
//!
//! Not here: keys and log-ins (`control`), storing events (`store`).

pub mod changes;
pub mod export;
pub mod openapi;
pub mod parquet;
pub mod release;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use clickhouse::Client;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use tokio::sync::Mutex;

use crate::config::Site;
use crate::store::runner::{RunError, Runner, first_number};
use sillage_privacy::Profile;
use sillage_query::suppression::audience::{Audience, Floors};
use sillage_query::dimension::Dimension;
use sillage_query::suppression::floor::Floor;
use sillage_query::funnel::Funnel;
use sillage_query::goal::Goal;
use sillage_query::period::{DateRange, LIVE_MINUTES, Period};
use sillage_query::plan::Plan;
use sillage_query::report::{Other, Rows};
use sillage_query::question::{Fault, LIMIT_MAX, Request, refuse_unknown};
use sillage_query::rollup::daily::Coverage;
use sillage_query::sql::{Sql, Value};

pub use crate::store::runner::QueryLimits;

// The planner is pure and does not know the privacy door, which decides how gaps are stored.
const _: () =
    assert!(sillage_query::plan::EXACT_DAYS_MAX == sillage_privacy::coarse::EXACT_DAYS_MAX);

/// Visitors below which nothing is shown to an audience that is not said otherwise about.
const FLOOR_DEFAULT: u32 = 5;
/// Most queries of one batch.
pub const BATCH_MAX: usize = 32;
/// How long it may go unnoticed that another day is rolled up.
const COVERAGE_AGE_MAX: Duration = Duration::from_secs(10);

/// Answers questions about the configured sites. Clones share client and queue.
#[derive(Clone)]
pub struct Answerer {
    runner: Runner,
    sites: Arc<[Site]>,
    /// Beside `sites`: when it was asked for, and what is rolled up.
    coverage: Arc<[Mutex<KnownCoverage>]>,
    /// Beside `sites`: how much of yesterday and today is released to audiences with a floor.
    releases: Arc<[Mutex<release::Known>]>,
    /// Beside `sites`: what its visitors are meant to do.
    goals: Arc<[RwLock<Goals>]>,
    uses_rollups: bool,
    floors: Floors,
    audience: Audience,
    /// The sites that exist for the asker; `None` = all.
    visible: Option<Arc<[String]>>,
}

/// What is rolled up of a site, and when that was asked for.
type KnownCoverage = Option<(Instant, Arc<Coverage>)>;

/// The goals of a site.
pub type Goals = Arc<[Arc<Goal>]>;

/// An answer as the server sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// 200, 400 (the question), 401 (no such site for this asker), 403 (not for this audience), 422
    /// (costs too much), 502 (the database), 503 (busy).
    pub status: u16,
    /// A report, or `{"error": text}`.
    pub body: Json,
}

impl Answer {
    fn ok(body: Json) -> Self {
        Self { status: 200, body }
    }

    fn error(status: u16, text: impl Into<String>) -> Self {
        Self {
            status,
            body: json!({"error": text.into()}),
        }
    }
}

impl From<Result<Json, Answer>> for Answer {
    fn from(result: Result<Json, Answer>) -> Self {
        result.map_or_else(|refusal| refusal, Answer::ok)
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self::error(400, fault.to_string())
    }
}

impl From<RunError> for Answer {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Busy => Self::error(
                503,
                "too many questions are waiting; ask again in a few seconds",
            ),
            RunError::TooCostly => Self::error(
                422,
                "the question costs more than is allowed; ask for a shorter period or fewer rows",
            ),
            RunError::Pattern => Self::error(400, "#/filters: a pattern is not valid RE2"),
            RunError::Server(_) | RunError::Answer(_) => {
                tracing::error!(%error, "a question was not answered");
                Self::error(502, "the database did not answer")
            }
        }
    }
}

impl Answerer {
    /// `client` has its database set. Nothing is sent until a question comes.
    pub fn new(client: Client, sites: Arc<[Site]>, limits: QueryLimits) -> Self {
        let coverage = sites.iter().map(|_| Mutex::default()).collect();
        let releases = sites.iter().map(|_| Mutex::default()).collect();
        Self {
            releases,
            runner: Runner::new(client, limits),
            goals: sites.iter().map(|_| RwLock::new([].into())).collect(),
            sites,
            coverage,
            uses_rollups: true,
            floors: Floors {
                members: 0,
                keys: FLOOR_DEFAULT,
                links: FLOOR_DEFAULT,
                analysts: FLOOR_DEFAULT,
            },
            audience: Audience::Member,
            visible: None,
        }
    }

    /// The same with the configuration's floors.
    #[must_use]
    pub fn with_floors(mut self, floors: Floors) -> Self {
        self.floors = floors;
        self
    }

    /// The same for somebody else: small counts are folded as that audience's floor says. Without
    /// this, answers are for members.
    #[must_use]
    pub fn for_audience(&self, audience: Audience) -> Self {
        Self {
            audience,
            ..self.clone()
        }
    }

    fn floor(&self, site: &Site) -> Option<Floor> {
        let counts_pages = site.profile == Profile::Count;
        let floor = self.floors.of(self.audience)?;
        Some(floor.counting_pages(counts_pages))
    }

    /// The same for somebody who may see some sites only: the others do not exist, in whatever way
    /// they are asked for.
    #[must_use]
    pub fn only(mut self, sites: Option<Arc<[String]>>) -> Self {
        self.visible = sites;
        self
    }

    /// Sets what questions about a site's goals are settled against, from now on and for all
    /// clones. A site that is not configured has none.
    pub fn set_goals(&self, site: &str, goals: impl IntoIterator<Item = Goal>) {
        let index = self.sites.iter().position(|known| known.id == site);
        if let Some(cell) = index.and_then(|index| self.goals.get(index)) {
            let goals = goals.into_iter().map(Arc::new).collect();
            // A list is set whole, so one that a panic left behind is whole as well.
            *cell.write().unwrap_or_else(PoisonError::into_inner) = goals;
        }
    }

    /// The same with other goals of one site and none of the others, for trying one.
    #[must_use]
    pub fn with_goals_of(&self, site: &str, goals: impl IntoIterator<Item = Goal>) -> Self {
        let goals: Goals = goals.into_iter().map(Arc::new).collect();
        let of = |known: &Site| match known.id == site {
            true => goals.clone(),
            false => [].into(),
        };
        Self {
            goals: self
                .sites
                .iter()
                .map(|known| RwLock::new(of(known)))
                .collect(),
            ..self.clone()
        }
    }

    /// What questions about a site's goals are settled against. Of a site that may not be seen,
    /// nothing.
    pub fn goals(&self, site: Option<&str>) -> Goals {
        let site = site.and_then(|id| self.site(id).ok());
        let index = site.and_then(|site| self.sites.iter().position(|known| known.id == site.id));
        let cell = index.and_then(|index| self.goals.get(index));
        cell.map_or_else(
            || [].into(),
            |cell| cell.read().unwrap_or_else(PoisonError::into_inner).clone(),
        )
    }

    /// The same, but every number is counted from the events; for tests and comparisons.
    #[must_use]
    pub fn without_rollups(mut self) -> Self {
        self.uses_rollups = false;
        self
    }

    /// Answers one question (`POST /api/v2/query`).
    pub async fn query(&self, body: &[u8], now: Timestamp) -> Answer {
        match parse(body) {
            Ok(body) => self.report(&body, now).await.into(),
            Err(fault) => Err(fault.into()).into(),
        }
    }

    /// Answers up to [`BATCH_MAX`] questions, `{"queries": [...]}`, at the same time
    /// (`POST /api/v2/batch`): the answer is `{"results": [{"status", "body"}, ...]}` in their
    /// order. One that fails does not spoil the others.
    pub async fn batch(&self, body: &[u8], now: Timestamp) -> Answer {
        self.reports(body, now).await.into()
    }

    /// How many visits came how far through some steps (`POST /api/v2/funnel`).
    pub async fn funnel(&self, body: &[u8], now: Timestamp) -> Answer {
        let read = |body: Json| {
            let goals = self.goals(body.get("site_id").and_then(Json::as_str));
            Funnel::parse(&body, &goals)
        };
        match parse(body).and_then(read) {
            Ok(funnel) => self.funnel_report(&funnel, now).await.into(),
            Err(fault) => Err(fault.into()).into(),
        }
    }

    /// How many people had an event in the last five minutes: `{"visitors": N}`.
    pub async fn live(&self, site: &str, now: Timestamp) -> Answer {
        self.live_visitors(site, now).await.into()
    }

    /// What became of the beacons of some days, both included:
    /// `{"accepted": N, "dropped": {reason: N}, "by_day": {day: {outcome: N}}}`.
    pub async fn quality(&self, site: &str, from: Date, to: Date) -> Answer {
        self.outcomes(site, from, to).await.into()
    }

    async fn reports(&self, body: &[u8], now: Timestamp) -> Result<Json, Answer> {
        let queries = parse(body).and_then(|body| parse_batch(&body))?;
        let mut running = tokio::task::JoinSet::new();
        for (index, query) in queries.into_iter().enumerate() {
            let answerer = self.clone();
            running.spawn(async move { (index, answerer.report(&query, now).await) });
        }
        // Dropping the set, as a cancelled request does, aborts what still runs.
        let mut results = Vec::new();
        while let Some(done) = running.join_next().await {
            let (index, result) = done.map_err(|error| {
                tracing::error!(%error, "a question of a batch was not answered");
                Answer::error(500, "a question was not answered")
            })?;
            let answer = Answer::from(result);
            results.push((index, json!({"status": answer.status, "body": answer.body})));
        }
        results.sort_by_key(|(index, _)| *index);
        let results: Vec<Json> = results.into_iter().map(|(_, result)| result).collect();
        Ok(json!({ "results": results }))
    }

    async fn funnel_report(&self, funnel: &Funnel, now: Timestamp) -> Result<Json, Answer> {
        let site = self.site(&funnel.site)?;
        if self.floor(site).is_some() {
            let why = "funnels can't be asked for here: small counts are protected, and each step tells a few apart";
            return Err(Answer::error(403, why));
        }
        let period = self.period(funnel.range, site, now).await?;
        let statement = funnel.plan(&period, site.zone_name());
        let lines = self.runner.rows(statement).await?;
        let mut body = funnel.report(&lines, &period).map_err(RunError::from)?;
        let coverage = self.coverage(site).await?;
        if let Some(first) = coverage.blind_until(period.first_day()) {
            sillage_query::funnel::warn_of_cleared_ids(&mut body, &period, first);
        }
        Ok(body)
    }

    async fn live_visitors(&self, site: &str, now: Timestamp) -> Result<Json, Answer> {
        let site = self.site(site)?;
        if self.floor(site).is_some() {
            let why = "the live count can't be asked for here: small counts are protected, and it tells of each arrival";
            return Err(Answer::error(403, why));
        }
        // Times are stored by the minute, so the minute in which the five began counts whole.
        let since = now.as_second() - LIVE_MINUTES * 60;
        let statement = Sql::template(
            include_str!("sql/live.sql"),
            &[
                ("site", Value::Text(site.id.clone()).into()),
                ("since", Value::Number(since - since.rem_euclid(60)).into()),
                ("until", Value::Number(now.as_second() + 60).into()),
            ],
        );
        let rows = self.runner.rows(statement.finish()).await?;
        Ok(json!({"visitors": first_number(&rows).unwrap_or(0)}))
    }

    async fn outcomes(&self, site: &str, from: Date, to: Date) -> Result<Json, Answer> {
        let site = self.site(site)?;
        let after = to.tomorrow().ok().filter(|_| from <= to);
        let after = after.ok_or_else(|| Fault::new("to", "lies before `from`"))?;
        let statement = Sql::template(
            include_str!("sql/quality.sql"),
            &[
                ("site", Value::Text(site.id.clone()).into()),
                ("first_day", Value::Text(from.to_string()).into()),
                ("day_after", Value::Text(after.to_string()).into()),
            ],
        );
        let rows = self.runner.rows(statement.finish()).await?;
        let least = self
            .floor(site)
            .map_or(0, |floor| u64::from(floor.visitors()));
        let mut accepted = 0;
        let mut dropped: BTreeMap<String, u64> = BTreeMap::new();
        let mut by_day: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
        let lines = rows
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        for (index, line) in lines.enumerate() {
            let row = serde_json::from_slice::<(String, String, u64)>(line);
            let (day, outcome, beacons) =
                row.map_err(|_| RunError::Answer(sillage_query::report::RowFault { index }))?;
            if beacons < least {
                continue;
            }
            by_day
                .entry(day)
                .or_default()
                .insert(outcome.clone(), json!(beacons));
            if outcome == "accepted" {
                accepted += beacons;
            } else {
                *dropped.entry(outcome).or_default() += beacons;
            }
        }
        Ok(json!({"accepted": accepted, "dropped": dropped, "by_day": by_day}))
    }

    fn site(&self, id: &str) -> Result<&Site, Answer> {
        let is_visible = |site: &&Site| {
            let visible = self.visible.as_deref();
            visible.is_none_or(|visible| visible.contains(&site.id))
        };
        let site = self.sites.iter().find(|site| site.id == id);
        let site = site.filter(is_visible);
        site.ok_or_else(|| Answer::error(401, "no such site, or no permission to see it"))
    }

    async fn report(&self, body: &Json, now: Timestamp) -> Result<Json, Answer> {
        let goals = self.goals(body.get("site_id").and_then(Json::as_str));
        let request = &Request::parse_with(body, &goals)?;
        let site = self.site(&request.site)?;
        let mut floor = self.floor(site);
        let mut released_s = None;
        if let Some(of_audience) = floor {
            sillage_query::suppression::floor::refuse(request)?;
            let until_s = self.released(site, of_audience, now).await?;
            released_s = Some(until_s);
            floor = Some(of_audience.released_until(until_s));
        }
        let period = self.period(request.range, site, now).await?;
        let zone = site.zone_name();
        let coverage = self.coverage(site).await?;
        let (plan, mut rows) = self.rows(request, &period, zone, &coverage, floor).await?;
        let bucket = plan.dimensions.iter().filter_map(Dimension::bucket).min();
        let has_labels = request.include_time_labels || request.comparison.is_some();
        let labels = match bucket.filter(|_| has_labels) {
            Some(bucket) => Some(period.labels(bucket, now).map_err(range_fault)?),
            None => None,
        };
        let other = match &request.comparison {
            None => None,
            Some(comparison) => {
                let other_fault = |fault: sillage_query::period::RangeFault| {
                    Fault::new("#/include/comparisons", fault.0)
                };
                let other = comparison.resolve(&period, now).map_err(other_fault)?;
                let other_labels = match bucket {
                    Some(bucket) => Some(other.labels(bucket, now).map_err(other_fault)?),
                    None => None,
                };
                let asked = request.of_comparison(bucket);
                let (_, others) = self.rows(&asked, &other, zone, &coverage, floor).await?;
                let time = plan
                    .dimensions
                    .iter()
                    .position(|each| each.bucket().is_some());
                let times = match (time, &labels, &other_labels) {
                    (Some(index), Some(labels), Some(others)) => Some((index, labels, others)),
                    _ => None,
                };
                let is_cut = others.rows.len() as u64 == LIMIT_MAX;
                sillage_query::comparison::pair(
                    &mut rows.rows,
                    &request.metrics,
                    others.rows,
                    times,
                    is_cut,
                );
                Some(Other {
                    period: other,
                    labels: other_labels.filter(|_| request.include_time_labels),
                })
            }
        };
        if request.include_total_rows && rows.total.is_none() {
            let last = self.count_rows(request, &period, zone, &coverage, floor);
            rows.total = Some(last.await?);
        }
        let spans_days = !sillage_query::plan::is_each_row_within_a_day(&period, &plan.dimensions);
        let mut body = sillage_query::report::body(
            request,
            &plan,
            &period,
            &rows,
            labels.as_ref().filter(|_| request.include_time_labels),
            other.as_ref(),
            spans_days,
        );
        if let Some(first) = plan.blind_until {
            sillage_query::report::warn_of_cleared_ids(&mut body, request, &plan, first);
        }
        if let Some(floor) = floor {
            body["meta"]["visitors_floor"] = json!(floor.visitors());
        }
        if let Some(released_s) = released_s.filter(|until_s| *until_s < period.until_s()) {
            release::tell(&mut body, released_s, site);
        }
        Ok(body)
    }

    /// The period that a question is about.
    async fn period(
        &self,
        range: DateRange,
        site: &Site,
        now: Timestamp,
    ) -> Result<Period, Answer> {
        let first_event = match range {
            DateRange::All => self.first_event(&site.id).await?,
            _ => None,
        };
        Ok(Period::resolve(range, &site.timezone, now, first_event).map_err(range_fault)?)
    }

    /// The rows of one question about one period: the only way from a plan to numbers.
    async fn rows(
        &self,
        request: &Request,
        period: &Period,
        zone: &str,
        coverage: &Coverage,
        floor: Option<Floor>,
    ) -> Result<(Plan, Rows), Answer> {
        let plan = match floor.and_then(|floor| floor.released_until_s()) {
            Some(end_s) if end_s < period.until_s() => {
                let asked = request.in_buckets_of(period.bucket());
                sillage_query::plan::plan(&asked, &period.before(end_s), zone, coverage, floor)
            }
            Some(_) | None => sillage_query::plan::plan(request, period, zone, coverage, floor),
        };
        let lines = self.runner.rows(plan.statement.clone()).await?;
        let mut rows = Rows::parse(&lines, request, &plan).map_err(RunError::from)?;
        sillage_query::report::blank_cleared(&mut rows, request, &plan, period);
        Ok((plan, rows))
    }

    /// How many rows an answer has whose asked-for page lies behind its end: no row is there to say
    /// so.
    async fn count_rows(
        &self,
        request: &Request,
        period: &Period,
        zone: &str,
        coverage: &Coverage,
        floor: Option<Floor>,
    ) -> Result<u64, Answer> {
        if request.offset == 0 {
            return Ok(0);
        }
        let first = Request {
            limit: 1,
            offset: 0,
            ..request.clone()
        };
        let (_, rows) = self.rows(&first, period, zone, coverage, floor).await?;
        Ok(rows.total.unwrap_or(0))
    }

    /// What of a site is rolled up, asked for at most every few seconds.
    async fn coverage(&self, site: &Site) -> Result<Arc<Coverage>, Answer> {
        if !self.uses_rollups {
            return Ok(Arc::default());
        }
        let index = self.sites.iter().position(|known| known.id == site.id);
        let Some(cell) = index.and_then(|index| self.coverage.get(index)) else {
            return Ok(Arc::default());
        };
        // Held while it is asked for, so that the questions of a batch ask once.
        let mut known = cell.lock().await;
        if let Some((asked, coverage)) = &*known
            && asked.elapsed() < COVERAGE_AGE_MAX
        {
            return Ok(coverage.clone());
        }
        let statement = Sql::template(
            include_str!("sql/rolled_days.sql"),
            &[
                ("site", Value::Text(site.id.clone()).into()),
                ("zone", Value::Text(site.zone_name().to_owned()).into()),
            ],
        );
        let rows = self.runner.rows(statement.finish()).await?;
        let lines = rows
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let days: Option<Vec<(i64, bool, i64)>> = lines
            .map(|line| serde_json::from_slice::<(i64, i64, i64)>(line).ok())
            .map(|row| row.map(|(day, has_visits, version)| (day, has_visits == 1, version)))
            .collect();
        let cleared_before = crate::rollup::job::cleared_before(&self.runner, site).await?;
        let coverage = Arc::new(Coverage::new(&days.unwrap_or_default(), cleared_before));
        *known = Some((Instant::now(), coverage.clone()));
        Ok(coverage)
    }

    async fn first_event(&self, site: &str) -> Result<Option<Timestamp>, Answer> {
        let site = Value::Text(site.to_owned()).into();
        let statement = Sql::template(include_str!("sql/first_event.sql"), &[("site", site)]);
        let rows = self.runner.rows(statement.finish()).await?;
        Ok(first_number(&rows).and_then(|seconds| Timestamp::from_second(seconds).ok()))
    }
}

fn range_fault(fault: sillage_query::period::RangeFault) -> Fault {
    Fault::new("#/date_range", fault.0)
}

fn parse(body: &[u8]) -> Result<Json, Fault> {
    serde_json::from_slice(body).map_err(|_| Fault::new("#", "not valid JSON"))
}

fn parse_batch(body: &Json) -> Result<Vec<Json>, Fault> {
    let Json::Object(object) = body else {
        return Err(Fault::new("#", "a JSON object is expected"));
    };
    refuse_unknown(object, "#", &["queries"])?;
    match object.get("queries") {
        Some(Json::Array(queries)) if (1..=BATCH_MAX).contains(&queries.len()) => {
            Ok(queries.clone())
        }
        _ => Err(Fault::new(
            "#/queries",
            format!("an array of 1 to {BATCH_MAX} queries is expected"),
        )),
    }
}
