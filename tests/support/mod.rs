//! Shared by the test binaries: a collector or an engine for each test, an HTTP client, people who
//! log in, and processes.

// Each test binary uses a part of this module.
#![allow(dead_code, unused_imports)]

mod collector;
pub mod engine;
mod http;
pub mod people;
pub mod process;

pub use collector::{Collector, binary, cookie, pageview, write_config};
pub use http::{AGENT, Answer, Upload, begin, get, post, raw, send};
pub use people::{PASSWORD, log_in, user_add};
pub use process::{PATIENCE, resident_bytes, signal, wait_for};
