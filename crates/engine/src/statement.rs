//! What has to be known of a statement before the engine sees it: where the rows of an `INSERT`
//! begin, which format a result has, and whether a reader's statement names a function that reaches
//! outside the database.
//!
//! Reads tokens as ClickHouse's lexer does; it doesn't parse, and what it doesn't understand is
//! left to the engine's parser to complain about. Pure; no IO. Works on bytes, because the rows
//! behind an `INSERT` may be binary.

use std::collections::HashSet;

/// An `INSERT` that carries rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Insert<'a> {
    /// The statement up to `FORMAT` or `VALUES`.
    pub head: &'a str,
    /// `Values` if none is named.
    pub format: &'a str,
    /// Where in the given bytes the rows begin.
    pub rows_at: usize,
    /// Whether `FORMAT` or `VALUES` is there, so that all that follows is rows.
    pub is_complete: bool,
}

/// What a body or URL begins with.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    Insert(Insert<'a>),
    /// `INSERT … FROM INFILE`, which is a client's business: the file would be read by the engine's
    /// process.
    FromInfile,
    /// Everything else, `INSERT … SELECT` included: a statement without rows behind it.
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
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
    fn is(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword.as_bytes()))
    }

    fn is_name(&self) -> bool {
        matches!(self, Token::Word(_) | Token::Quoted(_))
    }
}

/// Tokens with the position behind each; comments and whitespace are skipped.
#[derive(Clone)]
struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at.min(self.text.len())..]
    }

    fn skip_to(&mut self, end: &[u8]) {
        let found = find(self.rest(), end).map_or(self.text.len(), |at| self.at + at + end.len());
        self.at = found;
    }

    fn skip_blanks_and_comments(&mut self) {
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

    /// `$tag$ … $tag$`, if this is one that ends.
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

/// Tells what `text` is: the beginning of it is enough if the rows begin inside.
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
    // The table's name may be a keyword; it is stepped over without a look.
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

/// Where rows begin behind the format's name: after a semicolon and blanks, and at most one line
/// break.
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

/// The first keyword, upper case; empty if the statement begins with something else.
pub fn first_keyword(sql: &str) -> String {
    match Lexer::new(sql.as_bytes()).find(|token| *token != Token::Sign(b'(')) {
        Some(Token::Word(word)) => String::from_utf8_lossy(word).to_ascii_uppercase(),
        _ => String::new(),
    }
}

/// Functions that read files whatever `readonly` says; readers may not even name them, because a
/// function can be applied without brackets behind it (`APPLY(file)`, `arrayMap(file, …)`).
const FILE_FUNCTIONS: [&[u8]; 2] = [b"file", b"catboostevaluate"];

/// Table functions that `readonly` allows and that run another text or ask another server.
const INDIRECT_FUNCTIONS: [&[u8]; 3] = [b"eval", b"cluster", b"clusterallreplicas"];

/// Words behind which a table stands.
const BEFORE_TABLES: [&str; 7] = ["FROM", "JOIN", "TABLE", "EXISTS", "DESCRIBE", "DESC", "IN"];

/// The library's database in which every path of the file system is a table.
const FILE_SYSTEM_DATABASE: &[u8] = b"default";

/// Why a reader's statement is refused before the engine sees it, or `None`. `readonly=1` alone is
/// not enough: it lets `file()` read any file, `DESCRIBE TABLE url(…)` fetch any address, and
/// settings below the top level lift it. `outside` holds, in lower case, the table functions that
/// reach outside the database; `database` is the one that readers are meant to see.
///
/// A list can't be complete; what it misses, the fence around the process keeps in
/// ([`super::fence`]).
pub fn forbidden(sql: &str, outside: &HashSet<String>, database: &str) -> Option<String> {
    // Editors begin a file with this mark; a blank for ClickHouse.
    let sql = sql.trim_start_matches('\u{feff}');
    let mut lexer = Lexer::new(sql.as_bytes()).peekable();
    let (mut depth, mut before) = (0_usize, None);
    let is_select = matches!(first_keyword(sql).as_str(), "SELECT" | "WITH" | "FROM");
    let (mut has_settings, mut has_several) = (false, false);
    while let Some(token) = lexer.next() {
        let previous = before.replace(token);
        let was_assigned = previous == Some(Token::Sign(b'='));
        let name = match token {
            Token::Sign(b'(') => {
                depth += 1;
                continue;
            }
            Token::Sign(b')') => {
                depth = depth.saturating_sub(1);
                continue;
            }
            Token::Quoted(name) if name.contains(&b'\\') => {
                return Some(
                    "an identifier with a backslash is not allowed in readonly mode".to_owned(),
                );
            }
            // Some are blanks for ClickHouse (U+00A0, U+3000), some quotes (‘ “) and some signs
            // (−).
            Token::Sign(0x80..) => {
                return Some(
                    "characters other than ASCII outside of '…', \"…\" and comments are not allowed in readonly mode"
                        .to_owned(),
                );
            }
            // `SETTINGS a = DEFAULT` lifts what was set before the statement; readonly=1 does not
            // hold it.
            Token::Word(_) if has_settings && was_assigned && token.is("DEFAULT") => {
                return Some("Cannot reset a setting in readonly mode".to_owned());
            }
            Token::Word(name) | Token::Quoted(name) => name,
            Token::Text | Token::Sign(_) => continue,
        };
        if token.is("SETTINGS")
            && let Some(setting) = setting_behind(lexer.clone())
        {
            has_settings = true;
            if depth > 0 || !is_select {
                return Some(format!(
                    "Cannot modify '{setting}' setting in readonly mode"
                ));
            }
        }
        has_several |= ["UNION", "INTERSECT", "EXCEPT"]
            .iter()
            .any(|word| token.is(word));
        let next = lexer.peek();
        let is_table = previous
            .is_some_and(|token: Token<'_>| BEFORE_TABLES.iter().any(|word| token.is(word)));
        if matches!(token, Token::Quoted(_)) && is_table && name.contains(&b'/') {
            return Some("a path is not a table in readonly mode".to_owned());
        }
        if name == FILE_SYSTEM_DATABASE
            && next == Some(&Token::Sign(b'.'))
            && database.as_bytes() != FILE_SYSTEM_DATABASE
        {
            return Some("the database default is not allowed in readonly mode".to_owned());
        }
        let is_call = next == Some(&Token::Sign(b'('));
        let name = name.to_ascii_lowercase();
        let name_text = String::from_utf8_lossy(&name);
        if FILE_FUNCTIONS.contains(&name.as_slice())
            || (is_call
                && (INDIRECT_FUNCTIONS.contains(&name.as_slice())
                    || outside.contains(name_text.as_ref())))
        {
            return Some(format!(
                "{name_text} reaches outside the database and is not allowed in readonly mode"
            ));
        }
    }
    // The engine checks those of a whole statement, but not those of one part of several.
    (has_settings && has_several)
        .then(|| "Cannot modify settings of a part of a statement in readonly mode".to_owned())
}

/// The setting that is assigned next, if one is.
fn setting_behind<'a>(mut tokens: impl Iterator<Item = Token<'a>>) -> Option<String> {
    let (Some(Token::Word(name) | Token::Quoted(name)), Some(Token::Sign(b'='))) =
        (tokens.next(), tokens.next())
    else {
        return None;
    };
    Some(String::from_utf8_lossy(name).into_owned())
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
    fn readers_may_not_name_functions_that_reach_outside() {
        let outside = HashSet::from(["url".to_owned(), "s3".to_owned()]);
        for sql in [
            "SELECT file('/etc/passwd')",
            "SELECT `file`('x')",
            "SELECT \"file\" ('x')",
            "SELECT * APPLY(file) FROM t",
            "SELECT arrayMap(file, ['x'])",
            "SELECT `fil\\x65`('x')",
            "DESCRIBE TABLE url('http://x')",
            "DESC URL ('x')",
            "SELECT 'it''s', file('x')",
            "SELECT '\\'', file('x')",
            "SELECT /* ' */ file('x') -- '",
            "SELECT ‘'’, file('x') --'",
            "SELECT $$'$$, file('x') --'",
            "SELECT 1 -- '\n, file('x') -- '",
            "SELECT 1 # '\n, file('x')",
            "SELECT 1 // '\n, file('x')",
            "SELECT catboostEvaluate('x', 1)",
            "SELECT '\n', file('x')",
            "SELECT * FROM eval('SELECT 1')",
            "SELECT * FROM Eval /* */ ('SELECT 1')",
            "SELECT * FROM cluster('c', a, b)",
            "SELECT * FROM default.\"/etc/passwd\"",
            "EXISTS default . `/etc/passwd`",
            "EXISTS `default`.t",
            "DESCRIBE \"default\".t",
            "SELECT * FROM \"/etc/passwd\"",
            "SELECT 1 IN `/etc/passwd`",
            "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)",
            "SELECT * FROM (SELECT 1 settings/**/`readonly`=0)",
            "WITH x AS (SELECT 1 SETTINGS a = 1) SELECT * FROM x",
            "(SELECT 1 SETTINGS a = 1)",
            "SELECT 1 SETTINGS a = 1 UNION ALL SELECT 2",
            "SELECT 1 UNION ALL SELECT 2 SETTINGS a = 1",
            "EXPLAIN SELECT 1 SETTINGS a = 1",
            "DESCRIBE TABLE t SETTINGS a = 1",
            "SELECT 1 SETTINGS readonly = DEFAULT",
            "SELECT 1 SETTINGS max_threads = 2, max_execution_time =/**/default FORMAT TSV",
            "SELECT 1 FORMAT TSV SETTINGS a=DEFAULT",
            "SELECT * FROM (SELECT 1 SETTINGS\u{a0}readonly = 0)",
            "SELECT * FROM (SELECT 1 SETTINGS readonly\u{3000}= 0)",
            "SELECT * FROM url\u{a0}('http://x')",
            "SELECT * FROM default\u{feff}.t",
        ] {
            assert!(forbidden(sql, &outside, "sillage").is_some(), "{sql}");
        }
        for sql in [
            "SELECT 'file'",
            "SELECT file_name FROM t",
            "SELECT url, count() FROM t GROUP BY url",
            "SELECT 'a -- file' -- ok",
            "SELECT $x$file$x$",
            "SELECT 1 /* file */",
            "SELECT '日本 ‘file’'",
            "SELECT profile FROM t",
            "SELECT name FROM system.settings WHERE name = 'x'",
            "SELECT settings = 1 FROM t",
            "SELECT count() FROM (SELECT * FROM system.settings s)",
            "SELECT clicks / visits AS \"clicks/visits\" FROM t",
            "SELECT eval, cluster FROM t",
            "SELECT 1 UNION ALL SELECT 2",
            "SELECT a AS `日本` FROM t WHERE b = '日本' -- 日本",
            "SELECT a = default FROM t",
            "\u{feff}SELECT 1",
            // Left to the engine, which refuses what readonly forbids.
            "SELECT 1 SETTINGS max_threads = 1",
        ] {
            assert_eq!(forbidden(sql, &outside, "sillage"), None, "{sql}");
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
            let _ = forbidden(&text, &HashSet::new(), "sillage");
            let _ = kind(format!("INSERT INTO t {text}").as_bytes());
        }
    }
}
