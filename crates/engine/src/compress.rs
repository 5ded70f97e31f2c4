//! ClickHouse's block framing around LZ4, reading and writing: `decompress=1` and `compress=1` in
//! the URL.
//!
//! A block is: CityHash128 (v1.0.2, 16 bytes little-endian, low half first) over the rest of the
//! block · method byte · compressed size with these nine bytes, u32 LE · uncompressed size, u32 LE
//! · payload. Methods here: `0x82` LZ4 and `0x02` none. Pure; no IO. Sizes are bounded before
//! anything is allocated.

use bytes::{Buf, Bytes, BytesMut};

const METHOD_LZ4: u8 = 0x82;
const METHOD_NONE: u8 = 0x02;
const CHECKSUM_BYTES: usize = 16;
/// Method, compressed size, uncompressed size.
const HEADER_BYTES: usize = 9;
/// Uncompressed bytes of a written block; the same as ClickHouse's.
const WRITE_BLOCK_BYTES: usize = 1 << 20;
/// Largest block that is accepted, compressed or not; ClickHouse allows 1 GiB, its clients send
/// about 1 MiB.
pub const READ_BLOCK_BYTES_MAX: usize = 64 << 20;

/// Why a compressed body is refused. Each text begins like ClickHouse's, so that clients find the
/// code in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompressError {
    #[error(
        "Code: 40. DB::Exception: Checksum doesn't match: corrupted data. (CHECKSUM_DOESNT_MATCH)"
    )]
    Checksum,
    #[error(
        "Code: 89. DB::Exception: Unknown compression method {0:#04x}; LZ4 and none are read here. (UNKNOWN_COMPRESSION_METHOD)"
    )]
    Method(u8),
    #[error(
        "Code: 49. DB::Exception: Compressed block of {0} bytes; at most {READ_BLOCK_BYTES_MAX} are read. (TOO_LARGE_SIZE_COMPRESSED)"
    )]
    TooLarge(usize),
    #[error(
        "Code: 271. DB::Exception: Cannot decompress: the block is not what its header says. (CANNOT_DECOMPRESS)"
    )]
    Payload,
    #[error(
        "Code: 33. DB::Exception: Cannot read all data: the compressed body ends inside a block. (CANNOT_READ_ALL_DATA)"
    )]
    Truncated,
}

/// `data` as blocks of at most 1 MiB each; no block for no data.
pub fn compress(data: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    for block in data.chunks(WRITE_BLOCK_BYTES) {
        let payload = lz4_flex::block::compress(block);
        let mut framed = Vec::with_capacity(HEADER_BYTES + payload.len());
        framed.push(METHOD_LZ4);
        framed.extend_from_slice(&((HEADER_BYTES + payload.len()) as u32).to_le_bytes());
        framed.extend_from_slice(&(block.len() as u32).to_le_bytes());
        framed.extend_from_slice(&payload);
        out.extend_from_slice(&checksum(&framed));
        out.extend_from_slice(&framed);
    }
    out.freeze()
}

/// Takes compressed bytes cut anywhere and returns whole uncompressed blocks. Buffers at most one
/// block.
#[derive(Default)]
pub struct Decompressor {
    pending: BytesMut,
}

impl Decompressor {
    /// Adds received bytes.
    pub fn push(&mut self, received: &[u8]) {
        self.pending.extend_from_slice(received);
    }

    /// The next block, once all of it was received.
    ///
    /// # Errors
    /// A block that is too large, of an unknown method, damaged or malformed.
    pub fn next_block(&mut self) -> Result<Option<Bytes>, CompressError> {
        let Some(head) = self.pending.get(..CHECKSUM_BYTES + HEADER_BYTES) else {
            return Ok(None);
        };
        let size_at = |at: usize| {
            u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
        };
        let (method, compressed, uncompressed) = (head[CHECKSUM_BYTES], size_at(17), size_at(21));
        if let Some(size) = [compressed, uncompressed]
            .into_iter()
            .find(|size| *size > READ_BLOCK_BYTES_MAX)
        {
            return Err(CompressError::TooLarge(size));
        }
        if compressed < HEADER_BYTES {
            return Err(CompressError::Payload);
        }
        let Some(framed) = self
            .pending
            .get(CHECKSUM_BYTES..CHECKSUM_BYTES + compressed)
        else {
            return Ok(None);
        };
        if checksum(framed) != self.pending[..CHECKSUM_BYTES] {
            return Err(CompressError::Checksum);
        }
        let payload = &framed[HEADER_BYTES..];
        let block = match method {
            METHOD_LZ4 => lz4_flex::block::decompress(payload, uncompressed)
                .map_err(|_| CompressError::Payload)?,
            METHOD_NONE => payload.to_vec(),
            unknown => return Err(CompressError::Method(unknown)),
        };
        if block.len() != uncompressed {
            return Err(CompressError::Payload);
        }
        self.pending.advance(CHECKSUM_BYTES + compressed);
        Ok(Some(block.into()))
    }

    /// Checks that the bytes end at the end of a block.
    ///
    /// # Errors
    /// [`CompressError::Truncated`].
    pub fn finish(&self) -> Result<(), CompressError> {
        if self.pending.is_empty() {
            Ok(())
        } else {
            Err(CompressError::Truncated)
        }
    }
}

fn checksum(framed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    // The crate returns the first half of the hash in the high bits, ClickHouse writes it first.
    cityhash_rs::cityhash_102_128(framed)
        .rotate_right(64)
        .to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(mut compressed: &[u8], step: usize) -> Result<Vec<u8>, CompressError> {
        let (mut reader, mut out) = (Decompressor::default(), Vec::new());
        while !compressed.is_empty() {
            let (now, later) = compressed.split_at(step.min(compressed.len()));
            reader.push(now);
            while let Some(block) = reader.next_block()? {
                out.extend_from_slice(&block);
            }
            compressed = later;
        }
        reader.finish().map(|()| out)
    }

    #[test]
    fn compressed_data_is_read_back_however_it_is_split() {
        let data: Vec<u8> = (0..WRITE_BLOCK_BYTES * 2 + 17)
            .map(|i| (i * i / 7) as u8)
            .collect();
        for length in [0, 1, 15, WRITE_BLOCK_BYTES, data.len()] {
            let compressed = compress(&data[..length]);
            for step in [7_919, compressed.len().max(1)] {
                assert_eq!(
                    read_all(&compressed, step).as_deref(),
                    Ok(&data[..length]),
                    "{length} bytes by {step}"
                );
            }
        }
    }

    #[test]
    fn a_block_without_compression_is_read() {
        let framed = [0x02, 11, 0, 0, 0, 2, 0, 0, 0, b'1', b'\n'];
        let mut reader = Decompressor::default();
        reader.push(&checksum(&framed));
        reader.push(&framed);
        assert_eq!(reader.next_block(), Ok(Some(Bytes::from_static(b"1\n"))));
    }

    #[test]
    fn damaged_blocks_are_refused() {
        let good = compress(b"rows and rows and rows").to_vec();
        let flip = |at: usize| {
            let mut bad = good.clone();
            bad[at] ^= 1;
            bad
        };
        assert_eq!(read_all(&flip(0), 9), Err(CompressError::Checksum));
        assert_eq!(
            read_all(&flip(good.len() - 1), 9),
            Err(CompressError::Checksum)
        );
        assert_eq!(
            read_all(&good[..good.len() - 1], 9),
            Err(CompressError::Truncated)
        );
    }

    #[test]
    fn an_oversized_block_is_refused_before_it_is_allocated() {
        let head = |size: usize| {
            let mut block = vec![0; CHECKSUM_BYTES];
            block.push(METHOD_LZ4);
            block.extend_from_slice(&20_u32.to_le_bytes());
            block.extend_from_slice(&(size as u32).to_le_bytes());
            block
        };
        let next = |bytes: &[u8]| {
            let mut reader = Decompressor::default();
            reader.push(bytes);
            reader.next_block()
        };
        assert_eq!(next(&head(READ_BLOCK_BYTES_MAX)), Ok(None));
        assert_eq!(
            next(&head(READ_BLOCK_BYTES_MAX + 1)),
            Err(CompressError::TooLarge(READ_BLOCK_BYTES_MAX + 1))
        );
    }

    proptest::proptest! {
        #[test]
        fn reading_arbitrary_bytes_never_panics(bytes: Vec<u8>, step in 1_usize..64) {
            let _ = read_all(&bytes, step);
        }

        #[test]
        fn any_bytes_survive_the_round_trip(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(read_all(&compress(&bytes), 11), Ok(bytes));
        }
    }
}
