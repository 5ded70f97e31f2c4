//! Threads that take beacons, each with connections and a single-threaded runtime of its own.
//!
//! A connection stays on the lane that it was given to: no other thread looks for its work, is
//! woken to help, or shares a cache line with it. With 64 busy connections on two processors a
//! beacon then costs a sixth less than on the runtime that everything else shares
//! (`benches/load.sh`). What is not a beacon is answered on that other runtime ([`Elsewhere`]), so
//! that no report, however long it computes, holds up beacons.

use std::io;
use std::net::TcpStream as StdStream;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use sillage_spool::Spool;

/// What is to be done on a lane's thread, inside its runtime.
type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end, and what still runs on them, when this is dropped.
pub struct Lanes {
    lanes: Vec<Lane>,
    next: AtomicUsize,
}

struct Lane {
    /// `None` once it is to end.
    jobs: Option<UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Lanes {
    /// Starts so many threads, at least one, whose tasks append to this spool.
    ///
    /// # Errors
    /// The system has no more threads or files.
    pub fn start(count: usize, spool: &Spool) -> io::Result<Self> {
        let lanes = (0..count.max(1))
            .map(|_| Lane::start(spool))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            lanes,
            next: AtomicUsize::new(0),
        })
    }

    /// Has the next lane in turn serve a connection; `serve` is called on its thread and may spawn
    /// tasks there.
    ///
    /// # Errors
    /// The connection can't change hands, and is closed.
    pub fn give(
        &self,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) + Send + 'static,
    ) -> io::Result<()> {
        let stream: StdStream = stream.into_std()?;
        let job: Job = Box::new(move || match TcpStream::from_std(stream) {
            Ok(stream) => serve(stream),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted by its worker")
            }
        });
        let lane = &self.lanes[self.next.fetch_add(1, Relaxed) % self.lanes.len()];
        let sent = lane.jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(io::Error::other("the lane has ended")),
        }
    }
}

impl Lane {
    fn start(spool: &Spool) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let waker = spool.thread_waker();
        let (jobs, mut waiting) = unbounded_channel::<Job>();
        let thread = thread::Builder::new()
            .name("lane".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::spawn(waker);
                    tokio::spawn(keep_time());
                    while let Some(job) = waiting.recv().await {
                        job();
                    }
                });
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }
}

/// Keeps a timer that ends before any connection's. A header timeout would else often be the next
/// to end, and a runtime that hears of an earlier end than it knows of wakes itself by a system
/// call, for each request.
async fn keep_time() {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        for lane in &mut self.lanes {
            lane.jobs = None;
        }
        for lane in &mut self.lanes {
            if let Some(thread) = lane.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("a worker has panicked");
            }
        }
    }
}

/// Where lanes have everything done that is not a beacon.
#[derive(Clone)]
pub struct Elsewhere(Handle);

impl Elsewhere {
    /// The runtime that this is called in.
    pub fn here() -> Self {
        Self(Handle::current())
    }

    /// Runs it there. Dropped before the end, it ends there as well; a panic there is one here.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, &self.0);
        match tasks.join_next().await {
            Some(Ok(done)) => done,
            Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime is being shut down, and this thread with it.
            _ => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::net::TcpListener;
    use tokio::sync::Notify;

    use super::*;
    use sillage_spool::SpoolOptions;

    fn spool(folder: &std::path::Path) -> Spool {
        Spool::open(SpoolOptions {
            dir: folder.to_owned(),
            bytes_max: 1 << 20,
            segment_bytes_max: 1 << 20,
            segment_age_max: Duration::from_secs(1),
            schema: "test".into(),
        })
        .expect("a spool")
    }

    #[tokio::test]
    async fn connections_are_spread_evenly_and_end_with_the_workers() {
        let folder = tempfile::tempdir().expect("a folder");
        let lanes = Lanes::start(2, &spool(folder.path())).expect("threads");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (told, threads) = mpsc::channel();
        let mut peers = Vec::new();
        for _ in 0..6 {
            peers.push(TcpStream::connect(address).await.expect("a connection"));
            let (stream, _) = listener.accept().await.expect("a connection");
            let told = told.clone();
            let serve = move |stream: TcpStream| {
                tokio::spawn(async move {
                    told.send(thread::current().id()).expect("the test waits");
                    stream.readable().await.expect("it is open");
                });
            };
            lanes.give(stream, serve).expect("the lanes run");
        }
        let mut shares = HashMap::new();
        for _ in 0..6 {
            let thread = threads.recv_timeout(Duration::from_secs(10));
            *shares.entry(thread.expect("it is served")).or_insert(0) += 1;
        }
        assert_eq!(shares.into_values().collect::<Vec<_>>(), [3, 3]);
        drop(lanes);
        // Nobody holds the other ends any more.
        for peer in peers {
            peer.readable().await.expect("the end is readable");
            assert_eq!(peer.try_read(&mut [0; 8]).expect("it was closed"), 0);
        }
    }

    #[tokio::test]
    async fn a_task_ends_when_its_caller_stops_waiting() {
        let elsewhere = Elsewhere::here();
        assert_eq!(elsewhere.run(async { 7 }).await, 7);
        let (begun, held) = (Arc::new(Notify::new()), Arc::new(()));
        let work = {
            let (begun, held) = (begun.clone(), held.clone());
            async move {
                begun.notify_one();
                std::future::pending::<()>().await;
                drop(held);
            }
        };
        let waiting = tokio::spawn(async move { elsewhere.run(work).await });
        begun.notified().await;
        waiting.abort();
        assert!(waiting.await.is_err());
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_task_reaches_its_caller() {
        let elsewhere = Elsewhere::here();
        let waiting =
            tokio::spawn(async move { elsewhere.run(async { panic!("on purpose") }).await });
        assert!(waiting.await.expect_err("it panics").is_panic());
    }
}
