//! Durable queue of opaque records on disk, between the receipt of a record and its INSERT. In
//! Sillage it lies between `visits` and `store`.
//!
//! # Guarantees
//!
//! - An acknowledged record is on disk: [`Spool::append`] returns after an `fdatasync` that covers
//!   the record.
//! - A record on disk goes into ClickHouse exactly once: a sealed segment never changes, reads as
//!   the same bytes each time, and keeps its random id across restarts. The id is the INSERT's
//!   `insert_deduplication_token`.
//! - No acknowledged record is dropped for lack of space: a full spool refuses new ones
//!   ([`SpoolError::is_transient`], answered with 503).
//! - The spool stores bytes and does not interpret them. Sillage appends anonymous events only.
//! - No input, damage or disk failure causes a panic, or the loss of any record except a damaged
//!   one.
//! - Memory is bounded for any backlog: two batches of 1 MiB, a read window, and under 300 bytes
//!   per segment.
//!
//! # When 202 is sent, and when data may be deleted
//!
//! ```text
//! append ─▶ batch ─▶ one write ─▶ one fdatasync ─▶ 202      … size or age reached ─▶ rename to .sealed, fsync of the folder
//!                                                                                        │
//!              unlink, fsync of the folder ◀── INSERT acknowledged ◀── next_sealed ◀─────┘
//! ```
//! One thread writes. Everything that arrives during a sync is the next batch. The first batch of a
//! segment also syncs the folder before it is acknowledged. A segment is deleted only by
//! [`Spool::delete`], which takes the [`Sealed`]: call it once the INSERT, roll-ups included, is
//! acknowledged and durable on the other side. A `Sealed` that is dropped returns to the queue.
//!
//! A segment is sealed when the next record would not fit, or at its age. While four sealed
//! segments wait, age seals nothing: in an outage segments grow to full size, instead of one small
//! file per second.
//!
//! # What is lost
//!
//! - **`kill -9`**: no acknowledged record. Records whose append had not returned may be durable or
//!   not.
//! - **Power cut**: the same, as long as the disk honours a flush and a torn write damages only
//!   sectors (512 bytes) that were being written with new content. A deletion may be undone; the
//!   segment is then inserted again under its old token.
//! - **Failed write or `fdatasync`**: the appends of that batch fail. Afterwards the kernel may
//!   mark pages as clean that it never wrote, so nothing past the file's last good sync is trusted
//!   and nothing more is written to it: it is sealed with that length in its name, and a new
//!   segment begins. No segment begins before that rename has succeeded. Only a crash before the
//!   rename can bring back records whose append had failed. A client that sends them again uses the
//!   same idempotency key.
//! - **Damage at rest**: the damaged record, also when its head is hit. A segment with both copies
//!   of its header damaged is set aside whole as `.quarantine`. Both are logged and counted, and
//!   neither is fatal.
//!
//! # On disk
//!
//! A folder (0700) with one `lock` and the segments (0600), named as in `name.rs`: the name of a
//! sealed segment holds its length and number of records, so opening reads names and headers, not
//! records. All numbers are little-endian.
//!
//! ```text
//! segment  header, header again, record …                    (zeros may follow the records of an .open segment)
//! header   "SILSPOOL"  version u32  crc32 of these 12 bytes u32                       (this much holds in every version)
//!          id 16 bytes  created, Unix ms, u64  schema length u32  schema  crc32 of all before u32
//! record   payload length u32  crc32 of payload u32  crc32 of (offset u64, the two before) u32  payload
//! ```
//! Both checksums of a record start from the crc32 of the segment's id. A record's length has its
//! own checksum, so a damaged payload costs no search: the length still leads to the next record.
//! If the head is damaged, the reader searches byte by byte for the next intact head. A head is
//! checked against its own offset and against a random id that no client knows, so neither bytes
//! sent in a beacon nor a block that the disk wrote to the wrong place can pass as a record.
//!
//! Zeros are written ahead of the records: as many bytes as the segment is long, at most 1 MiB.
//! Most syncs then change no metadata. On ext4, a write and `fdatasync` of 10 KiB takes 0.21 to
//! 0.26 ms this way (medians of four runs, two busy cores), 0.64 to 0.80 ms with plain appends, and
//! 0.46 to 0.60 ms after `fallocate`, whose extents have to be converted.
//!
//! After a sync, the next batch waits a moment for the clients just answered (`writer.rs`,
//! `Gather`). With 64 tasks that append 150 bytes each as soon as they are answered, the mean batch
//! grows to 60 records and `benches/spool.rs` from 13,300 to 27,800 appends a second: 1.06 times a
//! bare loop that appends and syncs 64 such records at a time, instead of 0.59 times (medians of
//! seven, unoptimised build, two busy cores). Opening ten million events took 0.11 s and 11 MB.
//! Under load, about a millisecond also passes between two writes, unless all expected records have
//! arrived: a sync costs as much processor time as two beacons. Under `benches/load.lua` this gives
//! 42 records per sync instead of 14.
//!
//! # Deliberately not here
//!
//! - **Encryption at rest.** The data is anonymous, stays here for seconds, and is then stored in
//!   ClickHouse in the clear. A key in memory would defeat the spool's purpose, to survive a
//!   restart; a key beside the data would protect nothing.
//! - Deduplication of beacons (`k`), INSERTs, retries: `ingest` and `store`.
//! - **An existing crate.** Reviewed in late 2026: *yaque* 0.6.6 and *commitlog* 0.2.0 call neither
//!   `fsync` nor `fdatasync` (only `File::flush`, which does nothing); *okaywal* 0.3.1 syncs, but
//!   its authors say it is not ready for production, and it reclaims space by checkpoint; *fjall* 3
//!   is a whole LSM tree. None hands out a segment with a stable id that reads as the same bytes
//!   each time, which exactly-once delivery depends on.

#![warn(missing_docs)]

mod batch;
mod chunks;
mod counters;
mod disk;
mod error;
mod group_commit;
mod name;
mod quarantine;
mod reader;
mod recent;
mod recover;
mod sealed;
mod sealed_queue;
mod sealed_segment;
mod segment;
mod segment_writer;
mod shared;
mod spool;
mod stats;
mod writer;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use self::chunks::{Chunk, Chunks};
pub use self::error::{AppendFailed, SpoolError};
pub use self::quarantine::{IsMeant, SetAside, set_aside_in};
pub use self::recent::{RecentRecord, RecentRecords};
pub use self::sealed::Sealed;
pub use self::segment::{RECORD_BYTES_MAX, SCHEMA_BYTES_MAX, SegmentId};
pub use self::spool::{SEGMENT_BYTES_MIN, Spool, SpoolOptions};
pub use self::stats::{SpoolStats, Trouble};
