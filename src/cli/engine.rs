//! `sillage engine`: the child process that runs the embedded ClickHouse.

use std::net::SocketAddr;
use std::path::PathBuf;

use sillage_engine::{self as engine, EngineOptions};

/// `sillage engine …`
#[derive(Debug, clap::Args)]
pub struct EngineArguments {
    /// Address to listen on; loopback only.
    #[arg(long)]
    listen: SocketAddr,
    /// The engine's own folder.
    #[arg(long)]
    data: PathBuf,
    /// Path of `libchdb.so`; searched for by default.
    #[arg(long)]
    library: Option<PathBuf>,
    /// Database of requests that do not name one.
    #[arg(long, default_value = "sillage")]
    database: String,
    /// Id of the user and group to run as when started by root.
    #[arg(long)]
    user: Option<u32>,
    /// Answer readers even if the process could not be fenced.
    #[arg(long)]
    readers_without_fence: bool,
    #[cfg(debug_assertions)]
    #[arg(long, value_enum)]
    without: Vec<engine::Defence>,
    #[cfg(debug_assertions)]
    #[arg(long)]
    reach: Option<PathBuf>,
}

/// Runs the engine until its supervisor ends it.
///
/// # Errors
/// The engine can't be started.
pub fn run(arguments: EngineArguments) -> anyhow::Result<()> {
    match engine::run(&EngineOptions {
        listen: arguments.listen,
        data: arguments.data,
        library: arguments.library,
        database: arguments.database,
        user: arguments.user,
        readers_without_fence: arguments.readers_without_fence,
        #[cfg(debug_assertions)]
        without: arguments.without,
        #[cfg(debug_assertions)]
        reach: arguments.reach,
    })? {}
}
