//! A beacon of the past, and the browser that it comes from.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

/// A browser, as its requests show it.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub ip: IpAddr,
    pub agent: Arc<str>,
    pub language: &'static str,
}

/// One beacon of the past.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub at: Timestamp,
    pub from: Visitor,
    /// The browser's cookie jar.
    pub jar: u64,
    pub body: String,
}

/// A number that distinguishes browsers.
pub(crate) fn jar(ip: IpAddr, agent: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (ip, agent).hash(&mut hasher);
    hasher.finish()
}
