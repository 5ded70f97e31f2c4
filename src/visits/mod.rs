//! Visitor to visit: events of a visitor with gaps under 30 minutes are one visit.
//!
//! After the privacy door, before the spool. Kept in memory only, bounded in bytes: when full, the
//! visit that has been silent the longest is closed first and counted. After a restart the open
//! visits are put back by [`reopen`](Visits::reopen). A visit that runs over midnight, when the
//! salt changes and with it the visitor's id, is found under the id that the old salt gives
//! ([`Anonymised::yesterday`](sillage_privacy::Anonymised)) and goes on under the new one; the old
//! id is forgotten.
//!
//! Deliberately not here: clocks (time is an argument, Unix seconds) and anything about the person
//! but the id of the day.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::identity_hasher::BuildAsItIs;
use sillage_privacy::{Origin, VisitorId};

/// Silence that ends a visit, seconds.
pub const SILENCE_S: u64 = 30 * 60;

/// Visits closed together: to find the longest silent, every stripe has to be asked.
const CLOSED_AT_ONCE: usize = 32;

/// Locks that order visits by their last event; visitors are spread over them.
const STRIPES: usize = 16;

/// What an event gets from its visit.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitStamp {
    /// Random id of the visit, never 0.
    pub id: u64,
    /// Place of the event in the visit, from 1.
    pub seq: u16,
    /// Seconds from the minute of the visit's first event to that of this one: says no more than
    /// stored minutes do (P8).
    pub elapsed_s: u32,
    /// Page seen before, empty at the start.
    pub previous_path: Arc<str>,
    /// First page of the visit.
    pub entry_path: Arc<str>,
    /// Where the visit came from: that of its first event.
    pub origin: Arc<Origin>,
    /// Which visit of the device it is, as a class; 0 = not known.
    pub visit_number: u8,
    /// Days since the device's previous visit; 32767 = never seen, -1 = not known.
    pub days_since_seen: i16,
    /// Whether this event began the visit.
    pub is_first: bool,
}

/// What a visit is begun with; asked for only when one begins.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// Random, never 0.
    pub id: u64,
    pub origin: Arc<Origin>,
    pub visit_number: u8,
    pub days_since_seen: i16,
}

/// What happened, as far as a visit is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A page was opened.
    Pageview { path: &'a str },
    /// Something happened on a page.
    Event { path: &'a str },
    /// Time spent on the latest page; keeps a visit alive but never begins one.
    Engagement,
}

#[derive(Debug)]
struct OpenVisit {
    begun: Beginning,
    started_s: u64,
    last_s: u64,
    seq: u16,
    path: Arc<str>,
    previous: Arc<str>,
    entry: Arc<str>,
}

/// On which page a visit was at an event that is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastPage<'a> {
    /// The event opened it.
    Seen(&'a str),
    /// The event happened on it; an earlier pageview of the visit knows better.
    Likely(&'a str),
}

impl OpenVisit {
    /// At its first event, which opened the page or only happened on it.
    fn first(begun: Beginning, now_s: u64, path: &str, is_pageview: bool, none: &Arc<str>) -> Self {
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

    fn reopened(stamp: &VisitStamp, path: &str, heard_s: u64) -> Self {
        Self {
            begun: Beginning {
                id: stamp.id,
                origin: stamp.origin.clone(),
                visit_number: stamp.visit_number,
                days_since_seen: stamp.days_since_seen,
            },
            started_s: heard_s.saturating_sub(u64::from(stamp.elapsed_s)),
            last_s: heard_s,
            seq: stamp.seq,
            path: path.into(),
            previous: stamp.previous_path.clone(),
            entry: stamp.entry_path.clone(),
        }
    }

    /// Estimate of the memory that this visit takes, with its share of the maps.
    fn bytes(&self) -> usize {
        160 + size_of::<Self>()
            + self.path.len()
            + self.previous.len()
            + self.entry.len()
            + origin_bytes(&self.begun.origin)
    }

    fn stamp(&self, now_s: u64, is_first: bool) -> VisitStamp {
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

/// A visitor stands in the bucket of each minute in which it was heard; the latest one counts.
type Buckets = VecDeque<(u64, Vec<VisitorId>)>;

/// The open visits of one site or of several: ids of different sites never meet.
#[derive(Debug)]
pub struct Visits {
    open: DashMap<VisitorId, OpenVisit, BuildAsItIs>,
    heard: [Mutex<Buckets>; STRIPES],
    bytes: AtomicUsize,
    bytes_max: usize,
    evicted: AtomicU64,
    /// The path of no page.
    none: Arc<str>,
}

impl Visits {
    /// Takes at most about `bytes_max` bytes of memory.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            open: DashMap::default(),
            heard: std::array::from_fn(|_| Mutex::new(Buckets::new())),
            bytes: AtomicUsize::new(0),
            bytes_max,
            evicted: AtomicU64::new(0),
            none: Arc::default(),
        }
    }

    /// Open visits, those about to be closed by silence included.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Visits closed early, so far, because the memory was full.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    /// Adds an event to its visitor's visit, beginning one by `begin` where none is open.
    ///
    /// `None`: an engagement without an open visit. It still belongs to its pageview, but to no
    /// visit any more.
    pub fn touch(
        &self,
        visitor: VisitorId,
        yesterday: Option<VisitorId>,
        now_s: u64,
        step: Step<'_>,
        begin: impl FnOnce() -> Beginning,
    ) -> Option<VisitStamp> {
        // Over midnight: what is open under yesterday's id goes on under today's. Taken out before
        // the entry below is locked, so that two shards are never held at once.
        let carried = match yesterday {
            Some(old) if !self.open.contains_key(&visitor) => self
                .open
                .remove(&old)
                .map(|(_, visit)| visit)
                .inspect(|visit| {
                    self.bytes.fetch_sub(visit.bytes(), Relaxed);
                })
                .filter(|visit| is_open(visit, now_s)),
            _ => None,
        };
        let stamp = match self.open.entry(visitor) {
            Entry::Occupied(mut found) if is_open(found.get(), now_s) => {
                let visit = found.get_mut();
                let before = visit.bytes();
                let heard_before = visit.last_s / 60;
                let stamp = advance(visit, now_s, step);
                self.account(before, visit.bytes());
                let minute = visit.last_s / 60;
                drop(found);
                if minute != heard_before {
                    self.hear(visitor, minute);
                }
                return Some(stamp);
            }
            entry => {
                let (visit, stamp) = match (carried, step) {
                    (Some(mut visit), _) => {
                        let stamp = advance(&mut visit, now_s, step);
                        (visit, stamp)
                    }
                    (None, Step::Engagement) => return None,
                    (None, Step::Pageview { path }) => {
                        let visit = OpenVisit::first(begin(), now_s, path, true, &self.none);
                        let stamp = visit.stamp(now_s, true);
                        (visit, stamp)
                    }
                    (None, Step::Event { path }) => {
                        let visit = OpenVisit::first(begin(), now_s, path, false, &self.none);
                        let stamp = visit.stamp(now_s, true);
                        (visit, stamp)
                    }
                };
                let bytes = visit.bytes();
                match entry {
                    Entry::Occupied(mut old) => {
                        self.account(old.get().bytes(), bytes);
                        old.insert(visit);
                    }
                    Entry::Vacant(place) => {
                        self.bytes.fetch_add(bytes, Relaxed);
                        place.insert(visit);
                    }
                }
                stamp
            }
        };
        self.hear(visitor, now_s / 60);
        self.evict();
        Some(stamp)
    }

    /// Puts back a visit after a restart, from its events one after the other, oldest first.
    /// `stamp` is an event's, which was heard in the minute that begins at `heard_s`.
    pub fn reopen(&self, visitor: VisitorId, stamp: &VisitStamp, page: LastPage<'_>, heard_s: u64) {
        let elapsed_s = u64::from(stamp.elapsed_s);
        let began_s = heard_s.saturating_sub(elapsed_s);
        let (before, bytes, heard_before, minute) = match self.open.entry(visitor) {
            Entry::Occupied(mut found) if found.get().begun.id == stamp.id => {
                let visit = found.get_mut();
                let (before, heard_before) = (visit.bytes(), visit.last_s / 60);
                let so_far_s = visit.last_s.saturating_sub(visit.started_s);
                visit.started_s = visit.started_s.max(began_s);
                visit.last_s = visit.started_s + so_far_s.max(elapsed_s);
                if stamp.seq >= visit.seq {
                    visit.seq = stamp.seq;
                    visit.previous = stamp.previous_path.clone();
                    if let LastPage::Seen(path) = page {
                        visit.path = path.into();
                    }
                }
                (before, visit.bytes(), Some(heard_before), visit.last_s / 60)
            }
            entry => {
                let (LastPage::Seen(path) | LastPage::Likely(path)) = page;
                let visit = OpenVisit::reopened(stamp, path, heard_s);
                let bytes = visit.bytes();
                let before = match entry {
                    Entry::Occupied(mut old) => old.insert(visit).bytes(),
                    Entry::Vacant(place) => {
                        place.insert(visit);
                        0
                    }
                };
                (before, bytes, None, heard_s / 60)
            }
        };
        self.account(before, bytes);
        if heard_before != Some(minute) {
            self.hear(visitor, minute);
        }
        self.evict();
    }

    /// Puts back a visit after a restart, unless the visitor has an open one; says whether it did.
    /// `stamp` is that of its latest event, heard at `heard_s`, and `path` that of its latest page.
    pub fn reopen_closed(
        &self,
        visitor: VisitorId,
        stamp: &VisitStamp,
        path: &str,
        heard_s: u64,
    ) -> bool {
        let Entry::Vacant(place) = self.open.entry(visitor) else {
            return false;
        };
        let visit = OpenVisit::reopened(stamp, path, heard_s);
        self.bytes.fetch_add(visit.bytes(), Relaxed);
        place.insert(visit);
        self.hear(visitor, heard_s / 60);
        self.evict();
        true
    }

    fn evict(&self) {
        while self.bytes.load(Relaxed) > self.bytes_max {
            let closed = self.close_oldest(u64::MAX, CLOSED_AT_ONCE);
            if closed == 0 {
                return;
            }
            self.evicted.fetch_add(closed, Relaxed);
        }
    }

    /// Forgets a visitor at once (erasure): its open visit, and in which minutes it was heard.
    pub fn forget(&self, visitor: VisitorId) {
        // The minutes first: a visit that begins meanwhile is then either removed, or heard after
        // this.
        for (_, visitors) in self
            .stripe(visitor)
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter_mut()
        {
            visitors.retain(|heard| *heard != visitor);
        }
        if let Some((_, visit)) = self.open.remove(&visitor) {
            self.bytes.fetch_sub(visit.bytes(), Relaxed);
        }
    }

    /// Closes the visits that have been silent for [`SILENCE_S`]; call it about once a minute.
    pub fn sweep(&self, now_s: u64) {
        let silent_before = now_s.saturating_sub(SILENCE_S) / 60;
        while self.close_oldest(silent_before, CLOSED_AT_ONCE) > 0 {}
    }

    fn account(&self, before: usize, after: usize) {
        if after >= before {
            self.bytes.fetch_add(after - before, Relaxed);
        } else {
            self.bytes.fetch_sub(before - after, Relaxed);
        }
    }

    fn stripe(&self, visitor: VisitorId) -> &Mutex<Buckets> {
        &self.heard[visitor.get() as usize % STRIPES]
    }

    fn hear(&self, visitor: VisitorId, minute: u64) {
        let mut buckets = self
            .stripe(visitor)
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Nearly always the newest; a clock that went back makes it an older one.
        match buckets.iter_mut().rev().find(|(of, _)| *of <= minute) {
            Some((of, visitors)) if *of == minute => visitors.push(visitor),
            _ => {
                let at = buckets.partition_point(|(of, _)| *of < minute);
                buckets.insert(at, (minute, vec![visitor]));
            }
        }
    }

    /// Closes visits of the oldest minute, if that minute lies before `before`: at most so many,
    /// and says how many. 0 when there is none.
    fn close_oldest(&self, before: u64, at_once: usize) -> u64 {
        loop {
            let oldest = self
                .heard
                .iter()
                .filter_map(|stripe| {
                    let buckets = stripe.lock().unwrap_or_else(PoisonError::into_inner);
                    buckets.front().map(|(minute, _)| (*minute, stripe))
                })
                .min_by_key(|(minute, _)| *minute);
            let Some((minute, stripe)) = oldest.filter(|(minute, _)| *minute < before) else {
                return 0;
            };
            let silent = {
                let mut buckets = stripe.lock().unwrap_or_else(PoisonError::into_inner);
                let Some((_, visitors)) = buckets.front_mut().filter(|(of, _)| *of == minute)
                else {
                    continue;
                };
                let silent = visitors.split_off(visitors.len().saturating_sub(at_once));
                if visitors.is_empty() {
                    buckets.pop_front();
                }
                silent
            };
            let mut closed = 0;
            for visitor in silent {
                // A visit heard again later stands in a later bucket too, and stays.
                let removed = self
                    .open
                    .remove_if(&visitor, |_, visit| visit.last_s / 60 <= minute);
                if let Some((_, visit)) = removed {
                    self.bytes.fetch_sub(visit.bytes(), Relaxed);
                    closed += 1;
                }
            }
            if closed > 0 {
                return closed;
            }
        }
    }
}

fn origin_bytes(origin: &Origin) -> usize {
    size_of::<Origin>()
        + origin.referrer().len()
        + origin.source().len()
        + origin.utm().iter().map(String::len).sum::<usize>()
}

fn is_open(visit: &OpenVisit, now_s: u64) -> bool {
    now_s.saturating_sub(visit.last_s) < SILENCE_S
}

/// From minute to minute, a multiple of 60. Unbiased: a minute's turn lies anywhere in a visit, so
/// that the mean of many visits is that of their true durations.
fn elapsed_s(started_s: u64, now_s: u64) -> u32 {
    let minutes = (now_s / 60).saturating_sub(started_s / 60);
    u32::try_from(minutes * 60).unwrap_or(u32::MAX / 60 * 60)
}

fn advance(visit: &mut OpenVisit, now_s: u64, step: Step<'_>) -> VisitStamp {
    // A clock that goes back must not make a visit look silent later.
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

#[cfg(test)]
mod tests {
    use super::*;
    use sillage_privacy::Campaign;

    fn visitor(n: u64) -> VisitorId {
        VisitorId::from_stored(n).expect("not 0")
    }

    fn beginning(id: u64) -> Beginning {
        Beginning {
            id,
            origin: Arc::new(Origin::new("", "", "Direct", &Campaign::default())),
            visit_number: 1,
            days_since_seen: 32767,
        }
    }

    fn view<'a>(path: &'a str) -> Step<'a> {
        Step::Pageview { path }
    }

    #[test]
    fn events_with_gaps_under_thirty_minutes_are_one_visit() {
        let visits = Visits::new(1 << 20);
        let first = visits
            .touch(visitor(1), None, 1_000, view("/a"), || beginning(7))
            .expect("begun");
        assert!(first.is_first);
        assert_eq!(
            (
                first.id,
                first.seq,
                first.elapsed_s,
                &*first.previous_path,
                &*first.entry_path
            ),
            (7, 1, 0, "", "/a")
        );
        let second = visits
            .touch(visitor(1), None, 1_000 + SILENCE_S - 1, view("/b"), || {
                beginning(8)
            })
            .expect("open");
        assert!(!second.is_first);
        // 1,799 s later: from minute 16 to minute 46.
        assert_eq!((second.id, second.seq, second.elapsed_s), (7, 2, 1_800));
        assert_eq!((&*second.previous_path, &*second.entry_path), ("/a", "/a"));
        let third = visits
            .touch(
                visitor(1),
                None,
                1_000 + 2 * SILENCE_S - 1,
                view("/c"),
                || beginning(9),
            )
            .expect("begun");
        assert_eq!(
            (third.id, third.seq, third.is_first, &*third.entry_path),
            (9, 1, true, "/c")
        );
        assert_eq!(visits.len(), 1);
    }

    #[test]
    fn an_engagement_keeps_a_visit_alive_but_begins_none() {
        let visits = Visits::new(1 << 20);
        assert_eq!(
            visits.touch(visitor(1), None, 0, Step::Engagement, || beginning(1)),
            None
        );
        visits.touch(visitor(1), None, 0, view("/a"), || beginning(1));
        let engaged = visits
            .touch(visitor(1), None, 1_700, Step::Engagement, || beginning(2))
            .expect("open");
        assert_eq!((engaged.id, engaged.seq), (1, 1));
        let later = visits
            .touch(visitor(1), None, 3_400, view("/b"), || beginning(3))
            .expect("still open");
        assert_eq!((later.id, later.seq), (1, 2));
    }

    #[test]
    fn a_visit_over_midnight_continues_under_the_new_id() {
        let visits = Visits::new(1 << 20);
        visits.touch(visitor(1), None, 86_390, view("/a"), || beginning(5));
        let after = visits
            .touch(visitor(2), Some(visitor(1)), 86_410, view("/b"), || {
                beginning(6)
            })
            .expect("carried");
        assert_eq!(
            (after.id, after.seq, after.is_first, &*after.previous_path),
            (5, 2, false, "/a")
        );
        assert_eq!(visits.len(), 1);
        let again = visits
            .touch(visitor(2), Some(visitor(1)), 86_420, view("/c"), || {
                beginning(7)
            })
            .expect("open");
        assert_eq!((again.id, again.seq), (5, 3));
    }

    #[test]
    fn inactive_visits_close_and_free_their_memory() {
        let visits = Visits::new(1 << 20);
        for n in 1..=100 {
            visits.touch(visitor(n), None, n * 10, view("/a"), || beginning(n));
        }
        visits.touch(visitor(1), None, 1_500, view("/b"), || beginning(1_000));
        visits.sweep(1_000 + SILENCE_S + 60);
        assert_eq!(visits.len(), 1, "only the one heard again is open");
        visits.sweep(1_500 + SILENCE_S + 60);
        assert!(visits.is_empty());
        assert_eq!(visits.bytes.load(Relaxed), 0);
    }

    #[test]
    fn full_memory_closes_the_longest_inactive_visit_first() {
        let visits = Visits::new(40_000);
        for n in 1..=1_000 {
            visits.touch(visitor(n), None, n * 60, view("/a"), || beginning(n));
        }
        assert!(visits.bytes.load(Relaxed) <= 40_000);
        assert!(visits.evicted() > 0);
        assert_eq!(visits.evicted() as usize + visits.len(), 1_000);
        let kept = visits.len() as u64;
        assert!(
            kept > 40,
            "no more are closed than have to be: {kept} are open"
        );
        assert!(
            visits.open.contains_key(&visitor(1_000))
                && !visits.open.contains_key(&visitor(1_000 - kept))
        );
    }

    #[test]
    fn a_clock_going_back_neither_splits_nor_prolongs_a_visit() {
        let visits = Visits::new(1 << 20);
        visits.touch(visitor(1), None, 10_000, view("/a"), || beginning(1));
        let back = visits
            .touch(visitor(1), None, 4_000, view("/b"), || beginning(2))
            .expect("open");
        assert_eq!((back.id, back.seq, back.elapsed_s), (1, 2, 0));
        let later = visits
            .touch(visitor(1), None, 10_000 + SILENCE_S, view("/c"), || {
                beginning(3)
            })
            .expect("begun");
        assert_eq!(later.id, 3);
    }

    #[test]
    fn a_reopened_visit_continues_where_it_was() {
        let visits = Visits::new(1 << 20);
        let stamp = visits
            .touch(visitor(1), None, 1_000, view("/a"), || beginning(4))
            .expect("begun");
        let restarted = Visits::new(1 << 20);
        restarted.reopen(visitor(1), &stamp, LastPage::Seen("/a"), 1_000);
        let next = restarted
            .touch(visitor(1), None, 1_060, view("/b"), || beginning(5))
            .expect("open");
        assert_eq!(
            (next.id, next.seq, next.elapsed_s, &*next.previous_path),
            (4, 2, 60, "/a")
        );
    }

    #[test]
    fn elapsed_is_no_finer_than_the_minutes_of_a_visits_events() {
        let mut sum = 0;
        for second in 0..60 {
            let visits = Visits::new(1 << 20);
            let begun = 6_000 + second;
            for (after, path) in [(0, "/a"), (17, "/b"), (95, "/c")] {
                let stamp = visits
                    .touch(visitor(1), None, begun + after, view(path), || beginning(4))
                    .expect("open");
                let minutes = (begun + after) / 60 - begun / 60;
                assert_eq!(u64::from(stamp.elapsed_s), minutes * 60);
                sum += if after == 95 { stamp.elapsed_s } else { 0 };
            }
        }
        assert_eq!(sum, 60 * 95, "the mean duration is the true one");
    }

    #[test]
    fn a_visit_reopened_from_whole_minutes_counts_on_exactly() {
        let visits = Visits::new(1 << 20);
        let restarted = Visits::new(1 << 20);
        // (true second, page); stored is the minute.
        for (now_s, path) in [(6_050, "/a"), (6_065, "/b"), (6_119, "/c")] {
            let stamp = visits
                .touch(visitor(1), None, now_s, view(path), || beginning(4))
                .expect("open");
            restarted.reopen(visitor(1), &stamp, LastPage::Seen(path), now_s / 60 * 60);
        }
        let (truth, rebuilt) = (
            visits.open.get(&visitor(1)).expect("open"),
            restarted.open.get(&visitor(1)).expect("open"),
        );
        assert_eq!((truth.started_s, rebuilt.started_s), (6_050, 6_000));
        assert_eq!((truth.last_s, rebuilt.last_s), (6_119, 6_060));
        assert_eq!(
            elapsed_s(truth.started_s, 9_999),
            elapsed_s(rebuilt.started_s, 9_999)
        );
        assert_eq!(
            (rebuilt.seq, &*rebuilt.path, &*rebuilt.previous),
            (3, "/c", "/b")
        );
        assert_eq!(
            restarted.bytes.load(Relaxed),
            rebuilt.bytes(),
            "memory is accounted for once"
        );
    }

    #[test]
    fn an_event_put_back_does_not_hide_the_page_seen_before() {
        let visits = Visits::new(1 << 20);
        let page = visits
            .touch(visitor(1), None, 600, view("/a"), || beginning(4))
            .expect("begun");
        let signup = visits
            .touch(visitor(1), None, 605, Step::Event { path: "/a#x" }, || {
                beginning(5)
            })
            .expect("open");
        let restarted = Visits::new(1 << 20);
        restarted.reopen(visitor(1), &page, LastPage::Seen("/a"), 600);
        restarted.reopen(visitor(1), &signup, LastPage::Likely("/a#x"), 600);
        let next = restarted
            .touch(visitor(1), None, 610, view("/b"), || beginning(6))
            .expect("open");
        assert_eq!((next.id, next.seq, &*next.previous_path), (4, 3, "/a"));
    }

    #[test]
    fn visits_read_from_clickhouse_never_replace_open_ones() {
        let visits = Visits::new(40_000);
        let stamp = visits
            .touch(visitor(1), None, 600, view("/a"), || beginning(4))
            .expect("begun");
        let other = VisitStamp { id: 9, ..stamp };
        assert!(!visits.reopen_closed(visitor(1), &other, "/z", 500));
        assert_eq!(visits.open.get(&visitor(1)).expect("open").begun.id, 4);
        for n in 2..1_000 {
            assert!(visits.reopen_closed(visitor(n), &other, "/z", 500));
        }
        assert!(visits.bytes.load(Relaxed) <= 40_000);
    }
}
