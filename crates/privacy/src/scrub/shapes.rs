//! Identifiers with a fixed shape: e-mail addresses, UUIDs, MAC and IPv6 addresses.

use std::net::Ipv6Addr;

/// Something on both sides of an `@`, and a dot before a letter on the right: `a@b.jp`, not
/// `react@18.2`, not `@name`.
pub(super) fn is_email(chunk: &str) -> bool {
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

/// The end of 8-4-4-4-12 hexadecimal digits, not followed by another letter or digit.
pub(super) fn uuid_end(bytes: &[u8], at: usize) -> Option<usize> {
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

/// The end of six pairs of hexadecimal digits joined by `:` or `-`, or three groups of four joined
/// by `.`.
pub(super) fn mac_end(bytes: &[u8], at: usize) -> Option<usize> {
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

/// The end of an IPv6 address, with or without an IPv4 tail. `a::b` alone is too short to be one.
pub(super) fn ipv6_end(text: &str, at: usize) -> Option<usize> {
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

/// Bytes of the character at `at`.
pub(super) fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// End of the letters and digits from `at`.
pub(super) fn end_of_word(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..]
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric())
        .count()
}
