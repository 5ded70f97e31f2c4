//! The bytes of a segment. Pure: no disk and no clock. The layout is drawn in the
//! [crate's documentation](crate).
//!
//! Invariants: a record is accepted only if two checksums agree. Both are keyed with the segment's
//! random id and one with the record's place, so neither bytes chosen by a client nor a block
//! written to the wrong place can pass as a record. Stepping over arbitrary bytes terminates and
//! never panics.

use std::fmt;
use std::ops::Range;

/// Bytes of one record's payload: 16 KiB. The longest event row of Sillage is shorter.
pub const RECORD_BYTES_MAX: usize = 16 << 10;
/// Bytes of a schema tag: 4 KiB.
pub const SCHEMA_BYTES_MAX: usize = 4 << 10;
/// Bytes of a record besides its payload.
pub(super) const RECORD_OVERHEAD_BYTES: usize = 12;
/// The format this version writes, and the newest it reads.
pub(super) const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"SILSPOOL";
const PREFIX_BYTES: usize = 16;
const COPY_FIXED_BYTES: usize = 48;
/// Longest header, both copies.
pub(super) const HEADER_BYTES_MAX: usize = 2 * (COPY_FIXED_BYTES + SCHEMA_BYTES_MAX);

/// Id of a segment: random, created once, the same across restarts. It is the
/// `insert_deduplication_token` of the segment's INSERT. Shown as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentId(u128);

impl SegmentId {
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(u128::from_le_bytes(bytes)))
    }

    pub(super) fn parse(hex: &str) -> Option<Self> {
        (hex.len() == 32).then(|| u128::from_str_radix(hex, 16).ok().map(Self))?
    }
}

impl From<u128> for SegmentId {
    fn from(id: u128) -> Self {
        Self(id)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The header at the start of a segment. It is written twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub id: SegmentId,
    /// Unix milliseconds by the wall clock: for display and ages, never for order.
    pub created_ms: u64,
    pub schema: String,
}

/// Result of reading a header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HeaderFound {
    /// A valid header, and where the first record starts.
    Ours(Header, u64),
    /// An undamaged header prefix of a later format.
    Newer(u32),
    /// Neither copy is whole.
    Damaged,
}

/// Bytes of a header with this schema, both copies.
pub(super) fn header_bytes(schema: &str) -> u64 {
    2 * (COPY_FIXED_BYTES + schema.len()) as u64
}

impl Header {
    /// Appends both copies to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&out[start..]).to_le_bytes());
        out.extend_from_slice(&self.id.0.to_le_bytes());
        out.extend_from_slice(&self.created_ms.to_le_bytes());
        out.extend_from_slice(&(self.schema.len() as u32).to_le_bytes());
        out.extend_from_slice(self.schema.as_bytes());
        out.extend_from_slice(&crc32fast::hash(&out[start..]).to_le_bytes());
        out.extend_from_within(start..);
    }

    /// Reads the header of segment `id` from the first bytes of its file (give it
    /// [`HEADER_BYTES_MAX`] of them, or all).
    pub fn parse(id: SegmentId, bytes: &[u8]) -> HeaderFound {
        let mut newer = None;
        for start in 0..bytes.len().min(HEADER_BYTES_MAX) {
            match parse_copy(&bytes[start..]) {
                Some(Copy::Whole(header, copy_bytes))
                    // The first copy is at 0, the second at its own length.
                    if header.id == id && (start == 0 || start == copy_bytes) =>
                {
                    return HeaderFound::Ours(header, 2 * copy_bytes as u64);
                }
                Some(Copy::Newer(version)) if start == 0 => newer = Some(version),
                _ => {}
            }
        }
        newer.map_or(HeaderFound::Damaged, HeaderFound::Newer)
    }
}

enum Copy {
    Whole(Header, usize),
    Newer(u32),
}

fn parse_copy(bytes: &[u8]) -> Option<Copy> {
    let prefix = bytes.get(..PREFIX_BYTES)?;
    if prefix[..8] != MAGIC || crc32fast::hash(&prefix[..12]) != u32_at(prefix, 12) {
        return None;
    }
    let version = u32_at(prefix, 8);
    if version > FORMAT_VERSION {
        return Some(Copy::Newer(version));
    }
    let id = SegmentId(u128::from_le_bytes(bytes.get(16..32)?.try_into().ok()?));
    let created_ms = u64::from_le_bytes(bytes.get(32..40)?.try_into().ok()?);
    let schema_bytes = u32_at(bytes.get(..44)?, 40) as usize;
    if schema_bytes > SCHEMA_BYTES_MAX {
        return None;
    }
    let end = 44 + schema_bytes;
    let whole = bytes.get(..end + 4)?;
    if crc32fast::hash(&whole[..end]) != u32_at(whole, end) {
        return None;
    }
    let schema = String::from_utf8(whole[44..end].to_vec()).ok()?;
    let header = Header {
        id,
        created_ms,
        schema,
    };
    Some(Copy::Whole(header, end + 4))
}

/// The checksums of one segment's records.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checksum(u32);

impl Checksum {
    pub fn of(id: SegmentId) -> Self {
        Self(crc32fast::hash(&id.0.to_le_bytes()))
    }

    /// Appends a record that will start at byte `offset` of its segment.
    pub fn encode(self, offset: u64, payload: &[u8], out: &mut Vec<u8>) {
        let length = (payload.len() as u32).to_le_bytes();
        let payload_sum = self.payload(payload).to_le_bytes();
        out.extend_from_slice(&length);
        out.extend_from_slice(&payload_sum);
        out.extend_from_slice(&self.head(offset, length, payload_sum).to_le_bytes());
        out.extend_from_slice(payload);
    }

    fn payload(self, payload: &[u8]) -> u32 {
        let mut sum = crc32fast::Hasher::new_with_initial(self.0);
        sum.update(payload);
        sum.finalize()
    }

    fn head(self, offset: u64, length: [u8; 4], payload_sum: [u8; 4]) -> u32 {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&offset.to_le_bytes());
        bytes[8..12].copy_from_slice(&length);
        bytes[12..].copy_from_slice(&payload_sum);
        let mut sum = crc32fast::Hasher::new_with_initial(self.0);
        sum.update(&bytes);
        sum.finalize()
    }

    /// Length of the payload if `head` is the head of a record at `offset`; `head` is long enough.
    fn payload_bytes(self, offset: u64, head: &[u8]) -> Option<usize> {
        let length = u32_at(head, 0);
        // The cheap test comes first: while searching, nearly every place fails here.
        if length == 0 || length as usize > RECORD_BYTES_MAX {
            return None;
        }
        let payload_sum = u32_at(head, 4).to_le_bytes();
        (self.head(offset, length.to_le_bytes(), payload_sum) == u32_at(head, 8))
            .then_some(length as usize)
    }
}

/// What a window onto a segment begins with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A whole record: the range of its payload in the window. The next step starts at its end.
    Record(Range<usize>),
    /// This many bytes are not a record. The next step starts behind them.
    Damaged(usize),
    /// More bytes are needed to decide.
    More,
}

/// Looks at the start of `window`, which begins at byte `offset` of the segment; `is_last` says
/// that nothing follows it.
///
/// If the head of a record is intact, its length leads to the next record, whatever its payload is.
/// If not, the next place is searched whose head is intact *for that place*.
pub(super) fn step(sum: Checksum, window: &[u8], offset: u64, is_last: bool) -> Step {
    if window.len() < RECORD_OVERHEAD_BYTES {
        return if is_last {
            Step::Damaged(window.len())
        } else {
            Step::More
        };
    }
    if let Some(length) = sum.payload_bytes(offset, window) {
        let end = RECORD_OVERHEAD_BYTES + length;
        return match window.get(RECORD_OVERHEAD_BYTES..end) {
            Some(payload) if sum.payload(payload) == u32_at(window, 4) => {
                Step::Record(RECORD_OVERHEAD_BYTES..end)
            }
            Some(_) => Step::Damaged(end),
            None if is_last => Step::Damaged(window.len()),
            None => Step::More,
        };
    }
    let places = window.len() - RECORD_OVERHEAD_BYTES + 1;
    let next = (1..places).find(|&place| {
        let at = offset + place as u64;
        sum.payload_bytes(at, &window[place..]).is_some()
    });
    match next {
        Some(place) => Step::Damaged(place),
        None if is_last => Step::Damaged(window.len()),
        None => Step::Damaged(places),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}
