//! The command line: each command is a file, with its arguments and its function `run`.

pub mod check_config;
pub mod demo;
pub mod email;
pub mod engine;
pub mod key;
pub mod migrate;
mod output;
mod password;
pub mod retention;
pub mod scrub;
pub mod serve;
pub mod snippet;
pub mod sql;
pub mod user;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// The arguments of the program.
#[derive(Debug, Parser)]
#[command(
    name = "sillage",
    version,
    about = "Privacy-preserving first-party web analytics"
)]
pub struct Arguments {
    /// What to log, in the syntax of the `tracing` crate, e.g. `info` or `sillage=debug`.
    #[arg(long, global = true, default_value = "info")]
    pub log_level: String,
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the collector: accept beacons, store them, serve the dashboard and the APIs.
    Serve(serve::ServeArguments),
    /// Run the embedded ClickHouse; `serve` starts it.
    #[command(hide = true)]
    Engine(engine::EngineArguments),
    /// Query the running collector's ClickHouse, or print its URL for other programs.
    Sql(sql::SqlArguments),
    /// Bring the tables of the server in `clickhouse.url` up to date and exit. `serve` does this
    /// for the embedded engine.
    Migrate(migrate::MigrateArguments),
    /// Check a configuration and explain what it means.
    CheckConfig(check_config::CheckConfigArguments),
    /// Prove that no expired rows remain, and write a certificate of destruction.
    Retention(retention::RetentionArguments),
    /// Print the summary of a site's latest day, week or month; with `--to`, send it as an e-mail.
    Report(email::ReportArguments),
    /// Check whether the traffic of the last three hours is unusual; with `--to`, send an e-mail if
    /// so.
    Alert(email::AlertArguments),
    /// Print the line that embeds the tracker in a page.
    Snippet(snippet::SnippetArguments),
    /// Show which parts of an address would be stored, and why.
    Scrub(scrub::ScrubArguments),
    /// Manage the people who can log in to the dashboard.
    User(user::UserArguments),
    /// Manage API keys of programs that query a site.
    Key(key::KeyArguments),
    /// Generate traffic, or replay an access log, to try the dashboard. The collector must not be
    /// running.
    Demo(demo::DemoArguments),
}

/// Runs a command.
///
/// # Errors
/// What failed, with its causes; see [`sentence`].
pub fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(arguments) => runtime()?.block_on(serve::run(&arguments)),
        Command::Engine(arguments) => engine::run(arguments),
        Command::Sql(arguments) => runtime()?.block_on(sql::run(&arguments)),
        Command::Migrate(arguments) => runtime()?.block_on(migrate::run(&arguments)),
        Command::CheckConfig(arguments) => check_config::run(&arguments),
        Command::Retention(arguments) => runtime()?.block_on(retention::run(&arguments)),
        Command::Report(arguments) => runtime()?.block_on(email::report(&arguments)),
        Command::Alert(arguments) => runtime()?.block_on(email::alert(&arguments)),
        Command::Snippet(arguments) => snippet::run(&arguments),
        Command::Scrub(arguments) => scrub::run(&arguments),
        Command::User(arguments) => user::run(arguments),
        Command::Key(arguments) => key::run(arguments),
        Command::Demo(arguments) => runtime()?.block_on(demo::run(arguments)),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the async runtime could not be started")
}

/// The error and its causes, each once: many texts already contain the text of their cause.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text = if text.is_empty() {
                cause
            } else {
                format!("{text}: {cause}")
            };
        }
    }
    text
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
