//! Whether this collector can be used, and if not, why: `/readyz` and `/readyz/beacons`.
//!
//! There are two addresses because a load balancer and a person need different answers.
//! `/readyz/beacons` is 200 as long as beacons are stored, even while ClickHouse does not answer,
//! if the spool has room. `/readyz` is 200 when reports are available as well. `causes` lists what
//! is wrong, by names that stay the same.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use serde_json::json;

use crate::http::response::{Answer, json, text};
use sillage_spool::Trouble;

/// Whether reports are available, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reports {
    /// ClickHouse has not answered since the start.
    Starting,
    Ready,
    /// The ClickHouse server does not answer.
    ClickhouseAway,
    /// The embedded engine does not answer; it is being started again.
    EngineRestarting,
    /// The database was written by a later Sillage.
    NewerSchema,
}

impl Reports {
    const ALL: [Self; 5] = [
        Self::Starting,
        Self::Ready,
        Self::ClickhouseAway,
        Self::EngineRestarting,
        Self::NewerSchema,
    ];

    /// Its name in `causes`, and what it means.
    fn cause(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Ready => None,
            Self::Starting => Some(("starting", "ClickHouse has not answered since the start")),
            Self::ClickhouseAway => Some(("clickhouse_away", "ClickHouse does not answer")),
            Self::EngineRestarting => Some((
                "engine_restarting",
                "the embedded engine does not answer and is being restarted",
            )),
            Self::NewerSchema => Some((
                "newer_schema",
                "a later version of Sillage wrote the database; start that version",
            )),
        }
    }
}

/// [`Reports`] shared between threads.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

impl Readiness {
    pub fn get(&self) -> Reports {
        let number = self.0.load(Relaxed);
        let found = Reports::ALL.iter().find(|state| **state as u8 == number);
        found.copied().unwrap_or(Reports::Starting)
    }

    pub fn set(&self, reports: Reports) {
        self.0.store(reports as u8, Relaxed);
    }

    /// Whether reports are available.
    pub fn is_ready(&self) -> bool {
        self.get() == Reports::Ready
    }
}

/// Why beacons are refused: its name in `causes`, and what it means.
fn refusing(trouble: Option<Trouble>) -> Option<(&'static str, &'static str)> {
    trouble.map(|trouble| match trouble {
        Trouble::Full => ("spool_full", "the spool is full; beacons are refused"),
        Trouble::NoSpace => (
            "disk_full",
            "the spool's file system is full; beacons are refused",
        ),
        Trouble::Disk => (
            "disk_error",
            "the spool can't write to its disk; beacons are refused",
        ),
    })
}

/// `/readyz`: beacons are stored and reports are available.
pub fn ready(trouble: Option<Trouble>, reports: Reports) -> Answer {
    let (refusing, missing) = (refusing(trouble), reports.cause());
    if refusing.is_none() && missing.is_none() {
        return text(StatusCode::OK, "ready\n");
    }
    let causes = [refusing, missing];
    let stored = match refusing {
        None => Some("beacons are kept meanwhile"),
        Some(_) => None,
    };
    unavailable(&causes, stored)
}

/// `/readyz/beacons`: beacons are stored.
pub fn ready_for_beacons(trouble: Option<Trouble>) -> Answer {
    match refusing(trouble) {
        None => text(StatusCode::OK, "ready\n"),
        refusing => unavailable(&[refusing], None),
    }
}

/// 503 to a question while reports are not available.
pub fn no_reports(reports: Reports) -> Answer {
    // `reports` may have become ready since the question was refused.
    unavailable(&[reports.cause().or(Reports::Starting.cause())], None)
}

fn unavailable(causes: &[Option<(&str, &str)>], addition: Option<&str>) -> Answer {
    let causes = || causes.iter().flatten();
    let names: Vec<_> = causes().map(|(name, _)| name).collect();
    let meanings = causes().map(|(_, meaning)| *meaning).chain(addition);
    let error = meanings.collect::<Vec<_>>().join("; ");
    let mut answer = json(
        StatusCode::SERVICE_UNAVAILABLE,
        &json!({ "error": error, "causes": names }),
    );
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_except_ready_has_its_own_cause() {
        let readiness = Readiness::default();
        assert_eq!(readiness.get(), Reports::Starting, "the initial state");
        let mut causes = Vec::new();
        for state in Reports::ALL {
            readiness.set(state);
            assert_eq!(readiness.get(), state);
            assert_eq!(readiness.is_ready(), state.cause().is_none());
            causes.extend(state.cause().map(|(name, _)| name));
        }
        // Monitoring depends on these names.
        assert_eq!(
            causes,
            [
                "starting",
                "clickhouse_away",
                "engine_restarting",
                "newer_schema"
            ]
        );
    }
}
