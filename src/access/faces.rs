//! The faces of the server: which routes an address shows.

use hyper::Request;

use crate::http::local::Connection;

/// The face that a route belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Every face.
    Both,
    /// Public: beacons, the tracker, the choices page.
    Collector,
    /// The collector's, when `--demo` is given.
    Demo,
    /// For people who may see reports.
    Dashboard,
    /// The metrics. The dashboard's address shows them too, unless they have an address of their
    /// own.
    Metrics,
}

/// What an address shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faces {
    /// Beacons and the tracker: public.
    pub collector: bool,
    /// Dashboard and queries, for people who may see reports.
    pub dashboard: bool,
    /// The metrics, for programs on this machine, or for clients that reach an address of their
    /// own.
    pub metrics: bool,
}

impl Faces {
    /// What the address of the metrics shows.
    pub const METRICS: Self = Self {
        collector: false,
        dashboard: false,
        metrics: true,
    };

    /// Whether these faces show a route of `face`.
    pub fn show(self, face: Face, has_demo: bool) -> bool {
        match face {
            Face::Both => true,
            Face::Collector => self.collector,
            Face::Demo => self.collector && has_demo,
            Face::Dashboard => self.dashboard,
            Face::Metrics => self.metrics,
        }
    }

    /// Whether a request may read the metrics: locally, or on their own address.
    pub fn let_read_metrics<B>(self, connection: &Connection, request: &Request<B>) -> bool {
        if self == Self::METRICS {
            connection.is_meant_for_address(request)
        } else {
            connection.is_local(request)
        }
    }
}
