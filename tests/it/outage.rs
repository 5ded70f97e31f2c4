//! ClickHouse is stopped, out of disk space, or refuses a segment: no accepted event is lost, and
//! no segment blocks the queue for ever.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sillage_spool::{Spool, SpoolOptions};

use crate::support::{
    Collector, get, pageview, post, resident_bytes, signal, wait_for, write_config,
};

fn segments(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.join("data/spool")).expect("a spool");
    files
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect()
}

fn metric(collector: &Collector, name: &str) -> f64 {
    let text = get(collector.address, "/metrics", &[]).body;
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn a_full_spool_answers_503_and_drains_in_order_later() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = write_config(folder.path(), "");
    let text = std::fs::read_to_string(&config).expect("readable");
    let spool =
        "\n[spool]\nbytes_max = 400000\nsegment_bytes_max = 65536\nsegment_age_ms_max = 200\n";
    std::fs::write(&config, text + spool).expect("writable");
    let collector = Collector::start_in(folder);
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "STOP");

    let (mut accepted, mut refused) = (0_u64, 0_u64);
    for n in 0..5_000 {
        let answer = collector.beacon(&pageview(&format!("/page/{}", n % 50), &format!("o{n}")));
        match answer.status {
            202 => accepted += 1,
            503 => {
                let seconds: u64 = answer
                    .header("retry-after")
                    .expect("Retry-After")
                    .parse()
                    .expect("seconds");
                assert!((1..=60).contains(&seconds));
                refused += 1;
            }
            other => panic!("{other}: {}", answer.body),
        }
        if refused >= 20 {
            break;
        }
    }
    assert!(accepted > 500, "{accepted} fit into 400 kB");
    assert_eq!(
        refused, 20,
        "each beacon gets a 503 while the spool is full"
    );
    assert!(metric(&collector, "sillage_spool_bytes ") <= 400_000.0);
    assert_eq!(
        metric(&collector, "sillage_dropped_total{reason=\"unavailable\"} "),
        20.0
    );
    assert!(resident_bytes(collector.id()) < 128 << 20);
    assert_eq!(metric(&collector, "sillage_spool_bytes_max "), 400_000.0);
    assert_eq!(metric(&collector, "sillage_spool_refusing "), 1.0);
    for path in ["/readyz", "/readyz/beacons"] {
        let answer = get(collector.address, path, &[]);
        assert_eq!(answer.status, 503, "{path}");
        assert!(
            answer.body.contains("\"spool_full\""),
            "{path}: {}",
            answer.body
        );
        assert!(
            !answer.body.contains("kept meanwhile"),
            "{path}: {}",
            answer.body
        );
    }

    signal(engine, "CONT");
    // While it drains, new beacons are accepted again.
    let begun = Instant::now();
    let taken = wait_for(|| match collector.beacon(&pageview("/new", "new")).status {
        202 => Ok(()),
        status => Err(status),
    });
    taken.unwrap_or_else(|status| {
        panic!(
            "{status} for {:?} after the engine was back",
            begun.elapsed()
        )
    });
    collector.until(
        "SELECT count(), uniqExact(key) FROM events",
        &format!("{0}\t{0}", accepted + 1),
    );
    let metric_is = |name: &str, expected: f64| {
        wait_for(|| match metric(&collector, name) {
            value if value == expected => Ok(()),
            value => Err(value),
        })
        .unwrap_or_else(|value| panic!("{name}{value}, not {expected}"));
    };
    metric_is("sillage_spool_segments ", 0.0);
    let ready = wait_for(|| match get(collector.address, "/readyz", &[]) {
        answer if answer.status == 200 => Ok(()),
        answer => Err(answer.body),
    });
    ready.unwrap_or_else(|body| panic!("{body}"));
    let lines = |words: &str| collector.log().matches(words).count();
    wait_for(|| match lines("the spool has room again") {
        1 => Ok(()),
        n => Err(n),
    })
    .expect("the end is logged once");
    assert_eq!(lines("beacons are refused: the spool is full"), 1, "of 20");
}

#[test]
fn a_stopped_engine_delays_no_beacon() {
    let collector = Collector::start();
    let engine = collector.engine_id().expect("an engine");
    assert_eq!(get(collector.address, "/readyz", &[]).body, "ready\n");
    signal(engine, "STOP");
    let answer = wait_for(|| match get(collector.address, "/readyz", &[]) {
        answer if answer.status == 503 => Ok(answer.body),
        answer => Err(answer),
    })
    .expect("`/readyz` fails");
    assert!(answer.contains("\"engine_restarting\""), "{answer}");
    assert!(answer.contains("beacons are kept meanwhile"), "{answer}");
    assert_eq!(get(collector.address, "/readyz/beacons", &[]).status, 200);
    let mut slowest = Duration::ZERO;
    for n in 0..200 {
        let begun = Instant::now();
        assert_eq!(
            collector.beacon(&pageview("/", &format!("s{n}"))).status,
            202
        );
        slowest = slowest.max(begun.elapsed());
    }
    signal(engine, "CONT");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    collector.until("SELECT count(), uniqExact(key) FROM events", "200\t200");
}

#[test]
fn a_segment_refused_by_clickhouse_is_quarantined_and_the_next_stored() {
    let collector = Collector::start();
    collector.beacon(&pageview("/before", "a"));
    collector.until("SELECT count() FROM events", "1");
    let (folder, is_clean) = collector.stop();
    assert!(is_clean);
    poison(folder.path());

    let collector = Collector::start_in(folder);
    assert_eq!(collector.beacon(&pageview("/after", "b")).status, 202);
    collector.until(
        "SELECT groupArraySorted(5)(path) FROM events",
        "['/after','/before']",
    );
    wait_for(
        || match segments(collector.folder.path(), ".quarantine").len() {
            2 => Ok(()),
            n => Err(n),
        },
    )
    .expect("the segments are in quarantine");
    assert_eq!(metric(&collector, "sillage_segments_set_aside_total "), 2.0);
    assert_eq!(metric(&collector, "sillage_events_set_aside_total "), 201.0);
    assert!(
        collector.log().contains("is quarantined"),
        "{}",
        collector.log()
    );
}

/// Writes two segments into the spool whose records are not rows, as a bug would: a small one, and
/// a large one that ClickHouse refuses before all of it is sent.
fn poison(folder: &Path) {
    let options = SpoolOptions {
        dir: folder.join("data/spool"),
        bytes_max: 16 << 20,
        segment_bytes_max: 8 << 20,
        segment_age_max: Duration::from_secs(60),
        schema: sillage::event_row::columns::schema(),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let spool = Spool::open(options).expect("the collector has ended");
        spool.append(b"\x05abc").await.expect("space in the spool");
        spool.seal().await.expect("sealed");
        for _ in 0..200 {
            spool.append([0xff; 15_000]).await.expect("room");
        }
        spool.seal().await.expect("sealed");
    });
}

#[test]
fn a_segment_inserted_twice_with_a_killed_engine_in_between_counts_once() {
    let collector = Collector::start();
    let engine = collector.engine_id().expect("an engine");
    signal(engine, "STOP");
    for n in 0..100 {
        assert_eq!(
            collector.beacon(&pageview("/", &format!("t{n}"))).status,
            202
        );
    }
    // Copy the sealed segment before its INSERT.
    let folder = collector.folder.path().to_owned();
    wait_for(|| match segments(&folder, ".sealed").len() {
        0 => Err(()),
        _ => Ok(()),
    })
    .expect("sealed by age");
    let copies: Vec<(PathBuf, Vec<u8>)> = segments(&folder, ".sealed")
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).expect("readable");
            (path, bytes)
        })
        .collect();
    signal(engine, "CONT");
    collector.until("SELECT count() FROM events", "100");
    signal(collector.engine_id().expect("an engine"), "KILL");
    let folder = collector.kill();
    for (path, bytes) in &copies {
        std::fs::write(path, bytes).expect("writable");
    }

    // As after a power cut that undid the deletion: the collector sends the same segments again.
    let collector = Collector::start_in(folder);
    wait_for(
        || match segments(collector.folder.path(), ".sealed").len() {
            0 => Ok(()),
            n => Err(n),
        },
    )
    .expect("stored again and deleted");
    assert!(metric(&collector, "sillage_segments_inserted_total ") >= copies.len() as f64);
    assert_eq!(
        collector.sql("SELECT count(), uniqExact(key) FROM events"),
        "100\t100"
    );
    // New events are not mistaken for repeated ones.
    assert_eq!(
        post(collector.address, "/api/event", &pageview("/", "new"), &[]).status,
        202
    );
    collector.until("SELECT count() FROM events", "101");
}

#[test]
fn a_full_disk_refuses_with_503_and_recovers_by_itself() {
    use std::process::Command;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let config = write_config(folder.path(), "");
    let text = std::fs::read_to_string(&config).expect("readable");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "sillage-test"])
        .arg(&disk)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        // Only root may mount. The spool's own tests cover failing writes with a simulated disk.
        eprintln!("skipped: this user may not mount a tmpfs");
        return;
    }
    let unmount = Unmount(disk.clone());
    let text = format!(
        "{text}\n[spool]\ndir = {:?}\nsegment_age_ms_max = 200\n",
        disk.join("spool")
    );
    std::fs::write(&config, text).expect("writable");
    let collector = Collector::start_in(folder);
    let filler = disk.join("filler");
    assert_eq!(collector.beacon(&pageview("/", "first")).status, 202);
    // Another program fills the disk.
    let mut kilobytes = 0;
    while kilobytes < 4_096
        && std::fs::write(disk.join(format!("filler-{kilobytes}")), [1; 16 << 10]).is_ok()
    {
        kilobytes += 16;
    }
    let mut accepted = 1;
    let refused = wait_for(|| {
        let answer = collector.beacon(&pageview("/", &format!("full-{accepted}")));
        match answer.status {
            503 => Ok(answer),
            202 => {
                accepted += 1;
                Err(())
            }
            other => panic!("{other}"),
        }
    });
    assert!(
        refused
            .expect("the log reports the full disk")
            .header("retry-after")
            .is_some()
    );
    for n in 0..2_000 {
        let answer = collector.beacon(&pageview("/", &format!("flood-{n}")));
        assert_eq!(answer.status, 503);
    }
    let answer = get(collector.address, "/readyz", &[]);
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("\"disk_full\""), "{}", answer.body);
    assert_eq!(get(collector.address, "/readyz/beacons", &[]).status, 503);
    for file in std::fs::read_dir(&disk).expect("readable").flatten() {
        if file.file_name().to_string_lossy().starts_with("filler-") {
            std::fs::remove_file(file.path()).expect("removable");
        }
    }
    assert!(!filler.exists());
    // It recovers without a beacon: a load balancer sends none while the collector is not ready.
    wait_for(
        || match get(collector.address, "/readyz/beacons", &[]).status {
            200 => Ok(()),
            status => Err(status),
        },
    )
    .expect("`/readyz` recovers without a beacon");
    wait_for(|| match collector.beacon(&pageview("/", "last")).status {
        202 => Ok(()),
        status => Err(status),
    })
    .expect("beacons are accepted again without a restart");
    collector.until(
        "SELECT count(), uniqExact(key) FROM events",
        &format!("{0}\t{0}", accepted + 1),
    );
    let lines = |words: &str| collector.log().matches(words).count();
    wait_for(|| match lines("the spool's disk works again") {
        1 => Ok(()),
        n => Err(n),
    })
    .expect("the end is logged once");
    assert_eq!(lines("the spool can't write"), 1, "of 2,000");
    drop(collector);
    drop(unmount);
}

/// Unmounts even if the test fails.
struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}
