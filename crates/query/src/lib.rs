//! Questions about stored events: from a question to a report.
//!
//! ```text
//! Question ▶ Period ▶ Plan ▶ SQL and parameters … rows ▶ Report
//!                       ▲ events (scan) or finished days (rollup)
//! ```
//!
//! The crate is pure: it sends no statement, reads no clock and knows no HTTP status. The program's
//! room `stats` runs the plans. Invariants:
//!
//! - Nothing that a client writes becomes a part of a statement's text (see [`sql`]).
//! - Days, weeks and hours are those of the site.
//! - Every number is defined once, in [`metric`].

pub mod bucket;
pub mod changes;
pub mod columns;
pub mod comparison;
pub mod date_range;
pub mod dimension;
pub mod error;
pub mod filter;
pub mod funnel;
pub mod goal;
pub mod measure;
pub mod metric;
pub mod money;
pub mod period;
pub mod plan;
pub mod question;
pub mod report;
pub mod rollup;
pub mod rows;
pub mod scan;
pub mod sql;
pub mod suppression;
pub mod value;
pub mod wire;

pub use error::QueryError;
pub use question::Question;
pub use report::Report;
