//! `sillage key`: manages API keys. Works on the control database of a collector that may be
//! running; read and write access to that file is the right to do so.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::cli::output::print_line;
use crate::config::Config;
use crate::control::ids::KeyId;
use crate::control::token::{self, Token, random};
use crate::control::{audit, database, keys};
use crate::data_dir::create_private;

/// `sillage key …`
#[derive(Debug, Args)]
pub struct KeyArguments {
    /// Configuration file.
    #[arg(long, global = true, default_value = "sillage.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Create an API key for a site and print it; it is not shown again.
    Add {
        /// A configured site.
        site: String,
        /// A name that says what the key is for.
        name: String,
    },
    /// List the keys, without their secrets.
    List,
    /// Revoke a key at once, by its number in the list.
    Revoke {
        /// Number of the key.
        id: i64,
    },
}

/// Runs the command.
///
/// # Errors
/// The name or the site is not valid, or the control database can't be used.
pub fn run(arguments: KeyArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    let path = database::path_in(&config.data_dir);
    let now = Timestamp::now();
    match arguments.command {
        KeyCommand::Add { site, name } => {
            if config.site(&site).is_none() {
                bail!(
                    "site {site:?} is not configured in {}",
                    arguments.config.display()
                );
            }
            create_private(&config.data_dir)?;
            let mut connection = database::open(&path)?;
            let key = format!("{}{}", keys::PREFIX, Token::new(random()?).reveal());
            let (who, scopes) = (audit::COMMAND_LINE, [keys::Scope::Query]);
            let hash = token::hash(&key);
            keys::add(&mut connection, now, who, &site, &name, &scopes, &hash)?;
            print_line!("{key}");
        }
        KeyCommand::List => {
            for key in keys::list(&database::open_existing(&path)?, None)? {
                let used = key
                    .used
                    .map_or("never used".into(), |day| format!("last used {day}"));
                print_line!(
                    "{}: {:?} of {}, created by {}, {used}",
                    key.id,
                    key.name,
                    key.site,
                    key.created_by
                );
            }
        }
        KeyCommand::Revoke { id } => {
            let id = KeyId(id);
            let mut connection = database::open_existing(&path)?;
            let all = keys::list(&connection, None)?;
            let key = all
                .iter()
                .find(|key| key.id == id)
                .with_context(|| format!("there is no key {id}; `sillage key list` shows them"))?;
            keys::revoke(&mut connection, now, audit::COMMAND_LINE, &key.site, id)?;
            print_line!("key {id} ({:?} of {}) is revoked", key.name, key.site);
        }
    }
    Ok(())
}
