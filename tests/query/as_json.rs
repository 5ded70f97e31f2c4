//! Questions in JSON to a [`StatsService`], as the API answers them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;
use sillage::api::stats_json::{self, JsonAnswer};
use sillage::stats::StatsService;
use sillage::stats::export::Export;

/// A status and a JSON body.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Json,
}

impl From<JsonAnswer> for Answer {
    fn from(answer: JsonAnswer) -> Self {
        Self {
            status: answer.status.as_u16(),
            body: answer.body,
        }
    }
}

/// The API routes that ask a [`StatsService`].
#[allow(async_fn_in_trait)] // only these tests use it
pub trait AsJson {
    async fn query_json(&self, body: &[u8], now: Timestamp) -> Answer;
    async fn batch_json(&self, body: &[u8], now: Timestamp) -> Answer;
    async fn funnel_json(&self, body: &[u8], now: Timestamp) -> Answer;
    async fn changes_json(&self, body: &[u8], now: Timestamp) -> Answer;
    async fn export_json(&self, body: &[u8], now: Timestamp) -> Result<Export, Answer>;
    async fn live_json(&self, site: &str, now: Timestamp) -> Answer;
    async fn quality_json(&self, site: &str, from: Date, to: Date) -> Answer;
}

impl AsJson for StatsService {
    async fn query_json(&self, body: &[u8], now: Timestamp) -> Answer {
        match stats_json::parse(body) {
            Ok(body) => stats_json::query(self, &body, now).await.into(),
            Err(error) => JsonAnswer::from(error).into(),
        }
    }

    async fn batch_json(&self, body: &[u8], now: Timestamp) -> Answer {
        match stats_json::parse(body) {
            Ok(body) => stats_json::batch(self, &body, now).await.into(),
            Err(error) => JsonAnswer::from(error).into(),
        }
    }

    async fn funnel_json(&self, body: &[u8], now: Timestamp) -> Answer {
        match stats_json::parse(body) {
            Ok(body) => stats_json::funnel(self, &body, now).await.into(),
            Err(error) => JsonAnswer::from(error).into(),
        }
    }

    async fn changes_json(&self, body: &[u8], now: Timestamp) -> Answer {
        match stats_json::parse(body) {
            Ok(body) => stats_json::changes(self, &body, now).await.into(),
            Err(error) => JsonAnswer::from(error).into(),
        }
    }

    async fn export_json(&self, body: &[u8], now: Timestamp) -> Result<Export, Answer> {
        let body = stats_json::parse(body).map_err(JsonAnswer::from)?;
        Ok(stats_json::export(self, &body, now).await?)
    }

    async fn live_json(&self, site: &str, now: Timestamp) -> Answer {
        stats_json::live(self, site, now).await.into()
    }

    async fn quality_json(&self, site: &str, from: Date, to: Date) -> Answer {
        stats_json::quality(self, site, from, to).await.into()
    }
}
