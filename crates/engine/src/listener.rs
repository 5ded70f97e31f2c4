//! The child's listener: accepts connections up to a bound and, when it is asked to stop, gives
//! requests and statements a bounded time to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

use super::error::EngineError;
use super::execute::Engine;
use super::parent_pipe::say;
use super::serve::Service;

/// Bound on open connections.
const CONNECTIONS_MAX: usize = 256;
/// How long running statements may continue after the child was asked to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// How long killed statements may take to stop.
const KILL_PATIENCE: Duration = Duration::from_secs(3);
/// How long a predecessor may keep the port.
const BIND_PATIENCE: Duration = Duration::from_secs(5);

/// Binds the port, waiting for a predecessor to release it.
pub fn bind(address: SocketAddr) -> Result<std::net::TcpListener, EngineError> {
    let begun = Instant::now();
    loop {
        match std::net::TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(source) if source.kind() != std::io::ErrorKind::AddrInUse => {
                return Err(EngineError::Listen { address, source });
            }
            Err(_) if begun.elapsed() > BIND_PATIENCE => {
                return Err(EngineError::PortInUse(address));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Serves until SIGTERM, SIGINT or the parent's end. Returns whether every statement has ended.
pub async fn serve_until_asked_to_stop(
    listener: std::net::TcpListener,
    service: Service,
    engine: Arc<Engine>,
    parent_gone: oneshot::Receiver<()>,
) -> std::io::Result<bool> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    say("ready");
    let service = Arc::new(service);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut connections = tokio::task::JoinSet::new();
    let mut asked_to_stop = std::pin::pin!(async {
        tokio::select! {
            _ = terminate.recv() => STOP_PATIENCE,
            _ = interrupt.recv() => STOP_PATIENCE,
            // No client waits for an answer, and a successor may wait for the folder.
            _ = parent_gone => Duration::ZERO,
        }
    });
    let accept = async || {
        let place = Arc::clone(&places).acquire_owned().await;
        (listener.accept().await, place)
    };
    let patience = loop {
        tokio::select! {
            patience = &mut asked_to_stop => break patience,
            (accepted, place) = accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file descriptors, or a client that disconnected at once. A busy loop
                    // would help with neither.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                // Answers are written whole; Nagle's algorithm would only delay them.
                let _ = stream.set_nodelay(true);
                let service = Arc::clone(&service);
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(Duration::from_secs(75))
                    .serve_connection(TokioIo::new(stream), hyper::service::service_fn(move |request| Arc::clone(&service).answer(request)));
                let connection = graceful.watch(connection);
                connections.spawn(async move {
                    // The client notices a broken connection itself.
                    let _ = connection.await;
                    drop(place);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    };
    drop(listener);
    let _ = tokio::time::timeout(patience, graceful.shutdown()).await;
    connections.abort_all();
    while connections.join_next().await.is_some() {}
    // Statements stop with their clients' connections; this also stops those that began just now.
    let kill = tokio::task::spawn_blocking(move || engine.kill(None));
    let idle = async {
        // If the kill fails, the timeout below still ends the wait.
        let _ = kill.await;
        service.idle().await;
    };
    Ok(tokio::time::timeout(KILL_PATIENCE, idle).await.is_ok())
}
