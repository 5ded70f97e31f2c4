//! The hyper accept loop: connections, their bounds, and a clean stop. It knows no word of the
//! domain; see [`route`].
//!
//! Too many connections are closed at once and counted; a slow head is closed after the header
//! timeout; a slow body is answered 408; who takes no answers is hung up on. On stop no connection
//! is accepted any more and open requests are finished.

pub mod body;
pub mod client_ip;
pub mod connection;
pub mod headers;
pub mod local;
pub mod network_limit;
pub mod rate_limit;
pub mod response;
pub mod workers;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};

pub use crate::access::{App, Faces};
use crate::http::local::Connection;
use crate::http::network_limit::Crowd;
use crate::http::workers::Elsewhere;
pub use crate::http::workers::Lanes;
use sillage_episode::{Episode, Line};

/// Connections that may wait to be accepted; one more would be made to try again after a second.
/// The kernel may allow fewer.
const WAITING_MAX: u32 = 4096;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// An address that can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("port {port} is in use on {ip}; stop what listens there (`ss -ltnp` shows it) or set another port in `listen`", port = .0.port(), ip = .0.ip())]
    InUse(SocketAddr),
    #[error("cannot listen on {address}: {source}; choose another address in `listen`")]
    Other {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// Binds an address.
///
/// # Errors
/// The port is in use, or the address is none of this machine.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let listen = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // A predecessor's last connections must not keep the port.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(WAITING_MAX)
    };
    listen().map_err(|source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::InUse(address),
        _ => ListenError::Other { address, source },
    })
}

/// Serves until `stop` becomes true, then finishes open requests. Returns when none is open or the
/// timeout is over. Connections are served by the lanes, and by the calling runtime where there are
/// none.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    faces: Faces,
    lanes: Option<Lanes>,
    mut stop: watch::Receiver<bool>,
) {
    let elsewhere = lanes.as_ref().map(|_| Elsewhere::here());
    let limits = &app.config.limits;
    let crowd = Crowd::new(limits.connections_per_network_max);
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        // Who sends a beacon and hangs up has sent it: it is taken to its end, so that a repetition
        // is known as one.
        .half_close(true)
        // Answers are small: one piece is cheaper to write than two.
        .writev(false);
    let accepting = Episode::new();
    loop {
        let (stream, peer) = tokio::select! {
            _ = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => {
                    if let Some(Line::Over { failures, .. }) = accepting.succeeded() {
                        tracing::info!(failures, "connections are accepted again");
                    }
                    accepted
                }
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some connections to end.
                    if let Some(Line::Began | Line::GoesOn { .. }) = accepting.failed() {
                        tracing::warn!(%error, "connections can't be accepted; if too few files may be open, raise LimitNOFILE or lower limits.connections_max");
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Ok(permit) = connections.clone().try_acquire_owned() else {
            app.counters.connections_refused.fetch_add(1, Relaxed);
            continue;
        };
        let Some(place) = crowd.enter(peer.ip(), &app.config.trusted_proxies) else {
            app.counters
                .connections_refused_network
                .fetch_add(1, Relaxed);
            continue;
        };
        let connection = Connection {
            peer,
            // Without it nothing is taken for local.
            local: stream.local_addr().unwrap_or(peer),
            faces,
        };
        // Answers are small and wanted at once.
        let _ = stream.set_nodelay(true);
        give_up_on_slow_readers(&stream, limits.body_timeout);
        let (app, elsewhere) = (app.clone(), elsewhere.clone());
        let service = service_fn(move |request| {
            crate::app::router::route(app.clone(), connection, elsewhere.as_ref(), request)
                .map(Ok::<_, Infallible>)
        });
        let (http, stop) = (http.clone(), stop.clone());
        let serve = move |stream: TcpStream| {
            let connection = http.serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                connection::serve(connection, stop).await;
                drop((permit, place));
            });
        };
        match &lanes {
            None => serve(stream),
            Some(lanes) => {
                if let Err(error) = lanes.give(stream, serve) {
                    tracing::warn!(%error, "a connection could not be passed to a worker");
                }
            }
        }
    }
    drop(listener);
    // Whoever has them all is alone.
    let all = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(limits.shutdown_timeout, connections.acquire_many(all)).await;
}

/// Has the kernel end a connection whose peer acknowledges nothing, or takes none of the answers
/// that wait for it, for so long: hyper has no timeout for that, and whoever reads nothing would
/// keep a place for ever.
fn give_up_on_slow_readers(stream: &TcpStream, patience: Duration) {
    #[cfg(target_os = "linux")]
    {
        let patience_ms = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, patience_ms) {
            tracing::debug!(%error, "a connection has no timeout for slow readers");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, patience);
}

/// Resolves once it is time to stop, also when whoever would say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    while !*stop.borrow_and_update() {
        if stop.changed().await.is_err() {
            return;
        }
    }
}
