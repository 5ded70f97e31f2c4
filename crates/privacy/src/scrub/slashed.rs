//! Finds telephone numbers with `/` between their groups, as in Germany and Austria
//! (`0170/123 45 67`), and as segments of a path inside a text (`/tel/090/1234/5678`). `mask` finds
//! those with other separators.

use super::kind::{Finding, Kind};

/// Appends what it finds.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    if !text.contains('/') {
        return;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let is_start = matches!(bytes[at], b'0' | b'+')
            && !at
                .checked_sub(1)
                .is_some_and(|before| is_inside(bytes[before]));
        match is_start.then(|| number_end(bytes, at)).flatten() {
            Some(end) => {
                found.push(Finding::new(at, end, Kind::Phone));
                at = end;
            }
            None => at += 1,
        }
    }
}

/// Characters after which a number does not begin.
fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_')
}

/// The end of the longest number that begins at `at` and has a `/` among its separators.
fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let has_plus = bytes[at] == b'+';
    let mut next = at + usize::from(has_plus);
    let (mut digits, mut groups, mut first, mut has_slash) = (0, 0, 0, false);
    let mut longest = None;
    loop {
        let len = bytes[next..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let end = next + len;
        if len == 0 || bytes.get(end).is_some_and(u8::is_ascii_alphabetic) {
            return longest;
        }
        (digits, groups) = (digits + len, groups + 1);
        if groups == 1 {
            first = len;
        }
        let is_national = (3..=5).contains(&first)
            && match digits {
                // `001/002/003` is a position in a list.
                8 | 9 => groups == 2,
                10 | 11 => true,
                _ => false,
            };
        let is_number = if has_plus {
            (9..=15).contains(&digits)
        } else {
            is_national
        };
        if has_slash && is_number {
            longest = Some(end);
        }
        let (joint, is_slash) = joint(&bytes[end..]);
        if joint == 0 {
            return longest;
        }
        has_slash |= is_slash;
        next = end + joint;
    }
}

/// Bytes of the separator between two groups, and whether it is a `/`. Spaces may surround it.
fn joint(bytes: &[u8]) -> (usize, bool) {
    let spaces = |bytes: &[u8]| usize::from(bytes.first() == Some(&b' '));
    let before = spaces(bytes);
    match bytes.get(before) {
        Some(mark @ (b'/' | b'-' | b'.')) => {
            let after = spaces(&bytes[before + 1..]);
            (before + 1 + after, *mark == b'/')
        }
        _ => (before, false),
    }
}

#[cfg(test)]
mod tests {
    use crate::scrub::{ScrubRules, label, path};

    #[test]
    fn telephone_numbers_with_slashes_are_masked_in_texts_and_paths() {
        for (given, expected) in [
            ("0170/123 45 67", ":phone"),
            ("Tel 0170/1234567!", "Tel :phone!"),
            ("089/123456", ":phone"),
            ("0170 / 12 34-567", ":phone"),
            ("090/1234/5678", ":phone"),
            ("+81/90/1234/5678", ":phone"),
            ("call 0664/123.4567 or mail", "call :phone or mail"),
        ] {
            assert_eq!(label(given, 500), expected, "{given}");
        }
        let of_page = |text| path(text, &ScrubRules::default());
        assert_eq!(of_page("/tel/090/1234-5678/x"), "/tel/:phone/x");
        assert_eq!(of_page("/0170/123-45-67"), "/:phone");
    }

    #[test]
    fn dates_fractions_and_lists_with_slashes_are_kept() {
        for text in [
            "01/02/2024",
            "01/02/2024 10",
            "001/002/003",
            "0/1",
            "0.5/10",
            "24/7",
            "2024/05/17",
            "09/2024 - 12/2024",
            "100/200/300",
        ] {
            assert_eq!(label(text, 500), text);
        }
        for text in ["/2024/01/02/title", "/docs/001/002/003", "/0/12/345"] {
            assert_eq!(path(text, &ScrubRules::default()), text);
        }
    }
}
