//! Writes a backlog into a spool that holds at least one event: the given number of copies of the
//! first one.
//!
//! `cargo run --example backlog -- <spool folder> <events>`, while no collector uses the folder.
//! `benches/backlog.sh` then measures the start.

use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use sillage::event_row::columns;
use sillage_spool::{Spool, SpoolOptions};

/// Events that share one sync.
const TOGETHER: usize = 2_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments
        .next()
        .context("the first argument is the spool's folder")?
        .into();
    let events: usize = arguments
        .next()
        .context("the second argument is the number of events")?
        .parse()?;
    ensure!(events > 0, "the number of events must be at least 1");
    // The collector's defaults, except for the size limit.
    let spool = Spool::open(SpoolOptions {
        dir,
        bytes_max: 64 << 30,
        segment_bytes_max: 16 << 20,
        segment_age_max: Duration::from_secs(3_600),
        schema: columns::schema(),
    })?;
    let lately = SystemTime::now() - Duration::from_secs(600);
    let first = spool.recover_recent(lately, 1 << 20).next();
    let event = first.context("the spool holds no event")??.payload;
    let together = vec![event; TOGETHER];
    for begun in (0..events).step_by(TOGETHER) {
        let left = (events - begun).min(TOGETHER);
        spool.append_all(&together[..left]).await?;
    }
    spool.seal().await?;
    let stats = spool.stats();
    println!("{} MB in {} segments", stats.bytes >> 20, stats.segments);
    Ok(())
}
