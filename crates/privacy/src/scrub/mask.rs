//! Replaces everything that looks like an identifier by a placeholder. These are hand-written
//! passes over text in normal form, because they run for every event. Most texts have nothing to
//! mask, which `prefilter` decides.
//!
//! In doubt a text is masked. This file finds e-mail addresses, telephone numbers and postcodes
//! with and without separators, runs of six digits or more (every ICCID, IMSI, IMEI, account and
//! order number), UUIDs, hexadecimal from 16 digits, tokens of mixed letters and digits from 20,
//! JWTs, MAC and IP addresses. The other finders are `addresses`, `tokens`, `encoded`, `national`,
//! `coordinates` and `slashed`.

use super::digit_groups::digit_groups;
use super::kind::{Finding, Kind};
use super::prefilter::is_suspect;
use super::randomness::{changes, is_camel_case, is_random};
use super::shapes::{char_len, end_of_word, ipv6_end, is_email, mac_end, uuid_end};
use super::{addresses, coordinates, encoded, national, slashed, tokens};

/// The text with placeholders; `None` if there is nothing to mask.
pub fn mask(text: &str) -> Option<String> {
    if !is_suspect(text) {
        return None;
    }
    let findings = findings(text);
    if findings.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut done = 0;
    for Finding { range, kind } in findings {
        out.push_str(&text[done..range.start]);
        out.push_str(kind.placeholder());
        done = range.end;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Everything in the text that has to be masked, in order, without overlaps.
pub fn findings(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    addresses::find(text, &mut found);
    tokens::find(text, &mut found);
    encoded::find(text, &has_person, &mut found);
    national::find(text, &mut found);
    coordinates::find(text, &mut found);
    slashed::find(text, &mut found);
    plain_findings(text, &mut found);
    // Overlapping findings become one, of the kind of the longer one.
    found.sort_by_key(|found| found.range.start);
    let mut merged: Vec<Finding> = Vec::with_capacity(found.len());
    for next in found {
        match merged.last_mut() {
            Some(last) if next.range.start < last.range.end => {
                if next.range.len() > last.range.len() {
                    last.kind = next.kind;
                }
                last.range.end = last.range.end.max(next.range.end);
            }
            _ => merged.push(next),
        }
    }
    merged
}

/// Whether a decoded text holds an e-mail address or a telephone number.
fn has_person(text: &str) -> bool {
    let mut found = Vec::new();
    addresses::find(text, &mut found);
    plain_findings(text, &mut found);
    let is_person = |found: &Finding| matches!(found.kind, Kind::Email | Kind::Phone);
    found.iter().any(is_person)
}

/// Appends identifiers in plain notation.
fn plain_findings(text: &str, found: &mut Vec<Finding>) {
    let has_at = text.contains('@');
    let bytes = text.as_bytes();
    let (mut at, mut chunk_end) = (0, 0);
    let mut progress = Progress {
        has_colon: text.contains(':'),
        ..Progress::default()
    };
    while at < text.len() {
        if at >= chunk_end {
            let is_gap = |c| matches!(c, ' ' | '/');
            at += text[at..].find(|c| !is_gap(c)).unwrap_or(text.len() - at);
            chunk_end = text[at..].find(is_gap).map_or(text.len(), |len| at + len);
            let kind = chunk_kind(&text[at..chunk_end], has_at);
            if let Some(kind) = kind {
                found.push(Finding::new(at, chunk_end, kind));
                at = chunk_end;
            }
            if at == chunk_end {
                continue;
            }
        }
        if !bytes[at].is_ascii_alphanumeric() {
            let ip = (bytes[at] == b':').then(|| ipv6_end(text, at)).flatten();
            if let Some(end) = ip {
                found.push(Finding::new(at, end, Kind::Ip));
                at = end;
            } else {
                at += char_len(text, at);
            }
            continue;
        }
        let word_end = end_of_word(bytes, at);
        let (end, kind) = match long_finding(text, at, &mut progress)
            .or_else(|| word_finding(text, at, word_end))
        {
            Some((end, kind)) => (end, Some(kind)),
            None => (word_end, None),
        };
        if let Some(kind) = kind {
            let start = with_prefix(text, at, kind);
            found.push(Finding::new(start, end, kind));
        }
        at = end;
    }
}

/// Includes the `+` before a telephone number and the `〒` before a postcode.
fn with_prefix(text: &str, at: usize, kind: Kind) -> usize {
    let prefix = match kind {
        Kind::Phone => '+',
        Kind::Postcode => '〒',
        _ => return at,
    };
    if text[..at].ends_with(prefix) {
        at - prefix.len_utf8()
    } else {
        at
    }
}

/// What a piece of text without spaces is as a whole: an e-mail address, or a number in digits that
/// are not ASCII.
fn chunk_kind(chunk: &str, has_at: bool) -> Option<Kind> {
    if has_at && is_email(chunk) {
        return Some(Kind::Email);
    }
    let is_foreign_digit = |c: &char| !c.is_ascii() && c.is_numeric();
    let is_number = !chunk.is_ascii() && chunk.chars().filter(is_foreign_digit).count() >= 6;
    is_number.then_some(Kind::Number)
}

/// Progress through a text: whether it can hold an IPv6 address, and where the runs and dates end
/// that were examined from their start and are not masked.
#[derive(Default)]
struct Progress {
    has_colon: bool,
    run_end: usize,
    date_end: usize,
}

/// A finding that spans several words and begins at the start of one.
fn long_finding(text: &str, at: usize, progress: &mut Progress) -> Option<(usize, Kind)> {
    let bytes = text.as_bytes();
    if let Some(end) = uuid_end(bytes, at) {
        return Some((end, Kind::Uuid));
    }
    if let Some(end) = mac_end(bytes, at) {
        return Some((end, Kind::Mac));
    }
    if progress.has_colon
        && let Some(end) = ipv6_end(text, at)
    {
        return Some((end, Kind::Ip));
    }
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if at >= progress.run_end {
        progress.run_end = at + bytes[at..].iter().take_while(|b| is_token(b)).count();
        let run = &bytes[at..progress.run_end];
        if run.starts_with(b"eyJ") && run.len() >= 10 {
            let end = at
                + bytes[at..]
                    .iter()
                    .take_while(|b| is_token(b) || **b == b'.')
                    .count();
            return Some((end, Kind::Jwt));
        }
        if run.len() >= 20 && is_random(run) && !is_camel_case(run) {
            let title = title_len(&text[at..progress.run_end]);
            if title == 0 {
                return Some((progress.run_end, Kind::Token));
            }
            // What follows the title is examined on its own later.
            progress.run_end = at + title;
        }
    }
    if at < progress.date_end {
        return None;
    }
    digit_groups(text, at, &mut progress.date_end)
}

/// A finding within one word.
fn word_finding(text: &str, at: usize, end: usize) -> Option<(usize, Kind)> {
    let word = &text.as_bytes()[at..end];
    let digits = longest_run(word, |b| b.is_ascii_digit());
    if digits >= 6 {
        let is_whole = digits == word.len() || (digits + 1 == word.len() && word.ends_with(b"F"));
        let kind = match digits {
            19..=20 if is_whole && word.starts_with(b"89") => Kind::Iccid,
            14..=16 if is_whole => Kind::ImsiOrImei,
            10 | 11 if is_whole && word.starts_with(b"0") => Kind::Phone,
            11 | 12 if is_whole && word.starts_with(b"81") => Kind::Phone,
            12 if is_whole && national::is_my_number(&text[at..end]) => Kind::NationalId,
            _ => Kind::Number,
        };
        return Some((end, kind));
    }
    if word.len() >= 16 && word.iter().all(u8::is_ascii_hexdigit) {
        return Some((end, Kind::Hex));
    }
    let has_digit = word.iter().any(u8::is_ascii_digit);
    let is_token = match word.len() {
        ..20 => false,
        // `OAuth2AuthorizationRequestResolver` consists of words.
        20..=80 if is_camel_case(word) => false,
        20..=40 => is_random(word) || (has_digit && changes(word) >= 3),
        41.. => true,
    };
    is_token.then_some((end, Kind::Token))
}

/// Bytes of a random run that are a title before an identifier that is found on its own:
/// `red-panda-rescued-` of `red-panda-rescued-3f2b1a9c8d7e`. 0 if there is none.
fn title_len(run: &str) -> usize {
    let (mut len, mut words) = (0, 0);
    for part in run.split_inclusive(['-', '_']) {
        let word = part.trim_end_matches(['-', '_']);
        let (first, rest) = word.split_at(word.len().min(1));
        let is_plain = first.bytes().all(|b| b.is_ascii_alphabetic())
            && rest.bytes().all(|b| b.is_ascii_lowercase())
            && word.len() < part.len();
        if !is_plain {
            break;
        }
        len += part.len();
        words += usize::from(word.len() >= 3 && word.contains(['a', 'e', 'i', 'o', 'u', 'y']));
    }
    let identifier = &run[len..];
    // One word may be chance, unless a UUID follows.
    let is_uuid = uuid_end(identifier.as_bytes(), 0) == Some(identifier.len());
    if len == 0 || words < if is_uuid { 1 } else { 2 } {
        return 0;
    }
    let is_whole = |found: &[Finding]| matches!(found, [one] if one.range == (0..identifier.len()));
    if is_whole(&findings(identifier)) {
        len
    } else {
        0
    }
}

/// Length of the longest run of bytes with a property.
fn longest_run(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let (mut run, mut longest) = (0, 0);
    for &byte in bytes {
        run = if is(byte) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

        #[test]
        fn text_passed_by_the_prefilter_has_nothing_to_mask(
            text in "([a-fA-F0-9]{1,4}[-:.]?|[a-z]{1,6}[-_ ./]?|[A-Za-z0-9]{1,5}-?|eyJ|[0-9]{1,3}[-. |]|[A-Z]{1,6}[0-9]{1,4}|sk_|cus_|[(]at[)]| at | dot |[.]jp|[0-9]{1,2}[.][0-9]{4}[ ,/]|lat:|dGFyb0Bl|eC5qcA){1,12}",
        ) {
            prop_assert!(is_suspect(&text) || findings(&text).is_empty(), "{}", text);
        }

        #[test]
        fn findings_are_in_order_without_overlaps_and_on_characters(text in "(\\PC|[0-9]{1,7}|[-+@.: ]|[a-z]{1,4}){0,24}") {
            let mut end = 0;
            for Finding { range, .. } in findings(&text) {
                prop_assert!(end <= range.start && range.start < range.end);
                prop_assert!(text.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }

    #[test]
    fn findings_are_reported_by_kind() {
        for (text, kind) in [
            ("taro@example.jp", Kind::Email),
            ("090-1234-5678", Kind::Phone),
            ("09012345678", Kind::Phone),
            ("819012345678", Kind::Phone),
            ("〒150-0001", Kind::Postcode),
            ("8988280000000000001", Kind::Iccid),
            ("8988280000000000001F", Kind::Iccid),
            ("8988-2800-0000-0000-001", Kind::Iccid),
            ("440101234567890", Kind::ImsiOrImei),
            ("490154203237518", Kind::ImsiOrImei),
            ("1234567", Kind::Number),
            ("550e8400-e29b-41d4-a716-446655440000", Kind::Uuid),
            ("deadbeefdeadbeef", Kind::Hex),
            ("dGhpc2lzYXNlY3JldHRva2VuMTIz", Kind::Token),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc", Kind::Jwt),
            ("00:1B:44:11:3A:B7", Kind::Mac),
            ("2001:db8::1", Kind::Ip),
            ("203.0.113.77", Kind::Ip),
        ] {
            let found = findings(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!(
                (found[0].kind, found[0].range.clone()),
                (kind, 0..text.len()),
                "{text}"
            );
        }
    }
}
