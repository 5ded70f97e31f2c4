//! Escapes text for the HTML of pages and e-mails.

/// Escapes text for HTML, also for a quoted attribute. Braces are escaped too, so that a value is
/// never taken for a `{name}` to fill.
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

/// Replaces each `{name}` of a text by its value, escaped.
pub fn fill(text: &str, pairs: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in pairs {
        text = text.replace(&format!("{{{name}}}"), &escape(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_in_the_page() {
        assert_eq!(
            fill("a {x} b", &[("x", "<i a='\"'>{y}&")]),
            "a &lt;i a=&#39;&quot;&#39;&gt;&#123;y&#125;&amp; b"
        );
    }
}
