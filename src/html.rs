//! Text into HTML, for the few pages and letters that are written here.

/// Makes text safe as HTML, in an attribute too. Braces go as well, so that no value can be taken
/// for a place to fill.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '{' => escaped.push_str("&#123;"),
            '}' => escaped.push_str("&#125;"),
            c => escaped.push(c),
        }
    }
    escaped
}
