//! One open visit: its state, and how an event changes it.

use std::sync::Arc;

use sillage_privacy::Origin;

/// Inactivity that ends a visit, seconds.
pub const SILENCE_S: u64 = 30 * 60;

/// The columns that an event gets from its visit.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitStamp {
    /// Random id of the visit, never 0.
    pub id: u64,
    /// Position of the event in the visit, from 1.
    pub seq: u16,
    /// Seconds from the minute of the visit's first event to the minute of this one. A multiple of
    /// 60, because events store minutes only (P8).
    pub elapsed_s: u32,
    /// Previous page, empty at the start.
    pub previous_path: Arc<str>,
    /// First page of the visit.
    pub entry_path: Arc<str>,
    /// Origin of the visit's first event.
    pub origin: Arc<Origin>,
    /// Class of the number of the device's visits so far; 0 = not known.
    pub visit_number: u8,
    /// Days since the device's previous visit; 32767 = never seen, -1 = not known.
    pub days_since_seen: i16,
    /// Whether this event began the visit.
    pub is_first: bool,
}

/// Values of a new visit. They are computed only when a visit begins.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// Random, never 0.
    pub id: u64,
    pub origin: Arc<Origin>,
    pub visit_number: u8,
    pub days_since_seen: i16,
}

/// How an event affects its visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A page was opened.
    Pageview { path: &'a str },
    /// An event happened on a page.
    Event { path: &'a str },
    /// Time spent on the latest page. It keeps a visit open but never begins one.
    Engagement,
}

/// A visit that may get more events.
#[derive(Debug)]
pub(super) struct OpenVisit {
    pub(super) begun: Beginning,
    pub(super) started_s: u64,
    pub(super) last_s: u64,
    pub(super) seq: u16,
    pub(super) path: Arc<str>,
    pub(super) previous: Arc<str>,
    pub(super) entry: Arc<str>,
}

/// The page of a visit at a restored event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastPage<'a> {
    /// The event opened this page.
    Seen(&'a str),
    /// The event happened on this page; an earlier pageview of the visit is more reliable.
    Likely(&'a str),
}

impl OpenVisit {
    /// A visit at its first event. If the event is a pageview, its page is the latest page.
    pub(super) fn first(
        begun: Beginning,
        now_s: u64,
        path: &str,
        is_pageview: bool,
        none: &Arc<str>,
    ) -> Self {
        let entry: Arc<str> = path.into();
        let path = if is_pageview { &entry } else { none };
        Self {
            begun,
            started_s: now_s,
            last_s: now_s,
            seq: 1,
            path: Arc::clone(path),
            previous: Arc::clone(none),
            entry,
        }
    }

    pub(super) fn reopened(stamp: &VisitStamp, path: &str, active_s: u64) -> Self {
        Self {
            begun: Beginning {
                id: stamp.id,
                origin: stamp.origin.clone(),
                visit_number: stamp.visit_number,
                days_since_seen: stamp.days_since_seen,
            },
            started_s: active_s.saturating_sub(u64::from(stamp.elapsed_s)),
            last_s: active_s,
            seq: stamp.seq,
            path: path.into(),
            previous: stamp.previous_path.clone(),
            entry: stamp.entry_path.clone(),
        }
    }

    /// Estimate of the memory that this visit takes, including its share of the maps.
    pub(super) fn bytes(&self) -> usize {
        160 + size_of::<Self>()
            + self.path.len()
            + self.previous.len()
            + self.entry.len()
            + origin_bytes(&self.begun.origin)
    }

    pub(super) fn stamp(&self, now_s: u64, is_first: bool) -> VisitStamp {
        VisitStamp {
            id: self.begun.id,
            seq: self.seq,
            elapsed_s: elapsed_s(self.started_s, now_s),
            previous_path: self.previous.clone(),
            entry_path: self.entry.clone(),
            origin: self.begun.origin.clone(),
            visit_number: self.begun.visit_number,
            days_since_seen: self.begun.days_since_seen,
            is_first,
        }
    }
}

fn origin_bytes(origin: &Origin) -> usize {
    size_of::<Origin>()
        + origin.referrer().len()
        + origin.source().len()
        + origin.utm().iter().map(String::len).sum::<usize>()
}

pub(super) fn is_open(visit: &OpenVisit, now_s: u64) -> bool {
    now_s.saturating_sub(visit.last_s) < SILENCE_S
}

/// Seconds between two minutes, a multiple of 60. Unbiased: visits begin at any second of a minute,
/// so the mean over many visits equals the mean of their true durations.
pub(super) fn elapsed_s(started_s: u64, now_s: u64) -> u32 {
    let minutes = (now_s / 60).saturating_sub(started_s / 60);
    u32::try_from(minutes * 60).unwrap_or(u32::MAX / 60 * 60)
}

pub(super) fn advance(visit: &mut OpenVisit, now_s: u64, step: Step<'_>) -> VisitStamp {
    // A clock that goes back must not make a visit look inactive later.
    visit.last_s = visit.last_s.max(now_s);
    match step {
        Step::Pageview { path } => {
            visit.seq = visit.seq.saturating_add(1);
            visit.previous = std::mem::replace(&mut visit.path, path.into());
        }
        Step::Event { .. } => visit.seq = visit.seq.saturating_add(1),
        Step::Engagement => {}
    }
    visit.stamp(now_s, false)
}
