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
            anyhow::bail!("nothing can be written to standard output: {error}");
        }
    };
}

#[derive(Parser)]
#[command(
    name = "sillage",
    version,
    about = "First-party web analytics that keeps nobody's trace"
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
    /// Collect beacons, store them, serve the dashboard.
    Serve {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
        /// Also serve the demo site under /demo/.
        #[arg(long)]
        demo: bool,
    },
    /// The embedded ClickHouse; started by `serve`.
    #[command(hide = true)]
    Engine {
        /// Where to answer; loopback only.
        #[arg(long)]
        listen: std::net::SocketAddr,
        /// The engine's own folder.
        #[arg(long)]
        data: PathBuf,
        /// `libchdb.so`; looked for when left out.
        #[arg(long)]
        library: Option<PathBuf>,
        /// The database of a request that names none.
        #[arg(long, default_value = "sillage")]
        database: String,
        /// Number of the user and group to become when started by root.
        #[arg(long)]
        user: Option<u32>,
        /// Answer readers although the process could not be fenced.
        #[arg(long)]
        readers_without_fence: bool,
        #[cfg(debug_assertions)]
        #[arg(long, value_enum)]
        without: Vec<engine::Defence>,
        #[cfg(debug_assertions)]
        #[arg(long)]
        reach: Option<PathBuf>,
    },
    /// Ask the running collector's ClickHouse: a statement, or the URL for other programs.
    Sql(sql::SqlArguments),
    /// Bring the database's tables up to date and stop; needs `clickhouse.url`, the embedded
    /// engine's are kept by `serve`.
    Migrate {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
    },
    /// Say whether a configuration can be used, and what it means.
    CheckConfig {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
    },
    /// Prove that nothing expired remains, and write a destruction certificate.
    Retention {
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
        /// Look, and change nothing; destroying is done by `serve`.
        #[arg(long, required = true)]
        verify: bool,
        /// Where ClickHouse answers, e.g. http://127.0.0.1:8123; as configured when left out.
        #[arg(long)]
        clickhouse: Option<String>,
    },
    /// Write the summary of a site's latest day, week or month; without `--to` it is only shown.
    Report(email::ReportArguments),
    /// Say whether the traffic of the last three hours is unusual; with `--to`, write when it is.
    Alert(email::AlertArguments),
    /// Print the line that a page embeds.
    Snippet {
        /// Site id as configured.
        site: String,
        #[arg(long, default_value = "sillage.toml")]
        config: PathBuf,
        /// Where browsers reach the collector, e.g. https://stats.example.com; empty when it is the
        /// page's own host.
        #[arg(long, default_value = "")]
        origin: String,
        /// Print the button with which a page lets its visitors refuse, instead.
        #[arg(long)]
        refuse_button: bool,
        /// Which kind; by default the one that fits the site's profile.
        #[arg(long, value_enum)]
        variant: Option<Variant>,
    },
    /// Show what would be kept of an address, part by part, and why.
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
    /// Who may log in to the dashboard.
    User(admin::UserArguments),
    /// Keys for programs that ask about a site.
    Key(admin::KeyArguments),
    /// Make traffic to look at: replay an access log or make it up. The collector must not run
    /// meanwhile.
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
                None => &config.sites[0],
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
