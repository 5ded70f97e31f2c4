//! Single faults, one per test. `model` mixes all of them.

use super::faulty_disk::{FaultyDisk, Op};
use super::{append_all, drained, numbers, open_on, read, record, sealed_now};
use crate::{SpoolError, Trouble};

#[tokio::test]
async fn a_failed_sync_keeps_synced_records_and_refuses_the_others() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..5, 150).await;
    disk.fail(Op::Sync, 0, 1);
    let refused = spool.append(record(5, 150)).await.unwrap_err();
    assert!(
        matches!(refused, SpoolError::Disk { .. }) && refused.is_transient(),
        "{refused}"
    );
    // The page cache shows record 5, and this sync succeeds; neither counts.
    append_all(&spool, 6..8, 150).await;
    drop(spool);
    disk.reboot(1);
    let spool = open_on(&disk).unwrap();
    assert_eq!(drained(&spool).await, [0, 1, 2, 3, 4, 6, 7]);
    assert_eq!(spool.stats().corrupt_segments, 0);
}

#[tokio::test]
async fn a_disk_that_works_again_is_found_without_an_append() {
    for op in [Op::Create, Op::Sync, Op::SyncDir] {
        let disk = FaultyDisk::new();
        let spool = open_on(&disk).unwrap();
        assert_eq!(spool.stats().trouble, None);
        disk.fail(op, 0, u32::MAX);
        for n in 0..3 {
            spool.append(record(n, 150)).await.unwrap_err();
        }
        assert_eq!(spool.stats().trouble, Some(Trouble::Disk), "{op:?}");
        // The same when the disk is tried without an append.
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(spool.stats().trouble, Some(Trouble::Disk), "{op:?}");
        disk.fail(op, 0, 0);
        let begun = std::time::Instant::now();
        while spool.stats().trouble.is_some() {
            assert!(begun.elapsed().as_secs() < 20, "{op:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        append_all(&spool, 3..5, 150).await;
        spool.seal().await.unwrap();
        assert_eq!(drained(&spool).await, [3, 4], "{op:?}");
    }
}

#[tokio::test]
async fn a_failing_disk_is_retried_only_a_few_times_a_second() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    disk.fail(Op::Create, 0, u32::MAX);
    let begun = std::time::Instant::now();
    let mut appends = 0;
    while begun.elapsed().as_millis() < 1_500 {
        spool.append(record(0, 150)).await.unwrap_err();
        appends += 1;
    }
    let before = spool.stats().refused_disk;
    let tries = disk.failures(Op::Create);
    while begun.elapsed().as_millis() < 3_000 {
        spool.append(record(0, 150)).await.unwrap_err();
        appends += 1;
    }
    let tried = disk.failures(Op::Create) - tries;
    assert!((1..=8).contains(&tried), "{tried} tries in 1.5 s");
    assert!(
        spool.stats().refused_disk > before + 20,
        "and {appends} appends"
    );
}

#[tokio::test]
async fn a_half_written_batch_is_refused_and_leaves_no_trace() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..5, 150).await;
    disk.fail(Op::Write, 0, 1);
    spool.append(record(5, 150)).await.unwrap_err();
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, [0, 1, 2, 3, 4]);
    let stats = spool.stats();
    assert_eq!(
        (stats.bytes, stats.refused_disk, stats.disk_errors),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn a_first_write_that_fails_leaves_no_segment() {
    for op in [Op::Create, Op::Write, Op::Sync, Op::SyncDir] {
        let disk = FaultyDisk::new();
        let spool = open_on(&disk).unwrap();
        disk.fail(op, 0, 1);
        spool.append(record(0, 150)).await.unwrap_err();
        assert_eq!(disk.names(), Vec::<String>::new(), "{op:?}");
        assert_eq!(spool.stats().bytes, 0, "{op:?}");
        append_all(&spool, 1..2, 150).await;
        spool.seal().await.unwrap();
        assert_eq!(drained(&spool).await, [1], "{op:?}");
    }
}

#[tokio::test]
async fn no_segment_is_begun_until_the_last_one_is_sealed() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..5, 150).await;
    disk.fail(Op::Rename, 0, 2);
    spool.seal().await.unwrap_err();
    spool.append(record(5, 150)).await.unwrap_err();
    append_all(&spool, 6..7, 150).await;
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, [0, 1, 2, 3, 4, 6]);
}

#[tokio::test]
async fn a_full_disk_refuses_keeps_a_reserve_and_recovers_by_itself() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    disk.set_bytes_max(Some(1 << 20));
    let mut kept = 0;
    let refused = loop {
        match spool.append(record(kept, 1000)).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, SpoolError::NoSpace { .. }) && refused.is_transient(),
        "{refused}"
    );
    assert!(
        kept > 500 && disk.bytes() <= (1 << 20) / 20 * 19,
        "a twentieth stays free"
    );
    spool.append(record(kept, 1000)).await.unwrap_err();
    // Inserting and deleting what is there frees space.
    let sealed = spool.next_sealed().await;
    let inserted = numbers(&read(&sealed).unwrap().0.concat());
    spool.delete(sealed).await.unwrap();
    append_all(&spool, kept..kept + 20, 1000).await;
    spool.seal().await.unwrap();
    let left = drained(&spool).await;
    assert_eq!([inserted, left].concat(), Vec::from_iter(0..kept + 20));
}

#[tokio::test]
async fn a_disk_that_fills_in_the_middle_of_a_write_refuses_and_loses_nothing() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..5, 150).await;
    for spare in [1, 100, 5000] {
        // As if other programs used up the reserve: the check finds space and the write does not.
        disk.set_bytes_max(None);
        disk.fail_full(spare);
        let refused = spool.append(vec![1; 16 << 10]).await.unwrap_err();
        assert!(matches!(refused, SpoolError::NoSpace { .. }), "{refused}");
    }
    disk.heal();
    append_all(&spool, 5..6, 150).await;
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_disk_that_lied_about_syncing_costs_records_but_breaks_nothing() {
    for seed in 0..50 {
        let disk = FaultyDisk::new();
        let spool = open_on(&disk).unwrap();
        append_all(&spool, 0..20, 300).await;
        disk.lie();
        append_all(&spool, 20..60, 300).await;
        spool.seal().await.unwrap();
        drop(spool);
        disk.heal();
        disk.reboot(seed);
        let spool = open_on(&disk).unwrap();
        append_all(&spool, 60..70, 300).await;
        spool.seal().await.unwrap();
        let mut seen = Vec::new();
        while let Some(sealed) = sealed_now(&spool).await {
            seen.extend(numbers(&read(&sealed).unwrap().0.concat()));
            spool.delete(sealed).await.unwrap();
        }
        assert!(
            seen.is_sorted_by(|a, b| a < b),
            "each once, in order: {seen:?}"
        );
        assert!(
            seen.starts_with(&Vec::from_iter(0..20)) && seen.ends_with(&Vec::from_iter(60..70))
        );
    }
}

#[tokio::test]
async fn power_loss_at_any_disk_call_loses_nothing_acknowledged() {
    for calls in 0..60 {
        for seed in 0..8 {
            let disk = FaultyDisk::new();
            let spool = open_on(&disk).unwrap();
            disk.cut_power_after(calls);
            let mut store = super::Store::default();
            let mut kept = Vec::new();
            for number in 0..12 {
                if spool.append(record(number, 400)).await.is_ok() {
                    kept.push(number);
                }
                if number % 3 == 2 {
                    let _ = spool.seal().await;
                }
                if number % 4 == 3
                    && let Some(sealed) = sealed_now(&spool).await
                    && let Ok((chunks, _)) = read(&sealed)
                {
                    store.insert(sealed.id(), chunks);
                    let _ = spool.delete(sealed).await;
                }
            }
            drop(spool);
            disk.reboot(seed);
            let spool = open_on(&disk).unwrap();
            store.drain(&spool).await;
            let stored = store.numbers();
            assert!(stored.is_sorted_by(|a, b| a < b), "once each: {stored:?}");
            assert!(
                kept.iter().all(|number| stored.contains(number)),
                "{calls}, {seed}"
            );
        }
    }
}

#[tokio::test]
async fn a_disk_failure_between_segments_reports_how_many_records_were_kept() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    // Four of these fill a segment.
    let together: Vec<_> = (0..6).map(|number| record(number, 16_000)).collect();
    disk.fail(Op::Create, 1, 1);
    let failed = spool.append_all(&together).await.unwrap_err();
    assert_eq!(failed.durable, 4);
    assert!(failed.error.is_transient());
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, [0, 1, 2, 3]);
}
