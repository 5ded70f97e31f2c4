//! Why the engine does not start or run.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::home::HomeError;
use super::libchdb::LibraryError;

/// Why the engine does not start or run. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the embedded engine's library is missing; run `make engine`, or name it with engine.library or --library (looked for {})", list(.looked_for))]
    LibraryMissing { looked_for: Vec<PathBuf> },
    #[error(transparent)]
    Library(#[from] LibraryError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(
        "engine.listen = {0} is not a loopback address; the engine speaks HTTP without TLS, so use 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    #[error(
        "{0} is in use by another program; stop that one, or choose another port with engine.listen"
    )]
    PortInUse(SocketAddr),
    #[error(
        "the engine can't listen on {address} ({source}); choose another address with engine.listen"
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(
        "the engine received no secret; start it with `sillage serve`, or write two lines to its standard input and keep that open: 32 or more characters for the collector, and the readers' token or an empty line"
    )]
    SecretMissing,
    #[error("the engine can't start a process or thread ({0}); check the system's limits")]
    Spawn(std::io::Error),
    #[error("the embedded engine did not start: {0}")]
    DidNotStart(String),
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
