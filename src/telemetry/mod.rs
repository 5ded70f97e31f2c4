//! What operators see: log lines and counters. Neither ever holds a visitor's input; labels are
//! closed enums.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::config::{SiteId, Sites};
use sillage_privacy::OpenField;
use sillage_spool::SpoolStats;

mod faulty_networks;
mod outcome;

pub use faulty_networks::{FaultyNetworks, NAMED_FROM};
pub use outcome::Outcome;

/// The counts of visits for `/metrics`.
#[derive(Debug, Clone, Copy)]
pub struct VisitGauges {
    /// Visits with an event in the last 30 minutes.
    pub open: usize,
    /// Visits that were closed early because their memory was full.
    pub evicted: u64,
}

/// Starts logging to stderr. `level` is a filter in `tracing`'s own syntax, e.g. `info`.
///
/// Also replaces the panic hook by one that prints the place only: a panic's message may hold
/// input.
pub fn start(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_new(level)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // Fails only when a logger is set already, as in tests; the earlier one stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init();
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => eprintln!(
            "panic at {}:{} (its message is not printed: it may hold input)",
            place.file(),
            place.line()
        ),
        None => eprintln!("panic at an unknown place"),
    }));
}

/// Beacons of one site by outcome.
type ByOutcome = [AtomicU64; Outcome::ALL.len()];

/// Counters of one collector, for `/metrics` and, site by site, for the table `outcomes`.
#[derive(Debug)]
pub struct Counters {
    total: ByOutcome,
    sites: Arc<Sites>,
    /// Counts that are not stored yet: one entry for each site, and a last one for beacons of
    /// unknown sites.
    unstored: Vec<ByOutcome>,
    /// Values stored as `(other)`, by field.
    folded: [AtomicU64; OpenField::ALL.len()],
    /// Connections turned away because there were too many.
    pub connections_refused: AtomicU64,
    /// Connections turned away because their network had too many.
    pub connections_refused_network: AtomicU64,
    /// Requests in which an untrusted proxy named a client.
    pub untrusted_forwarded: AtomicU64,
    /// Segments stored in ClickHouse.
    pub segments_inserted: AtomicU64,
    /// INSERTs that failed and are retried.
    pub inserts_failed: AtomicU64,
    /// Segments that cannot be stored and were set aside, and the accepted events in them.
    pub segments_set_aside: AtomicU64,
    pub events_set_aside: AtomicU64,
    /// Duration of the latest successful INSERT, microseconds.
    pub insert_us: AtomicU64,
}

fn zeroes() -> ByOutcome {
    std::array::from_fn(|_| AtomicU64::new(0))
}

impl Counters {
    /// Counters for these sites.
    pub fn new(sites: Arc<Sites>) -> Self {
        Self {
            total: zeroes(),
            folded: Default::default(),
            unstored: (0..=sites.len()).map(|_| zeroes()).collect(),
            sites,
            connections_refused: AtomicU64::new(0),
            connections_refused_network: AtomicU64::new(0),
            untrusted_forwarded: AtomicU64::new(0),
            segments_inserted: AtomicU64::new(0),
            inserts_failed: AtomicU64::new(0),
            segments_set_aside: AtomicU64::new(0),
            events_set_aside: AtomicU64::new(0),
            insert_us: AtomicU64::new(0),
        }
    }

    /// Counts one beacon; `site` is `None` when it named no known site.
    pub fn count(&self, site: Option<SiteId>, outcome: Outcome) {
        self.total[outcome as usize].fetch_add(1, Relaxed);
        let site = site.map_or(self.sites.len(), SiteId::index);
        self.unstored[site][outcome as usize].fetch_add(1, Relaxed);
    }

    /// Takes the counts since the last call: (site as in [`count`](Self::count), outcome, beacons).
    pub fn take_unstored(&self) -> Vec<(Option<SiteId>, Outcome, u64)> {
        let mut taken = Vec::new();
        let sites = self
            .sites
            .numbered()
            .map(|(site, _)| Some(site))
            .chain([None]);
        for (site, counters) in sites.zip(&self.unstored) {
            for outcome in Outcome::ALL {
                let beacons = counters[outcome as usize].swap(0, Relaxed);
                if beacons > 0 {
                    taken.push((site, outcome, beacons));
                }
            }
        }
        taken
    }

    /// Counts a value that was stored as `(other)`.
    pub fn count_folded(&self, field: OpenField) {
        self.folded[field as usize].fetch_add(1, Relaxed);
    }

    /// Beacons with this outcome since the start.
    pub fn total(&self, outcome: Outcome) -> u64 {
        self.total[outcome as usize].load(Relaxed)
    }

    /// The Prometheus text format, version 0.0.4.
    pub fn render(&self, spool: &SpoolStats, visits: VisitGauges) -> String {
        let mut text = String::with_capacity(2_048);
        let mut metric = |name: &str, kind: &str, help: &str, value: f64| {
            // Writing to a String can't fail.
            let _ = write!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
            );
        };
        metric(
            "sillage_spool_bytes",
            "gauge",
            "Bytes of accepted events on disk, not yet in ClickHouse.",
            spool.bytes as f64,
        );
        metric(
            "sillage_spool_bytes_max",
            "gauge",
            "Bytes at which beacons are refused.",
            spool.bytes_max as f64,
        );
        metric(
            "sillage_spool_segments",
            "gauge",
            "Segments on disk, not yet in ClickHouse.",
            spool.segments as f64,
        );
        metric(
            "sillage_spool_oldest_seconds",
            "gauge",
            "Age of the oldest segment.",
            spool.oldest_age.unwrap_or_default().as_secs_f64(),
        );
        metric(
            "sillage_spool_appended_total",
            "counter",
            "Events written to disk.",
            spool.appended as f64,
        );
        metric(
            "sillage_spool_syncs_total",
            "counter",
            "Syncs to disk; one sync makes all events durable that arrived during the previous one.",
            spool.syncs as f64,
        );
        metric(
            "sillage_spool_refusing",
            "gauge",
            "1 while beacons are refused because the spool is full or can't write.",
            f64::from(u8::from(spool.trouble.is_some())),
        );
        metric(
            "sillage_spool_disk_errors_total",
            "counter",
            "Writes, syncs and renames of the spool that failed.",
            spool.disk_errors as f64,
        );
        metric(
            "sillage_spool_quarantined_total",
            "counter",
            "Damaged records set aside.",
            spool.corrupt_records as f64,
        );
        metric(
            "sillage_insert_seconds",
            "gauge",
            "Duration of the latest successful INSERT.",
            self.insert_us.load(Relaxed) as f64 / 1e6,
        );
        metric(
            "sillage_segments_inserted_total",
            "counter",
            "Segments stored in ClickHouse.",
            self.segments_inserted.load(Relaxed) as f64,
        );
        metric(
            "sillage_inserts_failed_total",
            "counter",
            "INSERTs that failed and are tried again.",
            self.inserts_failed.load(Relaxed) as f64,
        );
        metric(
            "sillage_segments_set_aside_total",
            "counter",
            "Segments that can't be stored and lie in the spool's folder as .quarantine.",
            self.segments_set_aside.load(Relaxed) as f64,
        );
        metric(
            "sillage_events_set_aside_total",
            "counter",
            "Accepted events in segments that were set aside.",
            self.events_set_aside.load(Relaxed) as f64,
        );
        metric(
            "sillage_open_visits",
            "gauge",
            "Visits with an event in the last 30 minutes.",
            visits.open as f64,
        );
        metric(
            "sillage_visits_evicted_total",
            "counter",
            "Visits closed early because their memory was full.",
            visits.evicted as f64,
        );
        metric(
            "sillage_connections_refused_total",
            "counter",
            "Connections turned away because there were too many.",
            self.connections_refused.load(Relaxed) as f64,
        );
        metric(
            "sillage_connections_refused_network_total",
            "counter",
            "Connections turned away because their network had too many.",
            self.connections_refused_network.load(Relaxed) as f64,
        );
        metric(
            "sillage_untrusted_forwarded_total",
            "counter",
            "Beacons forwarded by a nearby proxy that trusted_proxies does not name.",
            self.untrusted_forwarded.load(Relaxed) as f64,
        );
        metric(
            "sillage_accepted_total",
            "counter",
            "Beacons stored.",
            self.total(Outcome::Accepted) as f64,
        );
        text.push_str("# HELP sillage_dropped_total Beacons not stored, by reason.\n# TYPE sillage_dropped_total counter\n");
        for outcome in Outcome::ALL
            .into_iter()
            .filter(|outcome| *outcome != Outcome::Accepted)
        {
            let _ = writeln!(
                text,
                "sillage_dropped_total{{reason=\"{}\"}} {}",
                outcome.as_str(),
                self.total(outcome)
            );
        }
        text.push_str("# HELP sillage_folded_total Values stored as (other), by field.\n# TYPE sillage_folded_total counter\n");
        for field in OpenField::ALL {
            let _ = writeln!(
                text,
                "sillage_folded_total{{field=\"{}\"}} {}",
                field.as_str(),
                self.folded[field as usize].load(Relaxed)
            );
        }
        text
    }
}
