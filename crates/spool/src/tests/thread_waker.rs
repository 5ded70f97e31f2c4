//! How tasks are woken on threads with and without a waker, and that none waits for ever.

use std::sync::Arc;
use std::thread;

use super::faulty_disk::{FaultyDisk, Op};
use super::{drained, open_on, record};
use crate::{Spool, SpoolError};

type Append = tokio::task::JoinHandle<Result<(), SpoolError>>;

/// Appends in tasks of the calling thread. All of them wait for the disk when this returns.
async fn appends(
    spool: &Spool,
    disk: &Arc<FaultyDisk>,
    numbers: std::ops::Range<u64>,
) -> Vec<Append> {
    disk.hold(true);
    let append = |number| {
        let spool = spool.clone();
        tokio::spawn(async move { spool.append(record(number, 150)).await })
    };
    let appends: Vec<Append> = numbers.map(append).collect();
    for _ in 0..appends.len() + 10 {
        tokio::task::yield_now().await;
    }
    assert!(appends.iter().all(|append| !append.is_finished()));
    appends
}

#[tokio::test]
async fn threads_with_and_without_a_waker_learn_of_the_same_sync() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    let waker = tokio::spawn(spool.thread_waker());
    tokio::task::yield_now().await;
    // The first batch began before the waker was made.
    for begin in [0, 100, 200] {
        let here = appends(&spool, &disk, begin..begin + 50).await;
        let other = spool.clone();
        let elsewhere = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(other.append(record(begin + 50, 150)))
        });
        disk.hold(false);
        for append in here {
            append.await.unwrap().unwrap();
        }
        elsewhere.join().unwrap().unwrap();
    }
    spool.seal().await.unwrap();
    let mut kept = drained(&spool).await;
    kept.sort_unstable();
    let expected = [0, 100, 200]
        .into_iter()
        .flat_map(|begin| begin..=begin + 50);
    assert_eq!(kept, Vec::from_iter(expected));
    assert!(!waker.is_finished());
    drop(spool);
    waker.await.expect("it ends with the spool");
}

#[tokio::test]
async fn a_waker_reports_failures_as_well() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    tokio::spawn(spool.thread_waker());
    tokio::task::yield_now().await;
    spool.append(record(0, 150)).await.unwrap();
    disk.fail(Op::Sync, 0, 1_000);
    for append in appends(&spool, &disk, 1..9).await {
        disk.hold(false);
        assert!(append.await.unwrap().is_err(), "the disk fails");
    }
}

#[tokio::test]
async fn the_writer_wakes_threads_that_no_waker_wakes() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    let waker = tokio::spawn(spool.thread_waker());
    tokio::task::yield_now().await;
    spool.append(record(0, 150)).await.unwrap();
    let waiting = appends(&spool, &disk, 1..9).await;
    waker.abort();
    assert!(waker.await.unwrap_err().is_cancelled());
    disk.hold(false);
    for append in waiting {
        append.await.unwrap().unwrap();
    }
    spool.append(record(9, 150)).await.unwrap();
}

#[tokio::test]
async fn a_threads_waker_belongs_to_one_spool() {
    let (disk, other_disk) = (FaultyDisk::new(), FaultyDisk::new());
    let (spool, other) = (open_on(&disk).unwrap(), open_on(&other_disk).unwrap());
    tokio::spawn(spool.thread_waker());
    tokio::task::yield_now().await;
    for number in 0..3 {
        spool.append(record(number, 150)).await.unwrap();
        other.append(record(number, 150)).await.unwrap();
    }
}
