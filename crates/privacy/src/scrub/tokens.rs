//! Tokens that `mask`'s rules for long ones don't see: short random words, keys of known services,
//! credentials by their name, hexadecimal from 12 digits, and addresses in Base64 or Base32.

use super::kind::{Finding, Kind};
use super::mask::{changes, has_person};

/// What keys of known services begin with, and how many letters and digits follow at least.
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

/// Beginnings of Amazon's key ids, of which 16 capitals and digits follow.
const AMAZON_PREFIXES: &[&str] = &["AKIA", "ASIA", "AIDA", "AROA", "AGPA", "ANPA"];

/// Names whose value opens something, in texts like `;jsessionid=…`.
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

/// Letters and digits of a word that is looked at as a short token; `mask` has the longer ones.
const SHORT_MIN: usize = 12;
const SHORT_MAX: usize = 19;
/// Characters of a Base64 text that can hold an address such as `a@b.jp`.
const BASE64_MIN: usize = 8;
/// The same in Base32, for ten characters.
const BASE32_MIN: usize = 16;
/// Characters of an encoded text that are decoded.
const ENCODED_MAX: usize = 2_048;

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
            // What a value becomes is a word of its own, so that this comes to rest.
            if stop > value && &text[value..stop] != Kind::Key.placeholder() {
                found.push(Finding::new(value, stop, Kind::Key));
            }
        }
        find_in_run(text, at, end, found);
        at = end;
    }
    find_encoded(text, found);
}

fn is_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_credential(name: &str) -> bool {
    CREDENTIAL_NAMES
        .iter()
        .any(|credential| name.eq_ignore_ascii_case(credential))
}

/// Looks at a run of letters, digits, `-` and `_`, and at the words in it.
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

/// Whether a run begins as a known service's keys do and goes on as no word does.
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

/// Hexadecimal digits with letters and figures among them: a MAC address without separators, a
/// short hash.
fn is_short_hex(word: &[u8]) -> bool {
    word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_digit)
        && word.iter().any(u8::is_ascii_alphabetic)
}

/// Whether a word of 12 to 19 letters and digits is random: small letters, capitals and figures (or
/// small letters and figures that change at nearly every place), few of which make up something
/// like a word. `GalaxyS24Ultra` consists of words, `aZ3kP9qLx2VbN7mT` does not.
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

/// Whether a long word consists of words that are joined by their capitals: small letters are most
/// of it, and nearly all of it makes up something like words. Of random letters and figures neither
/// is true.
pub(super) fn is_camel_case(word: &[u8]) -> bool {
    let small = word.iter().filter(|b| b.is_ascii_lowercase()).count();
    let capitals = word.iter().filter(|b| b.is_ascii_uppercase()).count();
    capitals >= 2 && small * 2 > word.len() && letters_of_words(word) * 4 > word.len() * 3
}

/// Letters of a word that stand in pieces of three or more with a vowel among them, as `camelCase`
/// is cut.
fn letters_of_words(word: &[u8]) -> usize {
    let (mut sum, mut at) = (0, 0);
    while at < word.len() {
        let start = at;
        let capitals = word[at..]
            .iter()
            .take_while(|b| b.is_ascii_uppercase())
            .count();
        let small = |from: usize| {
            word[from..]
                .iter()
                .take_while(|b| b.is_ascii_lowercase())
                .count()
        };
        at += match (capitals, small(at + capitals)) {
            (0, 0) => 1,
            (0, small) => small,
            (capitals, 0) => capitals,
            (1, small) => 1 + small,
            // `LTEModem`: the last capital begins the next piece.
            (capitals, _) => capitals - 1,
        };
        let piece = &word[start..at];
        let is_vowel = |b: &u8| {
            matches!(
                b.to_ascii_lowercase(),
                b'a' | b'e' | b'i' | b'o' | b'u' | b'y'
            )
        };
        if piece.len() >= 3 && piece[0].is_ascii_alphabetic() && piece.iter().any(is_vowel) {
            sum += piece.len();
        }
    }
    sum
}

/// Decodes what can be Base64 or Base32, and looks for an address or a telephone number in it.
fn find_encoded(text: &str, found: &mut Vec<Finding>) {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/');
    let is_between = |b: u8| matches!(b, b'-' | b'_' | b'+' | b'/');
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let len = bytes[at..].iter().take_while(|b| is_base64(**b)).count();
        if (BASE64_MIN..=ENCODED_MAX).contains(&len) {
            let run = &bytes[at..at + len];
            if encodes_person(run) {
                found.push(Finding::new(
                    at,
                    with_padding(bytes, at + len),
                    Kind::Encoded,
                ));
            } else {
                let mut start = at;
                for part in run.split(|b| is_between(*b)) {
                    let end = start + part.len();
                    if part.len() < len && encodes_person(part) {
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

fn encodes_person(run: &[u8]) -> bool {
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
    (run.len() >= BASE64_MIN && changes(run) >= 2 && decoded_person(run, 6, base64))
        || (run.len() >= BASE32_MIN && decoded_person(run, 5, base32))
}

/// Whether the bytes that a run of digits of `bits` each stands for are a text with a person in it.
fn decoded_person(run: &[u8], bits: u32, digit: impl Fn(u8) -> Option<u8>) -> bool {
    let mut text = String::new();
    let (mut held, mut count) = (0u32, 0);
    for byte in run {
        let Some(value) = digit(*byte) else {
            return false;
        };
        held = held << bits | u32::from(value);
        count += bits;
        if count >= 8 {
            count -= 8;
            // An ordinary word is over here within a few bytes.
            match (held >> count) as u8 {
                byte @ (b' '..=b'~' | b'\t' | b'\n' | b'\r') => text.push(char::from(byte)),
                _ => return false,
            }
        }
        held &= (1 << count) - 1;
    }
    has_person(&text)
}
