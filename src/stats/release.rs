//! When events of unfinished time are released to audiences with a floor.
//!
//! Duty: the latest full hour up to which an answer may reach. Asking before and after one visit
//! would tell everything about that visit, so time is released in steps: a step ends with the first
//! full hour by whose end at least the floor's number of visitors came since the step before. Two
//! answers then differ by one or several whole steps. What holds:
//!
//! - **The same for everybody.** It follows from the stored events and the clock alone, so asking
//!   differently or from two places gives no finer steps.
//! - **Yesterday's rest** waits for the first step of today. Earlier days are finished.
//! - **Late beacons.** An hour counts when it has been over for [`LATE_S`], so that what waits in a
//!   spool is there.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Answer, Answerer};
use crate::config::Site;
use sillage_query::suppression::floor::Floor;
use sillage_query::sql::{Sql, Value};

/// Seconds after which an hour's events are taken to be complete.
pub const LATE_S: i64 = 600;
const HOUR_S: i64 = 3_600;

/// By the end of the last full hour and the floor: where the release ends.
pub type Known = Vec<((i64, i64), i64)>;

/// The hours of `came`, by hours since the beginning, that are released of `full` ones.
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

impl Answerer {
    /// The instant up to which events of a site are released, seconds since 1970.
    ///
    /// # Errors
    /// The database does not answer.
    pub(super) async fn released(
        &self,
        site: &Site,
        floor: Floor,
        now: Timestamp,
    ) -> Result<i64, Answer> {
        let today = now.to_zoned_datetime(site.timezone.clone()).date();
        let begin = today
            .yesterday()
            .and_then(|day| day.to_zoned_datetime(site.timezone.clone()))
            .and_then(|day| day.start_of_day())
            .map_err(|_| Answer::error(400, "the calendar ends"))?;
        let since_s = begin.timestamp().as_second();
        let full = (now.as_second() - LATE_S - since_s) / HOUR_S;
        let until_s = since_s + full * HOUR_S;
        let key = (until_s, i64::from(floor.visitors()));
        let index = self.sites.iter().position(|known| known.id == site.id);
        let Some(cell) = index.and_then(|index| self.releases.get(index)) else {
            return Ok(since_s);
        };
        // Held while it is asked for, so that the questions of a batch ask once.
        let mut known = cell.lock().await;
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
        let rows = self.runner.rows(statement.finish()).await?;
        let lines = rows.split(|byte| *byte == b'\n');
        let mut came = Vec::new();
        for (index, line) in lines.filter(|line| !line.is_empty()).enumerate() {
            let row = serde_json::from_slice::<(i64, i64)>(line);
            came.push(row.map_err(|_| {
                crate::store::runner::RunError::Answer(sillage_query::report::RowFault { index })
            })?);
        }
        let hours = released_hours(&came, full, i64::from(floor.visitors()));
        let released = since_s + hours * HOUR_S;
        known.push((key, released));
        Ok(released)
    }
}

/// Says in an answer until when its numbers reach.
pub fn tell(body: &mut Json, released_s: i64, site: &Site) {
    let until = Timestamp::from_second(released_s).map(|until| {
        let until = until.to_zoned_datetime(site.timezone.clone());
        until.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    });
    if let Ok(until) = until {
        body["meta"]["numbers_until"] = until.into();
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
