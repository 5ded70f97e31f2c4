//! `sillage scrub`: shows which parts of an address would be stored, and why.

use std::path::PathBuf;

use anyhow::Context;
use sillage_privacy::{ScrubRules, explain};

use crate::cli::output::print_line;
use crate::config::Config;

/// `sillage scrub …`
#[derive(Debug, clap::Args)]
pub struct ScrubArguments {
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
    /// Site whose rules are used; the first configured one by default.
    #[arg(long)]
    site: Option<String>,
    /// The address of a page.
    #[arg(long, value_name = "URL")]
    explain: String,
}

/// Runs the command.
///
/// # Errors
/// The site is not configured, or the address can't be parsed.
pub fn run(arguments: &ScrubArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    let site = match &arguments.site {
        Some(id) => config
            .site(id)
            .with_context(|| format!("site {id:?} is not configured"))?,
        None => config.sites.first().context("no site is configured")?,
    };
    let rules = ScrubRules::new(&site.query_allow, &site.routes)?;
    for step in explain::explain(&arguments.explain, &rules)? {
        let kept = if step.kept.is_empty() {
            "(dropped)"
        } else {
            &step.kept
        };
        print_line!(
            "{:<9} {} -> {kept}\n          {}",
            step.part,
            step.given,
            step.why
        );
    }
    Ok(())
}
