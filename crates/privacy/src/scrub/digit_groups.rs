//! Numbers in groups of digits with separators: telephone numbers, postcodes, IPv4 addresses, card
//! numbers.

use super::kind::Kind;
use super::shapes::end_of_word;

/// The number in groups that begins at `at`, with its end. Dates are not numbers: their end is
/// stored in `date_end`.
pub(super) fn digit_groups(text: &str, at: usize, date_end: &mut usize) -> Option<(usize, Kind)> {
    const GROUPS_MAX: usize = 24;
    let bytes = text.as_bytes();
    let digits_at = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    // There may be letters before the first group: `tel0312345678`.
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
    // These also separate ordinary numbers, so only the form of a telephone number counts.
    let is_listed = groups
        .iter()
        .any(|group| group.0.contains(['|', '\\', ';', '&']));
    if is_listed && !(groups[0].1.starts_with('0') && matches!(total, 10 | 11)) {
        return None;
    }
    if is_date(groups) {
        *date_end = last;
        return None;
    }
    let is_iccid = total >= 19 && groups[0].1.starts_with("89");
    Some((end, if is_iccid { Kind::Iccid } else { Kind::Phone }))
}

/// Length of the separators between two groups of digits: one to three, with a digit after them.
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

/// `2024-01-15`, with or without a time of day, or a list of years.
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
