//! Whether the collector is alive and ready, and its metrics: for load balancers and monitoring.

use hyper::StatusCode;

use crate::access::call::Call;
use crate::access::readiness;
use crate::http::response::{Answer, answer, text};

/// `/healthz`: the process answers.
pub async fn alive(_: Call) -> Answer {
    text(StatusCode::OK, "ok\n")
}

/// `/readyz`
pub async fn ready(call: Call) -> Answer {
    let trouble = call.app.spool.stats().trouble;
    readiness::ready(trouble, call.app.readiness.get())
}

/// `/readyz/beacons`
pub async fn ready_for_beacons(call: Call) -> Answer {
    readiness::ready_for_beacons(call.app.spool.stats().trouble)
}

/// `/metrics`, in the Prometheus text format.
pub async fn metrics(call: Call) -> Answer {
    let app = &call.app;
    answer(
        StatusCode::OK,
        "text/plain; version=0.0.4; charset=utf-8",
        app.counters
            .render(&app.spool.stats(), app.pipeline.visit_gauges()),
    )
}
