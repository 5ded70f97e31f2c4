//! [`App`]: what the handlers share.

use std::sync::{Arc, OnceLock};

use crate::access::error::ApiError;
use crate::access::rates::Rates;
use crate::access::readiness::Readiness;
use crate::config::Config;
use crate::control::Control;
use crate::control::password::Hasher;
use crate::ingest::Pipeline;
use crate::stats::StatsService;
use crate::store::erase::Eraser;
use crate::telemetry::Counters;
use crate::tracker_files::Releases;
use sillage_spool::Spool;

/// What the handlers share.
pub struct App {
    pub config: Config,
    pub pipeline: Pipeline,
    pub spool: Spool,
    pub counters: Arc<Counters>,
    /// The tracker's files, including those of earlier releases.
    pub releases: Releases,
    /// People, keys, goals and links.
    pub control: Control,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// Rate limits of questions, log-ins and e-mails.
    pub rates: Rates,
    /// Set once ClickHouse answers.
    pub stats: OnceLock<StatsService>,
    /// Accepts erasures, even while ClickHouse does not answer.
    pub eraser: Eraser,
    /// Wakes the task that sends e-mails ([`crate::email::scheduler`]).
    pub wake_email: Arc<tokio::sync::Notify>,
    /// Whether reports are available.
    pub readiness: Readiness,
    /// Whether the demo site is served under `/demo/`.
    pub has_demo: bool,
}

impl App {
    /// The reports.
    ///
    /// # Errors
    /// ClickHouse has not answered yet.
    pub fn reports(&self) -> Result<&StatsService, ApiError> {
        let stats = self.stats.get();
        stats.ok_or_else(|| ApiError::NoReports(self.readiness.get()))
    }
}
