//! After a restart: restores open visits and the keys of stored events from the spool, before the
//! first beacon is accepted.
//!
//! Restored visits are exact except for time, of which only the minute is stored (P8). `elapsed`
//! counts from minute to minute and continues exactly; a visit counts as last active at the start
//! of its last event's minute, so it may end up to 59 s early.
//!
//! Bounded: at most 128 MiB of the spool are read. A failure here is logged and costs the
//! continuity of visits, never an event.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::event_row::decode::{Decoder, StoredEvent};
use crate::ingest::channel::channel_named;
use crate::ingest::dedup::{Dedup, MEMORY_S};
use crate::visits::{LastPage, SILENCE_S, VisitStamp, Visits};
use sillage_privacy::{Campaign, Origin, VisitorId};
use sillage_spool::Spool;

/// Bytes that are read of a backlog, newest first in whole segments: some 600,000 events, more than
/// the memory of visits and keys holds, in about half a second.
const SPOOL_BYTES_MAX: u64 = 128 << 20;

/// Restores visits and keys from the spool. Blocks; call it before the first append.
pub fn from_spool(spool: &Spool, visits: &Visits, dedup: &Dedup, now: Timestamp) {
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
                recall(&event, visits, dedup, now_s);
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

fn recall(event: &StoredEvent<'_>, visits: &Visits, dedup: &Dedup, now_s: u64) {
    let minute_s = u64::from(event.minute_s);
    if event.name != "engagement" && minute_s >= since_s(now_s, MEMORY_S) {
        dedup.remember(event.site, event.name, event.key);
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

/// Start of the minute that lies this number of seconds back.
pub fn since_s(now_s: u64, ago_s: u64) -> u64 {
    now_s.saturating_sub(ago_s) / 60 * 60
}

/// The origin of a stored event. Scrubbing it again changes nothing.
pub fn origin(referrer: &str, source: &str, channel: &str, utm: &[&str; 5]) -> Arc<Origin> {
    let [utm_source, medium, campaign, content, term] = utm.map(str::to_owned);
    let campaign = Campaign {
        source: utm_source,
        medium,
        campaign,
        content,
        term,
    };
    let channel = channel_named(channel);
    Arc::new(Origin::new(referrer, source, channel, &campaign))
}
