//! `sillage demo`: traffic to try the dashboard with, from an access log or generated.
//!
//! The traffic passes through the same pipeline as real beacons, including consent, salts, the
//! privacy door and the spool. The clock is an argument: each past day has a salt of its own, which
//! is destroyed when the day is over. The command writes to the collector's spool, so the collector
//! must not run at the same time; it stores the events at its next start.

mod log;
mod request;
mod traffic;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::Args;
use futures_util::future::join_all;
use jiff::{Timestamp, ToSpan};

use crate::cli::demo::request::Sent;
use crate::cli::output::print_line;
use crate::config::{Config, Sites};
use crate::ingest::Geo;
use crate::ingest::{CookieChange, Pipeline, Sender};
use crate::telemetry::Counters;
use crate::telemetry::Outcome;
use sillage_privacy::{ClientIp, Language, UserAgent};
use sillage_spool::{Spool, SpoolOptions};

/// Beacons that wait for the disk at the same time.
const IN_FLIGHT: usize = 256;

#[derive(Args, Debug)]
pub struct DemoArguments {
    /// Configuration file.
    #[arg(long, default_value = "sillage.toml")]
    pub config: PathBuf,
    /// Site that gets the traffic; the first configured one by default.
    #[arg(long)]
    pub site: Option<String>,
    /// Replay an access log in the combined format (may be gzipped), moved in time so that it ends
    /// now.
    #[arg(long, required_unless_present = "days", conflicts_with = "days")]
    pub log: Option<PathBuf>,
    /// Generate traffic for this number of days up to now.
    #[arg(long)]
    pub days: Option<u16>,
    /// Seed of the generated traffic.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Sends the traffic and prints how many events were stored.
///
/// # Errors
/// The configuration or the log can't be used, or the collector is running.
pub async fn run(arguments: DemoArguments) -> anyhow::Result<()> {
    let mut config = Config::load(&arguments.config)?;
    let site = match &arguments.site {
        Some(id) => config
            .site(id)
            .with_context(|| format!("site {id:?} is not in {}", arguments.config.display()))?
            .clone(),
        None => config
            .sites
            .first()
            .context("no site is configured")?
            .clone(),
    };
    let now = Timestamp::now();
    let sent = match (&arguments.log, arguments.days) {
        (Some(path), _) => log::read(path, &site, now)?,
        (None, Some(days)) => {
            ensure!(
                (1..=400).contains(&days),
                "--days {days}: 1 to 400 is expected"
            );
            traffic::generate(&site, now, i64::from(days), arguments.seed)
        }
        (None, None) => bail!("--log FILE or --days N is missing"),
    };
    let Some(first) = sent.first() else {
        bail!("there is nothing to send: the log contains no pageviews")
    };

    // Salts of past days must not be mixed with the collector's own, and their destruction must not
    // appear in its audit log.
    let salts = config
        .data_dir
        .join(format!("demo-salts-{}", std::process::id()));
    config.salts_dir = salts.clone();
    config.sites = Arc::new(Sites::new(vec![site.clone()]));
    let counters = Arc::new(Counters::new(config.sites.clone()));
    let spool = Spool::open(SpoolOptions {
        dir: config.spool.dir.clone(),
        bytes_max: config.spool.bytes_max,
        segment_bytes_max: config.spool.segment_bytes_max,
        segment_age_max: config.spool.segment_age_max,
        schema: crate::event_row::columns::schema(),
    })
    .context("cannot open the collector's spool; stop the collector first")?;
    let geo = Geo::open(config.geo_database.as_deref())?;
    config.data_dir = salts.clone();
    let pipeline = Pipeline::new(&config, geo, spool.clone(), counters.clone(), first.at)?;
    let replayed = replay(&pipeline, &sent).await;
    std::fs::remove_dir_all(&salts).context("the demo's salts could not be removed")?;
    replayed?;
    spool.seal().await?;

    print_line!("{} beacons sent for {}:", sent.len(), site.id);
    for outcome in Outcome::ALL {
        if counters.total(outcome) > 0 {
            print_line!("  {:>8} {}", counters.total(outcome), outcome.as_str());
        }
    }
    Ok(())
}

/// Sends in order of time. A browser's beacon waits for the answer to its previous one, which may
/// change the cookie.
async fn replay(pipeline: &Pipeline, sent: &[Sent]) -> anyhow::Result<()> {
    let mut jars: HashMap<(u64, String), String> = HashMap::new();
    let mut next = 0;
    let mut ticked = sent[0].at;
    while next < sent.len() {
        let mut batch = Vec::new();
        let mut browsers = std::collections::HashSet::new();
        let minute = sent[next].at.as_second() / 60;
        while let Some(one) = sent.get(next)
            && batch.len() < IN_FLIGHT
            && one.at.as_second() / 60 == minute
            && browsers.insert(one.jar)
        {
            batch.push(one);
            next += 1;
        }
        // Move the clock to this minute, one midnight at a time.
        let to = batch[0].at;
        while ticked < to {
            ticked = to.min(ticked + 10.minutes());
            pipeline.tick(ticked)?;
        }
        let answers = join_all(batch.iter().map(|one| {
            let jars = &jars;
            async move {
                let sender = Sender {
                    ip: &|| ClientIp::from_peer(one.from.ip),
                    agent: &|| UserAgent::from_header(one.from.agent.as_bytes()),
                    is_prefetch: false,
                    gpc: false,
                    dnt: false,
                    language: Language::parse(one.from.language),
                    cookie: &|name| jars.get(&(one.jar, name.to_owned())).cloned(),
                    received: one.at,
                };
                pipeline.ingest(one.body.as_bytes(), &sender).await
            }
        }))
        .await;
        for (one, answer) in batch.iter().zip(answers) {
            for change in answer?.cookies {
                match change {
                    CookieChange::Set { name, value, .. } => {
                        jars.insert((one.jar, name), value);
                    }
                    CookieChange::Delete { name } => {
                        jars.remove(&(one.jar, name));
                    }
                    // A beacon does not contain this cookie.
                    CookieChange::SetErasure { .. } | CookieChange::DeleteErasure { .. } => {}
                }
            }
        }
    }
    Ok(())
}
