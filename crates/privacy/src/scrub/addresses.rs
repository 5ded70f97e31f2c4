//! Finds disguised e-mail addresses: with spaces around the `@`, with `(at)` or ` at … dot ` in
//! words, with the `=40` of quoted-printable, with the Japanese full stop or a comma for the dot,
//! or on hosts without a dot.
//!
//! `mask` finds the plain form. `normal_form` has already decoded `&#64;`, `%u0040` and full-width
//! forms.

use super::kind::{Finding, Kind};

/// Hosts without a dot that are used in addresses.
const DOTLESS_HOSTS: &[&str] = &[
    "localhost",
    "localdomain",
    "intranet",
    "internal",
    "corp",
    "lan",
];

/// Endings of file names: `=40px.jpg` is not an address.
const FILE_ENDINGS: &[&str] = &[
    "avif", "bmp", "css", "csv", "gif", "htm", "html", "ico", "jpeg", "jpg", "js", "json", "mp3",
    "mp4", "pdf", "php", "png", "svg", "txt", "webm", "webp", "xml", "zip",
];

/// `look at the dot` is not an address.
const ARTICLES: &[&str] = &[
    "a", "an", "each", "every", "its", "my", "our", "that", "the", "this", "your",
];

/// Spaces allowed between the parts.
const GAP_MAX: usize = 3;

/// Appends what it finds.
pub(super) fn find(text: &str, found: &mut Vec<Finding>) {
    let is_sign = |b: u8| matches!(b, b'@' | b'=' | b'(' | b'[' | b'{' | b'<' | b' ');
    if !text.bytes().any(is_sign) {
        return;
    }
    for (at, mark) in text.match_indices('@') {
        push(text, at, at + mark.len(), Rule::At, found);
    }
    for (at, _) in text.match_indices("=40") {
        push(text, at, at + 3, Rule::QuotedPrintable, found);
    }
    for (at, _) in text.match_indices(['(', '[', '{', '<']) {
        if let Some(end) =
            bracketed_word(text, at, &["at", "@", "アット", "アットマーク", "あっと"])
        {
            push(text, at, end, Rule::At, found);
        }
    }
    for (at, space) in text.match_indices(' ') {
        let after = at + space.len();
        if starts_with_word(&text[after..], "at ") {
            push(text, at, after + 3, Rule::Words, found);
        }
    }
}

/// How an `@` was written. It decides how strict the rules for its neighbours are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    At,
    QuotedPrintable,
    Words,
}

/// Appends the address around the `@` at `at..end`.
fn push(text: &str, at: usize, end: usize, rule: Rule, found: &mut Vec<Finding>) {
    let gap = if rule == Rule::QuotedPrintable {
        0
    } else {
        GAP_MAX
    };
    let Some(start) = local_start(text, at, gap) else {
        return;
    };
    let Some(domain) = domain(text, skip_spaces(text, end, gap)) else {
        return;
    };
    let is_address = match rule {
        Rule::At => true,
        Rule::QuotedPrintable => !FILE_ENDINGS
            .iter()
            .any(|ending| domain.last.eq_ignore_ascii_case(ending)),
        Rule::Words => {
            domain.has_worded_dot
                && !ARTICLES
                    .iter()
                    .any(|word| domain.first.eq_ignore_ascii_case(word))
        }
    };
    if is_address {
        found.push(Finding::new(start, domain.end, Kind::Email));
    }
}

fn skip_spaces(text: &str, from: usize, max: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.bytes().take(max).take_while(|b| *b == b' ').count()
}

/// Start of the part before the `@`; `None` if there is none.
fn local_start(text: &str, at: usize, gap: usize) -> Option<usize> {
    let spaces = text[..at]
        .bytes()
        .rev()
        .take(gap)
        .take_while(|b| *b == b' ')
        .count();
    let end = at - spaces;
    let is_local = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-' | '\'');
    let mut start = end;
    for (index, c) in text[..end].char_indices().rev() {
        if !is_local(c) {
            break;
        }
        start = index;
    }
    let has_letter = text[start..end].chars().any(char::is_alphanumeric);
    has_letter.then_some(start)
}

struct Domain<'a> {
    end: usize,
    first: &'a str,
    last: &'a str,
    has_worded_dot: bool,
}

/// A host name that ends in letters, or one of [`DOTLESS_HOSTS`], or an IPv4 address.
fn domain(text: &str, from: usize) -> Option<Domain<'_>> {
    let (mut labels, mut end, mut has_worded_dot) = (0, from, false);
    let (mut first, mut last) = ("", "");
    let mut all_digits = true;
    let mut next = Some((from, false));
    while let Some((start, is_worded)) = next {
        let label = label(&text[start..]);
        if label.is_empty() {
            break;
        }
        // `icon@2x.png` is an image for high-resolution screens.
        if labels == 0 && matches!(label.as_bytes(), [b'1'..=b'4', b'x']) {
            return None;
        }
        has_worded_dot |= is_worded;
        all_digits &= label.bytes().all(|b| b.is_ascii_digit());
        if labels == 0 {
            first = label;
        }
        (labels, end, last) = (labels + 1, start + label.len(), label);
        next = dot(text, end, label);
    }
    let is_name = labels >= 2 && last.chars().count() >= 2 && last.chars().all(char::is_alphabetic);
    let is_dotless = labels == 1
        && DOTLESS_HOSTS
            .iter()
            .any(|host| last.eq_ignore_ascii_case(host));
    let is_ipv4 = labels == 4 && all_digits;
    (is_name || is_dotless || is_ipv4).then_some(Domain {
        end,
        first,
        last,
        has_worded_dot,
    })
}

fn label(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '-')
        .unwrap_or(text.len());
    &text[..end]
}

/// The dot at `at`, after `label`, in any notation: the position after it, and whether it is a
/// word.
fn dot(text: &str, at: usize, label: &str) -> Option<(usize, bool)> {
    let rest = &text[at..];
    if rest.starts_with('.') {
        return Some((at + 1, false));
    }
    // Japanese sentences end with it too.
    if rest.starts_with('。') && label.is_ascii() {
        let after = self::label(&rest['。'.len_utf8()..]);
        return after.is_ascii().then_some((at + '。'.len_utf8(), false));
    }
    if let Some(behind) = rest.strip_prefix(',') {
        let after = self::label(behind);
        let is_ending =
            (2..=6).contains(&after.len()) && after.bytes().all(|b| b.is_ascii_alphabetic());
        return is_ending.then_some((at + 1, false));
    }
    let word = skip_spaces(text, at, GAP_MAX);
    let rest = &text[word..];
    if rest.starts_with(['(', '[', '{', '<']) {
        let end = bracketed_word(text, word, &["dot", ".", "ドット", "どっと"])?;
        return Some((skip_spaces(text, end, GAP_MAX), true));
    }
    (word > at && starts_with_word(rest, "dot "))
        .then(|| (skip_spaces(text, word + 4, GAP_MAX), true))
}

fn starts_with_word(text: &str, word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// The end of a `(word)` in brackets of any kind at `at`, with or without spaces inside.
fn bracketed_word(text: &str, at: usize, words: &[&str]) -> Option<usize> {
    let inside = skip_spaces(text, at + 1, GAP_MAX);
    words.iter().find_map(|word| {
        if !starts_with_word(&text[inside..], word) {
            return None;
        }
        let end = skip_spaces(text, inside + word.len(), GAP_MAX);
        text[end..]
            .starts_with([')', ']', '}', '>'])
            .then_some(end + 1)
    })
}
