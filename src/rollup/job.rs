//! Keeps the roll-ups complete.
//!
//! The job finds the days of a site that are over and not rolled up, or that received more events
//! since. It builds them, and only then lets them count. Invariants:
//!
//! - **Safe to repeat.** Rows are built under a new version and count once `rolled_days` names it;
//!   rows that a crash leaves behind are never read. No materialised view is involved, so no INSERT
//!   counts twice.
//! - **Whole visits.** A day is built when the day after it is over as well: a visit that runs over
//!   midnight has ended.
//! - **Outlives the events.** A day is built again when it has more events than were counted. It is
//!   not built again when it has fewer, because retention removes events and the counts stay, nor
//!   when the ids of its events are cleared.
//!
//! The background tasks call [`keep`].

use std::sync::Arc;
use std::time::Duration;

use clickhouse::Client;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::coverage::cleared_before;
use super::{daily, visits};
use crate::config::{Site, Sites};
use crate::random;
use crate::store::runner::QueryLimits;
use crate::store::runner::{RunError, Runner, bind};
use sillage_query::rollup::daily::Rolled;
use sillage_query::rows;
use sillage_query::scan::Scope;
use sillage_query::sql::{Sql, Value};

/// Interval of [`keep`].
const INTERVAL: Duration = Duration::from_secs(600);
/// Hours after the end of the following day until the last events of a day have arrived.
const GRACE_HOURS: i64 = 1;
/// Most days built by one statement: an INSERT may touch few partitions only.
const DAYS_AT_ONCE: usize = 92;
/// Most events of the days built by one statement, unless one day has more. Bounds its memory.
const EVENTS_AT_ONCE: i64 = 4_000_000;
/// The same for visits, which need more memory each.
const VISITS_EVENTS_AT_ONCE: i64 = 500_000;
/// Memory above which a statement uses the disk: for a single day above the bounds.
const BYTES_IN_MEMORY_MAX: u64 = 512 << 20;
/// Longest run of one statement.
const EXECUTION_TIME_MAX: Duration = Duration::from_secs(600);

/// Why a site could not be rolled up.
#[derive(Debug, thiserror::Error)]
pub enum RollError {
    #[error("the days of a site can't be read: {0}")]
    Read(#[from] RunError),
    #[error("a day can't be rolled up: {0}")]
    Write(#[source] clickhouse::error::Error),
    #[error("the operating system returned no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    #[error("a day of the site is outside of the calendar: {0}")]
    Calendar(#[from] jiff::Error),
}

/// A day, in days since 1970, and how many events it has.
type CountedDay = (i64, i64);

/// Rolls up all sites, now and every ten minutes, until it is dropped. Errors are logged, and the
/// next round tries again. Sites for which `is_held` is true wait.
pub async fn keep(client: Client, sites: Arc<Sites>, is_held: impl Fn(&str) -> bool) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for site in sites.iter().filter(|site| !is_held(&site.id)) {
            match roll_up(&client, site, Timestamp::now()).await {
                Ok(0) => {}
                Ok(days) => tracing::info!(site = site.id, days, "a site was rolled up"),
                Err(error) => {
                    tracing::warn!(site = site.id, %error, "a roll-up failed; it is tried again in ten minutes")
                }
            }
        }
    }
}

/// Rolls up the days of a site that need it. Returns their number.
///
/// # Errors
/// ClickHouse is unreachable or refuses. What was recorded before stays.
pub async fn roll_up(client: &Client, site: &Site, now: Timestamp) -> Result<usize, RollError> {
    let arrived = now.checked_sub(GRACE_HOURS.hours())?;
    // The day before yesterday is the last day that is finished.
    let yesterday = arrived
        .to_zoned_datetime(site.timezone.clone())
        .date()
        .yesterday()?;
    let days = missing_days(client, site, yesterday).await?;
    let mut rest = days.as_slice();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_length(rest, EVENTS_AT_ONCE));
        build(client, site, chunk, now.as_millisecond()).await?;
        rest = after;
    }
    Ok(days.len())
}

/// The number of first days that one statement builds: at least one.
fn chunk_length(days: &[CountedDay], events_max: i64) -> usize {
    let mut events = 0;
    let fitting = days.iter().take(DAYS_AT_ONCE).take_while(|(_, count)| {
        events += count;
        events <= events_max
    });
    fitting.count().max(1)
}

/// The days before `end` that are not rolled up with all their events. Days without events count
/// too, from the first day with events on.
async fn missing_days(
    client: &Client,
    site: &Site,
    end: Date,
) -> Result<Vec<CountedDay>, RollError> {
    let statement = Sql::template(
        include_str!("sql/events_by_day.sql"),
        &[
            ("site", Value::Text(site.id.clone()).into()),
            ("zone", Value::Text(site.zone_name().to_owned()).into()),
            ("until", Value::Number(start_s(end, site)?).into()),
        ],
    );
    let limits = QueryLimits {
        execution_time_max: EXECUTION_TIME_MAX,
        ..QueryLimits::default()
    };
    let runner = Runner::new(client.clone(), limits);
    let lines = runner.rows(statement.finish()).await?;
    let cleared = cleared_before(&runner, site).await?;
    let mut missing = Vec::new();
    let mut next = None;
    for row in rows::read::<(i64, i64, i64, i64, i64)>(&lines) {
        let (day, there, counted, is_known, has_visits) = row.map_err(RunError::from)?;
        missing.extend((next.unwrap_or(day)..day).map(|empty| (empty, 0)));
        // Rolled up by an earlier version, and its events are complete.
        let lacks_visits = has_visits == 0 && there > 0 && there >= counted;
        let is_cleared = has_visits == 1 && cleared.is_some_and(|first| day < first);
        if is_known == 0 || lacks_visits || (there > counted && !is_cleared) {
            missing.push((day, there));
        }
        next = Some(day + 1);
    }
    let end = i64::from(end.since(Date::constant(1970, 1, 1))?.get_days());
    missing.extend((next.unwrap_or(end)..end).map(|empty| (empty, 0)));
    Ok(missing)
}

/// Builds some days, which need not be consecutive, and makes them count.
async fn build(
    client: &Client,
    site: &Site,
    days: &[CountedDay],
    version: i64,
) -> Result<(), RollError> {
    for run in days.chunk_by(|one, next| one.0 + 1 == next.0) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        if run.iter().all(|(_, events)| *events == 0) {
            continue;
        }
        let scope = scope_of(site, first.0, last.0)?;
        for rolled in Rolled::all() {
            execute(client, daily::build(&rolled, &scope, version)).await?;
        }
        let mut rest = run;
        while let (Some(first), length) = (rest.first(), chunk_length(rest, VISITS_EVENTS_AT_ONCE))
        {
            let (piece, after) = rest.split_at(length);
            let last = piece.last().map_or(first.0, |day| day.0);
            let scope = scope_of(site, first.0, last)?;
            execute(client, visits::build(&scope, version)).await?;
            rest = after;
        }
    }
    let numbers = |which: fn(&CountedDay) -> i64| {
        Sql::value(Value::Numbers(days.iter().map(which).collect()))
    };
    let record = Sql::template(
        include_str!("sql/record_days.sql"),
        &[
            ("site", Value::Text(site.id.clone()).into()),
            ("zone", Value::Text(site.zone_name().to_owned()).into()),
            ("version", Value::Number(version).into()),
            ("days", numbers(|day| day.0)),
            ("events", numbers(|day| day.1)),
        ],
    );
    execute(client, record).await
}

/// Whole days of a site, both inclusive.
fn scope_of(site: &Site, first: i64, last: i64) -> Result<Scope, jiff::Error> {
    let date = |day: i64| Date::constant(1970, 1, 1).checked_add(day.days());
    Ok(Scope {
        site: Value::Text(site.id.clone()).into(),
        zone: Value::Text(site.zone_name().to_owned()).into(),
        since: Value::Number(start_s(date(first)?, site)?).into(),
        until: Value::Number(start_s(date(last + 1)?, site)?).into(),
        first_day: first,
        floor: None,
        currency: String::new(),
        is_partly_cleared: false,
        overlapping: Vec::new(),
    })
}

async fn execute(client: &Client, sql: Sql) -> Result<(), RollError> {
    let statement = sql.finish();
    let query = client
        .query_raw(&statement.text)
        // Background work: one core at most, so that questions are answered meanwhile.
        .with_setting("max_threads", "1")
        .with_setting(
            "max_execution_time",
            EXECUTION_TIME_MAX.as_secs().to_string(),
        )
        .with_setting(
            "max_bytes_before_external_group_by",
            BYTES_IN_MEMORY_MAX.to_string(),
        )
        // Never repeated: a day that is built again has another version. A new token keeps
        // ClickHouse from taking a block for a retry.
        .with_setting("insert_deduplication_token", random::token()?);
    bind(&statement, query)
        .execute()
        .await
        .map_err(RollError::Write)
}

fn start_s(day: Date, site: &Site) -> Result<i64, jiff::Error> {
    let start = day
        .to_zoned_datetime(site.timezone.clone())?
        .start_of_day()?;
    Ok(start.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_built_together_within_bounds() {
        let days =
            |count: i64, events: i64| (0..count).map(|day| (day, events)).collect::<Vec<_>>();
        let length = |count: i64, events: i64| chunk_length(&days(count, events), EVENTS_AT_ONCE);
        assert_eq!(length(1, 0), 1);
        assert_eq!(length(92, 0), 92);
        assert_eq!(length(93, 0), 92);
        assert_eq!(length(10, EVENTS_AT_ONCE / 4), 4);
        assert_eq!(length(10, EVENTS_AT_ONCE + 1), 1);
    }
}
