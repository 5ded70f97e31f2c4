//! Answers from the stored results of finished days: totals by dimension (`daily`) and visits
//! without ids (`visits`). The program's roll-up job writes both.

pub mod coverage;
pub mod daily;
pub mod visits;
