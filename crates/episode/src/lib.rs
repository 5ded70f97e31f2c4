//! Log lines of a fault that lasts: one when it begins, one per minute with the number of failures
//! since the last line, and one when it is over.
//!
//! A full disk or an unreachable ClickHouse fails thousands of times a second, and an operator
//! needs three lines about it. A fault that comes and goes is one fault: it is over once nothing
//! has failed for a while, and failures soon after the last line are counted and not logged. The
//! caller writes the lines, since it knows what they mean.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two lines of a fault.
const REMIND_EVERY: Duration = Duration::from_secs(60);

/// A fault that may be under way.
#[derive(Debug)]
pub struct Episode {
    /// The fault is over after this time without a failure.
    quiet: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: Option<UnderWay>,
    /// When the last line was due, of this fault or of the previous one.
    logged: Option<Instant>,
}

#[derive(Debug)]
struct UnderWay {
    began: Instant,
    latest: Instant,
    /// Failures since the last line, and in total.
    unlogged: u64,
    count: u64,
}

/// The line that is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// The fault has begun.
    Began,
    /// It goes on. `failures` counts since the last line.
    GoesOn { failures: u64 },
    /// It is over. `failures` is the total.
    Over { failures: u64, lasted: Duration },
}

impl Episode {
    /// A fault that is over as soon as something succeeds.
    pub fn new() -> Self {
        Self::over_after(Duration::ZERO)
    }

    /// A fault that is over after this time without a failure.
    pub fn over_after(quiet: Duration) -> Self {
        Self {
            quiet,
            state: Mutex::default(),
        }
    }

    /// Something failed.
    pub fn failed(&self) -> Option<Line> {
        self.failed_at(Instant::now())
    }

    /// Something succeeded, or nothing has failed for a while.
    pub fn succeeded(&self) -> Option<Line> {
        self.succeeded_at(Instant::now())
    }

    fn failed_at(&self, now: Instant) -> Option<Line> {
        let mut state = self.lock();
        let is_line_due = state.logged.is_none_or(|last| now - last >= REMIND_EVERY);
        let is_new = state.under_way.is_none();
        let under_way = state.under_way.get_or_insert(UnderWay {
            began: now,
            latest: now,
            unlogged: 0,
            count: 0,
        });
        under_way.latest = now;
        under_way.count += 1;
        under_way.unlogged += 1;
        if !is_line_due {
            return None;
        }
        let failures = std::mem::take(&mut under_way.unlogged);
        state.logged = Some(now);
        Some(if is_new {
            Line::Began
        } else {
            Line::GoesOn { failures }
        })
    }

    fn succeeded_at(&self, now: Instant) -> Option<Line> {
        let mut state = self.lock();
        let under_way = state
            .under_way
            .take_if(|under_way| now - under_way.latest >= self.quiet)?;
        // A fault without any line needs no line about its end.
        (under_way.unlogged < under_way.count).then(|| Line::Over {
            failures: under_way.count,
            lasted: under_way.latest - under_way.began,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Episode {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lasting_fault_is_logged_in_three_lines() {
        let episode = Episode::over_after(Duration::from_secs(5));
        let start = Instant::now();
        let mut lines = Vec::new();
        for ms in 0..120_000 {
            lines.extend(episode.failed_at(start + Duration::from_millis(ms)));
        }
        let end = start + Duration::from_secs(126);
        lines.extend(episode.succeeded_at(end));
        assert_eq!(
            lines,
            [
                Line::Began,
                Line::GoesOn { failures: 60_000 },
                Line::Over {
                    failures: 120_000,
                    lasted: Duration::from_millis(119_999)
                }
            ]
        );
        assert_eq!(episode.succeeded_at(end), None);
    }

    #[test]
    fn a_fault_that_comes_and_goes_is_logged_once_a_minute_at_most() {
        let episode = Episode::new();
        let start = Instant::now();
        let mut lines = 0;
        for ms in 0..60_000 {
            let now = start + Duration::from_millis(ms);
            lines += u32::from(episode.failed_at(now).is_some());
            lines += u32::from(episode.succeeded_at(now).is_some());
        }
        assert_eq!(lines, 2, "its beginning and its first end");
        let next = start + Duration::from_secs(60);
        assert_eq!(episode.failed_at(next), Some(Line::Began));
    }
}
