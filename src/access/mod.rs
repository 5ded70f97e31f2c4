//! Who asks, what they may see, and what the handlers share.

pub mod auth;
pub mod readiness;

use std::sync::{Arc, OnceLock};

use crate::collector::tracker;
use crate::config::Config;
use crate::ingest::Pipeline;
use crate::stats::StatsService;
use crate::store::erase::Eraser;
use crate::telemetry::Counters;
use sillage_spool::Spool;

use crate::http::rate_limit::Rate;
use auth::Gate;
use readiness::Readiness;

/// What an address shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faces {
    /// Beacons and the tracker: for everybody.
    pub collector: bool,
    /// Dashboard and queries: for those who may see reports.
    pub dashboard: bool,
    /// The metrics: for programs on this machine, or for those who reach an address of their own.
    pub metrics: bool,
}

impl Faces {
    /// What the address of the metrics shows.
    pub const METRICS: Self = Self {
        collector: false,
        dashboard: false,
        metrics: true,
    };
}

/// What the handlers share.
pub struct App {
    pub config: Config,
    pub pipeline: Pipeline,
    /// Who sends too much.
    pub rate: Rate,
    /// Who may see reports.
    pub gate: Gate,
    pub spool: Spool,
    /// The tracker's files, earlier ones included.
    pub releases: tracker::Releases,
    pub counters: Arc<Counters>,
    /// Set once ClickHouse answers.
    pub stats: OnceLock<StatsService>,
    /// Takes erasures whether ClickHouse answers or not.
    pub eraser: Eraser,
    /// Which network asks the choices page for too much.
    pub choices_rate: Rate,
    /// Wakes who writes letters ([`crate::email::scheduler`]).
    pub wake_post: Arc<tokio::sync::Notify>,
    /// Whether queries are answered right now.
    pub readiness: Readiness,
    /// Whether the demo site is served under `/demo/`.
    pub has_demo: bool,
}
