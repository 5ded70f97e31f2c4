//! The writer thread: takes the records that have gathered, writes them in one piece, syncs once,
//! and publishes the outcome.
//!
//! It is a thread of its own with plain file calls: `fdatasync` blocks for 0.1 to 10 ms however it
//! is called, and on the runtime's blocking pool it would wait behind other work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sillage_episode::Line;

use crate::batch::Outcome;
use crate::counters::{self, count};
use crate::error::SpoolError;
use crate::group_commit::{Gather, Take, Work};
use crate::segment_writer::{SegmentWriter, record_bytes};
use crate::shared::Shared;

/// Sealed segments waiting for the store from which on age seals nothing: more segments would only
/// mean more and smaller INSERTs.
pub(super) const WAITING_SEALED_MAX: usize = 4;
/// A segment of this size at its age, 1 MiB, is under load. Fewer, larger INSERTs cost the store
/// less per row (at 40,000 beacons a second 5.9 instead of 9.6 µs, merges included), so it may grow
/// until [`BUSY_AGES`] times that age.
const BUSY_BYTES: u64 = 1 << 20;
const BUSY_AGES: u32 = 3;
/// Interval at which a seal that failed, or that age has to hold back, is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// After this time of failures the disk is tried once per [`REST`] only, and appends in between are
/// refused without a try.
const PATIENCE: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_millis(250);

/// Under load, time from the beginning of one batch's write to the next. A sync costs as much
/// processor time as about two whole beacons, so many small batches would cost more throughput than
/// they gain in latency.
const PACE: Duration = Duration::from_micros(800);
/// Longest time for which the writer lets a batch gather after the previous sync.
const GATHER_MAX: Duration = Duration::from_millis(1);

pub(super) struct Writer {
    shared: Arc<Shared>,
    segments: SegmentWriter,
    /// Clients that were just answered are likely to send more, all at once. The first of them
    /// would get a sync of its own and delay the others to the next one. So the writer waits for
    /// all of them and for those that came in the meantime, but no longer than [`PACE`] or a third
    /// of the last sync's time.
    gather: Gather,
    /// Set while the disk refuses.
    trouble: Option<Failing>,
}

/// A disk that fails, is read-only or has no space.
struct Failing {
    since: Instant,
    tried: Instant,
    error: SpoolError,
}

impl Writer {
    pub fn new(shared: Arc<Shared>, next_seq: u64) -> Self {
        Self {
            segments: SegmentWriter::new(Arc::clone(&shared), next_seq),
            shared,
            gather: Gather {
                records: 0,
                until: Instant::now(),
            },
            trouble: None,
        }
    }

    /// Writes until the group commit is closed.
    pub fn run(mut self) {
        let mut work = Work::default();
        loop {
            match self
                .shared
                .group_commit
                .take(&mut work, self.patience(), self.gather)
            {
                Take::Closed => return,
                Take::Nothing => {
                    let settled = match &self.trouble {
                        Some(_) => self.segments.probe(),
                        None => self.segments.settle(),
                    };
                    self.note(settled.as_ref().err());
                }
                Take::Work(next) => {
                    work = next;
                    self.commit(&mut work);
                }
            }
            if self.is_due() {
                let sealed = self.segments.seal();
                self.note_failure(sealed.as_ref().err());
            }
        }
    }

    /// How long to wait for records before the next thing to do; `None` = for ever.
    fn patience(&self) -> Option<Duration> {
        if self.segments.is_closing() || self.trouble.is_some() {
            return Some(RETRY_AFTER);
        }
        let (age, bytes) = self.segments.open_segment()?;
        let left = self.age_max(bytes).saturating_sub(age);
        Some(if left.is_zero() { RETRY_AFTER } else { left })
    }

    /// Whether the open segment has to be sealed.
    fn is_due(&self) -> bool {
        self.segments.open_segment().is_some_and(|(age, bytes)| {
            age >= self.age_max(bytes) && self.shared.sealed.waiting() < WAITING_SEALED_MAX
        })
    }

    fn age_max(&self, bytes: u64) -> Duration {
        age_max(self.shared.limits.segment_age_max, bytes)
    }

    /// Writes a batch and publishes its outcome.
    fn commit(&mut self, work: &mut Work) {
        let start = Instant::now();
        let mut durable = 0;
        let mut payloads = work.payloads.as_slice();
        let mut failure = None;
        while durable < work.lengths.len() {
            let written = match self.resting() {
                Some(error) => Err(error),
                None => {
                    let written = self.segments.write(payloads, &work.lengths[durable..]);
                    self.note(written.as_ref().err());
                    written
                }
            };
            match written {
                Ok(written) => {
                    durable += written.records;
                    payloads = &payloads[written.payload_bytes..];
                }
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let lost = &work.lengths[durable..];
        let lost_bytes = lost.iter().map(|&length| record_bytes(length)).sum();
        self.shared.release(lost_bytes);
        count(&self.shared.counters.appended, durable as u64);
        count(&self.shared.counters.refused_disk, lost.len() as u64);
        let now = Instant::now();
        let gathered = now + ((now - start) / 3).min(GATHER_MAX);
        self.gather = Gather {
            records: work.lengths.len(),
            until: gathered.max(start + PACE),
        };
        let unsealed = if work.is_sealing {
            let sealed = self.segments.seal();
            self.note_failure(sealed.as_ref().err());
            sealed.err()
        } else {
            None
        };
        work.finish(Outcome {
            durable,
            failure,
            unsealed,
        });
    }

    /// The error to return without trying the disk, while it rests.
    fn resting(&self) -> Option<SpoolError> {
        let failing = self.trouble.as_ref()?;
        let is_resting = failing.since.elapsed() >= PATIENCE && failing.tried.elapsed() < REST;
        is_resting.then(|| failing.error.clone())
    }

    /// Records how an attempt to use the disk ended.
    fn note(&mut self, error: Option<&SpoolError>) {
        if error.is_some() {
            return self.note_failure(error);
        }
        if self.trouble.take().is_some() {
            self.shared.disk_trouble.store(0, Ordering::Relaxed);
            self.shared.tick();
        }
    }

    fn note_failure(&mut self, error: Option<&SpoolError>) {
        let (error, kind) = match error {
            Some(error @ SpoolError::NoSpace { .. }) => (error, counters::NO_SPACE),
            Some(error @ SpoolError::Disk { .. }) => (error, counters::DISK),
            // A full spool is not a fault of the disk, nor are the other errors.
            Some(_) | None => return,
        };
        let now = Instant::now();
        self.trouble = Some(Failing {
            since: self.trouble.as_ref().map_or(now, |failing| failing.since),
            tried: now,
            error: error.clone(),
        });
        self.shared.disk_trouble.store(kind, Ordering::Relaxed);
        match self.shared.disk_episode.failed() {
            Some(Line::Began) => {
                tracing::error!(%error, "beacons are refused: the spool can't write to its disk; accepted events are safe, and writing is tried again");
            }
            Some(Line::GoesOn { failures }) => {
                let refused = self.shared.counters.refused_disk.load(Ordering::Relaxed);
                tracing::error!(%error, failures, refused_since_start = refused, "beacons are still refused: the spool can't write");
            }
            Some(Line::Over { .. }) | None => {}
        }
    }
}

impl Drop for Writer {
    /// However the thread ends, no append waits for it afterwards.
    fn drop(&mut self) {
        self.shared.group_commit.abandon();
    }
}

/// Age at which a segment of this size is sealed: the configured age, or [`BUSY_AGES`] times that
/// under load.
fn age_max(configured: Duration, bytes: u64) -> Duration {
    if bytes < BUSY_BYTES {
        configured
    } else {
        configured * BUSY_AGES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_segment_grows_beyond_its_age() {
        let age = Duration::from_secs(1);
        assert_eq!(age_max(age, 0), age);
        assert_eq!(age_max(age, BUSY_BYTES - 1), age);
        assert_eq!(age_max(age, BUSY_BYTES), 3 * age);
        assert_eq!(age_max(age, u64::MAX), 3 * age);
    }
}
