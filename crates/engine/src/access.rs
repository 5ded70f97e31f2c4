//! The two users of the engine and their passwords.

/// The collector's user; its password is the secret.
pub const COLLECTOR_USER: &str = "sillage";

/// What an authenticated user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything: the collector, which knows the secret.
    Collector,
    /// Read only: every other client.
    Reader,
}

/// The passwords that the parent writes to the child's standard input.
pub struct Secrets {
    /// The collector's password.
    pub collector: String,
    /// The readers' password; `None` refuses every reader.
    pub readers: Option<String>,
}
