//! Visits over time, midnight, restarts and full memory.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::open_visit::elapsed_s;
use super::*;
use sillage_privacy::{Campaign, Origin};

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
    assert_eq!(
        visits.len(),
        1,
        "only the visit that was active again is open"
    );
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
        "no more visits are closed than necessary: {kept} are open"
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
    // (true second, page). Only the minute is stored.
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
fn a_restored_event_does_not_hide_the_previous_page() {
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
