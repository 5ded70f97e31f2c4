//! `kill -9` on a real process that appends, on the real disk.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Store, options, record};
use crate::Spool;

/// Names the folder for the child. Without it the child test does nothing.
const FOLDER: &str = "SILLAGE_TEST_SPOOL_FOLDER";
const FIRST: &str = "SILLAGE_TEST_SPOOL_FIRST";
const ROUNDS: u64 = 12;
const TASKS: u64 = 16;
/// Numbers that one round may use.
const ROUND: u64 = 1 << 32;

/// Appends until it is killed, and prints each number once it is acknowledged.
#[test]
fn child_process_that_is_killed() {
    let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) else {
        return;
    };
    let first: u64 = first.parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut options = options(folder.as_ref());
        options.segment_age_max = Duration::from_millis(10);
        let spool = Spool::open(options).unwrap();
        let tasks = (0..TASKS).map(|task| {
            let spool = spool.clone();
            tokio::spawn(async move {
                for number in (first + task..).step_by(TASKS as usize) {
                    spool.append(record(number, 150)).await.unwrap();
                    // One write per line, so that a kill cannot hide an acknowledgement.
                    std::io::stderr()
                        .write_all(format!("{number}\n").as_bytes())
                        .unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::default();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--test-threads=1"])
            .arg("tests::kill::child_process_that_is_killed")
            .env(FOLDER, folder.path())
            .env(FIRST, (round * ROUND).to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // Killed after this many acknowledgements, at whatever it is doing then.
        let answers = 1 + round * 37;
        let mut seen = 0;
        for line in lines {
            // The kill may cut the last line short, and the test harness may print lines before.
            if let Ok(number) = line.unwrap().parse::<u64>()
                && number / ROUND == round
            {
                acknowledged.push(number);
                seen += 1;
            }
            if seen == answers {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= answers, "the child ended early");
        let spool = Spool::open(options(folder.path())).unwrap();
        assert_eq!(spool.stats().corrupt_segments, 0);
        // Every second round leaves a backlog for the next process.
        if round % 2 == 1 {
            store.drain(&spool).await;
        }
    }
    let stored = store.numbers();
    assert!(stored.is_sorted_by(|a, b| a < b), "stored twice");
    for number in acknowledged {
        assert!(stored.binary_search(&number).is_ok(), "{number} was lost");
    }
}
