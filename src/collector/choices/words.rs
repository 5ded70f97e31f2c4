//! The page's words, one file a language, and how they get into a page.

use std::collections::HashMap;
use std::sync::LazyLock;

use hyper::HeaderMap;
use hyper::header::ACCEPT_LANGUAGE;

pub use crate::html::escape;

/// Words that stand in the page as they are, but for the site's and the controller's name.
pub const PLAIN: &[&str] = &[
    "now_heading",
    "opt_out_label",
    "cookie_label",
    "gpc_label",
    "dnt_label",
    "page_word_note",
    "choose_heading",
    "refuse_text",
    "refuse_button",
    "refuse_erase_button",
    "allow_text",
    "allow_button",
    "erase_text",
    "erase_button",
    "erase_limits",
    "measured_heading",
    "purposes_label",
    "never",
    "more_heading",
    "transmission_link",
    "assessment_link",
];

/// A language's words.
pub struct Words {
    /// BCP 47.
    pub lang: &'static str,
    texts: HashMap<String, toml::Value>,
}

static ALL: LazyLock<[Words; 3]> = LazyLock::new(|| {
    [
        Words::parse("en", include_str!("en.toml")),
        Words::parse("ja", include_str!("ja.toml")),
        Words::parse("de", include_str!("de.toml")),
    ]
});

impl Words {
    /// Reads a language's file, which is part of the program.
    pub fn parse(lang: &'static str, text: &str) -> Self {
        let texts =
            toml::from_str(text).expect("the file is part of the program and a test reads it");
        Self { lang, texts }
    }

    /// The words of `policy.json` and of the self-assessment.
    pub fn english() -> &'static Self {
        &ALL[0]
    }

    /// The language that is asked for, else the first one that the browser accepts, else English.
    pub fn choose(asked: Option<&str>, headers: &HeaderMap) -> &'static Self {
        Self::choose_of(&*ALL, asked, headers)
    }

    /// The same among the languages of another page; English comes first there.
    pub fn choose_of(
        all: &'static [Self],
        asked: Option<&str>,
        headers: &HeaderMap,
    ) -> &'static Self {
        let of = |tag: &str| {
            let primary = tag.split('-').next().unwrap_or("").trim();
            all.iter()
                .find(|words| words.lang.eq_ignore_ascii_case(primary))
        };
        let accepted = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let mut best: Option<(f32, &'static Self)> = None;
        for range in accepted.split(',').take(32) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|q| q.parse().ok())
                .unwrap_or(1.0);
            if let Some(words) = of(tag)
                && weight > best.map_or(0.0, |(best, _)| best)
            {
                best = Some((weight, words));
            }
        }
        asked
            .and_then(of)
            .or(best.map(|(_, words)| words))
            .unwrap_or(&all[0])
    }

    /// Every key, sorted, for tests.
    #[cfg(test)]
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<_> = self.texts.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    /// A text. Ours, so it is HTML as it stands.
    pub fn get(&self, key: &str) -> &str {
        self.texts
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or("")
    }
}

/// Puts values, escaped, in the places of `{name}`.
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
    use crate::event_row::stored::{FIELDS, SENT};

    #[test]
    fn every_language_has_all_texts_of_the_choices_page() {
        for words in ALL.iter() {
            assert_eq!(words.keys(), ALL[0].keys(), "{}", words.lang);
            for key in PLAIN {
                assert!(!words.get(key).is_empty(), "{} {key}", words.lang);
            }
            let fields = FIELDS.iter().map(|field| format!("field_{}", field.key));
            let sent = SENT.iter().map(|(key, _)| format!("sent_{key}"));
            for key in fields.chain(sent) {
                assert!(!words.get(&key).is_empty(), "{} {key}", words.lang);
            }
            let is_sentence = |key: &&str| key.starts_with("field_") || key.starts_with("sent_");
            let sentences = words.keys().into_iter().filter(is_sentence).count();
            assert_eq!(sentences, FIELDS.len() + SENT.len(), "none is left over");
        }
    }

    #[test]
    fn the_language_is_the_one_asked_for_or_the_best_accepted() {
        let choose = |asked: Option<&str>, accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, accepted.parse().expect("a value"));
            Words::choose(asked, &headers).lang
        };
        assert_eq!(choose(None, "ja-JP,ja;q=0.9,en;q=0.8"), "ja");
        assert_eq!(choose(None, "fr, de-AT;q=0.7, en;q=0.8"), "en");
        assert_eq!(choose(None, "fr;q=1, de;q=0.1"), "de");
        assert_eq!(choose(None, "de;q=0"), "en");
        assert_eq!(choose(None, "*"), "en");
        assert_eq!(choose(Some("de"), "ja"), "de");
        assert_eq!(choose(Some("tlh"), "ja"), "ja");
    }

    #[test]
    fn values_are_escaped_in_the_page() {
        assert_eq!(
            fill("a {x} b", &[("x", "<i a='\"'>{y}&")]),
            "a &lt;i a=&#39;&quot;&#39;&gt;&#123;y&#125;&amp; b"
        );
    }
}
