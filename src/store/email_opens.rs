//! Stores the totals of opened e-mails every few seconds, as [`outcomes`](crate::store::outcomes)
//! stores its counts.

use std::time::Duration;

use clickhouse::{Client, Row};
use jiff::Timestamp;
use serde::Serialize;

use super::StoreError;
use crate::config::{SiteId, Sites};
use crate::ingest::email_opens::Opens;
use crate::store::flush::Flusher;
use crate::store::outcomes::days_since_1970;

const EVERY: Duration = Duration::from_secs(5);

/// One row of the table.
#[derive(Row, Serialize)]
pub struct OpensRow {
    site: String,
    day: u16,
    campaign: String,
    opens: u64,
}

/// Totals that wait to be stored.
pub type MailOpens = Flusher<OpensRow>;

/// Without pending totals.
pub fn flusher() -> MailOpens {
    Flusher::new("mail_opens")
}

/// Stores totals until it is dropped.
pub async fn run(flusher: &MailOpens, client: &Client, sites: &Sites, opens: &Opens) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = flush(flusher, client, sites, opens, Timestamp::now()).await {
            tracing::debug!(%error, "counts of e-mail opens wait for ClickHouse");
        }
    }
}

/// Stores the totals counted since the last call.
///
/// # Errors
/// As of [`Flusher::flush`].
pub async fn flush(
    flusher: &MailOpens,
    client: &Client,
    sites: &Sites,
    opens: &Opens,
    now: Timestamp,
) -> Result<(), StoreError> {
    let take = || {
        let row = |(id, campaign, opens): (SiteId, &str, u64)| {
            let site = &sites[id];
            OpensRow {
                site: site.id.clone(),
                day: days_since_1970(now, site.timezone.clone()),
                campaign: campaign.to_owned(),
                opens,
            }
        };
        opens.take().into_iter().map(row).collect()
    };
    flusher.flush(client, take).await
}
