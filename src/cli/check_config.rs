//! `sillage check-config`: checks a configuration and prints what it means.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::app::first_owner::no_account;
use crate::cli::output::print_line;
use crate::config::Config;
use crate::control::database;
use crate::control::error::ControlError;
use crate::control::people;

/// `sillage check-config …`
#[derive(Debug, clap::Args)]
pub struct CheckConfigArguments {
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// What must be changed in the configuration, or that an account is missing.
pub fn run(arguments: &CheckConfigArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    check_account(&config)?;
    print_line!("{} can be used.\n{config:#?}", arguments.config.display());
    for note in notes(&config) {
        print_line!("note: {note}");
    }
    Ok(())
}

/// Whether an account exists if other machines can reach the dashboard.
///
/// # Errors
/// There is no account, or the control database can't be read.
fn check_account(config: &Config) -> anyhow::Result<()> {
    let address = config.dashboard_listen;
    if !address.ip().is_loopback() && count(&config.data_dir)? == 0 {
        bail!(no_account(address));
    }
    Ok(())
}

/// Advice about a valid configuration.
fn notes(config: &Config) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if config.trusted_proxies.is_empty() && config.collector_listen.ip().is_loopback() {
        notes.push(
            "trusted_proxies is empty: behind a proxy on this machine all visitors count as one network, and without cookies as one \
             visitor; name the proxy, e.g. trusted_proxies = [\"127.0.0.1\"]",
        );
    }
    notes
}

fn count(data_dir: &Path) -> Result<i64, ControlError> {
    match database::look(&database::path_in(data_dir))? {
        Some(connection) => people::count(&connection),
        None => Ok(0),
    }
}
