//! What looks like an identifier, and its placeholder. Hand-written passes over text in normal
//! form, because this runs for every event; most texts have nothing to find, and `prefilter` settles
//! those.
//!
//! The rules err on the side of masking. What this file knows: e-mail addresses, telephone numbers
//! and postcodes with and without separators, runs of six digits or more (which is every ICCID,
//! IMSI, IMEI, account and order number), UUIDs, hexadecimal from 16 digits, tokens of mixed
//! letters and digits from 20, JWTs, MAC and IP addresses. The other finders are `addresses`,
//! `tokens`, `national`, `coordinates` and `slashed`.

use std::net::Ipv6Addr;

use super::kind::{Finding, Kind};
use super::prefilter::is_suspect;
use super::{addresses, coordinates, national, slashed, tokens};

/// The text with placeholders; `None` when there is nothing to mask.
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

/// Everything in the text that is masked, in order, without overlaps.
pub fn findings(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    addresses::find(text, &mut found);
    tokens::find(text, &mut found);
    national::find(text, &mut found);
    coordinates::find(text, &mut found);
    slashed::find(text, &mut found);
    plain_findings(text, &mut found);
    // Where two overlap, both are masked as what the longer one is.
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
pub(super) fn has_person(text: &str) -> bool {
    let mut found = Vec::new();
    addresses::find(text, &mut found);
    plain_findings(text, &mut found);
    let is_person = |found: &Finding| matches!(found.kind, Kind::Email | Kind::Phone);
    found.iter().any(is_person)
}

/// Appends what is known by its plain form.
fn plain_findings(text: &str, found: &mut Vec<Finding>) {
    let has_at = text.contains('@');
    let bytes = text.as_bytes();
    let (mut at, mut chunk_end) = (0, 0);
    let mut seen = Seen {
        has_colon: text.contains(':'),
        ..Seen::default()
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
        let (end, kind) =
            match long_finding(text, at, &mut seen).or_else(|| word_finding(text, at, word_end)) {
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

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// `+` before a telephone number and `〒` before a postcode go with it.
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

/// What a stretch without spaces is as a whole: an e-mail address, or a number in digits that are
/// not ASCII.
fn chunk_kind(chunk: &str, has_at: bool) -> Option<Kind> {
    if has_at && is_email(chunk) {
        return Some(Kind::Email);
    }
    let is_foreign_digit = |c: &char| !c.is_ascii() && c.is_numeric();
    let is_number = !chunk.is_ascii() && chunk.chars().filter(is_foreign_digit).count() >= 6;
    is_number.then_some(Kind::Number)
}

fn end_of_word(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count()
}

/// Something on both sides of an `@`, and a dot before a letter on the right: `a@b.jp`, not
/// `react@18.2`, not `@name`.
fn is_email(chunk: &str) -> bool {
    chunk.match_indices('@').any(|(at, _)| {
        let has_local = chunk[..at]
            .chars()
            .next_back()
            .is_some_and(|c| !matches!(c, ':' | '=' | ',' | '('));
        let domain = chunk[at + 1..].split('@').next().unwrap_or_default();
        // `icon@2x.png` is an image for sharp screens.
        let is_image = matches!(domain.as_bytes(), [b'1'..=b'4', b'x', b'.', ..]);
        has_local
            && !is_image
            && domain
                .match_indices('.')
                .any(|(dot, _)| domain[dot + 1..].starts_with(char::is_alphabetic))
    })
}

/// What is known while a text is gone through: whether it can hold an IPv6 address, and how far
/// runs and dates reach that have been looked at from their start and let through.
#[derive(Default)]
struct Seen {
    has_colon: bool,
    run_end: usize,
    date_end: usize,
}

/// Findings that span several words, anchored at the start of one.
fn long_finding(text: &str, at: usize, seen: &mut Seen) -> Option<(usize, Kind)> {
    let bytes = text.as_bytes();
    if let Some(end) = uuid_end(bytes, at) {
        return Some((end, Kind::Uuid));
    }
    if let Some(end) = mac_end(bytes, at) {
        return Some((end, Kind::Mac));
    }
    if seen.has_colon
        && let Some(end) = ipv6_end(text, at)
    {
        return Some((end, Kind::Ip));
    }
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if at >= seen.run_end {
        seen.run_end = at + bytes[at..].iter().take_while(|b| is_token(b)).count();
        let run = &bytes[at..seen.run_end];
        if run.starts_with(b"eyJ") && run.len() >= 10 {
            let end = at
                + bytes[at..]
                    .iter()
                    .take_while(|b| is_token(b) || **b == b'.')
                    .count();
            return Some((end, Kind::Jwt));
        }
        if run.len() >= 20 && is_random(run) && !tokens::is_camel_case(run) {
            let title = title_len(&text[at..seen.run_end]);
            if title == 0 {
                return Some((seen.run_end, Kind::Token));
            }
            // What follows the title is looked at by itself when its turn comes.
            seen.run_end = at + title;
        }
    }
    if at < seen.date_end {
        return None;
    }
    digit_cluster(text, at, seen)
}

/// Findings within one word.
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
        20..=80 if tokens::is_camel_case(word) => false,
        20..=40 => is_random(word) || (has_digit && changes(word) >= 3),
        41.. => true,
    };
    is_token.then_some((end, Kind::Token))
}

/// Bytes of a random run that are a title before an identifier which is found by itself:
/// `red-panda-rescued-` of `red-panda-rescued-3f2b1a9c8d7e`. 0 where there is none.
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
    // One word may be chance, unless what follows can't be.
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

fn longest_run(bytes: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let (mut run, mut longest) = (0, 0);
    for &byte in bytes {
        run = if is(byte) { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Whether a run of base64url characters changes its class as often as chance does, and words
/// don't. Runs with many hyphens are slugs, runs without digits camel case, until they change more
/// often than those.
fn is_random(run: &[u8]) -> bool {
    let is_joint = |b: &u8| matches!(b, b'-' | b'_');
    let changes: usize = run.split(is_joint).map(changes).sum();
    let joints = run.iter().filter(|b| is_joint(b)).count();
    let has_digit = run.iter().any(u8::is_ascii_digit);
    let weight = if has_digit && joints * 5 <= run.len() {
        6
    } else {
        4
    };
    changes >= 4 && changes * weight > run.len()
}

/// How often neighbours differ in class (digit, lower, upper), not counting a capital before a
/// small letter.
pub(super) fn changes(word: &[u8]) -> usize {
    let class = |b: u8| {
        if b.is_ascii_digit() {
            0
        } else {
            1 + u8::from(b.is_ascii_uppercase())
        }
    };
    let pairs = word.windows(2).map(|pair| (class(pair[0]), class(pair[1])));
    pairs
        .filter(|pair| pair.0 != pair.1 && *pair != (2, 1))
        .count()
}

/// 8-4-4-4-12 hexadecimal digits, not followed by another letter or digit.
fn uuid_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at + 8) != Some(&b'-') {
        return None;
    }
    let candidate = bytes.get(at..at + 36)?;
    let is_uuid = candidate
        .iter()
        .enumerate()
        .all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    (is_uuid && is_word_end(bytes, at + 36)).then_some(at + 36)
}

/// Six pairs of hexadecimal digits joined by `:` or `-`, or three fours joined by `.`.
fn mac_end(bytes: &[u8], at: usize) -> Option<usize> {
    for (step, len, marks) in [(3, 17, &b":-"[..]), (5, 14, &b"."[..])] {
        let Some(candidate) = bytes.get(at..at + len) else {
            continue;
        };
        let is_mac = candidate.iter().enumerate().all(|(index, byte)| {
            if index % step == step - 1 {
                marks.contains(byte) && *byte == candidate[step - 1]
            } else {
                byte.is_ascii_hexdigit()
            }
        });
        let has_digit = candidate.iter().any(u8::is_ascii_digit) || step == 3;
        if is_mac && has_digit && is_word_end(bytes, at + len) {
            return Some(at + len);
        }
    }
    None
}

/// An IPv6 address of some length, with an IPv4 tail or without; `a::b` alone is too little to be
/// one.
fn ipv6_end(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let len_of = |is: fn(&u8) -> bool| bytes[at..].iter().take_while(|b| is(b)).count();
    let short = len_of(|b| b.is_ascii_hexdigit() || *b == b':');
    let colons = bytes[at..at + short].iter().filter(|b| **b == b':').count();
    let digits = short - colons;
    if colons < 2 || (colons < 3 && digits < 5) {
        return None;
    }
    let long = len_of(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    let runs = [long, short].map(|len| &text[at..at + len]);
    let trimmed = runs.map(|run| run.trim_end_matches(['.', ':']));
    let run = trimmed
        .into_iter()
        .chain(runs)
        .find(|run| run.parse::<Ipv6Addr>().is_ok())?;
    let end = at + run.len();
    (colons >= 3 || is_word_end(bytes, end)).then(|| end_of_word(bytes, end))
}

fn is_word_end(bytes: &[u8], at: usize) -> bool {
    !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

/// Groups of digits joined by separators: telephone numbers, postcodes, IPv4 addresses, card
/// numbers. Dates are let through.
fn digit_cluster(text: &str, at: usize, seen: &mut Seen) -> Option<(usize, Kind)> {
    const GROUPS_MAX: usize = 24;
    let bytes = text.as_bytes();
    let digits_at = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    // Letters may stand before the first group: `tel0312345678`.
    let word_end = end_of_word(bytes, at);
    let letters = bytes[at..word_end]
        .iter()
        .take_while(|b| b.is_ascii_alphabetic())
        .count();
    let first = at + letters;
    if first == word_end {
        return None;
    }
    let mut groups: [(&str, &str); GROUPS_MAX] = [("", ""); GROUPS_MAX];
    let (mut count, mut position, mut total) = (0, first, 0);
    let mut ends = [0; GROUPS_MAX];
    let mut joint = "";
    while count < GROUPS_MAX {
        let len = digits_at(position);
        if len == 0 {
            break;
        }
        groups[count] = (joint, &text[position..position + len]);
        total += len;
        position += len;
        ends[count] = position;
        count += 1;
        let separator = separator_len(&text[position..]);
        if separator == 0 {
            break;
        }
        joint = &text[position..position + separator];
        position += separator;
    }
    if count < 2 {
        return None;
    }
    let groups = &groups[..count];
    let last = ends[count - 1];
    // A letter after the last group belongs to it: `090-1234-5678x`.
    let end = end_of_word(bytes, last);
    let is_byte =
        |group: &(&str, &str)| group.1.len() <= 3 && group.1.parse::<u16>().is_ok_and(|n| n < 256);
    if count >= 4
        && groups[..4].iter().all(is_byte)
        && groups[1..4].iter().all(|group| group.0 == ".")
        && groups.get(4).is_none_or(|group| group.0 != ".")
    {
        return Some((end_of_word(bytes, ends[3]), Kind::Ip));
    }
    if let [(_, area), (joint, block)] = groups
        && area.len() == 3
        && block.len() == 4
        && joint.chars().count() == 1
        && !joint.starts_with(['.', ',', ' ', '+'])
    {
        return Some((end, Kind::Postcode));
    }
    let is_called = text[..first].ends_with('+') && total >= 7;
    if total < 9 && !is_called {
        return None;
    }
    // Between numbers that are nobody's, these stand too: only a telephone number's form counts.
    let is_listed = groups
        .iter()
        .any(|group| group.0.contains(['|', '\\', ';', '&']));
    if is_listed && !(groups[0].1.starts_with('0') && matches!(total, 10 | 11)) {
        return None;
    }
    if is_date(groups) {
        seen.date_end = last;
        return None;
    }
    let is_iccid = total >= 19 && groups[0].1.starts_with("89");
    Some((end, if is_iccid { Kind::Iccid } else { Kind::Phone }))
}

/// Length of what joins two groups of digits: one to three separators with a digit after them.
fn separator_len(rest: &str) -> usize {
    let mut len = 0;
    for c in rest.chars().take(4) {
        if c.is_ascii_digit() {
            return len;
        }
        let is_separator = matches!(
            c,
            ' ' | '-'
                | '.'
                | '_'
                | '('
                | ')'
                | '+'
                | '~'
                | '*'
                | ','
                | ':'
                | '='
                | '|'
                | '\\'
                | ';'
                | '&'
                | '・'
                | 'ー'
                | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30A0}' | '\u{301C}'
        );
        if !is_separator {
            return 0;
        }
        len += c.len_utf8();
    }
    0
}

/// `2024-01-15`, with a time of day or without; or a row of years.
fn is_date(groups: &[(&str, &str)]) -> bool {
    let number = |index: usize| {
        groups
            .get(index)
            .and_then(|group| group.1.parse::<u32>().ok())
    };
    let is_year = |group: &(&str, &str)| {
        group.1.len() == 4 && matches!(group.1.as_bytes(), [b'1', b'9', ..] | [b'2', b'0', ..])
    };
    if groups.iter().all(is_year) {
        return true;
    }
    let starts_with_day = groups.first().is_some_and(is_year)
        && matches!(number(1), Some(1..=12))
        && matches!(number(2), Some(1..=31));
    let rest: usize = groups.iter().skip(3).map(|group| group.1.len()).sum();
    starts_with_day && rest <= 6
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
