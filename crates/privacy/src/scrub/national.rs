//! Finds national identity numbers whose form differs from product numbers: the Italian *codice
//! fiscale*, numbers of German identity cards, the British National Insurance number, the Indian
//! PAN, Japanese number plates, and digits in kanji. `mask` finds those with six digits in a row,
//! which is most others.

use super::kind::{Finding, Kind};

/// Least number of kanji digits in a row that are a number; years have four.
const KANJI_DIGITS_MIN: usize = 7;

/// Appends what it finds.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let len = bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let word = &bytes[at..at + len];
        if is_codice_fiscale(word) || is_german_id(word) || is_pan(word) {
            found.push(Finding::new(at, at + len, Kind::NationalId));
        } else if len >= 2
            && let Some(end) = national_insurance_end(bytes, at)
        {
            found.push(Finding::new(at, end, Kind::NationalId));
        }
        at += len.max(1);
    }
    if !text.is_ascii() {
        find_kanji_digits(text, found);
        if bytes.iter().any(u8::is_ascii_digit) {
            find_number_plates(text, found);
        }
    }
}

/// Whether twelve digits are a Japanese *My Number*. The last one is the check digit.
pub(super) fn is_my_number(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 12 {
        return false;
    }
    let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 = digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    digits[11] == check
}

/// `L` a letter, `D` a digit.
fn has_shape(word: &[u8], shape: &str) -> bool {
    word.len() == shape.len()
        && word
            .iter()
            .zip(shape.bytes())
            .all(|(byte, class)| match class {
                b'L' => byte.is_ascii_alphabetic(),
                _ => byte.is_ascii_digit(),
            })
}

fn is_codice_fiscale(word: &[u8]) -> bool {
    has_shape(word, "LLLLLLDDLDDLDDDL")
}

/// The fourth letter of a person's PAN is `P`.
fn is_pan(word: &[u8]) -> bool {
    has_shape(word, "LLLLLDDDDL") && word[3] == b'P' && word[..5].iter().all(u8::is_ascii_uppercase)
}

/// Nine characters of the cards' alphabet, mixed unlike product numbers, or ten with a check digit
/// at the end.
fn is_german_id(word: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789CFGHJKLMNPRTVWXYZ";
    if !matches!(word.len(), 9 | 10)
        || !word[0].is_ascii_uppercase()
        || !word.iter().all(|b| ALPHABET.contains(b))
    {
        return false;
    }
    let serial = &word[..9];
    let digits = serial.iter().filter(|b| b.is_ascii_digit()).count();
    let changes = serial
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count();
    let value = |b: u8| {
        u32::from(if b.is_ascii_digit() {
            b - b'0'
        } else {
            b - b'A' + 10
        })
    };
    let sum: u32 = serial
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(b, weight)| value(*b) * weight)
        .sum();
    match word.get(9) {
        None => digits >= 4 && changes >= 5,
        Some(check) => {
            digits >= 4 && changes >= 3 && check.is_ascii_digit() && value(*check) == sum % 10
        }
    }
}

/// The end of `QQ 12 34 56 C`, with spaces or hyphens between all parts.
fn national_insurance_end(bytes: &[u8], at: usize) -> Option<usize> {
    let candidate = bytes.get(at..at + 13)?;
    let is_it = candidate
        .iter()
        .enumerate()
        .all(|(index, byte)| match index {
            0 | 1 => byte.is_ascii_uppercase(),
            2 | 5 | 8 | 11 => matches!(byte, b' ' | b'-'),
            12 => matches!(byte, b'A'..=b'D'),
            _ => byte.is_ascii_digit(),
        });
    let is_end = !bytes.get(at + 13).is_some_and(u8::is_ascii_alphanumeric);
    (is_it && is_end).then_some(at + 13)
}

fn is_kanji_digit(c: char) -> bool {
    matches!(
        c,
        '〇' | '零' | '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九'
    )
}

fn find_kanji_digits(text: &str, found: &mut Vec<Finding>) {
    let (mut start, mut end, mut count) = (0, 0, 0);
    for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
        if is_kanji_digit(c) {
            if count == 0 {
                start = at;
            }
            (count, end) = (count + 1, at + c.len_utf8());
        } else if !(count > 0 && matches!(c, '-' | 'ー' | '・' | ' ') && at == end) {
            if count >= KANJI_DIGITS_MIN {
                found.push(Finding::new(start, end, Kind::Number));
            }
            count = 0;
        }
    }
}

/// `品川300あ1234`: a place, a class of two or three digits, one kana, four digits.
fn find_number_plates(text: &str, found: &mut Vec<Finding>) {
    let is_kanji = |c: char| ('\u{4E00}'..='\u{9FFF}').contains(&c);
    for (at, kana) in text.char_indices() {
        // These kana are not used on number plates.
        if !('あ'..='ん').contains(&kana) || matches!(kana, 'お' | 'し' | 'へ' | 'ん') {
            continue;
        }
        let before = text[..at].trim_end_matches(' ');
        let place = before.trim_end_matches(|c: char| c.is_ascii_digit());
        let class = before.len() - place.len();
        let place = place.trim_end_matches(' ');
        let name = place.chars().rev().take(4).take_while(|c| is_kanji(*c));
        let name: usize = name.map(char::len_utf8).sum();
        let after = &text[at + kana.len_utf8()..];
        let number = after.trim_start_matches(' ');
        let skipped = after.len() - number.len();
        let len = match number.as_bytes() {
            [a, b, b'-', c, d, ..] if [a, b, c, d].iter().all(|b| b.is_ascii_digit()) => 5,
            [a, b, c, d, ..] if [a, b, c, d].iter().all(|b| b.is_ascii_digit()) => 4,
            _ => continue,
        };
        let rest = &number[len..];
        let is_end = !rest.starts_with(|c: char| c.is_ascii_digit() || c == '年');
        if matches!(class, 2 | 3) && name > 0 && is_end {
            let end = at + kana.len_utf8() + skipped + len;
            found.push(Finding::new(place.len() - name, end, Kind::NumberPlate));
        }
    }
}
