//! Questions and reports as JSON: the body of a request to the API, and of its response.
//!
//! The HTTP layer calls this module once on the way in and once on the way out. Between the two,
//! the program uses [`Question`](crate::question::Question) and [`Report`](crate::report::Report).
//! The format is Plausible's Stats API v2 with our metrics, dimensions and options on top. Anything
//! else is refused with the place of the fault.

pub mod changes;
pub mod comparison;
pub mod date_range;
pub mod filter;
pub mod funnel;
pub mod object;
pub mod question;
pub mod report;
