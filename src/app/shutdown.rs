//! Shutdown, in the order of a beacon's way: requests, spool, a last INSERT, counts, ClickHouse.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clickhouse::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access::App;
use crate::app::flushers::Flushers;
use sillage_engine::supervise::Supervisor;

/// What must be stopped.
pub struct Running {
    /// `true` stops the servers.
    pub stop: watch::Sender<bool>,
    pub servers: Vec<JoinHandle<()>>,
    pub tasks: Vec<JoinHandle<()>>,
    pub flushers: Arc<Flushers>,
    pub client: Client,
    pub supervisor: Option<Supervisor>,
}

impl Running {
    /// Finishes open requests, seals the spool, waits for its INSERTs as long as the configuration
    /// allows, and stops the engine.
    ///
    /// # Errors
    /// A server panicked, or the spool can't be sealed.
    pub async fn shut_down(self, app: &App) -> anyhow::Result<()> {
        tracing::info!("stopping: open requests are finished, then the spool is sealed");
        let _ = self.stop.send(true);
        for server in self.servers {
            server.await.context("a server task panicked")?;
        }
        app.spool.seal().await?;
        let deadline = tokio::time::Instant::now() + app.config.limits.shutdown_timeout;
        while app.spool.stats().segments > 0
            && app.readiness.is_ready()
            && tokio::time::Instant::now() < deadline
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.flushers.flush_last(app, &self.client).await;
        for task in self.tasks {
            task.abort();
        }
        if let Some(supervisor) = self.supervisor {
            supervisor.stop().await;
        }
        let left = app.spool.stats().segments;
        if left > 0 {
            tracing::info!(
                segments = left,
                "events wait in the spool for the next start"
            );
        }
        Ok(())
    }
}
