//! Answers to questions about the configured sites, for pages, the API and e-mails.
//!
//! ```text
//! Question ▶ StatsService ▶ plan (sillage-query) ▶ Runner (store) ▶ ClickHouse ▶ rows ▶ Report
//! ```
//!
//! [`StatsService`] runs the plans of the crate `sillage-query`, remembers which days are rolled
//! up, and applies the floor of the audience. It trusts its caller to have checked *who* asks; it
//! checks *what* is asked. It knows neither JSON nor HTTP: those are the API's.

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
