//! Texts of e-mails, one file per language, and the language's format of numbers and dates.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::civil::Date;

/// Languages of e-mails, BCP 47.
pub const LANGUAGES: [&str; 3] = ["en", "ja", "de"];

/// The texts of a language.
pub struct Texts {
    /// BCP 47.
    pub lang: &'static str,
    texts: HashMap<String, toml::Value>,
}

static ALL: LazyLock<[Texts; 3]> = LazyLock::new(|| {
    [
        Texts::parse("en", include_str!("texts/en.toml")),
        Texts::parse("ja", include_str!("texts/ja.toml")),
        Texts::parse("de", include_str!("texts/de.toml")),
    ]
});

impl Texts {
    fn parse(lang: &'static str, text: &str) -> Self {
        let texts =
            toml::from_str(text).expect("the file is part of the program and a test reads it");
        Self { lang, texts }
    }

    /// The texts of a language of [`LANGUAGES`], or of English for any other.
    pub fn of(lang: &str) -> &'static Self {
        ALL.iter()
            .find(|texts| texts.lang == lang)
            .unwrap_or(&ALL[0])
    }

    /// A text as it is in the file.
    pub fn get(&self, key: &str) -> &str {
        self.texts
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or("")
    }

    /// A text whose placeholders `{name}` are replaced. Values are never read as placeholders.
    pub fn fill(&self, key: &str, pairs: &[(&str, &str)]) -> String {
        let mut filled = String::new();
        let mut rest = self.get(key);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            let value = pairs.iter().find(|(key, _)| *key == name);
            filled.push_str(value.map_or("", |(_, value)| value));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// `12345` as `12,345`.
    pub fn count(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push_str(self.get("group"));
            }
            text.push(digit);
        }
        text
    }

    /// A number with at most `decimals` decimals, without zeros at the end.
    pub fn decimal(&self, number: f64, decimals: usize) -> String {
        let rounded = format!("{:.decimals$}", number.abs());
        let (whole, part) = rounded.split_once('.').unwrap_or((&rounded, ""));
        let part = part.trim_end_matches('0');
        let mut text = self.count(whole.parse().unwrap_or(u64::MAX));
        if !part.is_empty() {
            text.push_str(self.get("decimal"));
            text.push_str(part);
        }
        if number < 0.0 && text.chars().any(|c| ('1'..='9').contains(&c)) {
            text.insert(0, '−');
        }
        text
    }

    /// A percentage, with a sign if it is a change.
    pub fn percent(&self, number: f64, is_change: bool) -> String {
        let number_text = self.decimal(number, 0);
        let sign = if is_change && number >= 0.5 { "+" } else { "" };
        self.fill("percent", &[("n", &format!("{sign}{number_text}"))])
    }

    /// A duration in minutes and seconds.
    pub fn duration(&self, seconds: f64) -> String {
        let seconds = seconds.round() as u64;
        let (minutes, rest) = (self.count(seconds / 60), (seconds % 60).to_string());
        let pairs = [("m", minutes.as_str()), ("s", rest.as_str())];
        self.fill(if seconds < 60 { "seconds" } else { "minutes" }, &pairs)
    }

    /// A day.
    pub fn date(&self, date: Date) -> String {
        let months = self.texts.get("months").and_then(toml::Value::as_array);
        let month = usize::try_from(date.month() - 1).unwrap_or(0);
        let name = months
            .and_then(|months| months.get(month))
            .and_then(toml::Value::as_str)
            .unwrap_or("");
        let [y, m, d] = [
            date.year().to_string(),
            date.month().to_string(),
            date.day().to_string(),
        ];
        self.fill("date", &[("y", &y), ("m", &m), ("d", &d), ("month", name)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_with_the_same_placeholders() {
        let places = |text: &str| {
            let mut names: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()))
                .collect();
            names.sort();
            names
        };
        let english = Texts::of("en");
        for lang in LANGUAGES {
            let language = Texts::of(lang);
            assert_eq!(language.lang, lang);
            for (key, value) in &english.texts {
                // A language that numbers its months has no names, and each date has its own parts.
                if key == "months" || key == "date" {
                    continue;
                }
                let text = language.get(key);
                assert!(!text.is_empty(), "{lang}: {key}");
                let wanted = places(value.as_str().unwrap_or(""));
                assert_eq!(places(text), wanted, "{lang}: {key}");
            }
            for key in language.texts.keys() {
                assert!(
                    english.texts.contains_key(key),
                    "{lang}: {key} is not in English"
                );
            }
        }
    }

    #[test]
    fn numbers_and_dates_have_the_format_of_the_language() {
        let check = |lang: &str, expected: [&str; 7]| {
            let language = Texts::of(lang);
            let date = "2026-03-05".parse().expect("a date");
            let written = [
                language.count(1_234_567),
                language.decimal(2.50, 2),
                language.percent(-12.4, true),
                language.percent(12.4, true),
                language.percent(0.2, true),
                language.duration(100.4),
                language.date(date),
            ];
            assert_eq!(written, expected);
        };
        check(
            "en",
            [
                "1,234,567",
                "2.5",
                "−12%",
                "+12%",
                "0%",
                "1m 40s",
                "March 5, 2026",
            ],
        );
        check(
            "de",
            [
                "1.234.567",
                "2,5",
                "−12 %",
                "+12 %",
                "0 %",
                "1 min 40 s",
                "5. März 2026",
            ],
        );
        check(
            "ja",
            [
                "1,234,567",
                "2.5",
                "−12%",
                "+12%",
                "0%",
                "1分40秒",
                "2026年3月5日",
            ],
        );
        assert_eq!(Texts::of("en").count(999), "999");
        assert_eq!(Texts::of("en").duration(9.0), "9s");
        assert_eq!(Texts::of("en").percent(-0.2, true), "0%");
    }

    #[test]
    fn a_value_is_never_read_as_a_placeholder() {
        let filled = Texts::of("en").fill(
            "subject",
            &[("site", "{visitors}"), ("visitors", "7"), ("dates", "x")],
        );
        assert_eq!(filled, "{visitors}: 7 visitors (x)");
    }
}
