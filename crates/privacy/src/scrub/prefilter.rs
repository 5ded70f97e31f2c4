//! The prefilter: a cheap test whether `mask` could find anything in a text. It may say yes without
//! need, but never no by mistake; a property test in `mask` checks that.

/// Whether anything in the text could have to be masked. Most names of pages fail this test and are
/// not examined further.
pub fn is_suspect(text: &str) -> bool {
    let mut counts = Counts::default();
    let mut before = Class::Other;
    for &byte in text.as_bytes() {
        let class = CLASSES[usize::from(byte)];
        match class {
            Class::Lower | Class::Upper | Class::Digit => {
                counts.digits += u32::from(class == Class::Digit);
                counts.word += 1;
                let is_capital = before == Class::Upper && class == Class::Lower;
                let is_start = counts.word == 1;
                counts.changes += u32::from(!is_start && before != class && !is_capital);
            }
            Class::Hyphen | Class::Mark | Class::Other => {
                counts.end_word();
                counts.hyphens += u32::from(class == Class::Hyphen);
                counts.marks += u32::from(class == Class::Mark);
                counts.spaces += u32::from(byte == b' ');
                counts.brackets += u32::from(matches!(byte, b'(' | b'[' | b'{' | b'<'));
            }
            Class::Sure => return true,
        }
        before = class;
    }
    counts.end_word();
    counts.is_suspect(text.len())
        || (counts.changes > 0 && text.contains("eyJ"))
        || (counts.brackets > 0 && has_word_at(text))
        || (counts.spaces >= 4 && text.to_ascii_lowercase().contains(" dot "))
}

/// Whether `at` follows a bracket: `taro(at)example.jp`.
fn has_word_at(text: &str) -> bool {
    let is_at = |(at, _): (usize, &str)| {
        let inside = text[at + 1..].trim_start_matches(' ');
        inside
            .get(..2)
            .is_some_and(|word| word.eq_ignore_ascii_case("at"))
    };
    text.match_indices(['(', '[', '{', '<']).any(is_at)
}

/// What [`is_suspect`] counts.
#[derive(Default)]
struct Counts {
    digits: u32,
    /// Letters and digits of the current word, and of the longest.
    word: u32,
    longest: u32,
    /// Words of two letters or digits: six of them may be a MAC address.
    pairs: u32,
    hyphens: u32,
    marks: u32,
    spaces: u32,
    brackets: u32,
    /// As `randomness::changes` counts them.
    changes: u32,
}

impl Counts {
    fn end_word(&mut self) {
        self.longest = self.longest.max(self.word);
        self.pairs += u32::from(self.word == 2);
        self.word = 0;
    }

    fn is_suspect(&self, len: usize) -> bool {
        let is_number = self.digits >= 6 || (self.digits >= 4 && self.marks >= 3);
        let is_token = self.longest >= 16
            || (self.longest >= 12 && self.changes >= 1)
            || (self.longest >= 8 && self.changes >= 2)
            || (len >= 10 && self.changes >= 3);
        let is_uuid = self.hyphens >= 4 && self.longest >= 12;
        let is_address = self.marks >= 2 || self.pairs >= 6;
        is_number || is_token || is_uuid || is_address
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
    Hyphen,
    Mark,
    Sure,
    Other,
}

/// Byte classes of [`is_suspect`]. Bytes of characters beyond ASCII are `Sure`, since they may be
/// digits of another script.
static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            b'0'..=b'9' => Class::Digit,
            b'-' | b'_' => Class::Hyphen,
            b'.' | b':' => Class::Mark,
            b'@' | b'=' | 0x80.. => Class::Sure,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};
