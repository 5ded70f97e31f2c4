//! Release of unfinished time to audiences with a floor.
//!
//! An answer before one visit and an answer after it would reveal everything about that visit. So
//! time is released in steps: a step ends with the first full hour by whose end at least the
//! floor's number of visitors came since the previous step. Two answers then differ by whole steps.
//! What holds:
//!
//! - **The same for everyone.** A step depends on the stored events and the clock only. Other
//!   questions, or questions from two places, get no finer steps.
//! - **The rest of yesterday** waits for the first step of today. Earlier days are finished.
//! - **Late beacons.** An hour counts when it has been over for [`LATE_S`], so that beacons waiting
//!   in a spool are stored.

use jiff::Timestamp;
use sillage_query::QueryError;
use sillage_query::rows;
use sillage_query::sql::{Sql, Value};
use sillage_query::suppression::floor::Floor;

use super::service::{KnownSite, StatsService};
use crate::store::runner::RunError;

/// Seconds after the end of an hour until its events count as complete.
pub const LATE_S: i64 = 600;
const HOUR_S: i64 = 3_600;

/// The number of hours that are released, of `full` hours. `came` holds the number of arrivals by
/// hour, counted from the start of the range.
fn released_hours(came: &[(i64, i64)], full: i64, least: i64) -> i64 {
    let (mut released, mut since) = (0, 0);
    for (hour, count) in came.iter().filter(|(hour, _)| *hour < full) {
        since += count;
        if since >= least {
            (released, since) = (hour + 1, 0);
        }
    }
    released
}

impl StatsService {
    /// The instant up to which events of a site are released, seconds since 1970.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub(super) async fn released(
        &self,
        known_site: KnownSite<'_>,
        floor: Floor,
        now: Timestamp,
    ) -> Result<i64, QueryError> {
        let site = known_site.site;
        let today = now.to_zoned_datetime(site.timezone.clone()).date();
        let begin = today
            .yesterday()
            .and_then(|day| day.to_zoned_datetime(site.timezone.clone()))
            .and_then(|day| day.start_of_day())
            .map_err(|_| QueryError::invalid("#/date_range", "the calendar ends"))?;
        let since_s = begin.timestamp().as_second();
        let full = (now.as_second() - LATE_S - since_s) / HOUR_S;
        let until_s = since_s + full * HOUR_S;
        let key = (until_s, i64::from(floor.visitors()));
        // Locked during the request to ClickHouse, so the questions of a batch ask once.
        let mut known = known_site.state.releases.lock().await;
        known.retain(|((until, _), _)| *until == until_s);
        if let Some((_, released)) = known.iter().find(|(each, _)| *each == key) {
            return Ok(*released);
        }
        let (counted, apart) = if floor.counts_pages() {
            ("name = 'pageview'", "key, time")
        } else {
            ("visitor != 0", "visitor")
        };
        let statement = Sql::template(
            include_str!("sql/arrivals_by_hour.sql"),
            &[
                ("site", Value::Text(site.id.clone()).into()),
                ("since", Value::Number(since_s).into()),
                ("until", Value::Number(until_s).into()),
                ("counted", counted.into()),
                ("apart", apart.into()),
            ],
        );
        let lines = self.runner.rows(statement.finish()).await?;
        let came = rows::read::<(i64, i64)>(&lines).collect::<Result<Vec<_>, _>>();
        let came = came.map_err(RunError::from)?;
        let hours = released_hours(&came, full, i64::from(floor.visitors()));
        let released = since_s + hours * HOUR_S;
        known.push((key, released));
        Ok(released)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_released_in_steps_of_enough_new_visitors() {
        let came = [(9, 3), (10, 1), (11, 1), (12, 4), (14, 7), (15, 2)];
        let released = |full| released_hours(&came, full, 5);
        assert_eq!([0, 9, 11].map(released), [0, 0, 0]);
        // Three, one and one are five; the four of the next hour wait for the seven.
        assert_eq!([12, 13, 14].map(released), [12, 12, 12]);
        assert_eq!([15, 16, 48].map(released), [15, 15, 15]);
        assert_eq!(released_hours(&[], 48, 5), 0);
    }
}
