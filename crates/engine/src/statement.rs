//! Properties of a statement that are needed before the engine parses it: where the rows of an
//! `INSERT` begin, and the output format.
//!
//! Works on tokens and does not parse; errors are left to the engine's parser. Pure; no IO.

use super::lexer::{Lexer, Token};

/// An `INSERT` that carries rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Insert<'a> {
    /// The statement up to `FORMAT` or `VALUES`.
    pub head: &'a str,
    /// `Values` if none is named.
    pub format: &'a str,
    /// Where in the given bytes the rows begin.
    pub rows_at: usize,
    /// Whether `FORMAT` or `VALUES` was found, so that all further bytes are rows.
    pub is_complete: bool,
}

/// The kind of a statement in a body or URL.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    Insert(Insert<'a>),
    /// `INSERT … FROM INFILE`, which a client has to resolve: the engine's process would read the
    /// file.
    FromInfile,
    /// Any other statement, `INSERT … SELECT` included: no rows follow it.
    Other,
}

/// The kind of `text`. Its beginning is enough if the rows begin within it.
pub fn kind(text: &[u8]) -> Kind<'_> {
    insert(text).unwrap_or(Kind::Other)
}

fn insert(text: &[u8]) -> Option<Kind<'_>> {
    let mut lexer = Lexer::new(text);
    lexer.next().filter(|token| token.is("INSERT"))?;
    let mut token = lexer.next()?;
    for optional in ["INTO", "TABLE", "FUNCTION"] {
        if token.is(optional) {
            token = lexer.next()?;
        }
    }
    // The table's name may be a keyword, so it is skipped without a check.
    if !token.is_name() {
        return None;
    }
    let (mut depth, mut after_bracket) = (0_usize, false);
    let end = loop {
        let begin = {
            lexer.skip_blanks_and_comments();
            lexer.at
        };
        let Some(token) = lexer.next() else {
            break (text.len(), "Values", text.len(), false);
        };
        match token {
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth = depth.saturating_sub(1),
            Token::Sign(b';') if depth == 0 => break (begin, "Values", lexer.at, false),
            Token::Sign(b'.') if depth == 0 => {
                lexer.next()?;
            }
            _ if (depth == 0 || after_bracket) && (token.is("SELECT") || token.is("WITH")) => {
                return None;
            }
            _ if depth == 0 && token.is("VALUES") => break (begin, "Values", lexer.at, true),
            _ if depth == 0 && token.is("FROM") => {
                return lexer
                    .next()
                    .filter(|next| next.is("INFILE"))
                    .map(|_| Kind::FromInfile);
            }
            _ if depth == 0 && token.is("FORMAT") => {
                let Some(Token::Word(name)) = lexer.next() else {
                    return None;
                };
                break (
                    begin,
                    std::str::from_utf8(name).ok()?,
                    rows_after(text, lexer.at),
                    true,
                );
            }
            _ => {}
        }
        after_bracket = token == Token::Sign(b'(');
    };
    let (head_end, format, rows_at, is_complete) = end;
    let head = std::str::from_utf8(&text[..head_end]).ok()?;
    Some(Kind::Insert(Insert {
        head,
        format,
        rows_at,
        is_complete,
    }))
}

/// Where rows begin after the format's name: after blanks, an optional semicolon and at most one
/// line break.
fn rows_after(text: &[u8], mut at: usize) -> usize {
    let blanks = |mut at: usize| {
        while matches!(text.get(at), Some(b' ' | b'\t' | 0x0c)) {
            at += 1;
        }
        at
    };
    at = blanks(at);
    if text.get(at) == Some(&b';') {
        at = blanks(at + 1);
    }
    if text.get(at) == Some(&b'\r') {
        at += 1;
    }
    if text.get(at) == Some(&b'\n') {
        at += 1;
    }
    at
}

/// The format that a `FORMAT` clause names; `None` without one.
pub fn output_format(sql: &str) -> Option<&str> {
    let (mut lexer, mut depth, mut found) = (Lexer::new(sql.as_bytes()), 0_usize, None);
    while let Some(token) = lexer.next() {
        match token {
            Token::Sign(b'(') => depth += 1,
            Token::Sign(b')') => depth = depth.saturating_sub(1),
            _ if depth == 0 && token.is("FORMAT") => {
                if let Some(Token::Word(name)) = lexer.next() {
                    found = std::str::from_utf8(name).ok();
                }
            }
            _ => {}
        }
    }
    found
}

/// The first keyword in upper case; empty if the statement does not begin with a word.
pub fn first_keyword(sql: &str) -> String {
    match Lexer::new(sql.as_bytes()).find(|token| *token != Token::Sign(b'(')) {
        Some(Token::Word(word)) => String::from_utf8_lossy(word).to_ascii_uppercase(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_insert(text: &str, head: &str, format: &str, rows: &str) {
        match kind(text.as_bytes()) {
            Kind::Insert(insert) => {
                assert_eq!(
                    (
                        insert.head.trim_end(),
                        insert.format,
                        &text[insert.rows_at..]
                    ),
                    (head, format, rows),
                    "{text}"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_rows_of_an_insert_begin_behind_its_format() {
        check_insert(
            "INSERT INTO t FORMAT CSV\n1,2\n",
            "INSERT INTO t",
            "CSV",
            "1,2\n",
        );
        check_insert(
            "insert into d.t (a, b) format RowBinary",
            "insert into d.t (a, b)",
            "RowBinary",
            "",
        );
        check_insert(
            "INSERT INTO t VALUES (1), ('FORMAT')",
            "INSERT INTO t",
            "Values",
            " (1), ('FORMAT')",
        );
        check_insert("INSERT INTO t", "INSERT INTO t", "Values", "");
        check_insert(
            "INSERT INTO values VALUES (1)",
            "INSERT INTO values",
            "Values",
            " (1)",
        );
        check_insert(
            "INSERT INTO `format`.`values` FORMAT TSV \r\n\n",
            "INSERT INTO `format`.`values`",
            "TSV",
            "\n",
        );
        check_insert(
            "INSERT INTO d.format FORMAT TSV\n1",
            "INSERT INTO d.format",
            "TSV",
            "1",
        );
        check_insert(
            "INSERT INTO TABLE t SETTINGS a = 'FORMAT x' FORMAT CSV;\n1",
            "INSERT INTO TABLE t SETTINGS a = 'FORMAT x'",
            "CSV",
            "1",
        );
        check_insert(
            "-- FORMAT a\nINSERT /* VALUES */ INTO t FORMAT b c",
            "-- FORMAT a\nINSERT /* VALUES */ INTO t",
            "b",
            "c",
        );
        check_insert(
            "INSERT INTO FUNCTION null('a Int8') VALUES (1)",
            "INSERT INTO FUNCTION null('a Int8')",
            "Values",
            " (1)",
        );
    }

    #[test]
    fn binary_rows_do_not_confuse_the_statement_reader() {
        let text = b"INSERT INTO t FORMAT RowBinary\n\xff\x00'\"(";
        assert_eq!(
            kind(text),
            Kind::Insert(Insert {
                head: "INSERT INTO t ",
                format: "RowBinary",
                rows_at: 31,
                is_complete: true
            })
        );
    }

    #[test]
    fn statements_without_rows_are_not_inserts_with_rows() {
        for sql in [
            "SELECT 1",
            "INSERT INTO t SELECT 1",
            "INSERT INTO t (a) SELECT 1 FORMAT CSV",
            "INSERT INTO t (SELECT 1)",
            "INSERT INTO t WITH 1 AS x SELECT x",
            "",
            "INSERT",
            "EXPLAIN INSERT INTO t VALUES (1)",
            "INSERT INTO t FORMAT",
        ] {
            assert_eq!(kind(sql.as_bytes()), Kind::Other, "{sql}");
        }
        assert_eq!(
            kind(b"INSERT INTO t FROM INFILE 'x' FORMAT CSV"),
            Kind::FromInfile
        );
    }

    #[test]
    fn the_format_clause_is_found_only_where_it_is_a_clause() {
        for (sql, format) in [
            ("SELECT 1 FORMAT JSON", Some("JSON")),
            ("SELECT 1 format JSON;", Some("JSON")),
            ("SELECT 1 FORMAT JSON SETTINGS a = 1", Some("JSON")),
            ("SELECT 'FORMAT JSON'", None),
            ("SELECT format('{}', 1)", None),
            ("SELECT * FROM (SELECT 1 FORMAT CSV)", None),
            ("SELECT 1 -- FORMAT JSON", None),
        ] {
            assert_eq!(output_format(sql), format, "{sql}");
        }
    }

    #[test]
    fn the_first_keyword_is_found_behind_comments_and_brackets() {
        for (sql, keyword) in [
            (" -- x\n (select 1)", "SELECT"),
            ("kill query", "KILL"),
            ("'a'", ""),
            ("", ""),
        ] {
            assert_eq!(first_keyword(sql), keyword, "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_arbitrary_bytes_never_panics(bytes: Vec<u8>, text in "[INSERT intofrmavlue'\"`$()\\\\/*#;\n-]{0,60}") {
            let _ = kind(&bytes);
            let _ = kind(text.as_bytes());
            let _ = output_format(&text);
            let _ = kind(format!("INSERT INTO t {text}").as_bytes());
        }
    }
}
