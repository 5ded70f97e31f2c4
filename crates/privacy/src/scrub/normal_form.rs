//! The normal form of a text: percent-decoded, NFKC, without control and format characters.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::entities;
use super::settle::ROUNDS_MAX;
use crate::bounds::SCRUBBED_CHARS_MAX;

/// The normal form. `None` if the text still changes after [`ROUNDS_MAX`] rounds.
pub(crate) fn normalise(text: &str) -> Option<Cow<'_, str>> {
    if is_normal(text) {
        return Some(Cow::Borrowed(text));
    }
    let mut now = normalise_once(text);
    for _ in 0..ROUNDS_MAX {
        if is_normal(&now) {
            return Some(Cow::Owned(now));
        }
        let next = normalise_once(&now);
        if next == now {
            return Some(Cow::Owned(now));
        }
        now = next;
    }
    None
}

/// Whether a text is certainly in normal form, without computing it. [`normalise_once`] does not
/// change such a text.
fn is_normal(text: &str) -> bool {
    if text.len() > SCRUBBED_CHARS_MAX || text.contains('%') || entities::has(text) {
        return false;
    }
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
    if text.bytes().all(is_plain) {
        return true;
    }
    let is_kept = |c: char| !is_hidden(c) && (c == ' ' || !c.is_whitespace());
    text.chars().all(is_kept) && is_nfkc_quick(text.chars()) == IsNormalized::Yes
}

fn normalise_once(text: &str) -> String {
    let text = entities::decode(text);
    let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy();
    let visible = decoded.nfkc().filter(|c| !is_hidden(*c));
    let spaced = visible.map(|c| if c.is_whitespace() { ' ' } else { c });
    let mut normal = String::with_capacity(decoded.len());
    normal.extend(spaced.take(SCRUBBED_CHARS_MAX));
    normal
}

/// Invisible characters. They would split an identifier for the rules, but not for a reader.
fn is_hidden(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}
