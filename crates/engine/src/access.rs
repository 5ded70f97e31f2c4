//! Who asks, and by which passwords the engine knows them.

/// The collector's user; its password is the secret.
pub const COLLECTOR_USER: &str = "sillage";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The collector, which knows the secret: everything.
    Collector,
    /// Everybody else: read.
    Reader,
}

/// What the parent hands over on standard input.
pub struct Secrets {
    /// The collector's password.
    pub collector: String,
    /// The readers' password; `None`: nobody reads.
    pub readers: Option<String>,
}
