//! After a restart: restores open visits, the keys of stored events and known values from
//! ClickHouse, as soon as it answers. The spool's part comes first and is in
//! [`ingest::recover`](crate::ingest::recover).
//!
//! A beacon that arrives between the first bound address and ClickHouse's first answer (0.4 s with
//! the embedded engine) finds only what was in the spool. If its visit is in ClickHouse alone, it
//! begins a new one.
//!
//! Bounded: no more rows are queried than the memory for visits and keys can hold. A failure
//! here is logged and costs the continuity of visits, never an event.

use clickhouse::{Client, Row};
use jiff::Timestamp;
use serde::Deserialize;

use crate::config::Config;
use crate::ingest::Pipeline;
use crate::ingest::dedup::{Dedup, MEMORY_S};
use crate::ingest::recover::{origin, since_s};
use crate::store::StoreError;
use crate::visits::{SILENCE_S, VisitStamp, Visits};
use sillage_privacy::{OpenField, VisitorId};

/// Least memory of an open visit, in bytes. No more visits are queried than fit in memory.
const VISIT_BYTES_MIN: usize = 384;
const OPEN_VISITS: &str = include_str!("../store/sql/open_visits.sql");
const KNOWN_VALUES: &str = include_str!("../store/sql/known_values.sql");
/// Most values that are queried for a site and field. The bounds of `ingest::cardinality` are
/// lower.
const VALUES_MAX: usize = 20_000;
const RECENT_KEYS: &str = include_str!("../store/sql/recent_keys.sql");

#[derive(Row, Deserialize)]
struct OpenVisitRow {
    visitor: u64,
    visit: u64,
    last_seq: u16,
    last_elapsed: u32,
    started: u64,
    last_path: String,
    last_previous_path: String,
    first_path: String,
    visit_referrer: String,
    visit_source: String,
    visit_channel: String,
    visit_utm: Vec<String>,
    number: u8,
    days: i16,
}

#[derive(Row, Deserialize)]
struct KeyRow {
    of_site: String,
    event: String,
    key: u64,
}

/// Restores from ClickHouse the visits of visitors without an open one, and recent keys. Call it
/// before further segments of the spool are stored.
///
/// # Errors
/// ClickHouse failed. What it had returned by then is restored.
pub async fn from_clickhouse(
    client: &Client,
    config: &Config,
    visits: &Visits,
    dedup: &Dedup,
    now: Timestamp,
) -> Result<(), StoreError> {
    let now_s = u64::try_from(now.as_second()).unwrap_or(0);
    let sites: Vec<&str> = config.sites.iter().map(|site| site.id.as_str()).collect();
    let mut rows = client
        .query(OPEN_VISITS)
        .param("sites", &sites)
        .param("since_s", since_s(now_s, SILENCE_S))
        .param(
            "visits_max",
            config.limits.open_visits_bytes_max / VISIT_BYTES_MIN,
        )
        .fetch::<OpenVisitRow>()?;
    let (mut reopened, mut remembered) = (0_u64, 0_u64);
    while let Some(row) = rows.next().await? {
        let Some(visitor) = VisitorId::from_stored(row.visitor) else {
            continue;
        };
        let utm: [&str; 5] =
            std::array::from_fn(|part| row.visit_utm.get(part).map_or("", String::as_str));
        let stamp = VisitStamp {
            id: row.visit,
            seq: row.last_seq,
            elapsed_s: row.last_elapsed,
            previous_path: row.last_previous_path.as_str().into(),
            entry_path: row.first_path.as_str().into(),
            origin: origin(
                &row.visit_referrer,
                &row.visit_source,
                &row.visit_channel,
                &utm,
            ),
            visit_number: row.number,
            days_since_seen: row.days,
            is_first: false,
        };
        let last_s = (row.started + u64::from(row.last_elapsed)).min(now_s);
        reopened += u64::from(visits.reopen_closed(visitor, &stamp, &row.last_path, last_s));
    }
    let mut rows = client
        .query(RECENT_KEYS)
        .param("sites", &sites)
        .param("since_s", since_s(now_s, MEMORY_S))
        .param("keys_max", config.limits.seen_keys_max / 2)
        .fetch::<KeyRow>()?;
    while let Some(row) = rows.next().await? {
        dedup.remember(&row.of_site, &row.event, row.key);
        remembered += 1;
    }
    if reopened + remembered > 0 {
        tracing::info!(
            visits = reopened,
            keys = remembered,
            "open visits are restored after the restart"
        );
    }
    Ok(())
}

#[derive(Row, Deserialize)]
struct ValueRow {
    of_site: String,
    kind: String,
    value: String,
    first_s: i64,
    last_s: i64,
}

/// Restores the values that sites had on earlier days, so that they are not folded.
///
/// # Errors
/// ClickHouse failed. What it had returned by then is restored.
pub async fn known_values(
    client: &Client,
    config: &Config,
    pipeline: &Pipeline,
    now: Timestamp,
) -> Result<(), StoreError> {
    let now_s = u64::try_from(now.as_second()).unwrap_or(0);
    let sites: Vec<&str> = config.sites.iter().map(|site| site.id.as_str()).collect();
    let fields = OpenField::ALL.map(OpenField::as_str);
    let mut rows = client
        .query(KNOWN_VALUES)
        .param("sites", &sites)
        .param("since_s", since_s(now_s, 2 * 24 * 60 * 60))
        .param("values_max", VALUES_MAX)
        .fetch::<ValueRow>()?;
    while let Some(row) = rows.next().await? {
        let field = fields.iter().position(|field| *field == row.kind);
        let (Some(site), Some(field)) = (config.sites.find(&row.of_site), field) else {
            continue;
        };
        let day_of =
            |seconds| Timestamp::from_second(seconds).map_or(0, |at| pipeline.day(site, at));
        // Values that were new today compete for a place again.
        if day_of(row.first_s) < pipeline.day(site, now) {
            let (field, last_day) = (OpenField::ALL[field], day_of(row.last_s));
            pipeline
                .cardinality()
                .remember(site, field, &row.value, last_day);
        }
    }
    Ok(())
}
