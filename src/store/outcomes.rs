//! Stores the outcomes of beacons as daily counts by site and reason, every few seconds.
//!
//! Of refused and filtered beacons, only these counts are kept. They are written straight to
//! ClickHouse, not through the spool; [`flush`](crate::store::flush) describes which counts a crash
//! loses. It never loses an event.

use std::time::Duration;

use clickhouse::{Client, Row};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::StoreError;
use crate::config::{SiteId, Sites};
use crate::store::flush::Flusher;
use crate::telemetry::{Counters, Outcome};

const EVERY: Duration = Duration::from_secs(5);

/// One row of the table.
#[derive(Row, Serialize)]
pub struct OutcomeRow {
    site: String,
    day: u16,
    outcome: &'static str,
    beacons: u64,
}

/// Counts that wait to be stored.
pub type Outcomes = Flusher<OutcomeRow>;

/// Without pending counts.
pub fn flusher() -> Outcomes {
    Flusher::new("outcomes")
}

/// Stores counts until it is dropped.
pub async fn run(flusher: &Outcomes, client: &Client, sites: &Sites, counters: &Counters) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = flush(flusher, client, sites, counters, Timestamp::now()).await {
            tracing::debug!(%error, "counts of outcomes wait for ClickHouse");
        }
    }
}

/// Stores the counts since the last call.
///
/// # Errors
/// As of [`Flusher::flush`].
pub async fn flush(
    flusher: &Outcomes,
    client: &Client,
    sites: &Sites,
    counters: &Counters,
    now: Timestamp,
) -> Result<(), StoreError> {
    let take = || {
        let counts = counters.take_unstored().into_iter();
        let row = |(site, outcome, beacons): (Option<SiteId>, Outcome, u64)| {
            let site = site.map(|id| &sites[id]);
            let zone = site.map_or(TimeZone::UTC, |site| site.timezone.clone());
            OutcomeRow {
                site: site.map_or(String::new(), |site| site.id.clone()),
                day: days_since_1970(now, zone),
                outcome: outcome.as_str(),
                beacons,
            }
        };
        counts.map(row).collect()
    };
    flusher.flush(client, take).await
}

/// ClickHouse's `Date`: the local day as days since 1970-01-01.
pub fn days_since_1970(now: Timestamp, zone: TimeZone) -> u16 {
    let day = now.to_zoned_datetime(zone).date();
    let epoch = jiff::civil::date(1970, 1, 1);
    u16::try_from((day - epoch).get_days()).unwrap_or(0)
}
