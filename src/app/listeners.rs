//! The addresses that the collector listens on, and the routes that each of them serves.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access::App;
use crate::access::faces::Faces;
use crate::app::router;
use crate::config::Config;
use crate::http::listener::{self, ListenerLimits, Refused};
use crate::http::workers::{MainRuntime, Workers};

/// Bound listeners.
pub struct Listeners {
    pub collector: TcpListener,
    /// Set if the dashboard has an address of its own.
    pub dashboard: Option<TcpListener>,
    /// Set if the metrics have an address of their own.
    pub metrics: Option<TcpListener>,
}

impl Listeners {
    /// Binds the configured addresses.
    ///
    /// # Errors
    /// An address can't be bound.
    pub async fn bind(config: &Config) -> anyhow::Result<Self> {
        let collector = listener::bind(config.collector_listen).await?;
        let dashboard = if config.dashboard_listen == config.collector_listen {
            None
        } else {
            Some(listener::bind(config.dashboard_listen).await?)
        };
        let metrics = match config.metrics_listen {
            Some(address) => Some(listener::bind(address).await?),
            None => None,
        };
        Ok(Self {
            collector,
            dashboard,
            metrics,
        })
    }

    /// Serves the routes until `stopped` changes.
    ///
    /// # Errors
    /// The worker threads can't be started.
    pub fn serve(
        self,
        app: &Arc<App>,
        stopped: &watch::Receiver<bool>,
    ) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let faces = Faces {
            collector: true,
            dashboard: self.dashboard.is_none(),
            metrics: self.dashboard.is_none() && self.metrics.is_none(),
        };
        let workers = Workers::start(app.config.limits.threads, || app.spool.thread_waker())
            .context("the threads that accept beacons could not be started")?;
        let start = |listener, faces, workers| {
            tokio::spawn(serve_faces(
                listener,
                app.clone(),
                faces,
                workers,
                stopped.clone(),
            ))
        };
        let mut servers = vec![start(self.collector, faces, Some(workers))];
        if let Some(listener) = self.dashboard {
            let faces = Faces {
                collector: false,
                dashboard: true,
                metrics: self.metrics.is_none(),
            };
            servers.push(start(listener, faces, None));
        }
        if let Some(listener) = self.metrics {
            servers.push(start(listener, Faces::METRICS, None));
        }
        Ok(servers)
    }
}

/// Serves the routes of `faces` on a listener. With workers, everything except beacons runs on the
/// calling runtime.
async fn serve_faces(
    listener: TcpListener,
    app: Arc<App>,
    faces: Faces,
    workers: Option<Workers>,
    stop: watch::Receiver<bool>,
) {
    let limits = &app.config.limits;
    let limits = ListenerLimits {
        connections_max: limits.connections_max,
        connections_per_network_max: limits.connections_per_network_max,
        header_timeout: limits.header_timeout,
        peer_timeout: limits.body_timeout,
        shutdown_timeout: limits.shutdown_timeout,
        trusted_proxies: app.config.trusted_proxies.clone(),
    };
    let counters = app.counters.clone();
    let refused = move |refused| {
        let counter = match refused {
            Refused::Connections => &counters.connections_refused,
            Refused::ConnectionsOfNetwork => &counters.connections_refused_network,
        };
        counter.fetch_add(1, Relaxed);
    };
    let main = workers.as_ref().map(|_| MainRuntime::current());
    let service = move |connection, request| {
        router::route(app.clone(), faces, main.as_ref(), connection, request)
    };
    listener::serve(listener, limits, workers, stop, refused, service).await;
}
