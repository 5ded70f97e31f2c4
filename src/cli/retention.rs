//! `sillage retention --verify`: proves that no expired rows remain.

use std::path::PathBuf;

use crate::app::start;
use crate::cli::output::print_line;
use crate::config::Config;

/// `sillage retention …`
#[derive(Debug, clap::Args)]
pub struct RetentionArguments {
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
    /// Check only and change nothing; `serve` destroys expired rows.
    #[arg(long, required = true)]
    verify: bool,
    /// Address of ClickHouse, e.g. http://127.0.0.1:8123; as configured by default.
    #[arg(long)]
    clickhouse: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// ClickHouse does not answer, or expired data remains.
pub async fn run(arguments: &RetentionArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    let certificate = start::verify_retention(&config, arguments.clickhouse.as_deref()).await?;
    print_line!("{certificate}");
    Ok(())
}
