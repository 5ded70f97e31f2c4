//! What the door may look up while the address and the user agent still exist.

use std::sync::Arc;

use crate::truncate::TruncatedIp;

/// The place of a truncated address, from a database with a closed set of places. Each part is
/// empty if unknown.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// ISO 3166-1 alpha-2, e.g. `JP`.
    pub country: String,
    /// ISO 3166-2, e.g. `JP-13`.
    pub region: String,
    /// English name.
    pub city: String,
}

/// What a user agent says, in names of a closed set: none of its text can be in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Device {
    /// Family; empty = unknown.
    pub browser: &'static str,
    /// Major version; 0 = unknown.
    pub browser_version: u16,
    /// Family; empty = unknown.
    pub os: &'static str,
    /// Major version; 0 = unknown.
    pub os_version: u16,
    /// `desktop`, `mobile`, `tablet`, `other`; empty = unknown.
    pub kind: &'static str,
}

/// Lookups of place and device, passed in by the caller.
#[derive(Clone, Copy)]
pub struct Lookups<'a> {
    /// The place of a truncated address.
    pub place: &'a dyn Fn(TruncatedIp) -> Arc<Place>,
    /// The closed names of a user agent.
    pub device: &'a dyn Fn(&str) -> Device,
}
