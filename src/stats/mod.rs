//! Answers to questions about the configured sites, for pages, the API and e-mails.
//!
//! ```text
//! Question ▶ StatsService ▶ plan (sillage-query) ▶ Runner (store) ▶ ClickHouse ▶ rows ▶ Report
//! ```
//!
//! [`StatsService`] runs the plans of the crate `sillage-query`, remembers which days are rolled
//! up, and applies the floor of the audience. The caller has authenticated the reader; the service
//! checks the question. JSON and HTTP exist only in the API.

pub mod changes;
pub mod counts;
pub mod export;
pub mod parquet;
pub mod release;
pub mod reports;
pub mod service;
pub mod table;

pub use crate::store::runner::QueryLimits;
pub use service::StatsService;
