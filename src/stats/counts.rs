//! Numbers apart from reports: visitors of the last minutes, and beacons by outcome.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use sillage_query::date_range::LIVE_MINUTES;
use sillage_query::sql::{Sql, Value};
use sillage_query::{QueryError, rows};

use super::service::StatsService;
use crate::store::runner::{RunError, first_number};

/// The beacons of some days by outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    pub accepted: u64,
    /// Beacons that were not stored, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Beacons by day (`YYYY-MM-DD`) and outcome.
    pub by_day: BTreeMap<String, BTreeMap<String, u64>>,
}

impl StatsService {
    /// The number of visitors with an event in the last five minutes.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn live(&self, site: &str, now: Timestamp) -> Result<i64, QueryError> {
        let site = self.site(site)?.site;
        if self.floor(site).is_some() {
            return Err(QueryError::Protected(
                "the live count can't be asked for here: small counts are protected, and it would reveal each arrival",
            ));
        }
        // Times are stored by the minute, so the first minute counts as a whole.
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
        Ok(first_number(&rows).unwrap_or(0))
    }

    /// The beacons of some days by outcome, both days inclusive.
    ///
    /// # Errors
    /// See [`QueryError`].
    pub async fn quality(&self, site: &str, from: Date, to: Date) -> Result<Quality, QueryError> {
        let site = self.site(site)?.site;
        let after = to.tomorrow().ok().filter(|_| from <= to);
        let after = after.ok_or_else(|| QueryError::invalid("to", "is before `from`"))?;
        let statement = Sql::template(
            include_str!("sql/quality.sql"),
            &[
                ("site", Value::Text(site.id.clone()).into()),
                ("first_day", Value::Text(from.to_string()).into()),
                ("day_after", Value::Text(after.to_string()).into()),
            ],
        );
        let lines = self.runner.rows(statement.finish()).await?;
        let least = self
            .floor(site)
            .map_or(0, |floor| u64::from(floor.visitors()));
        let mut quality = Quality::default();
        for row in rows::read::<(String, String, u64)>(&lines) {
            let (day, outcome, beacons) = row.map_err(RunError::from)?;
            if beacons < least {
                continue;
            }
            if outcome == "accepted" {
                quality.accepted += beacons;
            } else {
                *quality.dropped.entry(outcome.clone()).or_default() += beacons;
            }
            let of_day = quality.by_day.entry(day).or_default();
            of_day.insert(outcome, beacons);
        }
        Ok(quality)
    }
}
