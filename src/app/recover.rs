//! After a restart: the open visits and the keys of kept events are put back, from the spool before
//! the first beacon is taken, and from ClickHouse as soon as it answers.
//!
//! What is put back is exact except for time, of which only the minute is stored (P8). `elapsed`
//! counts from minute to minute and goes on exactly; a visit counts as last heard at the start of
//! its last event's minute, so it may end up to 59 s early. A beacon that comes between the first
//! address bound and ClickHouse's first answer (0.4 s with the embedded engine) finds only what was
//! in the spool; if its visit is in ClickHouse alone, it begins a new one.
//!
//! Bounded: 128 MiB are read of the spool, and no more is asked of ClickHouse than the memory of
//! visits and keys holds. A failure here is logged and costs the continuity of visits, never an
//! event.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clickhouse::{Client, Row};
use jiff::Timestamp;
use serde::Deserialize;

use crate::config::Config;
use crate::event_row::decode::{Decoder, StoredEvent};
use crate::ingest::Pipeline;
use crate::ingest::dedup::{MEMORY_S, Seen};
use crate::ingest::source;
use crate::store::StoreError;
use crate::visits::{LastPage, SILENCE_S, VisitStamp, Visits};
use sillage_privacy::{Campaign, OpenField, Origin, VisitorId};
use sillage_spool::Spool;

/// What is read of a backlog, newest first in whole segments: some 600,000 events, more than the
/// memory of visits and keys holds, in about half a second.
const SPOOL_BYTES_MAX: u64 = 128 << 20;
/// Least memory that an open visit takes; no more of them are asked for than fit.
const VISIT_BYTES_MIN: usize = 384;
const OPEN_VISITS: &str = include_str!("../store/sql/open_visits.sql");
const KNOWN_VALUES: &str = include_str!("../store/sql/known_values.sql");
/// Values of a site and field that are asked for; the bounds of `ingest::cardinality` cut further.
const VALUES_MAX: usize = 20_000;
const RECENT_KEYS: &str = include_str!("../store/sql/recent_keys.sql");

/// Puts back what the spool knows. Blocks; call it before the first append.
pub fn from_spool(spool: &Spool, visits: &Visits, seen: &Seen, now: Timestamp) {
    let now_s = u64::try_from(now.as_second()).unwrap_or(0);
    let since = SystemTime::UNIX_EPOCH + Duration::from_secs(since_s(now_s, SILENCE_S));
    let mut decoder: Option<(Arc<str>, Option<Decoder>)> = None;
    let (mut read, mut unread) = (0_u64, 0_u64);
    for record in spool.recover_recent(since, SPOOL_BYTES_MAX) {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                tracing::warn!(%error, "a segment can't be read; its visits may be counted as new");
                continue;
            }
        };
        let is_known = matches!(&decoder, Some((schema, _)) if *schema == record.schema);
        if !is_known {
            decoder = Some((record.schema.clone(), Decoder::new(&record.schema)));
        }
        let event = decoder
            .as_ref()
            .and_then(|(_, decoder)| decoder.as_ref()?.decode(&record.payload));
        match event {
            Some(event) => {
                read += 1;
                recall(&event, visits, seen, now_s);
            }
            None => unread += 1,
        }
    }
    if read + unread > 0 {
        tracing::info!(
            events = read,
            open_visits = visits.len(),
            "the visits of events in the spool are restored"
        );
    }
    if unread > 0 {
        tracing::warn!(
            events = unread,
            "events in the spool have an unknown format; their visits may be counted as new"
        );
    }
}

fn recall(event: &StoredEvent<'_>, visits: &Visits, seen: &Seen, now_s: u64) {
    let minute_s = u64::from(event.minute_s);
    if event.name != "engagement" && minute_s >= since_s(now_s, MEMORY_S) {
        seen.remember(event.site, event.name, event.key);
    }
    let (Some(visitor), true) = (VisitorId::from_stored(event.visitor), event.visit != 0) else {
        return;
    };
    if minute_s < since_s(now_s, SILENCE_S) {
        return;
    }
    let stamp = VisitStamp {
        id: event.visit,
        seq: event.seq,
        elapsed_s: event.elapsed_s,
        previous_path: event.previous_path.into(),
        entry_path: event.entry_path.into(),
        origin: origin(event.referrer, event.source, event.channel, &event.utm),
        visit_number: event.visit_number,
        days_since_seen: event.days_since_seen,
        is_first: false,
    };
    let page = match event.name {
        "pageview" => LastPage::Seen(event.path),
        _ => LastPage::Likely(event.path),
    };
    visits.reopen(visitor, &stamp, page, minute_s.min(now_s));
}

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

/// Puts back what ClickHouse knows, of visitors who have no open visit. Call it before the spool is
/// stored any further.
///
/// # Errors
/// ClickHouse failed; what had come until then is put back.
pub async fn from_clickhouse(
    client: &Client,
    config: &Config,
    visits: &Visits,
    seen: &Seen,
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
        seen.remember(&row.of_site, &row.event, row.key);
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

/// Puts back which values the sites showed on an earlier day, so that they keep their places.
///
/// # Errors
/// ClickHouse failed; what had come until then is put back.
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
        // What was new today has to earn its place again.
        if day_of(row.first_s) < pipeline.day(site, now) {
            let (field, last_day) = (OpenField::ALL[field], day_of(row.last_s));
            pipeline
                .cardinality()
                .remember(site, field, &row.value, last_day);
        }
    }
    Ok(())
}

/// So many seconds ago, and the whole minute in which that lies.
fn since_s(now_s: u64, ago_s: u64) -> u64 {
    now_s.saturating_sub(ago_s) / 60 * 60
}

/// Scrubbing once more changes nothing in what was scrubbed.
fn origin(referrer: &str, source: &str, channel: &str, utm: &[&str; 5]) -> Arc<Origin> {
    let [utm_source, medium, campaign, content, term] = utm.map(str::to_owned);
    let campaign = Campaign {
        source: utm_source,
        medium,
        campaign,
        content,
        term,
    };
    let channel = source::channel_named(channel);
    Arc::new(Origin::new(referrer, source, channel, &campaign))
}
