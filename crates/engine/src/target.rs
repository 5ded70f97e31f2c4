//! Address and credentials of a ClickHouse, and the name that identifies the embedded one.

/// The engine's name in its answers, which distinguishes it from another ClickHouse on the port.
pub const DISPLAY_NAME: &str = "sillage-engine";

/// Address and credentials of a ClickHouse: the embedded engine or a server.
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
