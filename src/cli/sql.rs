//! `sillage sql`: runs a statement in the ClickHouse of a running collector, or prints the URL for
//! other programs.
//!
//! The embedded engine is queried as a reader, with the token that `serve` stores in the data
//! folder. A ClickHouse server is queried with the user and password of the configuration.

use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::app::clickhouse;
use crate::config::Config;
use sillage_engine::credential;

/// `sillage sql …`
#[derive(Debug, clap::Args)]
pub struct SqlArguments {
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
    /// Print only the URL with user and password, for other programs.
    #[arg(long, conflicts_with_all = ["statement", "format"])]
    print_url: bool,
    /// One of ClickHouse's formats; by default PrettyCompact on a terminal, TSV elsewhere.
    #[arg(long)]
    format: Option<String>,
    /// The statement; by default read from standard input.
    statement: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Nothing runs, its credential can't be read, or ClickHouse refuses the statement; in a sentence.
pub async fn run(arguments: &SqlArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    let mut output = std::io::stdout().lock();
    if arguments.print_url {
        return finish(writeln!(output, "{}", url(&config)?));
    }
    let statement = match &arguments.statement {
        Some(statement) => statement.clone(),
        None => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("the statement can't be read from standard input")?;
            text
        }
    };
    if statement.trim().is_empty() {
        bail!("a statement is missing: `sillage sql \"SELECT count() FROM events\"`");
    }
    let format = match &arguments.format {
        Some(format) => format,
        None if output.is_terminal() => "PrettyCompact",
        None => "TSV",
    };
    let client = clickhouse::reader(&config, None)?;
    let mut result = client.query_raw(&statement).fetch_bytes(format)?;
    while let Some(piece) = result.next().await? {
        if let Err(error) = output.write_all(&piece) {
            return finish(Err(error));
        }
    }
    finish(output.flush())
}

/// If the reader has closed the pipe (`| head`), the command ends quietly.
fn finish(written: std::io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("can't write to standard output")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The URL of ClickHouse, with user and password.
fn url(config: &Config) -> anyhow::Result<String> {
    let Some(server) = &config.clickhouse.url else {
        let address = credential::find(&config.data_dir)?;
        return Ok(credential::url(
            address,
            &credential::read(&config.data_dir)?,
        ));
    };
    let mut url = url::Url::parse(server)
        .with_context(|| format!("clickhouse.url = {server:?} is not a URL"))?;
    let password = clickhouse::server_password(config)?;
    let is_set = url
        .set_username(config.clickhouse.user.as_deref().unwrap_or_default())
        .and_then(|()| url.set_password(password.as_deref().map(str::trim)));
    if is_set.is_err() {
        bail!("clickhouse.url = {server:?} can't carry a user and a password");
    }
    Ok(url.into())
}
