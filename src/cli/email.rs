//! `sillage report` and `sillage alert`: prints one e-mail and sends it if asked to, while the
//! collector runs. Made for a timer such as cron.

use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;

use crate::app::clickhouse;
use std::sync::Arc;

use crate::cli::output::print_line;
use crate::config::{Config, Site, Sites};
use crate::control::subscription::Cadence;
use crate::email::alert;
use crate::email::message::Email;
use crate::email::message::{self, Links};
use crate::email::scheduler;
use crate::email::smtp::Sender;
use crate::email::summary::Summary;
use crate::email::texts::{LANGUAGES, Texts};
use crate::stats::{QueryLimits, StatsService};

/// Arguments of both commands.
#[derive(Debug, clap::Args)]
pub struct EmailArguments {
    /// Site id as configured.
    site: String,
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    config: PathBuf,
    /// Recipient; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    to: Vec<String>,
    /// Language of the e-mail.
    #[arg(long, default_value = "en", value_parser = LANGUAGES)]
    lang: String,
    /// Address of ClickHouse, e.g. http://127.0.0.1:8123; as configured by default.
    #[arg(long)]
    clickhouse: Option<String>,
}

/// `sillage report …`
#[derive(Debug, clap::Args)]
pub struct ReportArguments {
    #[command(flatten)]
    email: EmailArguments,
    /// Period: the latest day, week or month that is over.
    #[arg(long, value_enum, default_value = "week")]
    every: Cadence,
}

/// `sillage alert …`
#[derive(Debug, clap::Args)]
pub struct AlertArguments {
    #[command(flatten)]
    email: EmailArguments,
}

/// Prints a summary and sends it to the recipients.
///
/// # Errors
/// The site is not configured, ClickHouse does not answer, or the mail server does not accept the
/// e-mail.
pub async fn report(arguments: &ReportArguments) -> anyhow::Result<()> {
    let sources = Sources::open(&arguments.email)?;
    let now = Timestamp::now();
    let summary = Summary::ask(&sources.stats, &sources.site, arguments.every, now)
        .await
        .context(HINT)?;
    let email = message::of_summary(&summary, sources.texts, &sources.links);
    sources.send(&arguments.email.to, &email).await?;
    print_line!("{}\n\n{}", email.subject, email.text);
    Ok(())
}

/// Prints whether the traffic is unusual, and sends an alert to the recipients if it is.
///
/// # Errors
/// As [`report`].
pub async fn alert(arguments: &AlertArguments) -> anyhow::Result<()> {
    let sources = Sources::open(&arguments.email)?;
    let found = alert::look(&sources.stats, &sources.site, Timestamp::now())
        .await
        .context(HINT)?;
    let Some(found) = found else {
        print_line!("nothing unusual");
        return Ok(());
    };
    let email = message::of_alert(&sources.site.id, &found, sources.texts, &sources.links);
    sources.send(&arguments.email.to, &email).await?;
    print_line!("{}\n\n{}", email.subject, email.text);
    Ok(())
}

const HINT: &str =
    "ClickHouse must be running; start `sillage serve`, or give its address with --clickhouse";

/// What an e-mail is written from.
struct Sources {
    config: Config,
    site: Site,
    stats: StatsService,
    texts: &'static Texts,
    links: Links,
}

impl Sources {
    fn open(arguments: &EmailArguments) -> anyhow::Result<Self> {
        let config = Config::load(&arguments.config)?;
        let site = config.site(&arguments.site).cloned();
        let site = site.with_context(|| format!("site {:?} is not configured", arguments.site))?;
        let client = clickhouse::reader(&config, arguments.clickhouse.as_deref())?;
        let stats = StatsService::new(
            client,
            Arc::new(Sites::new(vec![site.clone()])),
            QueryLimits::default(),
        );
        let links = Links {
            dashboard: config
                .mail
                .as_ref()
                .and_then(|mail| scheduler::dashboard(mail, &site.id)),
            unsubscribe: None,
        };
        Ok(Self {
            texts: Texts::of(&arguments.lang),
            config,
            site,
            stats,
            links,
        })
    }

    async fn send(&self, to: &[String], email: &Email) -> anyhow::Result<()> {
        if to.is_empty() {
            return Ok(());
        }
        let sender = Sender::new(self.config.mail.as_ref())?;
        for address in to {
            sender.send(address, email).await?;
        }
        Ok(())
    }
}
