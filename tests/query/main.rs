//! The query side over a real engine: golden results, hostile values, exact uniques.
//!
//! One engine serves all tests of this binary, and each test has its own database. Without the
//! engine's library the tests fail and say how to fetch it: a silent skip would look like a pass.

mod alerts;
mod as_json;
mod both_ways;
mod bounds;
mod coarse;
mod differencing;
mod documents;
mod engine;
mod funnels;
mod golden;
mod hostile;
mod ours;
mod rollups;
mod schema_documents;
mod stored_visits;
mod suppression;
mod uniques;

#[path = "../support/mod.rs"]
mod support;
