//! The spool through its public interface, on the real disk and on one that fails.

mod faults;
mod faulty_disk;
mod kill;
mod model;
mod queue;
mod recovery;
mod segments;
mod thread_waker;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use self::faulty_disk::FaultyDisk;
use crate::{Sealed, SegmentId, Spool, SpoolError, SpoolOptions};

const SCHEMA: &str = "v1(site, path)";

fn options(dir: &Path) -> SpoolOptions {
    SpoolOptions {
        dir: dir.to_owned(),
        bytes_max: 1 << 30,
        segment_bytes_max: 64 << 10,
        // Age never seals, except in tests about it.
        segment_age_max: Duration::from_secs(3600),
        schema: SCHEMA.to_owned(),
    }
}

fn open_on(disk: &Arc<FaultyDisk>) -> Result<Spool, SpoolError> {
    Spool::open_on(
        Arc::new(faulty_disk::Shared(Arc::clone(disk))),
        options(Path::new("")),
    )
}

/// The oldest sealed segment, if there is one now.
async fn sealed_now(spool: &Spool) -> Option<Sealed> {
    tokio::select! {
        biased;
        sealed = spool.next_sealed() => Some(sealed),
        () = std::future::ready(()) => None,
    }
}

/// All payload bytes of a segment, in chunks, and the number of records.
fn read(sealed: &Sealed) -> Result<(Vec<Vec<u8>>, u64), SpoolError> {
    let mut chunks = Vec::new();
    let mut records = 0;
    let mut batches = sealed.chunks(4096);
    while let Some(batch) = batches.next_blocking()? {
        chunks.push(batch.payloads);
        records += batch.records;
    }
    Ok((chunks, records))
}

/// A record that holds its number, can be separated from joined ones, and shows any change.
fn record(number: u64, length: usize) -> Vec<u8> {
    let length = length.max(12);
    let mut record = Vec::with_capacity(length);
    record.extend_from_slice(&(length as u32).to_le_bytes());
    record.extend_from_slice(&number.to_le_bytes());
    record.resize(length, number as u8 ^ 0x5a);
    record
}

/// The numbers of joined [`record`]s, in order.
fn numbers(mut joined: &[u8]) -> Vec<u64> {
    let mut numbers = Vec::new();
    while !joined.is_empty() {
        let length = u32::from_le_bytes(joined[..4].try_into().unwrap()) as usize;
        let number = u64::from_le_bytes(joined[4..12].try_into().unwrap());
        assert_eq!(
            joined[..length],
            record(number, length),
            "a record was changed"
        );
        numbers.push(number);
        joined = &joined[length..];
    }
    numbers
}

/// Appends the records with these numbers, one after the other.
async fn append_all(spool: &Spool, numbers: std::ops::Range<u64>, length: usize) {
    for number in numbers {
        spool.append(record(number, length)).await.unwrap();
    }
}

/// Inserts and deletes all sealed segments, and returns their numbers.
async fn drained(spool: &Spool) -> Vec<u64> {
    let mut store = Store::default();
    store.drain(spool).await;
    store.numbers()
}

/// What ClickHouse would hold: an INSERT with a known token changes nothing, and must carry the
/// same bytes as before.
#[derive(Default)]
struct Store {
    inserted: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Store {
    fn insert(&mut self, id: SegmentId, chunks: Vec<Vec<u8>>) {
        let known = self
            .inserted
            .entry(id.to_string())
            .or_insert_with(|| chunks.clone());
        assert_eq!(*known, chunks, "the same token came with other bytes");
    }

    fn numbers(&self) -> Vec<u64> {
        let joined: Vec<_> = self
            .inserted
            .values()
            .map(|chunks| chunks.concat())
            .collect();
        let mut numbers: Vec<_> = joined.iter().flat_map(|joined| numbers(joined)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Inserts and deletes all sealed segments.
    async fn drain(&mut self, spool: &Spool) {
        while let Some(sealed) = sealed_now(spool).await {
            let (chunks, _) = read(&sealed).unwrap();
            self.insert(sealed.id(), chunks);
            spool.delete(sealed).await.unwrap();
        }
    }
}
