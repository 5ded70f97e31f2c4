//! Stores what became of beacons, as daily counts by site and reason, every few seconds.
//!
//! The counts say how much was refused or filtered and are all that is ever kept of it. They are written straight to
//! ClickHouse, not through the spool: a crash can lose the counts of the last few seconds, never an event.

use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Row};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::StoreError;
use crate::config::Site;
use crate::ingest::Outcome;
use crate::telemetry::Counters;

const EVERY: Duration = Duration::from_secs(5);

#[derive(Row, Serialize)]
struct OutcomeRow<'a> {
    site: &'a str,
    day: u16,
    outcome: &'a str,
    beacons: u64,
}

/// Stores counts for ever.
pub async fn run(client: Client, sites: Vec<Site>, counters: Arc<Counters>) {
    loop {
        tokio::time::sleep(EVERY).await;
        flush(&client, &sites, &counters, Timestamp::now()).await;
    }
}

/// Stores what was counted since the last time; on failure it is kept for the next.
pub async fn flush(client: &Client, sites: &[Site], counters: &Counters, now: Timestamp) {
    let counts = counters.take_unstored();
    if counts.is_empty() {
        return;
    }
    if let Err(error) = store(client, sites, &counts, now).await {
        tracing::debug!(%error, "counts of outcomes wait for ClickHouse");
        counters.restore(&counts);
    }
}

async fn store(
    client: &Client,
    sites: &[Site],
    counts: &[(Option<usize>, Outcome, u64)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut insert = client.insert::<OutcomeRow<'_>>("outcomes").await?;
    for (site, outcome, beacons) in counts {
        let site = site.and_then(|index| sites.get(index));
        let zone = site.map_or(TimeZone::UTC, |site| site.timezone.clone());
        let row = OutcomeRow {
            site: site.map_or("", |site| &site.id),
            day: days_since_1970(now, zone),
            outcome: outcome.as_str(),
            beacons: *beacons,
        };
        insert.write(&row).await?;
    }
    insert.end().await?;
    Ok(())
}

/// ClickHouse's `Date`: the local day as days since 1970-01-01.
pub fn days_since_1970(now: Timestamp, zone: TimeZone) -> u16 {
    let day = now.to_zoned_datetime(zone).date();
    let epoch = jiff::civil::date(1970, 1, 1);
    u16::try_from((day - epoch).get_days()).unwrap_or(0)
}
