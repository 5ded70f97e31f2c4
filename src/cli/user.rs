//! `sillage user`: manages the people who can log in. Works on the control database of a collector
//! that may be running; read and write access to that file is the right to do so.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::cli::output::print_line;
use crate::cli::password::ask_password;
use crate::config::Config;
use crate::control::people::{EVERY_SITE, Person, Role};
use crate::control::token::{Token, random};
use crate::control::{audit, database, invitation, password, people};
use crate::data_dir::create_private;

/// `sillage user …`
#[derive(Debug, Args)]
pub struct UserArguments {
    /// Configuration file.
    #[arg(long, global = true, default_value = "sillage.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a person; asks for the password, or reads it as a line from standard input.
    Add {
        /// Name for the log-in.
        name: String,
        /// A configured site; by default every site.
        #[arg(long, default_value = EVERY_SITE)]
        site: String,
        /// Role: viewer, editor or owner.
        #[arg(long, default_value = "owner")]
        role: String,
    },
    /// List the people and their roles.
    List,
    /// Remove a person and end their log-ins at once.
    Remove {
        /// Name of the person.
        name: String,
    },
    /// Print a link for choosing a new password; it works once, for a day.
    Reset {
        /// Name of the person.
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
/// The name, site, role or password is not valid, or the control database can't be used.
pub fn run(arguments: UserArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    let path = database::path_in(&config.data_dir);
    let now = Timestamp::now();
    match arguments.command {
        UserCommand::Add { name, site, role } => {
            let role = Role::parse(&role)
                .with_context(|| format!("--role {role:?}: viewer, editor or owner is expected"))?;
            if site != EVERY_SITE && config.site(&site).is_none() {
                bail!(
                    "site {site:?} is not configured in {}",
                    arguments.config.display()
                );
            }
            people::check_name(&name)?;
            create_private(&config.data_dir)?;
            let mut connection = database::open(&path)?;
            if people::find_name(&connection, &name)?.is_some() {
                bail!(
                    "{name:?} already exists; `sillage user reset {name}` prints a link for a new password"
                );
            }
            let password = ask_password()?;
            password::check(&password)?;
            let hash = password::hash(&password, random()?);
            let grant = (site.as_str(), role);
            people::add(
                &mut connection,
                now,
                audit::COMMAND_LINE,
                &name,
                &hash,
                grant,
            )?;
            print_line!(
                "{name} can now log in at http://{}/login",
                config.dashboard_listen
            );
        }
        UserCommand::List => {
            let connection = database::open_existing(&path)?;
            let all = people::all(&connection)?;
            if all.is_empty() {
                print_line!("no account exists yet; `sillage user add NAME` adds one");
            }
            for person in all {
                let roles: Vec<String> = person
                    .roles
                    .iter()
                    .map(|(site, role)| format!("{} of {}", role.as_str(), shown(site)))
                    .collect();
                let factor = if person.has_totp {
                    "; second factor"
                } else {
                    ""
                };
                print_line!("{}: {}{factor}", person.name, roles.join(", "));
            }
        }
        UserCommand::Remove { name } => {
            let mut connection = database::open_existing(&path)?;
            let person = find(&connection, &name)?;
            people::remove(&mut connection, now, audit::COMMAND_LINE, person.id)?;
            print_line!("{name} was removed, and their log-ins have ended");
        }
        UserCommand::Reset { name } => {
            let mut connection = database::open_existing(&path)?;
            let person = find(&connection, &name)?;
            let token = Token::new(random()?);
            invitation::reset(&mut connection, now, None, person.id, &token.hash())?;
            print_line!(
                "{name} can choose a new password with this link; it works once, for a day:"
            );
            print_line!(
                "  http://{}/welcome/{}",
                config.dashboard_listen,
                token.reveal()
            );
        }
    }
    Ok(())
}

fn shown(site: &str) -> &str {
    if site == EVERY_SITE {
        "every site"
    } else {
        site
    }
}

fn find(connection: &Connection, name: &str) -> anyhow::Result<Person> {
    people::find_name(connection, name)?.with_context(|| {
        format!("no account is called {name:?}; `sillage user list` shows all accounts")
    })
}
