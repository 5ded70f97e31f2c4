//! Decodes characters written by number or name: `&#64;`, `&#x40;`, `&commat;` of HTML and `%u0040`
//! of old JavaScript. `normal_form` uses it, so that they cannot hide an address.

use std::borrow::Cow;

/// HTML names that occur in addresses. `amp` is one because `&amp;#64;` is an entity encoded twice.
const NAMED: &[(&str, char)] = &[
    ("commat", '@'),
    ("period", '.'),
    ("lowbar", '_'),
    ("plus", '+'),
    ("amp", '&'),
];
/// Digits of a character's number.
const DIGITS_MAX: usize = 7;

/// Whether a text has an entity.
pub(super) fn has(text: &str) -> bool {
    text.match_indices('&')
        .any(|(at, _)| entity(&text[at..]).is_some())
}

/// The text with entities decoded once.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') && !text.contains("%u") && !text.contains("%U") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '%']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (c, len) = entity(rest)
            .or_else(|| unicode_escape(rest))
            .unwrap_or((if rest.starts_with('&') { '&' } else { '%' }, 1));
        out.push(c);
        rest = &rest[len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of an entity at the start of the text, and the entity's length.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let Some(number) = body.strip_prefix('#') else {
        let (name, c) = NAMED.iter().find(|(name, _)| body.starts_with(name))?;
        let end = 1 + name.len();
        return text[end..].starts_with(';').then_some((*c, end + 1));
    };
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    let len = digits.chars().take_while(|c| c.is_digit(radix)).count();
    if len == 0 || len > DIGITS_MAX {
        return None;
    }
    let c = u32::from_str_radix(&digits[..len], radix)
        .ok()
        .and_then(char::from_u32)?;
    let end = text.len() - digits.len() + len;
    Some((c, end + usize::from(text[end..].starts_with(';'))))
}

/// The character of an escape like `%u0040` at the start, and its length.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let digits = text
        .strip_prefix("%u")
        .or_else(|| text.strip_prefix("%U"))?
        .get(..4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let c = u32::from_str_radix(digits, 16)
        .ok()
        .and_then(char::from_u32)?;
    Some((c, 6))
}
