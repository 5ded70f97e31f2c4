//! Tokens of SQL as ClickHouse's lexer reads them. It doesn't parse. Pure; no IO. Works on bytes,
//! because the rows behind an `INSERT` may be binary.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// An unquoted identifier, keyword or number.
    Word(&'a [u8]),
    /// An identifier in `"` or `` ` ``, without its quotes.
    Quoted(&'a [u8]),
    /// A string literal.
    Text,
    /// Any other byte.
    Sign(u8),
}

impl Token<'_> {
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword.as_bytes()))
    }

    pub fn is_name(&self) -> bool {
        matches!(self, Token::Word(_) | Token::Quoted(_))
    }
}

/// Iterates over tokens; comments and whitespace are skipped.
#[derive(Clone)]
pub struct Lexer<'a> {
    text: &'a [u8],
    /// Position after the latest token.
    pub at: usize,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at.min(self.text.len())..]
    }

    fn skip_to(&mut self, end: &[u8]) {
        let found = find(self.rest(), end).map_or(self.text.len(), |at| self.at + at + end.len());
        self.at = found;
    }

    pub fn skip_blanks_and_comments(&mut self) {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, ..] => self.at += 1,
                [b'-', b'-', ..] | [b'/', b'/', ..] | [b'#', b' ' | b'!', ..] => {
                    self.skip_to(b"\n")
                }
                [b'/', b'*', ..] => {
                    self.at += 2;
                    self.skip_to(b"*/");
                }
                _ => return,
            }
        }
    }

    /// The content between quotes; a quote is escaped by a backslash or by itself.
    fn quoted(&mut self, quote: u8) -> &'a [u8] {
        let begin = self.at + 1;
        self.at = begin;
        loop {
            match self.rest() {
                [] => return &self.text[begin..],
                [b'\\', ..] => self.at += 2,
                [a, b, ..] if *a == quote && *b == quote => self.at += 2,
                [a, ..] => {
                    self.at += 1;
                    if *a == quote {
                        return &self.text[begin..self.at - 1];
                    }
                }
            }
        }
    }

    /// Skips `$tag$ … $tag$`. Returns false if there is no end.
    fn heredoc(&mut self) -> bool {
        let rest = self.rest();
        let Some(tag_end) = rest
            .iter()
            .skip(1)
            .position(|byte| !is_word(*byte))
            .map(|at| at + 1)
        else {
            return false;
        };
        if rest[tag_end] != b'$' {
            return false;
        }
        let tag = &rest[..=tag_end];
        let Some(end) = find(&rest[tag.len()..], tag) else {
            return false;
        };
        self.at += tag.len() + end + tag.len();
        true
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks_and_comments();
        let first = *self.rest().first()?;
        Some(match first {
            b'\'' => {
                self.quoted(first);
                Token::Text
            }
            b'"' | b'`' => Token::Quoted(self.quoted(first)),
            b'$' if self.heredoc() => Token::Text,
            _ if is_word(first) || first == b'$' => {
                let rest = self.rest();
                let length = rest
                    .iter()
                    .position(|byte| !is_word(*byte) && *byte != b'$')
                    .unwrap_or(rest.len());
                self.at += length;
                Token::Word(&rest[..length])
            }
            _ => {
                self.at += 1;
                Token::Sign(first)
            }
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
