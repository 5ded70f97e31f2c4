//! `sillage retention --verify`: proves that no expired rows remain.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::app::clickhouse;
use crate::cli::output::print_line;
use crate::config::Config;
use crate::store::retention;

/// `sillage retention …`
#[derive(Debug, clap::Args)]
pub struct RetentionArguments {
    /// Configuration file.
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
    let client = clickhouse::reader(&config, arguments.clickhouse.as_deref())?;
    let rules = retention::Rules::of(&config);
    let mut found = retention::verify(&client, &rules, retention::today())
        .await
        .context("ClickHouse must be running; start `sillage serve`, or give its address with --clickhouse")?;
    found.set_aside = retention::set_aside_left(&rules, &config.spool.dir, found.until)?;
    if !found.is_clean() {
        bail!(
            "expired data remains: {} rows in {} parts expired until {} ({} of them held), and {} files in the spool's folder; `sillage serve` destroys them within ten minutes, and their files leave the disk within ten more",
            found.rows,
            found.parts,
            found.until,
            found.held,
            found.set_aside
        );
    }
    let certificate = retention::certify(&rules, &found)?;
    print_line!("{certificate}");
    Ok(())
}
