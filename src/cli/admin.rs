//! What the command line does about people and keys: `sillage user`, `sillage key`, and the set-up
//! link of the first start.
//!
//! Works on the same file as a running collector, at the same time; whoever can read and write that
//! file is an owner anyhow.

use std::io::{BufRead, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::app::start::create_private;
use crate::config::Config;
use crate::control::people::{EVERY_SITE, Person, Role};
use crate::control::token::{self, Token, random};
use crate::control::{Control, ControlError, audit, database, invitation, keys, password, people};

/// `sillage user …`
#[derive(Debug, Args)]
pub struct UserArguments {
    #[arg(long, global = true, default_value = "sillage.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a person; asks for the password, or reads it as a line from standard input.
    Add {
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
    Remove { name: String },
    /// Print a link for choosing a new password; it works once, for a day.
    Reset { name: String },
}

/// `sillage key …`
#[derive(Debug, Args)]
pub struct KeyArguments {
    #[arg(long, global = true, default_value = "sillage.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make an API key for a site and print it; it is not shown again.
    Add {
        /// A configured site.
        site: String,
        /// A name that says what the key is for.
        name: String,
    },
    /// List the keys, without their secrets.
    List,
    /// Revoke a key at once, by its number in the list.
    Revoke { id: i64 },
}

/// `sillage key …`
///
/// # Errors
/// One sentence that says what to do.
pub fn key(arguments: KeyArguments) -> anyhow::Result<()> {
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
            println!("{key}");
        }
        KeyCommand::List => {
            for key in keys::list(&database::open_existing(&path)?, None)? {
                let used = key
                    .used
                    .map_or("never used".into(), |day| format!("last used {day}"));
                println!(
                    "{}: {:?} of {}, made by {}, {used}",
                    key.id, key.name, key.site, key.created_by
                );
            }
        }
        KeyCommand::Revoke { id } => {
            let mut connection = database::open_existing(&path)?;
            let all = keys::list(&connection, None)?;
            let key = all
                .iter()
                .find(|key| key.id == id)
                .with_context(|| format!("there is no key {id}; `sillage key list` shows them"))?;
            keys::revoke(&mut connection, now, audit::COMMAND_LINE, &key.site, id)?;
            println!("key {id} ({:?} of {}) is revoked", key.name, key.site);
        }
    }
    Ok(())
}

/// `sillage user …`
///
/// # Errors
/// One sentence that says what to do.
pub fn user(arguments: UserArguments) -> anyhow::Result<()> {
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
                    "{name:?} is there already; `sillage user reset {name}` gives a new password"
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
            println!(
                "{name} may log in at http://{}/login",
                config.dashboard_listen
            );
        }
        UserCommand::List => {
            let connection = database::open_existing(&path)?;
            let everybody = people::all(&connection)?;
            if everybody.is_empty() {
                println!("no account exists yet; `sillage user add NAME` adds one");
            }
            for person in everybody {
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
                println!("{}: {}{factor}", person.name, roles.join(", "));
            }
        }
        UserCommand::Remove { name } => {
            let mut connection = database::open_existing(&path)?;
            let person = find(&connection, &name)?;
            people::remove(&mut connection, now, audit::COMMAND_LINE, person.id)?;
            println!("{name} has been removed; their log-ins have ended");
        }
        UserCommand::Reset { name } => {
            let mut connection = database::open_existing(&path)?;
            let person = find(&connection, &name)?;
            let token = Token::new(random()?);
            invitation::reset(&mut connection, now, None, person.id, &token.hash())?;
            println!("With this link {name} chooses a new password; it works once, for a day:");
            println!(
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

/// Asks twice on a terminal, without showing what is typed; else takes a line of what is piped in.
fn ask_password() -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        return read_line();
    }
    let first = ask_unseen("Password: ")?;
    if *first != *ask_unseen("The same again: ")? {
        bail!("the two passwords differ");
    }
    Ok(first)
}

fn ask_unseen(question: &str) -> anyhow::Result<Zeroizing<String>> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    eprint!("{question}");
    std::io::stderr().flush()?;
    let before = tcgetattr(&stdin)?;
    let mut unseen = before.clone();
    unseen.local_modes &= !LocalModes::ECHO;
    tcsetattr(&stdin, OptionalActions::Now, &unseen)?;
    let line = read_line();
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    eprintln!();
    line
}

fn read_line() -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("the password could not be read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    Ok(Zeroizing::new(password.to_owned()))
}

/// Makes the link with which the first person becomes the owner; that of the last start works no
/// more.
///
/// # Errors
/// The file can't be written.
pub async fn set_up(control: &Control) -> Result<Token, ControlError> {
    let token = Token::new(random()?);
    let hash = token.hash();
    control
        .run(move |connection| invitation::set_up(connection, Timestamp::now(), &hash))
        .await?;
    Ok(token)
}

/// Why a dashboard is not served beyond this machine.
pub fn nobody_can_log_in(address: SocketAddr) -> String {
    format!(
        "the dashboard would listen on {address} for everybody, and there is no account to log in with yet: add one with \
         `sillage user add NAME` first, or set dashboard.listen to 127.0.0.1:8001"
    )
}

/// What `check-config` looks at beyond the file: whether somebody can log in where the dashboard is
/// public.
///
/// # Errors
/// Nobody can, or the control database can't be read.
pub fn check(config: &Config) -> anyhow::Result<()> {
    let address = config.dashboard_listen;
    if !address.ip().is_loopback() && count(&config.data_dir)? == 0 {
        bail!(nobody_can_log_in(address));
    }
    Ok(())
}

/// What `check-config` has to say about a configuration that can be used.
pub fn notes(config: &Config) -> Vec<&'static str> {
    let mut notes = Vec::new();
    if config.trusted_proxies.is_empty() && config.collector_listen.ip().is_loopback() {
        notes.push(
            "trusted_proxies is empty: behind a proxy on this machine all visitors count as one network, and without cookies as one \
             visitor; name it, e.g. trusted_proxies = [\"127.0.0.1\"]",
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
