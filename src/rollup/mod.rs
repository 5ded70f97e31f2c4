//! Roll-ups: totals and visits of finished days, which outlive the ids of their events.
//!
//! `job` finds the days that need it and runs the statements of `daily` and `visits`; `coverage`
//! reads which days are done. How answers are read from the roll-ups is decided in `sillage-query`.

pub mod coverage;
pub mod daily;
pub mod job;
pub mod visits;
