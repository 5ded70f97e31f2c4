//! Opening a folder after a killed process, damage on disk, or changes by other programs.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::faulty_disk::{FaultyDisk, Shared};
use super::{SCHEMA, append_all, drained, numbers, open_on, options, read, record, sealed_now};
use crate::disk::Disk;
use crate::name::SegmentName;
use crate::segment::RECORD_OVERHEAD_BYTES;
use crate::segment::{Checksum, FORMAT_VERSION, HEADER_BYTES_MAX, header_bytes};
use crate::{Spool, SpoolError};

const RECORD: usize = 150 + RECORD_OVERHEAD_BYTES;

/// Where record `number` of 150 bytes starts in its segment.
fn start_of(number: usize) -> usize {
    header_bytes(SCHEMA) as usize + number * RECORD
}

/// A disk with ten records in one segment, sealed or as a killed process leaves it.
async fn ten_records(is_sealed: bool) -> (std::sync::Arc<FaultyDisk>, String) {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..10, 150).await;
    if is_sealed {
        spool.seal().await.unwrap();
    }
    drop(spool);
    let name = disk.names().remove(0);
    (disk, name)
}

fn without(numbers: std::ops::Range<u64>, left_out: u64) -> Vec<u64> {
    numbers.filter(|&number| number != left_out).collect()
}

#[tokio::test]
async fn an_open_segment_of_a_killed_process_is_sealed_under_its_id() {
    let (disk, name) = ten_records(false).await;
    assert!(name.ends_with(".open"));
    let spool = open_on(&disk).unwrap();
    let sealed = spool.next_sealed().await;
    assert!(name.contains(&sealed.id().to_string()));
    assert_eq!(sealed.records(), 10);
    assert_eq!(
        spool.stats().torn_bytes,
        0,
        "zeros written ahead are no torn tail"
    );
    assert_eq!(disk.bytes(), start_of(10) as u64, "they are cut off");
}

#[tokio::test]
async fn torn_tail_is_dropped_and_rest_recovered() {
    for keep in [1, RECORD_OVERHEAD_BYTES, RECORD - 1] {
        let (disk, name) = ten_records(false).await;
        disk.edit(&name, |bytes| bytes.truncate(start_of(9) + keep));
        let spool = open_on(&disk).unwrap();
        assert!(spool.stats().torn_bytes > 0);
        assert_eq!(drained(&spool).await, Vec::from_iter(0..9), "{keep}");
    }
}

#[tokio::test]
async fn a_corrupt_record_is_quarantined_and_costs_only_itself() {
    // Damage in the payload, the length and each checksum, in a sealed and in an open segment.
    for is_sealed in [true, false] {
        for place in [20, 0, 5, 9] {
            let (disk, name) = ten_records(is_sealed).await;
            disk.edit(&name, |bytes| bytes[start_of(4) + place] ^= 0x10);
            let spool = open_on(&disk).unwrap();
            let sealed = spool.next_sealed().await;
            let (chunks, records) = read(&sealed).unwrap();
            assert_eq!(numbers(&chunks.concat()), without(0..10, 4));
            assert_eq!(records, 9);
            assert_eq!(read(&sealed).unwrap().0, chunks, "the same bytes each time");
            let stats = spool.stats();
            assert_eq!(stats.corrupt_segments, 1, "reported once");
            // In an open segment this may be a torn write, whose records were never acknowledged.
            assert_eq!(stats.corrupt_records, u64::from(is_sealed));
            assert_eq!(stats.quarantine_bytes, 12 + RECORD as u64);
            spool.delete(sealed).await.unwrap();
            let [quarantine] = &disk.names()[..] else {
                panic!("one file is kept")
            };
            assert!(quarantine.ends_with(".quarantine"));
            disk.edit(quarantine, |kept| {
                assert_eq!(kept[..8], (start_of(4) as u64).to_le_bytes());
                assert_eq!(kept[8..12], (RECORD as u32).to_le_bytes());
                kept[12 + place] ^= 0x10;
                assert_eq!(kept[12 + RECORD_OVERHEAD_BYTES..], record(4, 150));
            });
        }
    }
}

#[tokio::test]
async fn a_sealed_segment_that_lost_its_end_is_read_as_far_as_it_goes() {
    let (disk, name) = ten_records(true).await;
    disk.edit(&name, |bytes| bytes.truncate(start_of(7) + 40));
    let spool = open_on(&disk).unwrap();
    assert_eq!(drained(&spool).await, Vec::from_iter(0..7));
    assert_eq!(spool.stats().corrupt_records, 3);
}

#[tokio::test]
async fn a_segment_needs_one_of_its_two_header_copies() {
    let copy = header_bytes(SCHEMA) as usize / 2;
    for is_sealed in [true, false] {
        for damaged in [0, 9, 20, 45, copy, copy + 20] {
            let (disk, name) = ten_records(is_sealed).await;
            disk.edit(&name, |bytes| bytes[damaged] ^= 1);
            let spool = open_on(&disk).unwrap();
            assert_eq!(drained(&spool).await, Vec::from_iter(0..10), "{damaged}");
        }
        let (disk, name) = ten_records(is_sealed).await;
        disk.edit(&name, |bytes| {
            bytes[30] ^= 1;
            bytes[copy + 30] ^= 1;
        });
        let spool = open_on(&disk).unwrap();
        append_all(&spool, 10..11, 150).await;
        spool.seal().await.unwrap();
        assert_eq!(drained(&spool).await, [10]);
        assert_eq!(spool.stats().corrupt_segments, 1);
        assert!(disk.names()[0].ends_with(".quarantine"));
    }
}

#[tokio::test]
async fn an_open_segment_that_never_got_its_header_is_removed() {
    for kept in [0, 10, 60] {
        let (disk, name) = ten_records(false).await;
        disk.edit(&name, |bytes| {
            bytes.truncate(kept);
            bytes.resize(5000, 0);
        });
        let spool = open_on(&disk).unwrap();
        assert!(sealed_now(&spool).await.is_none());
        assert_eq!(disk.names(), Vec::<String>::new());
        assert_eq!(spool.stats().bytes, 0);
    }
}

#[tokio::test]
async fn a_folder_from_a_later_version_is_refused_and_left_as_it_was() {
    for is_sealed in [true, false] {
        let (disk, name) = ten_records(is_sealed).await;
        disk.edit(&name, |bytes| {
            bytes[8..12].copy_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
            let sum = crc32fast::hash(&bytes[..12]);
            bytes[12..16].copy_from_slice(&sum.to_le_bytes());
            bytes[16..].fill(0xff);
        });
        let before = (disk.names(), disk.bytes());
        let refused = open_on(&disk).err().unwrap();
        assert!(
            matches!(refused, SpoolError::NewerFormat { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("newer version"), "{refused}");
        assert_eq!((disk.names(), disk.bytes()), before);
    }
}

#[tokio::test]
async fn segments_from_before_an_upgrade_keep_their_schema() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(options(folder.path())).unwrap();
    append_all(&spool, 0..1, 150).await;
    drop(spool);
    let mut upgraded = options(folder.path());
    upgraded.schema = "v2(site, path, place)".to_owned();
    let spool = Spool::open(upgraded).unwrap();
    append_all(&spool, 1..2, 150).await;
    spool.seal().await.unwrap();
    let (old, new) = (spool.next_sealed().await, spool.next_sealed().await);
    assert_eq!(
        (old.schema(), new.schema()),
        (SCHEMA, "v2(site, path, place)")
    );
}

#[tokio::test]
async fn foreign_files_are_left_alone_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = ["notes.txt", "00-11.sealed", "x.open"];
    for name in foreign {
        std::fs::write(folder.path().join(name), "mine").unwrap();
    }
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let spool = Spool::open(options(folder.path())).unwrap();
    assert_eq!(spool.stats().foreign_files, 4);
    append_all(&spool, 0..1, 150).await;
    spool.seal().await.unwrap();
    assert_eq!(drained(&spool).await, [0]);
    for name in foreign {
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), b"mine");
    }
}

#[tokio::test]
async fn a_second_collector_is_refused_while_the_first_runs() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::open(options(folder.path())).unwrap();
    let refused = Spool::open(options(folder.path())).err().unwrap();
    assert!(matches!(refused, SpoolError::Locked { .. }) && !refused.is_transient());
    let holder = format!("process {}", std::process::id());
    assert!(refused.to_string().contains(&holder), "{refused}");
    append_all(&spool, 0..1, 150).await;
    drop(spool);
    Spool::open(options(folder.path())).unwrap();
}

#[tokio::test]
async fn the_folder_and_its_files_are_private() {
    let parent = tempfile::tempdir().unwrap();
    let made = parent.path().join("deep/spool");
    let wide = parent.path().join("wide");
    std::fs::create_dir(&wide).unwrap();
    std::fs::set_permissions(&wide, std::fs::Permissions::from_mode(0o755)).unwrap();
    for folder in [made, wide] {
        let spool = Spool::open(options(&folder)).unwrap();
        append_all(&spool, 0..1, 150).await;
        spool.seal().await.unwrap();
        append_all(&spool, 1..2, 150).await;
        let mode = |path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(folder.clone()), 0o700);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(files.len(), 3);
        for file in files {
            assert_eq!(mode(file.unwrap().path()), 0o600);
        }
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = Spool::open(options(file.path())).err().unwrap();
    assert!(matches!(refused, SpoolError::Folder { .. }) && !refused.is_transient());
    let path = file.path().display().to_string();
    assert!(refused.to_string().contains(&path), "{refused}");
    // The kernel allows no user, not even root, to create files in here.
    let refused = Spool::open(options("/proc/self/fd".as_ref()))
        .err()
        .unwrap();
    assert!(matches!(refused, SpoolError::Folder { .. }), "{refused}");
}

#[tokio::test]
async fn opening_a_backlog_reads_headers_and_no_records() {
    let disk = FaultyDisk::new();
    let spool = open_on(&disk).unwrap();
    append_all(&spool, 0..2000, 1500).await;
    spool.seal().await.unwrap();
    let segments = spool.stats().segments as u64;
    drop(spool);
    let (before, backlog) = (disk.bytes_read(), disk.bytes());
    let spool = open_on(&disk).unwrap();
    let read = disk.bytes_read() - before;
    assert!(segments > 40 && backlog > 3_000_000);
    // This disk reads at most 1,000 bytes at once.
    assert!(
        read <= segments * (HEADER_BYTES_MAX as u64 + 1000),
        "{read} of {backlog}"
    );
    let stats = spool.stats();
    assert_eq!((stats.segments as u64, stats.bytes), (segments, backlog));
    assert_eq!(drained(&spool).await, Vec::from_iter(0..2000));
}

#[tokio::test]
async fn recovered_unsynced_records_survive_a_power_cut() {
    // Written by a process that was killed before its sync. If recovery accepts such a record, it
    // has to make it durable, or the segment would read differently the next time.
    for seed in 0..20 {
        let (disk, name) = ten_records(false).await;
        let id = SegmentName::parse(&name).unwrap().id;
        let mut bytes = Vec::new();
        for number in 10..20 {
            let at = start_of(number) as u64;
            Checksum::of(id).encode(at, &record(number as u64, 150), &mut bytes);
        }
        let file = Shared(disk.clone()).open(&name).unwrap();
        file.write_all_at(start_of(10) as u64, &bytes).unwrap();
        drop(open_on(&disk).unwrap());
        disk.reboot(seed);
        let spool = open_on(&disk).unwrap();
        assert_eq!(drained(&spool).await, Vec::from_iter(0..20), "{seed}");
        assert_eq!(spool.stats().corrupt_segments, 0);
    }
}

#[tokio::test]
async fn recovery_may_be_interrupted_at_any_call() {
    for calls in 0..10 {
        for seed in 0..8 {
            let (disk, name) = ten_records(false).await;
            disk.edit(&name, |bytes| bytes[start_of(9) + 20] ^= 1);
            disk.cut_power_after(calls);
            drop(open_on(&disk));
            disk.reboot(seed);
            let spool = open_on(&disk).unwrap();
            assert_eq!(
                drained(&spool).await,
                Vec::from_iter(0..9),
                "{calls}, {seed}"
            );
        }
    }
}
