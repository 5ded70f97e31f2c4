//! The texts of the choices page, one file per language.

use std::sync::LazyLock;

use hyper::HeaderMap;

use crate::http::texts::Texts;

/// Texts that appear in the page unchanged, except for the names of the site and the controller.
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

static ALL: LazyLock<[Texts; 3]> = LazyLock::new(|| {
    [
        Texts::parse("en", include_str!("en.toml")),
        Texts::parse("ja", include_str!("ja.toml")),
        Texts::parse("de", include_str!("de.toml")),
    ]
});

/// The texts of `policy.json` and of the self-assessment.
pub fn english() -> &'static Texts {
    &ALL[0]
}

/// The requested language, else the best one that the browser accepts, else English.
pub fn choose(asked: Option<&str>, headers: &HeaderMap) -> &'static Texts {
    Texts::choose(&*ALL, asked, headers)
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
}
