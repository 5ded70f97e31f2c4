//! Tokens that the rules for long ones in `mask` don't find: short random words, keys of known
//! services, credentials by their name, and hexadecimal numbers from 12 digits.

use super::kind::{Finding, Kind};
use super::randomness::{changes, letters_of_words};

/// Prefixes of keys of known services, and the least number of letters and digits behind them.
const KEY_PREFIXES: &[(&str, usize)] = &[
    ("sk_", 10),
    ("pk_", 10),
    ("rk_", 10),
    ("sk-", 16),
    ("whsec_", 10),
    ("cus_", 8),
    ("sub_", 10),
    ("acct_", 8),
    ("pi_", 12),
    ("pm_", 12),
    ("ch_", 12),
    ("cs_", 12),
    ("seti_", 12),
    ("ghp_", 8),
    ("gho_", 8),
    ("ghu_", 8),
    ("ghs_", 8),
    ("ghr_", 8),
    ("github_pat_", 8),
    ("glpat-", 8),
    ("npm_", 12),
    ("pypi-", 12),
    ("shpat_", 8),
    ("dop_v1_", 8),
    ("hf_", 12),
    ("xoxa-", 6),
    ("xoxb-", 6),
    ("xoxe-", 6),
    ("xoxp-", 6),
    ("xoxr-", 6),
    ("xoxs-", 6),
    ("xapp-", 6),
];

/// Prefixes of Amazon's key ids; 16 capitals and digits follow.
const AMAZON_PREFIXES: &[&str] = &["AKIA", "ASIA", "AIDA", "AROA", "AGPA", "ANPA"];

/// Names whose value is a credential, in texts like `;jsessionid=…`.
const CREDENTIAL_NAMES: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "id_token",
    "jsessionid",
    "otp",
    "passwd",
    "password",
    "phpsessid",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "session_id",
    "sessionid",
    "sid",
    "token",
];

/// Length of a word that may be a short token; `mask` finds longer ones.
const SHORT_MIN: usize = 12;
const SHORT_MAX: usize = 19;

/// Appends what it finds.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !is_run(bytes[at]) {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|b| is_run(**b)).count();
        if bytes.get(end) == Some(&b'=') && is_credential(&text[at..end]) {
            let value = end + 1;
            let len = text[value..].find(['&', ';', ' ', '/', '?', '#', ',']);
            let stop = len.map_or(text.len(), |len| value + len);
            // The placeholder itself is not a value, or scrubbing would never settle.
            if stop > value && &text[value..stop] != Kind::Key.placeholder() {
                found.push(Finding::new(value, stop, Kind::Key));
            }
        }
        find_in_run(text, at, end, found);
        at = end;
    }
}

fn is_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_credential(name: &str) -> bool {
    CREDENTIAL_NAMES
        .iter()
        .any(|credential| name.eq_ignore_ascii_case(credential))
}

/// Examines a run of letters, digits, `-` and `_`, and the words in it.
fn find_in_run(text: &str, start: usize, end: usize, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = start;
    while at < end {
        if !bytes[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        if is_key(&text[at..end]) {
            found.push(Finding::new(at, end, Kind::Key));
            return;
        }
        let len = bytes[at..end]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let word = &bytes[at..at + len];
        let kind = match len {
            _ if is_amazon_key(&text[at..at + len]) => Some(Kind::Key),
            12 if is_short_hex(word) => Some(Kind::Mac),
            13..=15 if is_short_hex(word) => Some(Kind::Hex),
            SHORT_MIN..=SHORT_MAX if is_short_token(word) => Some(Kind::Token),
            _ => None,
        };
        found.extend(kind.map(|kind| Finding::new(at, at + len, kind)));
        at += len;
    }
}

/// Whether a run begins like a known service's key and does not continue like a word.
fn is_key(run: &str) -> bool {
    KEY_PREFIXES.iter().any(|(prefix, min)| {
        let Some(tail) = run.strip_prefix(prefix) else {
            return false;
        };
        let has = |is: fn(&u8) -> bool| tail.bytes().any(|b| is(&b));
        let len = tail.bytes().filter(u8::is_ascii_alphanumeric).count();
        let words = tail.split(['-', '_']);
        let class_changes: usize = words.map(|word| changes(word.as_bytes())).sum();
        len >= *min && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && class_changes >= 3
    })
}

fn is_amazon_key(word: &str) -> bool {
    let is_tail = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    word.len() == 20
        && AMAZON_PREFIXES
            .iter()
            .any(|prefix| word.starts_with(prefix))
        && word.bytes().all(is_tail)
}

/// Hexadecimal with both letters and digits: a MAC address without separators, or a short hash.
fn is_short_hex(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_digit)
        && word.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a word of 12 to 19 characters is random: it mixes lower case, capitals and digits (or
/// lower case and digits that alternate nearly everywhere), and little of it looks like a word.
/// `GalaxyS24Ultra` consists of words, `aZ3kP9qLx2VbN7mT` does not.
fn is_short_token(word: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    if !has(u8::is_ascii_digit) || !has(u8::is_ascii_lowercase) {
        return false;
    }
    let changes = changes(word);
    let words = letters_of_words(word);
    if !has(u8::is_ascii_uppercase) {
        return changes * 2 > word.len() && words * 3 < word.len();
    }
    (changes >= 3 && words * 3 < word.len()) || (changes >= 5 && words * 2 < word.len())
}
