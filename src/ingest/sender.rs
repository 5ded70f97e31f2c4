//! What comes with a request of a visitor's browser, and the changes of cookies that go back.

use jiff::Timestamp;

use sillage_privacy::{ClientIp, Language, UserAgent};

/// What came with a request. The address and the agent are functions: only the privacy door, and
/// the visitor's own erasure, call them.
pub struct Sender<'a> {
    pub ip: &'a (dyn Fn() -> ClientIp + Sync),
    pub agent: &'a (dyn Fn() -> UserAgent + Sync),
    /// The browser fetched the page ahead and does not show it yet (`Sec-Purpose`, `Purpose`,
    /// `X-Moz`).
    pub is_prefetch: bool,
    pub gpc: bool,
    pub dnt: bool,
    pub language: Option<Language>,
    /// Value of a cookie by its name. No other cookie is read.
    pub cookie: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// When the server received it.
    pub received: Timestamp,
}

/// A change of a cookie that goes back with the answer.
#[derive(PartialEq, Eq)]
pub enum CookieChange {
    /// Sets the measurement cookie.
    Set {
        name: String,
        value: String,
        max_age_s: u32,
    },
    /// Deletes the measurement cookie.
    Delete { name: String },
    /// Sets the erasure cookie, which browsers send to the choices page only.
    SetErasure {
        name: String,
        value: String,
        max_age_s: u32,
    },
    /// Deletes the erasure cookie.
    DeleteErasure { name: String },
}
