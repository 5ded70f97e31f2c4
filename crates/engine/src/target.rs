//! Where a ClickHouse is, and how this one is told from another.

/// The engine's name in its answers, which tells it from another ClickHouse on the same port.
pub const DISPLAY_NAME: &str = "sillage-engine";

/// Where a ClickHouse is and how to speak to it: the embedded engine, or a cluster.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// E.g. `http://127.0.0.1:8123`.
    pub url: String,
    pub user: String,
    pub password: String,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target")
            .field("url", &self.url)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
