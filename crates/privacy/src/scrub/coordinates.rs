//! Finds coordinates of a place: `lat=35.6812&lng=139.7671`, `35.6812/139.7671`,
//! `N35.6812 E139.7671`, `35°40'52"N`, and open location codes. `mask` also finds pairs with a
//! comma, as groups of digits.

use super::kind::{Finding, Kind};
use super::randomness::changes;

/// Names before a coordinate.
const NAMES: &[&str] = &[
    "lat",
    "latitude",
    "lng",
    "lon",
    "long",
    "longitude",
    "geo",
    "緯度",
    "経度",
];

/// Decimals of a coordinate without a name: four mean ten metres, and prices and versions have
/// fewer.
const DECIMALS_MIN: usize = 4;
/// Decimals of a coordinate with a name: two mean a kilometre.
const NAMED_DECIMALS_MIN: usize = 2;

const CARDINAL_POINTS: [char; 8] = ['N', 'S', 'E', 'W', 'n', 's', 'e', 'w'];

/// Digits of open location codes (`8Q7XMQJ8+2R`), which locate a place to 14 metres.
const PLUS_CODE_DIGITS: &[u8] = b"23456789CFGHJMPQRVWX";

/// Appends what it finds.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    if text.contains('.') {
        find_named(text, found);
        find_pairs(text, found);
    }
    for (at, _) in text.match_indices('+') {
        if let Some((start, end)) = plus_code(text.as_bytes(), at) {
            found.push(Finding::new(start, end, Kind::Coordinates));
        }
    }
    for (at, sign) in text.match_indices('°') {
        if let Some(end) = minutes_end(text, at + sign.len()) {
            let start = text[..at]
                .trim_end_matches(|c: char| c.is_ascii_digit())
                .len();
            if start < at {
                found.push(Finding::new(start, end, Kind::Coordinates));
            }
        }
    }
}

/// The end and the integer part of a decimal number at the start of the text, with at least
/// `decimals_min` decimals, with or without a cardinal point before or after it.
fn decimal(text: &str, decimals_min: usize) -> Option<(usize, u32)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with(['-', '+']) || is_cardinal_before(text));
    let whole = digits(&text[sign..]);
    let point = sign + whole;
    if !(1..=3).contains(&whole) || !text[point..].starts_with('.') {
        return None;
    }
    let decimals = digits(&text[point + 1..]);
    let end = point + 1 + decimals;
    let degrees: u32 = text[sign..point].parse().ok()?;
    let rest = &text[end..];
    let is_over = |text: &str| !text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let point = usize::from(rest.starts_with(CARDINAL_POINTS) && is_over(&rest[1..]));
    let is_end = is_over(&rest[point..]) || is_cardinal_before(rest);
    (decimals >= decimals_min && is_end && degrees <= 180).then_some((end + point, degrees))
}

/// Whether a text begins like `N35`.
fn is_cardinal_before(text: &str) -> bool {
    text.starts_with(CARDINAL_POINTS) && text.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
}

/// The bounds of an open location code around the `+` at `at`.
fn plus_code(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let is_digit = |byte: &&u8| PLUS_CODE_DIGITS.contains(byte);
    let before = bytes[..at].iter().rev().take_while(is_digit).count();
    let after = bytes[at + 1..].iter().take_while(is_digit).count();
    let (start, end) = (at.checked_sub(before)?, at + 1 + after);
    let is_whole = !start
        .checked_sub(1)
        .is_some_and(|i| bytes[i].is_ascii_alphanumeric())
        && !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    let is_mixed = changes(&bytes[start..at]) >= 2;
    (before == 8 && (2..=5).contains(&after) && is_whole && is_mixed).then_some((start, end))
}

/// Whether a text is exactly one coordinate; for segments of a path.
pub(super) fn is_coordinate(text: &str, is_named: bool) -> bool {
    let min = if is_named {
        NAMED_DECIMALS_MIN
    } else {
        DECIMALS_MIN
    };
    decimal(text, min).is_some_and(|(end, _)| end == text.len())
}

/// Whether a text is the name of a coordinate; for segments of a path.
pub(super) fn is_name(text: &str) -> bool {
    NAMES.iter().any(|name| text.eq_ignore_ascii_case(name))
}

fn find_named(text: &str, found: &mut Vec<Finding>) {
    for (at, sign) in text.match_indices(['=', ':', '-', '_']) {
        // `lat-35.6812`: these signs also join words.
        let decimals_min = if matches!(sign, "=" | ":") {
            NAMED_DECIMALS_MIN
        } else {
            DECIMALS_MIN
        };
        let name = text[..at].trim_end_matches(['"', '\'', ' ']);
        let start = name
            .rfind(|c: char| !c.is_alphanumeric())
            .map_or(0, |last| last + char_len(name, last));
        let value = text[at + sign.len()..].trim_start_matches(['"', '\'', ' ']);
        let begin = text.len() - value.len();
        if is_name(&name[start..])
            && let Some((end, _)) = decimal(value, decimals_min)
        {
            found.push(Finding::new(begin, begin + end, Kind::Coordinates));
        }
    }
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// A latitude and a longitude with separators between them.
fn find_pairs(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let is_sign = matches!(bytes[at], b'-' | b'+')
            || text.is_char_boundary(at) && is_cardinal_before(&text[at..]);
        let is_start = (bytes[at].is_ascii_digit() || is_sign)
            && (at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'.'));
        let Some((end, degrees)) = is_start
            .then(|| decimal(&text[at..], DECIMALS_MIN))
            .flatten()
        else {
            at += 1;
            continue;
        };
        let end = at + end;
        let gap = text[end..]
            .bytes()
            .take(3)
            .take_while(|b| b" ,;/|&_".contains(b))
            .count();
        if (gap > 0 || is_cardinal_before(&text[end..]))
            && degrees <= 90
            && let Some((len, _)) = decimal(&text[end + gap..], DECIMALS_MIN)
        {
            found.push(Finding::new(at, end + gap + len, Kind::Coordinates));
            at = end + gap + len;
        } else {
            at = end;
        }
    }
}

/// The end of minutes, seconds and a cardinal point after a degree sign; `None` without minutes.
fn minutes_end(text: &str, at: usize) -> Option<usize> {
    let number = |from: usize| {
        let from = from + text[from..].bytes().take_while(|b| *b == b' ').count();
        let len = text[from..]
            .bytes()
            .take_while(|b| b.is_ascii_digit() || *b == b'.')
            .count();
        (len > 0).then_some(from + len)
    };
    let minutes = number(at)?;
    let mark = text[minutes..]
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '′' | '’' | '分'))?;
    let mut end = minutes + mark.len_utf8();
    if let Some(seconds) = number(end) {
        let marks = text[seconds..]
            .chars()
            .take(2)
            .take_while(|c| matches!(c, '"' | '″' | '”' | '\'' | '′' | '’' | '秒'));
        end = seconds + marks.map(char::len_utf8).sum::<usize>();
    }
    let point = text[end..].trim_start_matches(' ');
    let spaces = text.len() - end - point.len();
    Some(match point.chars().next() {
        Some('N' | 'S' | 'E' | 'W' | 'n' | 's' | 'e' | 'w')
            if !point[1..].starts_with(char::is_alphanumeric) =>
        {
            end + spaces + 1
        }
        _ => end,
    })
}
