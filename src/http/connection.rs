//! How a connection ends when the server is to stop: after the request at hand, if there is one.

use std::future::poll_fn;
use std::pin::pin;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Connection;
use hyper::service::HttpService;
use tokio::net::TcpStream;
use tokio::sync::watch;

type Io = hyper_util::rt::TokioIo<TcpStream>;

/// Serves a connection to its end. Once `stop` is true, or nobody is left who would say so, it
/// takes no further request.
pub async fn serve<S, B>(connection: Connection<Io, S>, mut stop: watch::Receiver<bool>)
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let told = stop.clone();
    let mut connection = pin!(connection);
    let mut stopped = pin!(super::stopped(&mut stop));
    let mut is_waiting = false;
    let mut is_ending = false;
    let ended = poll_fn(|context| {
        // Asked once, it wakes this task when there is news, and is not asked again before: a
        // connection is polled several times a request.
        let has_news = || !is_waiting || !matches!(told.has_changed(), Ok(false));
        if !is_ending && has_news() {
            is_waiting = true;
            is_ending = stopped.as_mut().poll(context).is_ready();
            if is_ending {
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(context)
    });
    // A connection that breaks is the peer's business; there is nothing to tell and nothing to log.
    let _ = ended.await;
}
