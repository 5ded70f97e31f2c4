//! Properties of the segment format.

use proptest::prelude::*;

use crate::segment::{
    Checksum, FORMAT_VERSION, Header, HeaderFound, RECORD_BYTES_MAX, RECORD_OVERHEAD_BYTES,
    SegmentId, Step, header_bytes, step,
};

const ID: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

fn id() -> SegmentId {
    SegmentId::from(ID)
}

fn header(schema: &str) -> Header {
    Header {
        id: id(),
        created_ms: 1_700_000_000_000,
        schema: schema.to_owned(),
    }
}

/// A segment, and where each of its records ends.
fn encode(schema: &str, payloads: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let mut bytes = Vec::new();
    header(schema).encode(&mut bytes);
    let mut ends = Vec::new();
    for payload in payloads {
        let offset = bytes.len() as u64;
        Checksum::of(id()).encode(offset, payload, &mut bytes);
        ends.push(bytes.len());
    }
    (bytes, ends)
}

/// The records found from `start` on.
fn decode(bytes: &[u8], start: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut at = start;
    while at < bytes.len() {
        match step(Checksum::of(id()), &bytes[at..], at as u64, true) {
            Step::Record(payload) => {
                found.push(bytes[at + payload.start..at + payload.end].to_vec());
                at += payload.end;
            }
            Step::Damaged(length) => {
                assert!(length > 0, "no progress at {at}");
                at += length;
            }
            Step::More => panic!("nothing follows"),
        }
    }
    found
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..20)
}

proptest! {
    #[test]
    fn a_segment_returns_the_records_written_to_it(schema in ".{0,200}", payloads in payloads()) {
        let (bytes, _) = encode(&schema, &payloads);
        let start = header_bytes(&schema);
        prop_assert_eq!(Header::parse(id(), &bytes), HeaderFound::Ours(header(&schema), start));
        prop_assert_eq!(decode(&bytes, start as usize), payloads);
    }

    #[test]
    fn a_prefix_holds_exactly_its_whole_records(payloads in payloads(), cut: prop::sample::Index) {
        let (bytes, ends) = encode("s", &payloads);
        let start = header_bytes("s") as usize;
        let cut = start + cut.index(bytes.len() - start + 1);
        let whole = ends.iter().take_while(|&&end| end <= cut).count();
        prop_assert_eq!(decode(&bytes[..cut], start), &payloads[..whole]);
    }

    #[test]
    fn a_changed_byte_costs_its_record_and_no_other(
        payloads in payloads(), place: prop::sample::Index, flip in 1u8..,
    ) {
        let (mut bytes, ends) = encode("schema", &payloads);
        let start = header_bytes("schema") as usize;
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        prop_assert_eq!(
            Header::parse(id(), &bytes),
            HeaderFound::Ours(header("schema"), start as u64),
            "either copy of the header will do"
        );
        let mut expected = payloads;
        if place >= start {
            expected.remove(ends.iter().take_while(|&&end| end <= place).count());
        }
        prop_assert_eq!(decode(&bytes, start), expected);
    }

    #[test]
    fn a_lost_range_costs_only_the_records_it_touches(
        payloads in payloads(), from: prop::sample::Index, length in 1usize..700, fill: Option<u8>,
    ) {
        let (whole, ends) = encode("s", &payloads);
        let start = header_bytes("s") as usize;
        let mut bytes = whole.clone();
        let from = start + from.index(bytes.len() - start);
        let to = (from + length).min(bytes.len());
        for (place, byte) in bytes[from..to].iter_mut().enumerate() {
            *byte = fill.unwrap_or(place as u8);
        }
        let mut begin = start;
        let mut expected = Vec::new();
        for (payload, &end) in payloads.iter().zip(&ends) {
            if bytes[begin..end] == whole[begin..end] {
                expected.push(payload.clone());
            }
            begin = end;
        }
        prop_assert_eq!(decode(&bytes, start), expected);
    }

    #[test]
    fn arbitrary_bytes_yield_no_records(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_eq!(decode(&bytes, 0), Vec::<Vec<u8>>::new());
        prop_assert_eq!(Header::parse(id(), &bytes), HeaderFound::Damaged);
    }

    #[test]
    fn a_short_window_asks_for_more_bytes_or_decides_the_same(
        payloads in payloads(), flip: prop::sample::Index, seen: prop::sample::Index,
    ) {
        let (mut bytes, _) = encode("s", &payloads);
        let start = header_bytes("s") as usize;
        let flip = start + flip.index(bytes.len() - start);
        bytes[flip] ^= 1;
        let bytes = &bytes[start..];
        let sum = Checksum::of(id());
        let seen = &bytes[..seen.index(bytes.len())];
        match (step(sum, seen, start as u64, false), step(sum, bytes, start as u64, true)) {
            (Step::More, _) => {}
            (Step::Damaged(early), Step::Damaged(late)) => prop_assert!(early <= late),
            (early, late) => prop_assert_eq!(early, late),
        }
    }
}

#[test]
fn the_longest_record_round_trips() {
    let payloads = vec![vec![7; RECORD_BYTES_MAX], vec![8]];
    let (bytes, _) = encode("", &payloads);
    assert_eq!(decode(&bytes, header_bytes("") as usize), payloads);
}

#[test]
fn a_record_inside_a_payload_is_not_taken_for_one() {
    // A client that knows the format sends a whole record inside a beacon, for every place, and the
    // disk damages the real head.
    let mut forged = Vec::new();
    for offset in 0..200 {
        Checksum::of(SegmentId::from(ID + 1)).encode(offset, b"forged", &mut forged);
    }
    let (mut bytes, _) = encode("", &[forged, b"next".to_vec()]);
    let start = header_bytes("") as usize;
    bytes[start + 1] ^= 1;
    assert_eq!(decode(&bytes, start), [b"next".to_vec()]);
}

#[test]
fn a_record_in_the_wrong_place_is_not_taken_for_one() {
    let (bytes, ends) = encode("", &[b"one".to_vec(), b"two".to_vec(), b"six".to_vec()]);
    let start = header_bytes("") as usize;
    let record = RECORD_OVERHEAD_BYTES + 3;
    let mut moved = bytes.clone();
    moved.copy_within(ends[1]..ends[2], ends[0]);
    assert_eq!(moved[ends[0]..ends[0] + record], bytes[ends[1]..ends[2]]);
    assert_eq!(decode(&moved, start), [b"one".to_vec(), b"six".to_vec()]);
}

#[test]
fn a_header_from_a_later_format_is_recognised_whatever_follows() {
    let mut bytes = b"SILSPOOL".to_vec();
    bytes.extend_from_slice(&(FORMAT_VERSION + 1).to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend_from_slice(b"nobody knows yet");
    assert_eq!(
        Header::parse(id(), &bytes),
        HeaderFound::Newer(FORMAT_VERSION + 1)
    );
    // One flipped bit is damage, not a later version.
    bytes[9] ^= 1;
    assert_eq!(Header::parse(id(), &bytes), HeaderFound::Damaged);
}

#[test]
fn another_segments_header_is_not_taken_for_ours() {
    let (bytes, _) = encode("s", &[]);
    assert_eq!(
        Header::parse(SegmentId::from(ID + 1), &bytes),
        HeaderFound::Damaged
    );
}
