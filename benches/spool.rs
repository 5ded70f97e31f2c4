//! The cost of group commit: `Spool::append` compared with a bare loop that writes and syncs
//! batches of the same size.
//!
//! `cargo bench --bench spool [-- <folder>]`. The folder selects the disk; the default is below
//! `target`. Both sides alternate, and the ratio is that of medians, since the speed of a shared
//! disk changes by the minute. Then a backlog of ten million events is written and opened.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use sillage_spool::{Spool, SpoolOptions};

const TASKS: usize = 64;
const RECORD_BYTES: usize = 150;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
const BACKLOG_EVENTS: u64 = 10_000_000;
/// Tasks that write the backlog: the maximum records of a batch, so that few syncs are needed.
const BACKLOG_TASKS: u64 = 4096;

fn options(dir: PathBuf) -> SpoolOptions {
    SpoolOptions {
        dir,
        bytes_max: 8 << 30,
        segment_bytes_max: 16 << 20,
        segment_age_max: Duration::from_secs(1),
        schema: "site, time, name, path, referrer, visitor, visit".to_owned(),
    }
}

/// Appends per second by 64 tasks, and appends per sync, while sealed segments are deleted as after
/// their INSERT.
async fn spool_rate(dir: &Path) -> anyhow::Result<(f64, f64)> {
    let spool = Spool::open(options(dir.to_owned()))?;
    let start = Instant::now();
    let store = tokio::spawn({
        let spool = spool.clone();
        async move {
            loop {
                let sealed = spool.next_sealed().await;
                if let Err(error) = spool.delete(sealed).await {
                    eprintln!("{error}");
                }
            }
        }
    });
    let tasks = (0..TASKS).map(|task| {
        let spool = spool.clone();
        tokio::spawn(async move {
            let record = [task as u8; RECORD_BYTES];
            let mut appended = 0_u64;
            while start.elapsed() < ROUND {
                spool.append(&record).await?;
                appended += 1;
            }
            anyhow::Ok(appended)
        })
    });
    let mut appended = 0;
    for task in tasks.collect::<Vec<_>>() {
        appended += task.await??;
    }
    let rate = appended as f64 / start.elapsed().as_secs_f64();
    store.abort();
    let stats = spool.stats();
    Ok((rate, stats.appended as f64 / stats.syncs as f64))
}

/// Records per second when one thread appends batches of this size to one file and syncs each.
fn bare_rate(dir: &Path, batch: usize) -> anyhow::Result<f64> {
    let path = dir.join("bare");
    let mut file = File::create(&path)?;
    let records = vec![7; batch * RECORD_BYTES];
    let start = Instant::now();
    let mut written = 0;
    while start.elapsed() < ROUND {
        file.write_all(&records)?;
        file.sync_data()?;
        written += batch;
    }
    let rate = written as f64 / start.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(rate)
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Writes ten million events and opens them like the next start.
async fn backlog(dir: &Path) -> anyhow::Result<()> {
    let spool = Spool::open(options(dir.to_owned()))?;
    let tasks = (0..BACKLOG_TASKS).map(|task| {
        let spool = spool.clone();
        tokio::spawn(async move {
            let record = [task as u8; RECORD_BYTES];
            for _ in 0..BACKLOG_EVENTS.div_ceil(BACKLOG_TASKS) {
                spool.append(&record).await?;
            }
            anyhow::Ok(())
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    let appended = spool.stats().appended;
    drop(spool);
    let start = Instant::now();
    let spool = Spool::open(options(dir.to_owned()))?;
    let took = start.elapsed();
    let stats = spool.stats();
    println!(
        "opening {appended} events, {} MB in {} segments: {:.1} ms; resident {} MB",
        stats.bytes >> 20,
        stats.segments,
        took.as_secs_f64() * 1e3,
        resident_mb()?,
    );
    Ok(())
}

fn resident_mb() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(kb.context("no VmRSS")?.parse::<u64>()? >> 10)
}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let parent = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let parent = parent.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").to_owned());
    let folder = tempfile::tempdir_in(parent)?;
    let (mut spool, mut bare, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (rate, batch) = spool_rate(&folder.path().join("spool")).await?;
        spool.push(rate);
        bare.push(bare_rate(folder.path(), TASKS)?);
        single.push(bare_rate(folder.path(), 1)?);
        println!(
            "round {round}: spool {:.0}/s ({batch:.0} a sync), bare {TASKS} a sync {:.0}/s, bare 1 a sync {:.0}/s",
            spool[round], bare[round], single[round]
        );
    }
    let (spool, bare, single) = (median(spool), median(bare), median(single));
    println!(
        "medians: spool {spool:.0}/s, bare {bare:.0}/s; spool/bare {:.2}, spool/one by one {:.1}",
        spool / bare,
        spool / single
    );
    backlog(&folder.path().join("backlog")).await
}
