//! The embedded engine as its clients meet it: the real child process with the real library, over
//! HTTP.
//!
//! Every test has an engine of its own, since a process holds one data folder.

mod access;
mod formats;
mod inserts;
mod lifecycle;
mod limits;
mod protocol;

/// Ten minutes of work for one core, with its only row at the end.
const LONG: &str = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1";
