//! `sillage serve`: runs the collector.

use std::path::PathBuf;

use crate::app::start;
use crate::config::Config;

/// `sillage serve …`
#[derive(Debug, clap::Args)]
pub struct ServeArguments {
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
    /// Also serve the demo site under /demo/.
    #[arg(long)]
    demo: bool,
}

/// Runs the collector until SIGTERM or SIGINT.
///
/// # Errors
/// What can't be started, in one sentence that says what to do.
pub async fn run(arguments: &ServeArguments) -> anyhow::Result<()> {
    start::serve(Config::load(&arguments.config)?, arguments.demo).await
}
