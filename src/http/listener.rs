//! The accept loop: binds an address, bounds its connections and stops cleanly.
//!
//! A connection beyond a bound is closed at once and reported to the caller, which counts it. A
//! request head that arrives slowly is closed after the header timeout, a slow body is answered
//! 408, and a peer that takes no answers loses its connection. On stop, no more connections are
//! accepted and open requests are finished.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::config::IpNet;
use crate::http::connection::{self, stopped};
use crate::http::local::Connection;
use crate::http::network_limit::NetworkConnections;
use crate::http::response::Answer;
use crate::http::workers::Workers;
use sillage_episode::{Episode, Line};

/// Connections that may wait to be accepted (the `listen` backlog). A client beyond it retries
/// after a second. The kernel may allow fewer.
const BACKLOG: u32 = 4096;

/// Bytes of a request head.
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
/// The port is in use, or the address does not belong to this machine.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let listen = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        // Connections of the previous process in TIME_WAIT must not block the port.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::InUse(address),
        _ => ListenError::Other { address, source },
    })
}

/// Bounds of a listener and its connections.
pub struct ListenerLimits {
    /// Open connections.
    pub connections_max: usize,
    /// Open connections of one network; 0 = no bound.
    pub connections_per_network_max: usize,
    /// How long a request head may take.
    pub header_timeout: Duration,
    /// How long a peer may go without acknowledging data.
    pub peer_timeout: Duration,
    /// How long open requests may take after `stop`.
    pub shutdown_timeout: Duration,
    /// Their connections are not counted by network.
    pub trusted_proxies: Vec<IpNet>,
}

/// The bound that a refused connection exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Connections,
    ConnectionsOfNetwork,
}

/// Serves until `stop` becomes true, then finishes open requests. Returns when none is open or the
/// timeout is over. The workers serve the connections; without workers the calling runtime does.
pub async fn serve<S, A>(
    listener: TcpListener,
    limits: ListenerLimits,
    workers: Option<Workers>,
    mut stop: watch::Receiver<bool>,
    refused: impl Fn(Refused),
    service: S,
) where
    S: Fn(Connection, Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let networks = NetworkConnections::new(limits.connections_per_network_max);
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        // A beacon counts even if its client disconnects after sending it: the request is finished,
        // so that a retry is recognised.
        .half_close(true)
        // Answers are small: one write is cheaper than a vectored one.
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
                    // Most likely out of file descriptors: wait for some connections to end.
                    if let Some(Line::Began | Line::GoesOn { .. }) = accepting.failed() {
                        tracing::warn!(%error, "connections can't be accepted; if too few files may be open, raise LimitNOFILE or lower limits.connections_max");
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Ok(permit) = connections.clone().try_acquire_owned() else {
            refused(Refused::Connections);
            continue;
        };
        let Some(place) = networks.enter(peer.ip(), &limits.trusted_proxies) else {
            refused(Refused::ConnectionsOfNetwork);
            continue;
        };
        let connection = Connection {
            peer,
            // Without a local address no request counts as local.
            local: stream.local_addr().unwrap_or(peer),
        };
        // Answers are small and the client waits for them.
        let _ = stream.set_nodelay(true);
        close_stalled_peers(&stream, limits.peer_timeout);
        let service = service.clone();
        let service =
            service_fn(move |request| service(connection, request).map(Ok::<_, Infallible>));
        let (http, stop) = (http.clone(), stop.clone());
        let serve = move |stream: TcpStream| {
            let connection = http.serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                connection::serve(connection, stop).await;
                drop((permit, place));
            });
        };
        match &workers {
            None => serve(stream),
            Some(workers) => {
                if let Err(error) = workers.give(stream, serve) {
                    tracing::warn!(%error, "a connection could not be passed to a worker");
                }
            }
        }
    }
    drop(listener);
    // Holding every permit means that no connection is open.
    let all = u32::try_from(limits.connections_max).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(limits.shutdown_timeout, connections.acquire_many(all)).await;
}

/// Has the kernel end a connection whose peer has acknowledged no data, or read no pending answer,
/// for this long. hyper has no timeout for that, and such a peer would occupy a connection for
/// ever.
fn close_stalled_peers(stream: &TcpStream, timeout: Duration) {
    #[cfg(target_os = "linux")]
    {
        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, timeout_ms) {
            tracing::debug!(%error, "could not set the timeout for peers that read nothing");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (stream, timeout);
}
