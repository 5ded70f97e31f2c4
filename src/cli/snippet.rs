//! `sillage snippet`: prints the HTML that embeds the tracker in a page.

use std::path::PathBuf;

use anyhow::Context;

use crate::api::snippet::{Variant, fitting, refuse_button, snippet};
use crate::cli::output::print_line;
use crate::config::Config;

/// `sillage snippet …`
#[derive(Debug, clap::Args)]
pub struct SnippetArguments {
    /// Site id as configured.
    site: String,
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
    /// Address of the collector for browsers, e.g. `https://stats.example.com`; empty if it is the
    /// page's own host.
    #[arg(long, default_value = "")]
    origin: String,
    /// Print a button with which visitors can refuse, instead of the line.
    #[arg(long)]
    refuse_button: bool,
    /// Kind of the line; by default the one for the site's profile.
    #[arg(long, value_enum)]
    variant: Option<Variant>,
}

/// Runs the command.
///
/// # Errors
/// The site is not configured, or the variant does not suit it.
pub fn run(arguments: &SnippetArguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.config)?;
    let site = config.site(&arguments.site).with_context(|| {
        let known: Vec<_> = config.sites.iter().map(|site| &*site.id).collect();
        format!(
            "site {:?} is not configured; configured are {}",
            arguments.site,
            known.join(", ")
        )
    })?;
    if arguments.refuse_button {
        print_line!("{}", refuse_button(site, &arguments.origin));
    } else {
        let variant = arguments.variant.unwrap_or_else(|| fitting(site));
        print_line!("{}", snippet(site, &arguments.origin, variant)?);
    }
    Ok(())
}
