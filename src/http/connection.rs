//! Graceful shutdown of a connection: it ends after the current request, if there is one.

use std::future::poll_fn;
use std::pin::pin;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Connection;
use hyper::service::HttpService;
use tokio::net::TcpStream;
use tokio::sync::watch;

type Io = hyper_util::rt::TokioIo<TcpStream>;

/// Serves a connection to its end. Once `stop` is true or its sender is dropped, the connection
/// accepts no further request.
pub async fn serve<S, B>(connection: Connection<Io, S>, mut stop: watch::Receiver<bool>)
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let news = stop.clone();
    let mut connection = pin!(connection);
    let mut stopped = pin!(stopped(&mut stop));
    let mut is_waiting = false;
    let mut is_ending = false;
    let ended = poll_fn(|context| {
        // A connection is polled several times per request. `stopped` is polled once, to register
        // the waker, and again only after the value has changed.
        let has_news = || !is_waiting || !matches!(news.has_changed(), Ok(false));
        if !is_ending && has_news() {
            is_waiting = true;
            is_ending = stopped.as_mut().poll(context).is_ready();
            if is_ending {
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(context)
    });
    // A broken connection is usually the peer's doing and is not logged.
    let _ = ended.await;
}

/// Resolves once `stop` is true or its sender is dropped.
pub async fn stopped(stop: &mut watch::Receiver<bool>) {
    while !*stop.borrow_and_update() {
        if stop.changed().await.is_err() {
            return;
        }
    }
}
