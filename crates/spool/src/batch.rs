//! A batch: the records that become durable with one `fdatasync`, and the tasks that wait for it.
//!
//! Waking a task on another thread takes locks, and a system call when that thread runs a
//! single-threaded runtime. A worker thread with many appends would cost that for each of them. It
//! therefore runs a [`ThreadWaker`], a task of its own: the writer wakes only that task, and it
//! wakes the others on its thread, which is cheap there. Tasks on threads without a waker are woken
//! by the writer, one by one.

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::error::{AppendFailed, SpoolError};

/// The records of one sync, and what became of them.
#[derive(Default)]
pub(super) struct Batch {
    outcome: OnceLock<Outcome>,
    /// Wakes the tasks on threads without a waker.
    done: Notify,
    by_waker: Box<[Waiters]>,
}

/// The tasks of a batch that run on the thread of one waker.
struct Waiters {
    done: Notify,
    /// Whether there are any.
    exist: AtomicBool,
    waker: WakerSender,
}

/// What became of a batch.
pub(super) struct Outcome {
    /// How many of its first records are on disk.
    pub durable: usize,
    /// Why the other records are not.
    pub failure: Option<SpoolError>,
    /// Why the segment could not be sealed, if sealing was requested.
    pub unsealed: Option<SpoolError>,
}

impl Batch {
    /// A batch that wakes its tasks through these wakers.
    pub fn new(wakers: &[WakerSender]) -> Self {
        let waiters = |waker: &WakerSender| Waiters {
            done: Notify::new(),
            exist: AtomicBool::new(false),
            waker: waker.clone(),
        };
        Self {
            by_waker: wakers.iter().map(waiters).collect(),
            ..Self::default()
        }
    }

    /// A ticket for a task on the calling thread. Call it under the lock of the group commit with
    /// this id, which the writer takes before it finishes the batch.
    pub fn join(self: &Arc<Self>, group_commit: u64) -> Ticket {
        // A batch that began before the waker was made does not know it.
        let waker = current_waker(group_commit).filter(|&index| index < self.by_waker.len());
        if let Some(index) = waker {
            self.by_waker[index].exist.store(true, Ordering::Relaxed);
        }
        Ticket {
            batch: Arc::clone(self),
            waker,
        }
    }

    /// Publishes the outcome and wakes every task that waits for it.
    pub fn finish(self: Arc<Self>, outcome: Outcome) {
        // Never set before: each batch is taken, and finished, once.
        let _ = self.outcome.set(outcome);
        self.done.notify_waiters();
        for waiters in &self.by_waker {
            let is_sent = || waiters.waker.send(Arc::clone(&self)).is_ok();
            if waiters.exist.load(Ordering::Relaxed) && !is_sent() {
                waiters.done.notify_waiters();
            }
        }
    }

    /// Wakes the tasks on the thread of the waker with this index.
    fn wake(&self, waker: usize) {
        if let Some(waiters) = self.by_waker.get(waker) {
            waiters.done.notify_waiters();
        }
    }
}

/// Waits for a batch. Use it on the thread that received it.
pub(super) struct Ticket {
    batch: Arc<Batch>,
    /// Index of the waker of that thread.
    waker: Option<usize>,
}

impl Ticket {
    /// Waits until the records in these places are on disk.
    pub async fn durable(&self, places: Range<usize>) -> Result<(), AppendFailed> {
        let outcome = self.outcome().await;
        match &outcome.failure {
            Some(failure) if places.end > outcome.durable => Err(AppendFailed {
                durable: outcome.durable.saturating_sub(places.start),
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
        let done = match self.waker {
            Some(index) => &batch.by_waker[index].done,
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

thread_local! {
    /// The waker that runs on this thread.
    static CURRENT: Cell<Option<WakerId>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct WakerId {
    /// Tells the wakers of several spools apart.
    group_commit: u64,
    index: usize,
}

/// Hands a finished batch to a waker.
pub(super) type WakerSender = UnboundedSender<Arc<Batch>>;

/// Wakes the tasks of the thread that it runs on.
pub(super) struct ThreadWaker {
    id: WakerId,
    finished: UnboundedReceiver<Arc<Batch>>,
}

impl ThreadWaker {
    /// The waker with this index in the group commit with this id.
    pub fn new(group_commit: u64, index: usize) -> (WakerSender, Self) {
        let (sender, finished) = unbounded_channel();
        let id = WakerId {
            group_commit,
            index,
        };
        (sender, Self { id, finished })
    }

    /// Runs until the spool is gone, on the thread that first polls it.
    pub async fn run(mut self) {
        CURRENT.set(Some(self.id));
        let _clear = ClearCurrent;
        while let Some(batch) = self.finished.recv().await {
            batch.wake(self.id.index);
        }
    }
}

/// Index of the calling thread's waker in the group commit with this id, if it runs one.
fn current_waker(group_commit: u64) -> Option<usize> {
    let id = CURRENT.get()?;
    (id.group_commit == group_commit).then_some(id.index)
}

/// Records, when dropped, that the thread no longer runs a waker.
struct ClearCurrent;

impl Drop for ClearCurrent {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl Drop for ThreadWaker {
    /// A waker that ends early leaves no task waiting: it wakes those of the batches it has
    /// received, and for later batches the writer finds its channel closed.
    fn drop(&mut self) {
        self.finished.close();
        while let Ok(batch) = self.finished.try_recv() {
            batch.wake(self.id.index);
        }
    }
}
