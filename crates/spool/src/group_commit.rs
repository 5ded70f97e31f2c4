//! Where appends gather for the next group commit: one buffer, filled by any number of tasks,
//! emptied by the writer.
//!
//! Whatever arrives while the disk syncs becomes the next batch, so the batch grows with the load
//! and nobody waits for a timer. The lock is held for the copy of one record or the swap of the
//! buffer, never over disk work. A task waits on its batch, not on a channel of its own: one
//! allocation a batch, none a record.

use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, TryAcquireError};

use super::batch::{self, Herald, Voice};
use super::error::{AppendFailed, SpoolError};

/// Payload bytes one batch holds. Bounds the memory of the intake (two buffers) and how long one
/// sync can take.
pub(super) const BATCH_BYTES_MAX: usize = 1 << 20;
/// Appends that may wait for room in the next batch; one more is refused as `Busy`.
pub(super) const WAITING_MAX: usize = 4096;
/// Longest wait for room, after which an append is refused as `Busy`. A disk that takes longer for
/// one batch is stuck.
const WAIT_MAX: Duration = Duration::from_secs(5);

pub(super) struct Intake {
    pending: Mutex<Pending>,
    /// Wakes the writer.
    work: Condvar,
    /// Bytes left in the next batch. Those who wait for some are served in order.
    room: Semaphore,
    waiting: AtomicUsize,
}

struct Pending {
    work: Work,
    /// Whether the writer waits for the first record, and is to be woken for it. Whoever wakes it
    /// takes this back: until it gets a processor many more may come, and each would pay a system
    /// call to wake it again.
    is_idle: bool,
    /// Records for which the writer, letting them gather, would be woken early; 0 while it does
    /// not.
    enough: usize,
    is_closed: bool,
    /// Those that each batch from the next on knows.
    heralds: Vec<Voice>,
}

/// How long the writer lets a batch gather after the last one.
#[derive(Clone, Copy)]
pub(super) struct Gather {
    /// Besides those that have come already, so many records are enough.
    pub records: usize,
    /// Then it is written, however few there are.
    pub until: Instant,
}

/// What the writer is to do next.
#[derive(Default)]
pub(super) struct Work {
    pub payloads: Vec<u8>,
    /// Length of each payload, in order.
    pub lengths: Vec<u32>,
    /// Seal the open segment afterwards.
    pub is_sealing: bool,
    batch: Arc<Batch>,
}

/// Those who wait for the same sync.
#[derive(Default)]
pub(super) struct Batch {
    outcome: OnceLock<Outcome>,
    /// Those on threads without a herald.
    done: Notify,
    by_herald: Box<[OfHerald]>,
}

/// Those of a batch who are on one herald's thread.
struct OfHerald {
    done: Notify,
    /// Whether there are any.
    are_some: AtomicBool,
    voice: Voice,
}

/// What became of a batch.
pub(super) struct Outcome {
    /// So many of its first records are on disk.
    pub durable: usize,
    /// Why the others are not.
    pub failure: Option<SpoolError>,
    /// Why the segment could not be sealed, where that was asked for.
    pub unsealed: Option<SpoolError>,
}

/// What [`Intake::take`] came back with.
pub(super) enum Take {
    Work(Work),
    /// Nothing arrived in time.
    Nothing,
    /// Nothing will arrive any more.
    Closed,
}

impl Intake {
    pub fn new() -> Self {
        Self {
            pending: Mutex::new(Pending {
                work: Work::default(),
                is_idle: false,
                enough: 0,
                is_closed: false,
                heralds: Vec::new(),
            }),
            work: Condvar::new(),
            room: Semaphore::new(BATCH_BYTES_MAX),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Makes somebody who wakes the tasks of one thread.
    pub fn herald(&self) -> Herald {
        let mut pending = self.lock();
        let (voice, herald) = Herald::new(self.address(), pending.heralds.len());
        pending.heralds.push(voice);
        herald
    }

    /// Adds records to the next batch, waiting for room within bounds; `payload_bytes` is what they
    /// take together, no more than a batch holds. Says which batch, and the place of the first
    /// there.
    ///
    /// # Errors
    /// `Busy` beyond the bounds, `Closed`.
    pub async fn push(
        &self,
        payloads: &[impl AsRef<[u8]>],
        payload_bytes: usize,
    ) -> Result<(Ticket, usize), SpoolError> {
        let bytes = payload_bytes as u32;
        match self.room.try_acquire_many(bytes) {
            Ok(room) => room.forget(),
            Err(TryAcquireError::Closed) => return Err(SpoolError::Closed),
            Err(TryAcquireError::NoPermits) => self.wait_for_room(bytes).await?,
        }
        self.add(payloads)
    }

    async fn wait_for_room(&self, bytes: u32) -> Result<(), SpoolError> {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _leave = Leave(&self.waiting);
        if waiting >= WAITING_MAX {
            return Err(SpoolError::Busy { waiting });
        }
        match tokio::time::timeout(WAIT_MAX, self.room.acquire_many(bytes)).await {
            Ok(Ok(room)) => {
                room.forget();
                Ok(())
            }
            Ok(Err(_)) => Err(SpoolError::Closed),
            Err(_) => Err(SpoolError::Busy { waiting }),
        }
    }

    /// Adds records for which there is room.
    fn add(&self, payloads: &[impl AsRef<[u8]>]) -> Result<(Ticket, usize), SpoolError> {
        let mut pending = self.lock();
        if pending.is_closed {
            return Err(SpoolError::Closed);
        }
        let work = &mut pending.work;
        let place = work.lengths.len();
        for payload in payloads {
            let payload = payload.as_ref();
            work.payloads.extend_from_slice(payload);
            work.lengths.push(payload.len() as u32);
        }
        let batch = self.join(&work.batch);
        let is_enough = (place + 1..=place + payloads.len()).contains(&pending.enough);
        let is_awaited = mem::take(&mut pending.is_idle) || is_enough;
        drop(pending);
        if is_awaited {
            self.work.notify_one();
        }
        Ok((batch, place))
    }

    /// Asks for the open segment to be sealed after everything appended so far.
    pub fn push_seal(&self) -> Result<Ticket, SpoolError> {
        let mut pending = self.lock();
        if pending.is_closed {
            return Err(SpoolError::Closed);
        }
        pending.work.is_sealing = true;
        let batch = self.join(&pending.work.batch);
        drop(pending);
        self.work.notify_one();
        Ok(batch)
    }

    /// A ticket for somebody on the calling thread.
    fn join(&self, batch: &Arc<Batch>) -> Ticket {
        let number = batch::own(self.address());
        // A batch that began before the herald does not know it.
        let herald = number.filter(|&number| number < batch.by_herald.len());
        if let Some(number) = herald {
            // The writer looks once it has taken the lock that is held here.
            batch.by_herald[number]
                .are_some
                .store(true, Ordering::Relaxed);
        }
        Ticket {
            batch: Arc::clone(batch),
            herald,
        }
    }

    /// Lets work gather, and waits for some, at most `patience`. `spent` gives its buffers back for
    /// the next batch.
    pub fn take(&self, spent: &mut Work, patience: Option<Duration>, gather: Gather) -> Take {
        let mut pending = self.lock();
        // Those who were answered just now and those who came while the disk synced: more are not
        // to be expected. Until they are there, or it is time, nobody has to wake the writer for
        // anything less.
        pending.enough = gather.records + pending.work.lengths.len();
        let is_gathering = |pending: &mut Pending| {
            pending.work.lengths.len() < pending.enough
                && !pending.work.is_sealing
                && !pending.is_closed
        };
        let left = gather.until.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            pending = self
                .work
                .wait_timeout_while(pending, left, is_gathering)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        pending.enough = 0;
        let is_idle = |pending: &mut Pending| pending.work.is_empty() && !pending.is_closed;
        pending.is_idle = true;
        pending = match patience {
            None => self
                .work
                .wait_while(pending, is_idle)
                .unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.work
                    .wait_timeout_while(pending, patience, is_idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        pending.is_idle = false;
        if pending.work.is_empty() {
            return if pending.is_closed {
                Take::Closed
            } else {
                Take::Nothing
            };
        }
        let mut next = Work::default();
        next.batch = Arc::new(Batch::of(&pending.heralds));
        mem::swap(&mut next.payloads, &mut spent.payloads);
        mem::swap(&mut next.lengths, &mut spent.lengths);
        let work = mem::replace(&mut pending.work, next);
        drop(pending);
        self.room.add_permits(work.payloads.len());
        Take::Work(work)
    }

    /// Takes nothing more. What was taken in before is still written.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.work.notify_one();
        self.room.close();
    }

    /// Closes, and tells those who wait for the next batch that nobody will write it.
    pub fn abandon(&self) {
        self.close();
        drop(mem::take(&mut self.lock().work));
    }

    /// Tells this intake from others.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Nothing in here can panic half-way through a change.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One fewer is waiting, also when the task was cancelled.
struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Work {
    fn is_empty(&self) -> bool {
        self.lengths.is_empty() && !self.is_sealing
    }

    /// Tells everybody in the batch what became of it, and empties the buffers for use in another.
    pub fn finish(&mut self, outcome: Outcome) {
        mem::take(&mut self.batch).finish(outcome);
        self.payloads.clear();
        self.lengths.clear();
        self.is_sealing = false;
    }
}

impl Drop for Work {
    /// A writer that dies in the middle of its work leaves nobody waiting for ever.
    fn drop(&mut self) {
        if !self.is_empty() {
            self.finish(Outcome {
                durable: 0,
                failure: Some(SpoolError::Closed),
                unsealed: Some(SpoolError::Closed),
            });
        }
    }
}

impl Batch {
    fn of(heralds: &[Voice]) -> Self {
        let of = |voice: &Voice| OfHerald {
            done: Notify::new(),
            are_some: AtomicBool::new(false),
            voice: voice.clone(),
        };
        Self {
            by_herald: heralds.iter().map(of).collect(),
            ..Self::default()
        }
    }

    fn finish(self: Arc<Self>, outcome: Outcome) {
        // Never set before: each batch is taken, and finished, once.
        let _ = self.outcome.set(outcome);
        self.done.notify_waiters();
        for of in &self.by_herald {
            let is_told = || of.voice.send(Arc::clone(&self)).is_ok();
            if of.are_some.load(Ordering::Relaxed) && !is_told() {
                of.done.notify_waiters();
            }
        }
    }

    /// Wakes those on this herald's thread, which is the calling one.
    pub fn tell(&self, herald: usize) {
        if let Some(of) = self.by_herald.get(herald) {
            of.done.notify_waiters();
        }
    }
}

/// To wait for a batch with, on the thread that it was given to.
pub(super) struct Ticket {
    batch: Arc<Batch>,
    herald: Option<usize>,
}

impl Ticket {
    /// Waits until the records in these places are on disk.
    pub async fn durable(&self, places: Range<usize>) -> Result<(), AppendFailed> {
        let outcome = self.outcome().await;
        match &outcome.failure {
            Some(failure) if places.end > outcome.durable => Err(AppendFailed {
                kept: outcome.durable.saturating_sub(places.start),
                error: failure.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Waits until the segment is sealed.
    pub async fn sealed(&self) -> Result<(), SpoolError> {
        match &self.outcome().await.unsealed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    async fn outcome(&self) -> &Outcome {
        let batch = &self.batch;
        let done = match self.herald {
            Some(number) => &batch.by_herald[number].done,
            None => &batch.done,
        };
        loop {
            let mut done = std::pin::pin!(done.notified());
            done.as_mut().enable();
            if let Some(outcome) = batch.outcome.get() {
                return outcome;
            }
            done.await;
        }
    }
}
