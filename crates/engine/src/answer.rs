//! The body of an HTTP answer: the bytes of a result as the engine produces them, or the exception
//! that ended it half-way.
//!
//! Dropping an answer stops its statement. hyper drops it when the client disconnects.

use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use super::compress::compress;
use super::exception::Exception;
use super::execute::{Engine, Event};

/// Rows are handed to the engine, and compressed results to the client, in pieces of at most this
/// size.
pub const PIECE_BYTES_MAX: usize = 1 << 20;

/// A running statement. Dropping it before its last event stops the statement.
pub struct Running {
    pub events: mpsc::Receiver<Event>,
    pub engine: Arc<Engine>,
    /// The id of its job.
    pub id: u64,
    /// True once the statement has ended.
    pub is_done: Arc<AtomicBool>,
}

impl Running {
    /// The next event. Must not be called again after the last one.
    pub async fn next(&mut self) -> Event {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        // A thread that ends without a last event has panicked.
        let event = ready!(self.events.poll_recv(context)).unwrap_or_else(|| Event::Failed(lost()));
        if !matches!(event, Event::Data(..)) {
            self.is_done.store(true, Ordering::Release);
        }
        Poll::Ready(event)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.events.close();
        let (engine, id, is_done) = (Arc::clone(&self.engine), self.id, Arc::clone(&self.is_done));
        if is_done.load(Ordering::Acquire) {
            return;
        }
        // Without a runtime the process is ending, which stops the statement too.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        // Several attempts, because the statement may not be in the process list yet.
        runtime.spawn(async move {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                if is_done.load(Ordering::Acquire) {
                    return;
                }
                let engine = Arc::clone(&engine);
                if tokio::task::spawn_blocking(move || engine.kill(Some(id)))
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
    }
}

/// An answer's body.
pub struct Answer(pub State);

/// The state of an answer.
pub enum State {
    Whole(Option<Bytes>),
    Streaming {
        /// Bytes to send before the next event is read.
        held: VecDeque<Bytes>,
        /// `None` once the statement has ended.
        running: Option<Running>,
        is_compressed: bool,
        tag: String,
        version: String,
    },
    /// The exception is written. The connection then closes without a final chunk, so that every
    /// client notices.
    Breaking(Pin<Box<tokio::time::Sleep>>),
    Done,
}

impl State {
    /// Ends the result with the exception, in the form that ClickHouse appends to rows.
    fn fail(&mut self, exception: &Exception) -> Bytes {
        // hyper drops unflushed bytes when a body fails, so the failure waits for the flush.
        let breaking = Self::Breaking(Box::pin(tokio::time::sleep(Duration::from_millis(50))));
        let Self::Streaming {
            is_compressed,
            tag,
            version,
            ..
        } = std::mem::replace(self, breaking)
        else {
            return Bytes::new();
        };
        let text = exception.body(&version);
        let length = text.len();
        let last =
            format!("\r\n__exception__\r\n{tag}\r\n{text}{length} {tag}\r\n__exception__\r\n");
        if is_compressed {
            compress(last.as_bytes())
        } else {
            last.into()
        }
    }
}

impl Answer {
    /// An answer whose bytes are all known.
    pub fn whole(bytes: Bytes) -> Self {
        Self(State::Whole(Some(bytes)))
    }
}

/// A result that failed after its first bytes were sent.
#[derive(Debug, thiserror::Error)]
#[error("the statement failed after its result had begun")]
pub struct Broken;

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let state = &mut self.0;
        match state {
            State::Whole(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            State::Done => Poll::Ready(None),
            State::Breaking(sleep) => {
                ready!(sleep.as_mut().poll(context));
                *state = State::Done;
                Poll::Ready(Some(Err(Broken)))
            }
            State::Streaming {
                held,
                running,
                is_compressed,
                ..
            } => {
                if held.is_empty()
                    && let Some(statement) = running
                {
                    match ready!(statement.poll_next(context)) {
                        Event::Data(bytes, _) => held.push_back(bytes),
                        Event::End(_) => *running = None,
                        Event::Failed(exception) => {
                            return Poll::Ready(Some(Ok(Frame::data(state.fail(&exception)))));
                        }
                    }
                }
                let Some(mut next) = held.pop_front() else {
                    *state = State::Done;
                    return Poll::Ready(None);
                };
                // A document may be large, so it is compressed in blocks.
                let piece = if *is_compressed {
                    compress(&next.split_to(next.len().min(PIECE_BYTES_MAX)))
                } else {
                    std::mem::take(&mut next)
                };
                if !next.is_empty() {
                    held.push_front(next);
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            State::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            State::Done => true,
            State::Streaming { .. } | State::Breaking(_) => false,
        }
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match &self.0 {
            State::Whole(bytes) => hyper::body::SizeHint::with_exact(
                bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            ),
            _ => hyper::body::SizeHint::default(),
        }
    }
}

/// The exception for a job whose thread ended without a last event, which means a panic.
pub fn lost() -> Exception {
    Exception::new(
        1002,
        "UNKNOWN_EXCEPTION",
        "The statement's thread ended without a result",
    )
}
