//! Answers from what is stored of finished days: totals by dimension (`daily`) and visits without
//! ids (`visits`).

pub mod daily;
pub mod visits;
