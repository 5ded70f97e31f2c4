//! The command line: reads the configuration, puts the parts together, and decides the exit code.
//!
//! Exit codes: 0 done, 1 could not (one sentence on stderr says what to do), 2 wrong usage.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use sillage::api::snippet::{Variant, fitting, refuse_button as refuse_button_html, snippet};
use sillage::app::start;
use sillage::cli::{admin, demo, email, sql};
use sillage::config::Config;
use sillage::telemetry;
use sillage_engine as engine;
use sillage_engine::EngineOptions;
use sillage_privacy::{ScrubRules, explain};

/// A line on standard output. A reader that has seen enough (`| head`) ends the command quietly.
macro_rules! say {
    ($($text:tt)*) => {
        if let Err(error) = writeln!(std::io::stdout(), $($text)*) {
            if error.kind() == std::io::ErrorKind::BrokenPipe {
                std::process::exit(0);
            }
            anyhow::bail!("can't write to standard output: {error}");
        }
    };
}

#[derive(Parser)]
#[command(
    name = "sillage",
    version,
    about = "Privacy-preserving first-party web analytics"
)]
struct Arguments {
    /// What to log, in the syntax of the `tracing` crate, e.g. `info` or `sillage=debug`.
    #[arg(long, global = true, default_value = "info")]
    log_level: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the collector: accept beacons, store them, serve the dashboard and the APIs.
    Serve {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
        /// Also serve the demo site under /demo/.
        #[arg(long)]
        demo: bool,
    },
    /// Run the embedded ClickHouse; `serve` starts it.
    #[command(hide = true)]
    Engine {
        /// Address to listen on; loopback only.
        #[arg(long)]
        listen: std::net::SocketAddr,
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
    },
    /// Query the running collector's ClickHouse, or print its URL for other programs.
    Sql(sql::SqlArguments),
    /// Bring the tables of the server in `clickhouse.url` up to date and exit. `serve` does this for
    /// the embedded engine.
    Migrate {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
    },
    /// Check a configuration and explain what it means.
    CheckConfig {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
    },
    /// Prove that no expired rows remain, and write a certificate of destruction.
    Retention {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
        /// Check only and change nothing; `serve` destroys expired rows.
        #[arg(long, required = true)]
        verify: bool,
        /// Address of ClickHouse, e.g. http://127.0.0.1:8123; as configured by default.
        #[arg(long)]
        clickhouse: Option<String>,
    },
    /// Print the summary of a site's latest day, week or month; with `--to`, send it as an e-mail.
    Report(email::ReportArguments),
    /// Say whether the traffic of the last three hours is unusual; with `--to`, send an e-mail if so.
    Alert(email::AlertArguments),
    /// Print the line that embeds the tracker in a page.
    Snippet {
        /// Site id as configured.
        site: String,
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
        /// Address of the collector for browsers, e.g. https://stats.example.com; empty if it is the
        /// page's own host.
        #[arg(long, default_value = "")]
        origin: String,
        /// Print a button with which visitors can refuse, instead of the line.
        #[arg(long)]
        refuse_button: bool,
        /// Kind of the line; by default the one for the site's profile.
        #[arg(long, value_enum)]
        variant: Option<Variant>,
    },
    /// Show which parts of an address would be stored, and why.
    Scrub {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
        /// Site whose rules are used; the first configured one by default.
        #[arg(long)]
        site: Option<String>,
        /// The address of a page.
        #[arg(long, value_name = "URL")]
        explain: String,
    },
    /// Manage the people who can log in to the dashboard.
    User(admin::UserArguments),
    /// Manage API keys of programs that query a site.
    Key(admin::KeyArguments),
    /// Generate traffic, or replay an access log, to try the dashboard. The collector must not be
    /// running.
    Demo(demo::DemoArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    telemetry::start(&arguments.log_level);
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sillage: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Engine {
            listen,
            data,
            library,
            database,
            user,
            readers_without_fence,
            #[cfg(debug_assertions)]
            without,
            #[cfg(debug_assertions)]
            reach,
        } => match engine::run(&EngineOptions {
            listen,
            data,
            library,
            database,
            user,
            readers_without_fence,
            #[cfg(debug_assertions)]
            without,
            #[cfg(debug_assertions)]
            reach,
        })? {},
        Command::Sql(arguments) => runtime()?.block_on(sql::run(&arguments)),
        Command::Serve { config, demo } => {
            let config = load(&config)?;
            runtime()?.block_on(start::serve(config, demo))
        }
        Command::Migrate { config } => {
            let config = load(&config)?;
            let ran = runtime()?.block_on(start::migrate(&config))?;
            match ran.as_slice() {
                [] => say!("nothing to do: the tables are up to date"),
                names => say!("ran {}", names.join(", ")),
            }
            Ok(())
        }
        Command::CheckConfig { config } => {
            let loaded = load(&config)?;
            admin::check(&loaded)?;
            say!("{} can be used.\n{loaded:#?}", config.display());
            for note in admin::notes(&loaded) {
                say!("note: {note}");
            }
            Ok(())
        }
        Command::Retention {
            config,
            verify: _,
            clickhouse,
        } => {
            let config = load(&config)?;
            let certificate =
                runtime()?.block_on(start::verify_retention(&config, clickhouse.as_deref()))?;
            say!("{certificate}");
            Ok(())
        }
        Command::Report(arguments) => {
            let letter = runtime()?.block_on(email::report(&arguments))?;
            say!("{}", letter);
            Ok(())
        }
        Command::Alert(arguments) => {
            let said = runtime()?.block_on(email::alert(&arguments))?;
            say!("{}", said);
            Ok(())
        }
        Command::Snippet {
            site,
            config,
            origin,
            variant,
            refuse_button,
        } => {
            let config = load(&config)?;
            let site = config.site(&site).with_context(|| {
                let known: Vec<_> = config.sites.iter().map(|site| &*site.id).collect();
                format!(
                    "site {site:?} is not configured; configured are {}",
                    known.join(", ")
                )
            })?;
            if refuse_button {
                say!("{}", refuse_button_html(site, &origin));
            } else {
                let variant = variant.unwrap_or_else(|| fitting(site));
                say!("{}", snippet(site, &origin, variant)?);
            }
            Ok(())
        }
        Command::Scrub {
            config,
            site,
            explain,
        } => {
            let config = load(&config)?;
            let site = match &site {
                Some(id) => config
                    .site(id)
                    .with_context(|| format!("site {id:?} is not configured"))?,
                None => &config.sites.first().expect("a site"),
            };
            let rules = ScrubRules::new(&site.query_allow, &site.routes)?;
            for step in explain::explain(&explain, &rules)? {
                let kept = if step.kept.is_empty() {
                    "(dropped)"
                } else {
                    &step.kept
                };
                say!(
                    "{:<9} {} -> {kept}\n          {}",
                    step.part,
                    step.given,
                    step.why
                );
            }
            Ok(())
        }
        Command::User(arguments) => admin::user(arguments),
        Command::Key(arguments) => admin::key(arguments),
        Command::Demo(arguments) => runtime()?.block_on(demo::run(arguments)),
    }
}

/// The error and its causes, each said once: many texts already contain what lies beneath them.
fn sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !said.contains(&cause) {
            said = if said.is_empty() {
                cause
            } else {
                format!("{said}: {cause}")
            };
        }
    }
    said
}

fn load(path: &Path) -> anyhow::Result<Config> {
    Ok(Config::load(path)?)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime could not be started")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_each_cause_once() {
        let error = anyhow::anyhow!("refused")
            .context("connect: refused")
            .context("ClickHouse must run: connect: refused");
        assert_eq!(sentence(&error), "ClickHouse must run: connect: refused");
        let error = anyhow::anyhow!("disk full").context("cannot write x");
        assert_eq!(sentence(&error), "cannot write x: disk full");
    }
}
