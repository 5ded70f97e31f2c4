//! The texts of a page in one language, and the choice of the language by `Accept-Language`.

use std::collections::HashMap;

use hyper::HeaderMap;
use hyper::header::ACCEPT_LANGUAGE;

/// A page's texts in one language.
pub struct Texts {
    /// BCP 47.
    pub lang: &'static str,
    texts: HashMap<String, toml::Value>,
}

impl Texts {
    /// Reads a language's TOML file, which is part of the program.
    pub fn parse(lang: &'static str, text: &str) -> Self {
        let texts =
            toml::from_str(text).expect("the file is part of the program and a test reads it");
        Self { lang, texts }
    }

    /// The requested language, else the best one that the browser accepts, else the first of `all`.
    pub fn choose(all: &'static [Self], asked: Option<&str>, headers: &HeaderMap) -> &'static Self {
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

    /// A text, empty for an unknown key. It is the program's own HTML, so it is not escaped.
    pub fn get(&self, key: &str) -> &str {
        self.texts
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static ALL: LazyLock<[Texts; 3]> =
        LazyLock::new(|| ["en", "ja", "de"].map(|lang| Texts::parse(lang, "")));

    #[test]
    fn the_language_is_the_one_asked_for_or_the_best_accepted() {
        let choose = |asked: Option<&str>, accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, accepted.parse().expect("a value"));
            Texts::choose(&*ALL, asked, &headers).lang
        };
        assert_eq!(choose(None, "ja-JP,ja;q=0.9,en;q=0.8"), "ja");
        assert_eq!(choose(None, "fr, de-AT;q=0.7, en;q=0.8"), "en");
        assert_eq!(choose(None, "fr;q=1, de;q=0.1"), "de");
        assert_eq!(choose(None, "de;q=0"), "en");
        assert_eq!(choose(None, "*"), "en");
        assert_eq!(choose(Some("de"), "ja"), "de");
        assert_eq!(choose(Some("tlh"), "ja"), "ja");
    }
}
