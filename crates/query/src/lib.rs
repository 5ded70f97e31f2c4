//! Questions and their plans: question, period, plan, one SQL statement with its parameters, report.
//!
//! ```text
//! question ▶ period ▶ plan ▶ SQL and parameters … rows ▶ report
//!                       ▲ events (reading) or rolled-up days (rollup)
//! ```
//!
//! Pure: nothing here sends a statement, reads a clock or knows an HTTP status. The program's room
//! `stats` runs what is planned here. Invariants:
//!
//! - What a request says never becomes part of a statement's text (see [`sql`]).
//! - Days, weeks and hours are the site's.
//! - Every number is defined once, in [`metric`].

pub mod comparison;
pub mod dimension;
pub mod filter;
pub mod funnel;
pub mod goal;
pub mod metric;
pub mod money;
pub mod period;
pub mod plan;
pub mod question;
pub mod report;
pub mod rollup;
pub mod scan;
pub mod sql;
pub mod suppression;
