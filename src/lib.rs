//! Sillage: a first-party web analytics collector that keeps nobody's trace.
//!
//! # Layout: the way of a beacon
//!
//! The modules stand in the order in which a beacon meets them; read them top to bottom.
//!
//! ```text
//! server  ▶ ingest: parse ▶ consent ▶ filter ▶ source ▶ [ privacy door: place and device inside ] ▶ visit ▶ spool ──202──▶
//! query ◀── ClickHouse (a cluster, or the embedded `engine`) ◀── store: one sealed segment = one INSERT ◀──┘
//! ```

pub mod config;
pub mod server;

pub mod ingest;
pub mod salt_keeper;

pub mod hash;
pub mod random;

pub mod enrich;
pub mod visit;

pub mod store;

pub mod recover;

pub mod rollup;
pub mod stats;

pub mod control;
pub mod html;
pub mod mail;

pub mod admin;
pub mod demo;
pub mod policy;
pub mod serve;
pub mod sql;
pub mod stored;
pub mod telemetry;
