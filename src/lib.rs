//! Sillage: a first-party web analytics collector that keeps nobody's trace.
//!
//! The rooms stand from the ground up: a room imports only rooms above it in this list.
//! `tests/architecture.rs` holds the order.

pub mod data_dir;
pub mod html;
pub mod identity_hasher;
pub mod random;

pub mod config;
pub mod telemetry;

pub mod http;
pub mod tracker_files;

pub mod event_row;
pub mod ingest;
pub mod salts;
pub mod visits;

pub mod rollup;
pub mod stats;
pub mod store;

pub mod control;
pub mod email;

pub mod access;
pub mod api;
pub mod collector;
pub mod pages;

pub mod app;
pub mod cli;
