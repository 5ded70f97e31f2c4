//! `sillage report` and `sillage alert`: one letter, shown or sent, beside a running collector. For
//! a timer such as cron.

use std::path::PathBuf;

use anyhow::Context;
use jiff::Timestamp;

use crate::app::start;
use std::sync::Arc;

use crate::config::{Config, Site, Sites};
use crate::email::message::{self, Links};
use crate::email::scheduler;
use crate::email::smtp::Sender;
use crate::email::summary::Summary;
use crate::email::{Cadence, LANGUAGES, Letter, Words, alert};
use crate::stats::{QueryLimits, StatsService};

/// What both commands are told.
#[derive(Debug, clap::Args)]
pub struct LetterArguments {
    /// Site id as configured.
    site: String,
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

/// What `sillage report` is told.
#[derive(Debug, clap::Args)]
pub struct ReportArguments {
    #[command(flatten)]
    letter: LetterArguments,
    /// Period: the latest day, week or month that is over.
    #[arg(long, value_enum, default_value = "week")]
    every: Cadence,
}

/// What `sillage alert` is told.
#[derive(Debug, clap::Args)]
pub struct AlertArguments {
    #[command(flatten)]
    letter: LetterArguments,
}

/// Makes a summary and sends it where it shall go. Gives the letter's text.
///
/// # Errors
/// The site is not configured, ClickHouse does not answer, the mail server does not take it; in a
/// sentence.
pub async fn report(arguments: &ReportArguments) -> anyhow::Result<String> {
    let desk = Desk::open(&arguments.letter)?;
    let now = Timestamp::now();
    let summary = Summary::ask(&desk.stats, &desk.site, arguments.every, now)
        .await
        .context(HINT)?;
    let letter = message::of_summary(&summary, desk.words, &desk.links);
    desk.send(&arguments.letter.to, &letter).await?;
    Ok(format!("{}\n\n{}", letter.subject, letter.text))
}

/// Looks whether anything is unusual and writes to whoever shall know. Says what it found.
///
/// # Errors
/// As of [`report`].
pub async fn alert(arguments: &AlertArguments) -> anyhow::Result<String> {
    let desk = Desk::open(&arguments.letter)?;
    let found = alert::look(&desk.stats, &desk.site, Timestamp::now())
        .await
        .context(HINT)?;
    let Some(found) = found else {
        return Ok("nothing unusual".into());
    };
    let letter = message::of_alert(&desk.site.id, &found, desk.words, &desk.links);
    desk.send(&arguments.letter.to, &letter).await?;
    Ok(format!("{}\n\n{}", letter.subject, letter.text))
}

const HINT: &str = "ClickHouse must run for this; start `sillage serve`, or say where it answers with --clickhouse";

/// What a letter is written with.
struct Desk {
    config: Config,
    site: Site,
    stats: StatsService,
    words: &'static Words,
    links: Links,
}

impl Desk {
    fn open(arguments: &LetterArguments) -> anyhow::Result<Self> {
        let config = Config::load(&arguments.config)?;
        let site = config.site(&arguments.site).cloned();
        let site = site.with_context(|| format!("site {:?} is not configured", arguments.site))?;
        let client = start::reader(&config, arguments.clickhouse.as_deref())?;
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
            words: Words::of(&arguments.lang),
            config,
            site,
            stats,
            links,
        })
    }

    async fn send(&self, to: &[String], letter: &Letter) -> anyhow::Result<()> {
        if to.is_empty() {
            return Ok(());
        }
        let sender = Sender::new(self.config.mail.as_ref())?;
        for address in to {
            sender.send(address, letter).await?;
        }
        Ok(())
    }
}
