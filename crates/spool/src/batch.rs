//! How those who wait for a sync hear that it is over: on a thread that appends much, through a
//! herald.
//!
//! To wake a task of another thread's runtime takes locks, and of a single-threaded one a system
//! call, for each task. A thread that appends much has a herald, a task of its own: the writer
//! wakes that one, and it wakes the others on its thread, which costs little there. Tasks of
//! threads without a herald are woken by the writer, one by one.

use std::cell::Cell;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::group_commit::Batch;

thread_local! {
    /// Which herald, of which intake, wakes this thread's tasks.
    static OWN: Cell<Option<Own>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Own {
    /// Address of the intake, to tell those of several spools apart.
    intake: usize,
    number: usize,
}

/// How the writer reaches a herald.
pub(super) type Voice = UnboundedSender<Arc<Batch>>;

/// Wakes the tasks of the thread that it runs on.
pub(super) struct Herald {
    own: Own,
    batches: UnboundedReceiver<Arc<Batch>>,
}

impl Herald {
    /// The one with this number of the intake at this address.
    pub fn new(intake: usize, number: usize) -> (Voice, Self) {
        let (voice, batches) = unbounded_channel();
        let own = Own { intake, number };
        (voice, Self { own, batches })
    }

    /// Runs until the spool is gone, on the thread that first polls it.
    pub async fn run(mut self) {
        OWN.set(Some(self.own));
        let _leave = Leave;
        while let Some(batch) = self.batches.recv().await {
            batch.tell(self.own.number);
        }
    }
}

/// The calling thread's herald of the intake at this address, if it has one.
pub(super) fn own(intake: usize) -> Option<usize> {
    let own = OWN.get()?;
    (own.intake == intake).then_some(own.number)
}

/// The thread has no herald any more.
struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        OWN.set(None);
    }
}

impl Drop for Herald {
    /// Nobody is left waiting by a herald that ends early: whom it should have told it tells now,
    /// and whose batch comes later the writer finds it gone.
    fn drop(&mut self) {
        self.batches.close();
        while let Ok(batch) = self.batches.try_recv() {
            batch.tell(self.own.number);
        }
    }
}
