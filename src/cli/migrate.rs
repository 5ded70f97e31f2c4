//! `sillage migrate`: brings the tables of a ClickHouse server up to date.

use std::path::PathBuf;

use crate::app::start;
use crate::cli::output::print_line;
use crate::config::Config;

/// `sillage migrate …`
#[derive(Debug, clap::Args)]
pub struct MigrateArguments {
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// No server is configured, or it refuses a migration.
pub async fn run(arguments: &MigrateArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    let ran = start::migrate(&config).await?;
    match ran.as_slice() {
        [] => print_line!("nothing to do: the tables are up to date"),
        names => print_line!("ran {}", names.join(", ")),
    }
    Ok(())
}
