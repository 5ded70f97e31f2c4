//! Stores the totals of opened e-mails every few seconds, as [`outcomes`](super::outcomes) stores its counts: a crash can lose those of
//! the last few seconds.

use std::time::Duration;

use clickhouse::{Client, Row};
use jiff::Timestamp;
use serde::Serialize;

use super::StoreError;
use super::outcomes::days_since_1970;
use crate::config::Site;
use crate::ingest::mail::Opens;

const EVERY: Duration = Duration::from_secs(5);

#[derive(Row, Serialize)]
struct OpensRow<'a> {
    site: &'a str,
    day: u16,
    campaign: &'a str,
    opens: u64,
}

/// Stores totals for ever.
pub async fn run(client: &Client, sites: &[Site], opens: &Opens) {
    loop {
        tokio::time::sleep(EVERY).await;
        flush(client, sites, opens, Timestamp::now()).await;
    }
}

/// Stores what was counted since the last time; on failure it is kept for the next.
pub async fn flush(client: &Client, sites: &[Site], opens: &Opens, now: Timestamp) {
    let taken = opens.take();
    if taken.is_empty() {
        return;
    }
    if let Err(error) = store(client, sites, &taken, now).await {
        tracing::debug!(%error, "totals of opened e-mails wait for ClickHouse");
        opens.restore(&taken);
    }
}

async fn store(
    client: &Client,
    sites: &[Site],
    taken: &[(usize, &str, u64)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut insert = client.insert::<OpensRow<'_>>("mail_opens").await?;
    for (index, campaign, opens) in taken {
        let site = &sites[*index];
        let row = OpensRow {
            site: &site.id,
            day: days_since_1970(now, site.timezone.clone()),
            campaign,
            opens: *opens,
        };
        insert.write(&row).await?;
    }
    insert.end().await?;
    Ok(())
}
