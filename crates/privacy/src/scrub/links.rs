//! Shortens addresses inside a text: a link that was followed, a page that was not found, an
//! address in a message. As in the page's own address, user info, query and fragment are removed,
//! whatever they hold. The rest is scrubbed like any text. Of a `data:` address in a message, whose
//! content is a file, only the scheme stays.
//!
//! Deliberately not here: the page's own address, for which a site may allow parameters (`rules`),
//! and values that consist of an address with another scheme, which `ingest` drops.

/// The text with its addresses shortened; `None` if there is nothing to shorten. A text that begins
/// with `/` is a path up to its first space.
pub(super) fn cut(text: &str) -> Option<String> {
    if let Some(end) = content_at(text) {
        let before = &text[..end];
        return Some(cut(before).unwrap_or_else(|| before.to_owned()));
    }
    if !text.contains(['?', '#', '@']) || !(text.starts_with('/') || text.contains("://")) {
        return None;
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    if rest.starts_with('/') {
        rest = push_address(&mut kept, rest);
    }
    while let Some(mark) = rest.find("://") {
        let authority = mark + "://".len();
        kept.push_str(&rest[..authority]);
        rest = &rest[authority..];
        if kept[..kept.len() - "://".len()].ends_with(|c: char| c.is_ascii_alphanumeric()) {
            let host_end = rest.find(is_host_end).unwrap_or(rest.len());
            rest = &rest[rest[..host_end].rfind('@').map_or(0, |at| at + 1)..];
            rest = push_address(&mut kept, rest);
        }
    }
    kept.push_str(rest);
    (kept != text).then_some(kept)
}

/// Start of the content of a `data:` address in the text, behind the scheme. The end of the content
/// is unknown, since it may hold spaces.
fn content_at(text: &str) -> Option<usize> {
    const SCHEME: &str = "data:";
    let is_there = |at: &usize| {
        let begins = !text[..*at].ends_with(|c: char| c.is_alphanumeric());
        let Some((kind, _)) = text[at + SCHEME.len()..].split_once(',') else {
            return false;
        };
        let is_kind = |c: char| c.is_ascii_alphanumeric() || "/+-.;=_\"*".contains(c);
        begins && kind.chars().all(is_kind) && (kind.is_empty() || kind.contains(['/', ';']))
    };
    let colons = text.match_indices(':').map(|(colon, _)| colon + 1);
    let mut starts = colons.filter_map(|end| {
        let at = end.checked_sub(SCHEME.len())?;
        let is_scheme = text.get(at..end)?.eq_ignore_ascii_case(SCHEME);
        is_scheme.then_some(at)
    });
    starts.find(is_there).map(|at| at + SCHEME.len())
}

/// Appends the shortened address that a text begins with. Returns the text after it.
fn push_address<'a>(kept: &mut String, text: &'a str) -> &'a str {
    let (address, after) = text.split_at(text.find(is_end).unwrap_or(text.len()));
    kept.push_str(&address[..address.find(['?', '#']).unwrap_or(address.len())]);
    after
}

/// Characters that an address cannot contain, or that enclose one in prose and code.
fn is_end(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

fn is_host_end(c: char) -> bool {
    is_end(c) || matches!(c, '/' | '\\' | '?' | '#')
}

#[cfg(test)]
mod tests {
    use crate::scrub::{ScrubRules, label, path, property};

    const URLS: [(&str, &str); 11] = [
        ("https://other.example/a?b=c", "https://other.example/a"),
        (
            "https://other.example/hello?name=Taro+Yamada&dept=3#notes",
            "https://other.example/hello",
        ),
        (
            "https://taro:hunter2@other.example/",
            "https://other.example/",
        ),
        ("HTTPS://other.example#taro", "HTTPS://other.example"),
        ("/invite?name=Taro", "/invite"),
        ("/reset#taro", "/reset"),
        ("//other.example/?name=Taro", "//other.example/"),
        (
            "Failed to fetch \"https://a.example/u?name=Taro\" twice",
            "Failed to fetch \"https://a.example/u\" twice",
        ),
        (
            "https://a.example/?next=https%3A%2F%2Fb.example%2F%3Fname%3DTaro",
            "https://a.example/",
        ),
        ("/login?next=https://taro:x@b.example/", "/login"),
        ("tg://resolve?domain=taro", "tg://resolve"),
    ];

    #[test]
    fn addresses_in_texts_lose_user_info_query_and_fragment() {
        for (given, expected) in URLS {
            assert_eq!(label(given, 500), expected, "{given}");
            let kept = property("url", given);
            assert_eq!(kept, Some(("url".to_owned(), expected.to_owned())));
            let encoded: String = given.bytes().map(|b| format!("%{b:02X}")).collect();
            assert_eq!(label(&encoded, 500), expected, "{encoded}");
        }
    }

    #[test]
    fn content_of_a_data_address_inside_a_text_is_cut() {
        for (given, expected) in [
            (
                "Not allowed to navigate to data:text/csv,Erika Mustermann;asthma",
                "Not allowed to navigate to data:",
            ),
            ("url(DATA:;base64,RXJpa2E=)", "url(DATA:"),
            (
                "see https://a.example/?x data:,Erika",
                "see https://a.example/ data:",
            ),
        ] {
            assert_eq!(label(given, 500), expected, "{given}");
        }
        for text in ["data: rows, columns", "metadata:a/b,c", "data:a,b", "data:"] {
            assert_eq!(label(text, 500), text);
        }
    }

    #[test]
    fn texts_without_an_address_keep_their_marks() {
        for text in [
            "Which plan? #1, of course",
            "Is it and/or?",
            "C#",
            "a :// b?",
            "https://other.example/a/b",
            "/files/report.pdf",
            "Ready? See /docs or https://other.example/docs",
        ] {
            assert_eq!(label(text, 500), text);
        }
    }

    #[test]
    fn a_number_over_the_segments_of_a_link_is_masked() {
        let url = |name| property(name, "https://other.example/tel/090/1234/5678/x");
        let expected = "https://other.example/tel/:phone/x";
        assert_eq!(url("url"), Some(("url".into(), expected.into())));
        let of_page = path("/tel/090/1234/5678/x", &ScrubRules::default());
        assert_eq!(of_page, "/tel/:phone/x", "as in the page's own address");
    }
}
