//! Worker threads for connections, each with a single-threaded runtime of its own.
//!
//! A connection stays on the worker that it was given to: no work stealing, no wake-ups of other
//! threads, no shared cache lines. With 64 busy connections on two processors a beacon then costs a
//! sixth less than on one shared multi-threaded runtime (`benches/load.sh`). Requests that may
//! compute for long run on the [`MainRuntime`], so that they do not delay the beacons of a worker.

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

/// Work for a worker's thread, run inside its runtime.
type Job = Box<dyn FnOnce() + Send>;

/// The threads. Dropping this ends them and the tasks on them.
pub struct Workers {
    workers: Vec<Worker>,
    next: AtomicUsize,
}

struct Worker {
    /// `None` once the worker has to end.
    jobs: Option<UnboundedSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` threads, at least one. `companion` makes a task that runs on each of them
    /// beside the connections.
    ///
    /// # Errors
    /// The system has no more threads or files.
    pub fn start<F>(count: usize, companion: impl Fn() -> F) -> io::Result<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let workers = (0..count.max(1))
            .map(|_| Worker::start(companion()))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            workers,
            next: AtomicUsize::new(0),
        })
    }

    /// Passes a connection to the workers in turn. `serve` is called on the worker's thread and may
    /// spawn tasks there.
    ///
    /// # Errors
    /// The connection can't be passed on, and is closed.
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
        let worker = &self.workers[self.next.fetch_add(1, Relaxed) % self.workers.len()];
        let sent = worker.jobs.as_ref().map(|jobs| jobs.send(job));
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(io::Error::other("the worker has ended")),
        }
    }
}

impl Worker {
    fn start(companion: impl Future<Output = ()> + Send + 'static) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (jobs, mut waiting) = unbounded_channel::<Job>();
        let thread = thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::spawn(companion);
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

/// Keeps a timer that ends before any connection's. Without it, the header timeout of a request
/// would often be the earliest timer, and a runtime that gets a timer earlier than the one it waits
/// for wakes itself with a system call: one for each request.
async fn keep_time() {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.jobs = None;
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take()
                && thread.join().is_err()
            {
                tracing::error!("a worker thread panicked; its connections were closed");
            }
        }
    }
}

/// The multi-threaded runtime that runs everything except beacons.
#[derive(Clone)]
pub struct MainRuntime(Handle);

impl MainRuntime {
    /// The runtime that this is called in.
    pub fn current() -> Self {
        Self(Handle::current())
    }

    /// Runs `work` there. Dropping the returned future aborts the work; a panic of the work is
    /// raised here again.
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

    #[tokio::test]
    async fn connections_are_spread_evenly_and_end_with_the_workers() {
        let workers = Workers::start(2, std::future::pending).expect("threads");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, threads) = mpsc::channel();
        let mut peers = Vec::new();
        for _ in 0..6 {
            peers.push(TcpStream::connect(address).await.expect("a connection"));
            let (stream, _) = listener.accept().await.expect("a connection");
            let sender = sender.clone();
            let serve = move |stream: TcpStream| {
                tokio::spawn(async move {
                    sender.send(thread::current().id()).expect("the test waits");
                    stream.readable().await.expect("it is open");
                });
            };
            workers.give(stream, serve).expect("the workers run");
        }
        let mut shares = HashMap::new();
        for _ in 0..6 {
            let thread = threads.recv_timeout(Duration::from_secs(10));
            *shares.entry(thread.expect("it is served")).or_insert(0) += 1;
        }
        assert_eq!(shares.into_values().collect::<Vec<_>>(), [3, 3]);
        drop(workers);
        // The other ends are closed.
        for peer in peers {
            peer.readable().await.expect("the end is readable");
            assert_eq!(peer.try_read(&mut [0; 8]).expect("it was closed"), 0);
        }
    }

    #[tokio::test]
    async fn a_task_ends_when_its_caller_stops_waiting() {
        let runtime = MainRuntime::current();
        assert_eq!(runtime.run(async { 7 }).await, 7);
        let (begun, held) = (Arc::new(Notify::new()), Arc::new(()));
        let work = {
            let (begun, held) = (begun.clone(), held.clone());
            async move {
                begun.notify_one();
                std::future::pending::<()>().await;
                drop(held);
            }
        };
        let waiting = tokio::spawn(async move { runtime.run(work).await });
        begun.notified().await;
        waiting.abort();
        assert!(waiting.await.is_err());
        while Arc::strong_count(&held) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_task_reaches_its_caller() {
        let runtime = MainRuntime::current();
        let waiting =
            tokio::spawn(async move { runtime.run(async { panic!("on purpose") }).await });
        assert!(waiting.await.expect_err("it panics").is_panic());
    }
}
