//! Group commit: one `fdatasync` for all records that arrived while the previous one ran. Any
//! number of tasks fill one buffer, and the writer empties it.
//!
//! The batch grows with the load, and no record waits for a timer on an idle spool. The lock is
//! held for the copy of one record or the swap of the buffer, never during disk work. A task waits
//! on its batch, not on a channel of its own: one allocation per batch, none per record.

use std::mem;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, TryAcquireError};

use crate::batch::{Batch, Outcome, ThreadWaker, Ticket, WakerSender};
use crate::error::SpoolError;

/// Payload bytes of one batch: 1 MiB. Bounds the memory of the group commit (two buffers) and how
/// long one sync can take.
pub(super) const BATCH_BYTES_MAX: usize = 1 << 20;
/// Appends that may wait for room in the next batch; one more is refused as `Busy`.
pub(super) const WAITING_MAX: usize = 4096;
/// Longest wait for room, after which an append is refused as `Busy`. A disk that takes longer for
/// one batch is stuck.
const WAIT_MAX: Duration = Duration::from_secs(5);

pub(super) struct GroupCommit {
    /// Distinct in this process.
    id: u64,
    pending: Mutex<Pending>,
    /// Wakes the writer.
    work: Condvar,
    /// Bytes left in the next batch. Appends that wait for room are served in order.
    room: Semaphore,
    waiting: AtomicUsize,
}

struct Pending {
    work: Work,
    /// Whether the writer waits for the first record and must be woken for it. The append that
    /// wakes it clears this: many more may come before the writer gets a processor, and each would
    /// pay a system call to wake it again.
    is_idle: bool,
    /// Number of records at which a writer that lets them gather is woken early; 0 while it does
    /// not gather.
    enough: usize,
    is_closed: bool,
    /// The wakers that each batch from the next on knows.
    wakers: Vec<WakerSender>,
}

/// How long the writer lets a batch gather after the previous one.
#[derive(Clone, Copy)]
pub(super) struct Gather {
    /// This many records besides those that have already arrived are enough.
    pub records: usize,
    /// The batch is written at this time, whatever its size.
    pub until: Instant,
}

/// What the writer does next.
#[derive(Default)]
pub(super) struct Work {
    pub payloads: Vec<u8>,
    /// Length of each payload, in order.
    pub lengths: Vec<u32>,
    /// Seal the open segment afterwards.
    pub is_sealing: bool,
    batch: Arc<Batch>,
}

/// Result of [`GroupCommit::take`].
pub(super) enum Take {
    Work(Work),
    /// Nothing arrived in time.
    Nothing,
    /// Nothing will arrive any more.
    Closed,
}

impl GroupCommit {
    pub fn new() -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            pending: Mutex::new(Pending {
                work: Work::default(),
                is_idle: false,
                enough: 0,
                is_closed: false,
                wakers: Vec::new(),
            }),
            work: Condvar::new(),
            room: Semaphore::new(BATCH_BYTES_MAX),
            waiting: AtomicUsize::new(0),
        }
    }

    /// A waker for the tasks of one thread.
    pub fn thread_waker(&self) -> ThreadWaker {
        let mut pending = self.lock();
        let (sender, waker) = ThreadWaker::new(self.id, pending.wakers.len());
        pending.wakers.push(sender);
        waker
    }

    /// Adds records to the next batch and waits for room within bounds. `payload_bytes` is their
    /// total length, at most [`BATCH_BYTES_MAX`]. Returns the batch and the place of the first
    /// record in it.
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
        let _waiting = WaitingGuard(&self.waiting);
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

    /// Adds records that have room.
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
        let ticket = work.batch.join(self.id);
        let is_enough = (place + 1..=place + payloads.len()).contains(&pending.enough);
        let is_awaited = mem::take(&mut pending.is_idle) || is_enough;
        drop(pending);
        if is_awaited {
            self.work.notify_one();
        }
        Ok((ticket, place))
    }

    /// Asks for the open segment to be sealed after everything appended so far.
    pub fn push_seal(&self) -> Result<Ticket, SpoolError> {
        let mut pending = self.lock();
        if pending.is_closed {
            return Err(SpoolError::Closed);
        }
        pending.work.is_sealing = true;
        let ticket = pending.work.batch.join(self.id);
        drop(pending);
        self.work.notify_one();
        Ok(ticket)
    }

    /// Lets work gather, then waits for some, at most `patience`. The buffers of `spent` are reused
    /// for the next batch.
    pub fn take(&self, spent: &mut Work, patience: Option<Duration>, gather: Gather) -> Take {
        let mut pending = self.lock();
        // The expected records are those of the tasks just answered and those that came during the
        // sync. Until they are here, or the time is over, nothing less wakes the writer.
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
        next.batch = Arc::new(Batch::new(&pending.wakers));
        mem::swap(&mut next.payloads, &mut spent.payloads);
        mem::swap(&mut next.lengths, &mut spent.lengths);
        let work = mem::replace(&mut pending.work, next);
        drop(pending);
        self.room.add_permits(work.payloads.len());
        Take::Work(work)
    }

    /// Accepts nothing more. What was accepted before is still written.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.work.notify_one();
        self.room.close();
    }

    /// Closes, and fails the appends of the next batch, which will not be written.
    pub fn abandon(&self) {
        self.close();
        drop(mem::take(&mut self.lock().work));
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // No code under this lock can panic half-way through a change.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts one waiting append less when dropped, also when its task was cancelled.
struct WaitingGuard<'a>(&'a AtomicUsize);

impl Drop for WaitingGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Work {
    fn is_empty(&self) -> bool {
        self.lengths.is_empty() && !self.is_sealing
    }

    /// Publishes the batch's outcome and empties the buffers for reuse.
    pub fn finish(&mut self, outcome: Outcome) {
        mem::take(&mut self.batch).finish(outcome);
        self.payloads.clear();
        self.lengths.clear();
        self.is_sealing = false;
    }
}

impl Drop for Work {
    /// A writer that dies in the middle of its work leaves no task waiting for ever.
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
