//! Appending, sealing, handing out and deleting, and the bounds of each.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::faulty_disk::{FaultyDisk, Op, Shared};
use super::{SCHEMA, append_all, drained, numbers, open_on, options, read, record, sealed_now};
use crate::group_commit::{BATCH_BYTES_MAX, WAITING_MAX};
use crate::segment::RECORD_OVERHEAD_BYTES;
use crate::segment::header_bytes;
use crate::writer::WAITING_SEALED_MAX;
use crate::{
    RECORD_BYTES_MAX, SCHEMA_BYTES_MAX, SEGMENT_BYTES_MIN, Spool, SpoolError, SpoolOptions,
};

fn open_with(disk: &Arc<FaultyDisk>, change: impl FnOnce(&mut SpoolOptions)) -> Spool {
    let mut options = options("".as_ref());
    change(&mut options);
    Spool::open_on(Arc::new(Shared(Arc::clone(disk))), options).unwrap()
}

#[tokio::test]
async fn appended_records_are_read_in_order_and_gone_after_deletion() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(options(folder.path())).unwrap();
    append_all(&spool, 0..100, 150).await;
    spool.seal().await.unwrap();
    let sealed = spool.next_sealed().await;
    assert_eq!((sealed.schema(), sealed.records()), (SCHEMA, 100));
    let mut batches = sealed.chunks(1000);
    let mut joined = Vec::new();
    while let Some(batch) = batches.next().await.unwrap() {
        assert!(
            batch.payloads.len() < 1000 + 150,
            "bounded chunks of whole records"
        );
        joined.extend(batch.payloads);
    }
    assert_eq!(numbers(&joined), Vec::from_iter(0..100));
    spool.delete(sealed).await.unwrap();
    let stats = spool.stats();
    assert_eq!(
        (stats.bytes, stats.segments, stats.oldest_age),
        (0, 0, None)
    );
    assert_eq!((stats.appended, stats.deleted), (100, 100));
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "only the lock");
}

#[tokio::test]
async fn nothing_is_created_before_the_first_append_and_nothing_empty_is_sealed() {
    let disk = FaultyDisk::new();
    let spool = open_with(&disk, |options| options.segment_age_max = Duration::ZERO);
    spool.seal().await.unwrap();
    assert_eq!(disk.names(), Vec::<String>::new());
    assert!(sealed_now(&spool).await.is_none());
}

#[tokio::test]
async fn appends_that_arrive_during_a_sync_share_the_next() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    disk.hold(true);
    let append = |number| {
        let spool = spool.clone();
        tokio::spawn(async move { spool.append(record(number, 150)).await })
    };
    let mut appends = vec![append(0)];
    while disk.syncs() == 0 {
        tokio::task::yield_now().await;
    }
    appends.extend((1..64).map(append));
    // Each has its place once all were polled.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    assert!(
        appends.iter().all(|append| !append.is_finished()),
        "none before its sync"
    );
    disk.hold(false);
    for append in appends {
        append.await.unwrap().unwrap();
    }
    assert_eq!(disk.syncs(), 2);
}

#[tokio::test]
async fn segments_are_sealed_before_they_grow_beyond_their_bound() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..300, 1000).await;
    spool.seal().await.unwrap();
    let mut segments = 0;
    let mut all = Vec::new();
    while let Some(sealed) = sealed_now(&spool).await {
        assert!(sealed.bytes() <= SEGMENT_BYTES_MIN);
        all.extend(numbers(&read(&sealed).unwrap().0.concat()));
        spool.delete(sealed).await.unwrap();
        segments += 1;
    }
    assert_eq!(
        segments,
        (300 * 1012_u64).div_ceil(SEGMENT_BYTES_MIN - 1012)
    );
    assert_eq!(all, Vec::from_iter(0..300), "oldest first");
}

#[tokio::test]
async fn a_segment_is_sealed_at_its_age() {
    let disk = FaultyDisk::new();
    let spool = open_with(&disk, |options| {
        options.segment_age_max = Duration::from_millis(20);
    });
    append_all(&spool, 0..1, 150).await;
    assert_eq!(spool.next_sealed().await.records(), 1);
}

#[tokio::test]
async fn in_an_outage_age_stops_sealing_and_segments_grow() {
    let disk = FaultyDisk::new();
    let spool = open_with(&disk, |options| options.segment_age_max = Duration::ZERO);
    append_all(&spool, 0..50, 150).await;
    assert_eq!(spool.stats().segments, WAITING_SEALED_MAX + 1);
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, Vec::from_iter(0..50));
}

#[tokio::test]
async fn a_full_spool_accepts_records_again_once_space_is_freed() {
    let disk = FaultyDisk::new();
    let record_bytes = (RECORD_OVERHEAD_BYTES + 150) as u64;
    // Space for one more header always stays free.
    let bytes_max = 2 * header_bytes(SCHEMA) + 10 * record_bytes;
    let spool = open_with(&disk, |options| options.bytes_max = bytes_max);
    append_all(&spool, 0..10, 150).await;
    let refused = spool.append(record(10, 150)).await.unwrap_err();
    assert!(
        matches!(refused, SpoolError::Full { .. }) && refused.is_transient(),
        "{refused}"
    );
    let stats = spool.stats();
    assert_eq!(stats.bytes, bytes_max - header_bytes(SCHEMA));
    assert_eq!((stats.refused_full, stats.appended), (1, 10));
    assert!(disk.bytes() <= bytes_max, "zeros written ahead included");
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, Vec::from_iter(0..10));
    append_all(&spool, 11..20, 150).await;
}

#[tokio::test]
async fn a_full_spool_is_still_full_after_a_restart() {
    let disk = FaultyDisk::new();
    let bytes_max = 2 * header_bytes(SCHEMA) + 162;
    let spool = open_with(&disk, |options| options.bytes_max = bytes_max);
    append_all(&spool, 0..1, 150).await;
    drop(spool);
    let spool = open_with(&disk, |options| options.bytes_max = bytes_max);
    assert!(matches!(
        spool.append([1]).await,
        Err(SpoolError::Full { .. })
    ));
}

#[tokio::test]
async fn records_and_options_beyond_their_bounds_are_refused() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    spool.append(vec![1; RECORD_BYTES_MAX]).await.unwrap();
    spool.append([1]).await.unwrap();
    for bytes in [0, RECORD_BYTES_MAX + 1] {
        let refused = spool.append(vec![1; bytes]).await.unwrap_err();
        assert!(matches!(refused, SpoolError::RecordSize { .. }) && !refused.is_transient());
    }
    let open = |schema_bytes: usize, segment_bytes_max| {
        let mut options = options("".as_ref());
        options.schema = "s".repeat(schema_bytes);
        options.segment_bytes_max = segment_bytes_max;
        Spool::open_on(Arc::new(Shared(FaultyDisk::new())), options)
    };
    let spool = open(SCHEMA_BYTES_MAX, SEGMENT_BYTES_MIN).unwrap();
    spool.append(vec![1; RECORD_BYTES_MAX]).await.unwrap();
    for (schema_bytes, segment_bytes_max) in [
        (SCHEMA_BYTES_MAX + 1, SEGMENT_BYTES_MIN),
        (SCHEMA_BYTES_MAX, SEGMENT_BYTES_MIN - 1),
    ] {
        let refused = open(schema_bytes, segment_bytes_max).err().unwrap();
        assert!(matches!(refused, SpoolError::Option { .. }), "{refused}");
    }
}

#[tokio::test]
async fn too_many_waiting_appends_are_refused_as_busy() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    disk.hold(true);
    let append = |bytes| {
        let spool = spool.clone();
        tokio::spawn(async move { spool.append(vec![1; bytes]).await })
    };
    let mut appends = vec![append(RECORD_BYTES_MAX)];
    while disk.syncs() == 0 {
        tokio::task::yield_now().await;
    }
    let next_batch = BATCH_BYTES_MAX / RECORD_BYTES_MAX;
    appends.extend((0..next_batch).map(|_| append(RECORD_BYTES_MAX)));
    appends.extend((0..WAITING_MAX).map(|_| append(150)));
    let small = (RECORD_OVERHEAD_BYTES + 150) as u64;
    let big = (RECORD_OVERHEAD_BYTES + RECORD_BYTES_MAX) as u64;
    let bytes = header_bytes(SCHEMA) + (1 + next_batch) as u64 * big + WAITING_MAX as u64 * small;
    while spool.stats().bytes < bytes {
        tokio::task::yield_now().await;
    }
    let refused = spool.append([1]).await.unwrap_err();
    assert!(matches!(refused, SpoolError::Busy { .. }), "{refused}");
    assert_eq!(spool.stats().bytes, bytes, "its room is given back");
    // The same after a cancelled wait.
    let cancelled = appends.pop().unwrap();
    cancelled.abort();
    let _ = cancelled.await;
    assert_eq!(spool.stats().bytes, bytes - small);
    disk.hold(false);
    for append in appends {
        append.await.unwrap().unwrap();
    }
    let stats = spool.stats();
    assert_eq!(stats.refused_busy, 1);
    assert_eq!(stats.appended, (next_batch + WAITING_MAX) as u64);
}

#[tokio::test]
async fn a_segment_is_handed_out_once_and_first_again_when_returned() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    for number in 0..3 {
        append_all(&spool, number..number + 1, 150).await;
        spool.seal().await.unwrap();
    }
    let first = spool.next_sealed().await;
    let second = spool.next_sealed().await;
    assert_ne!(first.id(), second.id());
    let id = first.id();
    spool.give_back(first);
    assert_eq!(spool.next_sealed().await.id(), id, "dropped at once");
    assert_eq!(spool.next_sealed().await.id(), id);
    drop(second);
    assert_eq!(drained(&spool).await, [0, 1, 2]);
}

#[tokio::test]
async fn a_waiting_reader_gets_the_next_sealed_segment() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    let waiting = tokio::spawn({
        let spool = spool.clone();
        async move { spool.next_sealed().await.records() }
    });
    tokio::task::yield_now().await;
    append_all(&spool, 0..1, 150).await;
    spool.seal().await.unwrap();
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test]
async fn a_segment_that_cannot_be_deleted_is_not_handed_out_again() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    for number in 0..2 {
        append_all(&spool, number..number + 1, 150).await;
        spool.seal().await.unwrap();
    }
    disk.fail(Op::Remove, 0, 1);
    let first = spool.next_sealed().await;
    let refused = spool.delete(first).await.unwrap_err();
    assert!(matches!(refused, SpoolError::Disk { .. }), "{refused}");
    assert_eq!(spool.stats().segments, 2, "still on disk");
    assert_eq!(drained(&spool).await, [1]);
    assert_eq!(
        disk.names(),
        Vec::<String>::new(),
        "deleted along with the next"
    );
    assert_eq!(spool.stats().bytes, 0);
}

#[tokio::test]
async fn a_segment_set_aside_lets_the_next_pass_and_is_kept() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    for number in 0..2 {
        append_all(&spool, number..number + 1, 150).await;
        spool.seal().await.unwrap();
    }
    let poison = spool.next_sealed().await;
    let id = poison.id().to_string();
    spool.set_aside(poison).await.unwrap();
    assert_eq!(drained(&spool).await, [1]);
    let stats = spool.stats();
    assert_eq!((stats.bytes, stats.corrupt_records), (0, 1));
    let [name] = &disk.names()[..] else {
        panic!("one file is kept")
    };
    assert!(
        name.contains(&id) && name.ends_with(".quarantine"),
        "{name}"
    );
    drop(spool);
    let spool = open_on(&disk).unwrap();
    assert!(sealed_now(&spool).await.is_none(), "set aside for good");
    assert!(spool.stats().quarantine_bytes > 0);
}

#[tokio::test]
async fn the_last_half_hour_can_be_read_record_by_record_at_the_start() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..200, 1000).await;
    spool.seal().await.unwrap();
    append_all(&spool, 200..210, 150).await;
    drop(spool);
    let spool = open_on(&disk).unwrap();
    let recent = |since, bytes_max| {
        spool
            .recover_recent(since, bytes_max)
            .map(|record| {
                let record = record.unwrap();
                assert_eq!(&*record.schema, SCHEMA);
                numbers(&record.payload)[0]
            })
            .collect::<Vec<_>>()
    };
    let half_hour = Duration::from_secs(1800);
    assert_eq!(
        recent(SystemTime::now() - half_hour, u64::MAX),
        Vec::from_iter(0..210)
    );
    // More than may be read: only the newest.
    assert_eq!(
        recent(SystemTime::now() - half_hour, 4096),
        Vec::from_iter(200..210)
    );
    // Of the segments sealed before then, only one that may have been written to since.
    assert_eq!(
        recent(SystemTime::now() + half_hour, u64::MAX),
        Vec::from_iter(200..210)
    );
}

#[tokio::test]
async fn closing_a_spool_writes_all_accepted_records() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    disk.hold(true);
    let append = tokio::spawn({
        let spool = spool.clone();
        async move { spool.append(record(0, 150)).await }
    });
    while disk.syncs() == 0 {
        tokio::task::yield_now().await;
    }
    disk.hold(false);
    drop(spool);
    append.await.unwrap().unwrap();
    let spool = open_on(&disk).unwrap();
    assert_eq!(drained(&spool).await, [0]);
}

#[tokio::test]
async fn records_appended_together_stay_together_up_to_the_bound() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    let together: Vec<_> = (0..8).map(|number| record(number, 150)).collect();
    spool.append_all(&together).await.unwrap();
    spool.append_all(&together[..0]).await.unwrap();
    assert_eq!((spool.stats().appended, spool.stats().syncs), (8, 1));

    // One too long, or too many of them: none is stored.
    let mut with_long = together.clone();
    with_long.push(vec![7; RECORD_BYTES_MAX + 1]);
    let too_many = vec![vec![7; RECORD_BYTES_MAX]; BATCH_BYTES_MAX / RECORD_BYTES_MAX + 1];
    for refused in [with_long, too_many] {
        let failed = spool.append_all(&refused).await.unwrap_err();
        assert_eq!(failed.durable, 0);
        assert!(matches!(failed.error, SpoolError::RecordSize { .. }));
    }
    let most = vec![record(8, RECORD_BYTES_MAX); BATCH_BYTES_MAX / RECORD_BYTES_MAX];
    spool.append_all(&most).await.unwrap();
    assert_eq!(spool.stats().appended, 8 + most.len() as u64);
}

#[tokio::test]
async fn records_appended_together_are_all_refused_when_space_is_short() {
    let disk = FaultyDisk::new();
    let record_bytes = (RECORD_OVERHEAD_BYTES + 150) as u64;
    let spool = open_with(&disk, |options| {
        options.bytes_max = 2 * header_bytes(SCHEMA) + 5 * record_bytes;
    });
    let together: Vec<_> = (0..3).map(|number| record(number, 150)).collect();
    spool.append_all(&together).await.unwrap();
    let failed = spool.append_all(&together).await.unwrap_err();
    assert_eq!(failed.durable, 0);
    assert!(matches!(failed.error, SpoolError::Full { .. }));
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, [0, 1, 2]);
}
