//! `sillage migrate`: brings the tables of a ClickHouse server up to date.

use std::path::PathBuf;

use anyhow::bail;

use crate::app::clickhouse;
use crate::cli::output::print_line;
use crate::config::Config;
use crate::store;

/// `sillage migrate …`
#[derive(Debug, clap::Args)]
pub struct MigrateArguments {
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// No server is configured, or it refuses a migration.
pub async fn run(arguments: &MigrateArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    if config.clickhouse.url.is_none() {
        bail!(
            "clickhouse.url is empty: the embedded engine's tables are brought up to date by `sillage serve` itself"
        );
    }
    let client = clickhouse::connect(&config, None)?;
    let (database, tables) = (&config.clickhouse.database, config.clickhouse.tables);
    let ran = store::migrate::migrate(&client, database, tables).await?;
    match ran.as_slice() {
        [] => print_line!("nothing to do: the tables are up to date"),
        names => print_line!("ran {}", names.join(", ")),
    }
    Ok(())
}
