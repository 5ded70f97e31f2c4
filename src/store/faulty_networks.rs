//! Stores the counts of faulty requests by truncated network, separately from events and with their
//! own retention. Rows have a day but no time.

use std::sync::Arc;
use std::time::Duration;

use clickhouse::{Client, Row};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{StoreError, flush};
use crate::random;
use crate::store::outcomes::days_since_1970;
use crate::telemetry::{FaultyNetworks, Outcome};
use sillage_episode::{Episode, Line};

/// How often the counts are stored, and the window in which a network is named if it sends many.
const EVERY: Duration = Duration::from_secs(10);

#[derive(Row, Serialize)]
struct SecurityRow {
    day: u16,
    network: String,
    reason: &'static str,
    requests: u64,
}

/// Stores the counts every ten seconds until it is dropped. Counts that cannot be stored are
/// dropped with a warning: they are not events, and must not accumulate.
pub async fn run(client: Client, networks: Arc<FaultyNetworks>) {
    let episode = Episode::new();
    loop {
        tokio::time::sleep(EVERY).await;
        let counts = networks.take();
        if counts.is_empty() {
            continue;
        }
        match store(&client, counts, Timestamp::now()).await {
            Ok(()) => {
                episode.succeeded();
            }
            Err(error) => {
                if let Some(Line::Began | Line::GoesOn { .. }) = episode.failed() {
                    tracing::warn!(%error, "counts of faulty requests could not be stored and are dropped");
                }
            }
        }
    }
}

async fn store(
    client: &Client,
    counts: Vec<(String, Outcome, u64)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = |(network, reason, requests): (String, Outcome, u64)| SecurityRow {
        day: days_since_1970(now, TimeZone::UTC),
        network,
        reason: reason.as_str(),
        requests,
    };
    let rows: Vec<_> = counts.into_iter().map(row).collect();
    // Not retried. With a token of its own it is stored even if it equals an earlier one.
    flush::insert(client, "security", &random::token()?, &rows).await
}
