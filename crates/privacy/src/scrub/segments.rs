//! Finds identifiers that span several segments of a path: `/090/1234/5678`,
//! `/8988/2800/0000/0000/001`, `/35.6812/139.7671`, `/lat/35.68/lng/139.76`. `mask` finds a path's
//! other identifiers, which lie within one segment.

use super::coordinates::{is_coordinate, is_name};
use super::kind::{Finding, Kind};
use super::national::is_my_number;
use super::slashed;

/// Segments that one number may span.
const SEGMENTS_MAX: usize = 6;

/// The identifiers that span segments, each from the first character of a segment to the last of
/// another.
pub(crate) fn across(path: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if path.bytes().filter(u8::is_ascii_digit).count() < 4 {
        return found;
    }
    let mut segments = Vec::new();
    let mut start = 0;
    for text in path.split('/') {
        segments.push((start, text));
        start += text.len() + 1;
    }
    let mut at = 0;
    while at < segments.len() {
        let (start, count, kind) = match number_at(&segments[at..]) {
            Some((count, kind)) => (at, count, kind),
            None => match coordinates_at(&segments[at..]) {
                Some((skipped, count)) => (at + skipped, count, Kind::Coordinates),
                None => {
                    at += 1;
                    continue;
                }
            },
        };
        let (last, text) = segments[start + count - 1];
        found.push(Finding::new(segments[start].0, last + text.len(), kind));
        at = start + count;
    }
    // With other separators inside the segments: `/090/1234-5678`.
    let mut mixed = Vec::new();
    slashed::find(path, &mut mixed);
    for number in mixed {
        let is_apart = |other: &Finding| {
            number.range.end <= other.range.start || other.range.end <= number.range.start
        };
        if found.iter().all(is_apart) {
            found.push(number);
        }
    }
    found.sort_by_key(|found| found.range.start);
    found
}

/// The number of segments, from the first, that form a number, and its kind.
fn number_at(segments: &[(usize, &str)]) -> Option<(usize, Kind)> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (_, first) = segments[0];
    let has_plus = first.starts_with('+');
    let digits = first.trim_start_matches('+');
    if !is_digits(digits) {
        return None;
    }
    let following = segments[1..].iter().take(SEGMENTS_MAX - 1);
    let more = following.take_while(|(_, text)| is_digits(text)).count();
    (1..=more).rev().find_map(|more| {
        let mut number = digits.to_owned();
        let mut lens = vec![digits.len()];
        for (_, text) in &segments[1..=more] {
            number.push_str(text);
            lens.push(text.len());
        }
        number_kind(&number, &lens, has_plus).map(|kind| (more + 1, kind))
    })
}

/// The kind of a number in several segments; `lens` are the lengths of the segments.
fn number_kind(number: &str, lens: &[usize], has_plus: bool) -> Option<Kind> {
    // A number in groups of four: of a card, a SIM or a person. A list of years is not a number.
    let (last, groups) = lens.split_last()?;
    let is_grouped = groups.len() >= 2 && groups.iter().all(|len| *len == 4) && *last <= 4;
    let is_year = |group: &[u8]| matches!(group, [b'1', b'9', ..] | [b'2', b'0', ..]);
    if is_grouped && number.as_bytes().chunks(4).all(is_year) {
        return None;
    }
    if is_grouped && number.len() >= 19 && number.starts_with("89") {
        return Some(Kind::Iccid);
    }
    if is_grouped && number.len() == 12 && is_my_number(number) {
        return Some(Kind::NationalId);
    }
    if is_grouped && number.len() >= 14 && is_luhn(number) && !number.starts_with(['0', '1', '2']) {
        return Some(Kind::Number);
    }
    let is_national = number.starts_with('0') && matches!(number.len(), 10 | 11);
    let is_international = has_plus && (9..=15).contains(&number.len());
    let is_phone = (is_national && lens.len() <= 4) || is_international;
    is_phone.then_some(Kind::Phone)
}

/// Whether the check digit of a card number is right.
fn is_luhn(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| match u32::from(byte - b'0') {
            digit if index % 2 == 0 => digit,
            digit if digit >= 5 => digit * 2 - 9,
            digit => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Coordinates at the first segment: segments to skip, and segments they span.
fn coordinates_at(segments: &[(usize, &str)]) -> Option<(usize, usize)> {
    let (_, first) = segments[0];
    let (_, second) = segments.get(1)?;
    if is_coordinate(first, false) && is_coordinate(second, false) {
        Some((0, 2))
    } else if is_name(first) && is_coordinate(second, true) {
        Some((1, 1))
    } else {
        None
    }
}
