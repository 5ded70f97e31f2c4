//! Finds the modules that a source file uses: paths in `use` and in code, except in comments,
//! string literals and test code.

/// A token of a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Word(String),
    /// `::`
    Separator,
    Sign(char),
}

/// A path as written, e.g. `["crate", "store", "migrate"]`, and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedPath {
    pub line: usize,
    pub segments: Vec<String>,
}

/// A name that a `use` imports into a file. `*` stands for all names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub name: String,
    pub path: UsedPath,
}

#[derive(Debug, Default)]
pub struct Source {
    pub imports: Vec<Import>,
    /// Paths in code outside `use`.
    pub paths: Vec<UsedPath>,
}

/// The tokens with their lines, without comments, string and character literals.
fn tokens(text: &str) -> Vec<(usize, Token)> {
    let bytes = text.as_bytes();
    let (mut found, mut line, mut at) = (Vec::new(), 1, 0);
    let starts = |at: usize, with: &str| text[at..].starts_with(with);
    while at < bytes.len() {
        let begun = at;
        let byte = bytes[at];
        if starts(at, "//") {
            at += text[at..].find('\n').unwrap_or(text.len() - at);
        } else if starts(at, "/*") {
            at += text[at..].find("*/").map_or(text.len() - at, |end| end + 2);
        } else if let Some(length) = raw_text(&text[at..]) {
            at += length;
        } else if byte == b'"' || starts(at, "b\"") || starts(at, "c\"") {
            at += if byte == b'"' { 1 } else { 2 };
            while at < bytes.len() && bytes[at] != b'"' {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
        } else if byte == b'\'' {
            at += character(&text[at..]);
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                at += 1;
            }
            found.push((line, Token::Word(text[begun..at].to_owned())));
        } else if starts(at, "::") {
            found.push((line, Token::Separator));
            at += 2;
        } else {
            let sign = text[at..].chars().next().unwrap_or_default();
            if !sign.is_whitespace() {
                found.push((line, Token::Sign(sign)));
            }
            at += sign.len_utf8();
        }
        line += text[begun..at.min(text.len())].matches('\n').count();
    }
    found
}

/// Length of a raw string literal (`r"…"`, `br#"…"#`) at the start.
fn raw_text(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end)? + end.len();
    Some(text.len() - body.len() + length)
}

/// Length of a character literal (`'x'`, `'\n'`), or of the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut rest = text.char_indices().skip(1);
    match rest.next() {
        Some((_, '\\')) => {
            // The escaped character may be a quote itself.
            rest.next();
            rest.find(|(_, sign)| *sign == '\'')
                .map_or(1, |(end, _)| end + 1)
        }
        Some(_) => match rest.next() {
            Some((end, '\'')) => end + 1,
            _ => 1,
        },
        None => 1,
    }
}

impl Source {
    pub fn parse(text: &str) -> Self {
        let tokens = without_tests(tokens(text));
        let mut source = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            let (line, token) = &tokens[at];
            let Token::Word(word) = token else {
                at += 1;
                continue;
            };
            if word == "use" {
                let end = at + position(&tokens[at..], &Token::Sign(';'));
                let mut rest = &tokens[at + 1..end];
                source.read_tree(&mut rest, *line, &[]);
                at = end;
                continue;
            }
            let mut segments = vec![word.clone()];
            at += 1;
            while let (Some((_, Token::Separator)), Some((_, Token::Word(next)))) =
                (tokens.get(at), tokens.get(at + 1))
            {
                segments.push(next.clone());
                at += 2;
            }
            if segments.len() > 1 {
                source.paths.push(UsedPath {
                    line: *line,
                    segments,
                });
            }
        }
        source
    }

    /// Reads one branch of a `use`, up to a comma or a closing brace.
    fn read_tree(&mut self, rest: &mut &[(usize, Token)], line: usize, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let mut name = None;
        while let Some((_, token)) = rest.first() {
            match token {
                Token::Word(word) if word == "as" => {
                    if let Some((_, Token::Word(alias))) = rest.get(1) {
                        name = Some(alias.clone());
                    }
                    *rest = &rest[2.min(rest.len())..];
                    continue;
                }
                Token::Word(word) => segments.push(word.clone()),
                Token::Sign('*') => name = Some("*".to_owned()),
                Token::Sign('{') => {
                    *rest = &rest[1..];
                    while !matches!(rest.first(), None | Some((_, Token::Sign('}')))) {
                        self.read_tree(rest, line, &segments);
                        if let Some((_, Token::Sign(','))) = rest.first() {
                            *rest = &rest[1..];
                        }
                    }
                    *rest = &rest[1.min(rest.len())..];
                    return;
                }
                Token::Sign(',' | '}') => break,
                Token::Separator | Token::Sign(_) => {}
            }
            *rest = &rest[1..];
        }
        // `use a::b::{self}` names `b`.
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        if let Some(last) = segments.last() {
            self.imports.push(Import {
                name: name.unwrap_or_else(|| last.clone()),
                path: UsedPath { line, segments },
            });
        }
    }
}

fn position(tokens: &[(usize, Token)], wanted: &Token) -> usize {
    tokens
        .iter()
        .position(|(_, token)| token == wanted)
        .unwrap_or(tokens.len())
}

/// Removes the items after `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn without_tests(tokens: Vec<(usize, Token)>) -> Vec<(usize, Token)> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens[at..]) {
            at += item(&tokens[at..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn is_test_attribute(tokens: &[(usize, Token)]) -> bool {
    let words: Vec<&str> = tokens
        .iter()
        .take(8)
        .take_while(|(_, token)| *token != Token::Sign(']'))
        .filter_map(|(_, token)| match token {
            Token::Word(word) => Some(word.as_str()),
            _ => None,
        })
        .collect();
    tokens[0].1 == Token::Sign('#')
        && matches!(words[..], ["cfg", "test", ..] | ["cfg", "all", "test", ..])
}

/// Length of an item with its attributes: up to its `;`, or to the brace that closes its body.
fn item(tokens: &[(usize, Token)]) -> usize {
    let mut depth = 0_usize;
    for (at, (_, token)) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(close @ (')' | ']' | '}')) => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *close == '}' {
                    return at + 1;
                }
            }
            Token::Sign(';') if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn comments_string_literals_and_tests_are_skipped() {
    let source = Source::parse(
        r##"
        // crate::comment::a
        const A: &str = "crate::text::b \" crate::text::c"; /* crate::comment::d */
        const B: &str = r#"crate::raw::"e""#;
        fn f<'a>(c: &'a str) -> bool { c == "x" && 'y' != '\'' && crate::real::g() }
        #[cfg(test)]
        mod tests { use crate::test::h; fn i() { crate::test::j(); } }
        #[cfg(test)]
        use crate::test::k;
        fn l() { super::real::m(); }
        "##,
    );
    assert_eq!(source.imports, []);
    let paths: Vec<_> = source
        .paths
        .iter()
        .map(|path| path.segments.join("::"))
        .collect();
    assert_eq!(paths, ["crate::real::g", "super::real::m"]);
    assert_eq!(source.paths[0].line, 5);
}

#[test]
fn every_branch_of_a_use_is_an_import() {
    let source =
        Source::parse("pub(crate) use crate::{a::{self, B as C, d::*}, e};\nuse super::f;");
    let imports: Vec<_> = source
        .imports
        .iter()
        .map(|import| (import.name.as_str(), import.path.segments.join("::")))
        .collect();
    assert_eq!(
        imports,
        [
            ("a", "crate::a".to_owned()),
            ("C", "crate::a::B".to_owned()),
            ("*", "crate::a::d".to_owned()),
            ("e", "crate::e".to_owned()),
            ("f", "super::f".to_owned()),
        ]
    );
}
