//! The embedded engine as its clients see it: the real child process with the real library, over
//! HTTP.
//!
//! Every test starts its own engine, since a process holds one data folder.

mod access;
mod formats;
mod inserts;
mod lifecycle;
mod limits;
mod protocol;

/// Ten minutes of work for one core. Its only row comes at the end.
const LONG: &str = "SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1";
