//! Counts that are in memory until they are flushed to ClickHouse.

use std::time::Duration;

use clickhouse::Client;
use jiff::Timestamp;

use crate::access::App;
use crate::store;

/// Time limit of the last flush, at shutdown.
const LAST_FLUSH_MAX: Duration = Duration::from_secs(5);

/// The buffers of the counts.
pub struct Flushers {
    pub outcomes: store::outcomes::Outcomes,
    pub email_opens: store::email_opens::MailOpens,
}

impl Flushers {
    /// Empty buffers.
    pub fn new() -> Self {
        Self {
            outcomes: store::outcomes::flusher(),
            email_opens: store::email_opens::flusher(),
        }
    }

    /// Stores the counts at shutdown. Those that ClickHouse does not store now are lost.
    pub async fn flush_last(&self, app: &App, client: &Client) {
        let (sites, now) = (&app.config.sites, Timestamp::now());
        let opens = app.pipeline.opens();
        let flushing = async {
            store::outcomes::flush(&self.outcomes, client, sites, &app.counters, now).await?;
            store::email_opens::flush(&self.email_opens, client, sites, opens, now).await
        };
        match tokio::time::timeout(LAST_FLUSH_MAX, flushing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "counts of outcomes and e-mail opens since the last flush are lost; events are not affected");
            }
            Err(_) => {
                tracing::warn!(
                    "ClickHouse did not store the counts of outcomes and e-mail opens since the last flush in time; they are lost, events are not affected"
                );
            }
        }
    }
}
