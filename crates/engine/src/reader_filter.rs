//! Refuses statements of readers that reach outside the database, before the engine parses them.
//! Pure; no IO.

use std::collections::HashSet;

use super::lexer::{Lexer, Token};
use super::statement::first_keyword;

/// Functions that read files even under `readonly`. Readers may not even name them, because a
/// function can be applied without brackets after its name (`APPLY(file)`, `arrayMap(file, …)`).
const FILE_FUNCTIONS: [&[u8]; 2] = [b"file", b"catboostevaluate"];

/// Table functions that `readonly` allows and that run another text or query another server.
const INDIRECT_FUNCTIONS: [&[u8]; 3] = [b"eval", b"cluster", b"clusterallreplicas"];

/// Words that precede a table.
const BEFORE_TABLES: [&str; 7] = ["FROM", "JOIN", "TABLE", "EXISTS", "DESCRIBE", "DESC", "IN"];

/// The library's database in which every path of the file system is a table.
const FILE_SYSTEM_DATABASE: &[u8] = b"default";

/// Why a reader's statement is refused, or `None`. `readonly=1` alone is not enough: it lets
/// `file()` read any file, `DESCRIBE TABLE url(…)` fetch any address, and settings below the top
/// level lift it. `outside` holds, in lower case, the table functions that reach outside the
/// database; `database` is the readers' database.
///
/// A list can't be complete. The fence around the process (`fence`) is the second line of defence.
pub fn forbidden(sql: &str, outside: &HashSet<String>, database: &str) -> Option<String> {
    // A byte order mark, which some editors write; ClickHouse skips it.
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
            // ClickHouse reads some of them as blanks (U+00A0, U+3000), quotes (‘ “) or signs (−).
            Token::Sign(0x80..) => {
                return Some(
                    "characters other than ASCII outside of '…', \"…\" and comments are not allowed in readonly mode"
                        .to_owned(),
                );
            }
            // `SETTINGS a = DEFAULT` resets what was set before the statement, even under
            // readonly=1.
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
    // The engine checks the settings of a whole statement, but not those of one part of it.
    (has_settings && has_several)
        .then(|| "Cannot modify settings of a part of a statement in readonly mode".to_owned())
}

/// The name of the setting if an assignment follows.
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
            // The engine itself refuses this under readonly=1.
            "SELECT 1 SETTINGS max_threads = 1",
        ] {
            assert_eq!(forbidden(sql, &outside, "sillage"), None, "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_arbitrary_text_never_panics(text in "[INSERT intofrmavlue'\"`$()\\\\/*#;\n-]{0,60}") {
            let _ = forbidden(&text, &HashSet::new(), "sillage");
        }
    }
}
