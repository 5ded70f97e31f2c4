//! Addresses and telephone numbers in Base64 or Base32.

use super::kind::{Finding, Kind};
use super::randomness::changes;

/// Characters of a Base64 text that can hold an address such as `a@b.jp`.
const BASE64_MIN: usize = 8;
/// The same in Base32, for ten characters.
const BASE32_MIN: usize = 16;
/// Characters of an encoded text that are decoded.
const ENCODED_MAX: usize = 2_048;

/// Decodes everything that can be Base64 or Base32, and appends what holds a person's data by
/// `has_person`.
pub(super) fn find(text: &str, has_person: &dyn Fn(&str) -> bool, found: &mut Vec<Finding>) {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/');
    let is_between = |b: u8| matches!(b, b'-' | b'_' | b'+' | b'/');
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let len = bytes[at..].iter().take_while(|b| is_base64(**b)).count();
        if (BASE64_MIN..=ENCODED_MAX).contains(&len) {
            let run = &bytes[at..at + len];
            if encodes_person(run, has_person) {
                found.push(Finding::new(
                    at,
                    with_padding(bytes, at + len),
                    Kind::Encoded,
                ));
            } else {
                let mut start = at;
                for part in run.split(|b| is_between(*b)) {
                    let end = start + part.len();
                    if part.len() < len && encodes_person(part, has_person) {
                        found.push(Finding::new(start, with_padding(bytes, end), Kind::Encoded));
                    }
                    start = end + 1;
                }
            }
        }
        at += len.max(1);
    }
}

fn with_padding(bytes: &[u8], end: usize) -> usize {
    end + bytes[end..]
        .iter()
        .take(6)
        .take_while(|b| **b == b'=')
        .count()
}

fn encodes_person(run: &[u8], has_person: &dyn Fn(&str) -> bool) -> bool {
    let base64 = |b: u8| {
        Some(match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        })
    };
    let base32 = |b: u8| match b.to_ascii_uppercase() {
        b @ b'A'..=b'Z' => Some(b - b'A'),
        b @ b'2'..=b'7' => Some(b - b'2' + 26),
        _ => None,
    };
    let decodes_to_person = |bits, digit: &dyn Fn(u8) -> Option<u8>| {
        decoded(run, bits, digit).is_some_and(|text| has_person(&text))
    };
    (run.len() >= BASE64_MIN && changes(run) >= 2 && decodes_to_person(6, &base64))
        || (run.len() >= BASE32_MIN && decodes_to_person(5, &base32))
}

/// The text that a run of digits of `bits` each encodes; `None` if it is not plain text.
fn decoded(run: &[u8], bits: u32, digit: &dyn Fn(u8) -> Option<u8>) -> Option<String> {
    let mut text = String::new();
    let (mut held, mut count) = (0u32, 0);
    for byte in run {
        let value = digit(*byte)?;
        held = held << bits | u32::from(value);
        count += bits;
        if count >= 8 {
            count -= 8;
            // An ordinary word fails here within a few bytes.
            match (held >> count) as u8 {
                byte @ (b' '..=b'~' | b'\t' | b'\n' | b'\r') => text.push(char::from(byte)),
                _ => return None,
            }
        }
        held &= (1 << count) - 1;
    }
    Some(text)
}
