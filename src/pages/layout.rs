//! What the pages for people share: reading their forms, words in three languages, the frame of a
//! page. No script.

use std::sync::LazyLock;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::json;
use zeroize::Zeroizing;

use crate::access::App;
use crate::collector::choices::words::Words;
use crate::collector::choices::{CONTENT_POLICY, STYLE};
use crate::http::body;
use crate::http::response::{self, Answer, answer};

/// Bytes of a form: a few passwords, percent-encoded.
const FORM_BYTES_MAX: usize = 4 << 10;

static WORDS: LazyLock<[Words; 3]> = LazyLock::new(|| {
    [
        Words::parse("en", include_str!("templates/en.toml")),
        Words::parse("ja", include_str!("templates/ja.toml")),
        Words::parse("de", include_str!("templates/de.toml")),
    ]
});

const LAYOUT: &str = include_str!("templates/layout.html");
const INPUTS: &str = include_str!("templates/inputs.css");

/// The words in the language that the browser asks for.
pub fn words(headers: &HeaderMap) -> &'static Words {
    Words::choose_of(&*WORDS, None, headers)
}

/// The style sheet: that of the visitor's page, and inputs.
pub fn style() -> Answer {
    let mut answer = answer(
        StatusCode::OK,
        "text/css; charset=utf-8",
        [STYLE, INPUTS].concat(),
    );
    let hour = HeaderValue::from_static("public, max-age=3600");
    answer.headers_mut().insert(header::CACHE_CONTROL, hour);
    answer
}

/// A whole page: `{{key}}` becomes the word of that key, after `values` (each escaped, or made of
/// escaped parts and our own words) took their places.
pub fn page(
    status: StatusCode,
    words: &Words,
    title: &str,
    template: &str,
    values: &[(&str, &str)],
) -> Answer {
    let title = words.get(title);
    let mut main = template.replace("{{title}}", title);
    for (name, value) in values {
        main = main.replace(&format!("{{{{{name}}}}}"), value);
    }
    for key in KEYS {
        main = main.replace(&format!("{{{{{key}}}}}"), words.get(key));
    }
    let page = LAYOUT
        .replace("{{lang}}", words.lang)
        .replace("{{title}}", title)
        .replace("{{main}}", &main);
    let mut answer = answer(status, "text/html; charset=utf-8", page);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        // Not `no-referrer`: with that, browsers send `Origin: null` with our own form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::VARY, "accept-language, cookie"),
    ] {
        let value = HeaderValue::from_static(value);
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// A line that says what happened; empty for none.
pub fn message(words: &Words, key: Option<&str>) -> String {
    key.map_or_else(String::new, |key| {
        format!("<p role=\"status\">{}</p>", words.get(key))
    })
}

/// The words that stand in templates as they are.
const KEYS: &[&str] = &[
    "name",
    "password",
    "new_password",
    "present_password",
    "password_rule",
    "code",
    "code_note",
    "log_in",
    "choose_name",
    "setup_text",
    "join_text",
    "reset_text",
    "save",
    "to_login",
    "log_out",
    "log_out_others",
    "others_text",
    "password_heading",
    "factor_heading",
    "factor_off_text",
    "factor_on_text",
    "factor_secret",
    "factor_add",
    "factor_open",
    "link_open",
    "factor_remove",
    "recovery_text",
    "back",
    "logged_in_as",
    "dashboard",
];

/// A form that was sent. Holds passwords, so it has no `Debug` and is overwritten when it goes.
pub struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Reads the body.
    ///
    /// # Errors
    /// The answer to give.
    pub async fn read(app: &App, request: Request<Incoming>) -> Result<Self, Answer> {
        let body = body::read(request, FORM_BYTES_MAX, app.config.limits.body_timeout).await?;
        let fields = url::form_urlencoded::parse(&body);
        Ok(Self(
            fields
                .map(|(key, value)| (key.into_owned(), Zeroizing::new(value.into_owned())))
                .collect(),
        ))
    }

    /// A field; empty when it is not there.
    pub fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map_or("", |(_, value)| value)
    }

    /// A copy of a field for another thread.
    pub fn secret(&self, name: &str) -> Zeroizing<String> {
        Zeroizing::new(self.get(name).to_owned())
    }
}

/// Reads a JSON body of a known shape.
///
/// # Errors
/// The answer to give; it names the rule and never repeats input.
pub async fn read_json<T: DeserializeOwned>(
    app: &App,
    request: Request<Incoming>,
) -> Result<T, Answer> {
    let limits = &app.config.limits;
    let body = body::read(request, limits.query_bytes_max, limits.body_timeout).await?;
    serde_json::from_slice(&body).map_err(|fault| {
        // serde's text may quote what was sent; its place does not.
        let place = format!("line {} column {}", fault.line(), fault.column());
        bad_request(&match fault.classify() {
            serde_json::error::Category::Data => {
                format!(
                    "the body has a field that is missing, unknown or of another type ({place})"
                )
            }
            _ => format!("the body is not valid JSON ({place})"),
        })
    })
}

/// 400 with a rule.
pub fn bad_request(rule: &str) -> Answer {
    response::json(StatusCode::BAD_REQUEST, &json!({ "error": rule }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_all_texts_of_the_pages() {
        for words in WORDS.iter() {
            assert_eq!(words.keys(), WORDS[0].keys(), "{}", words.lang);
            for key in KEYS {
                assert!(!words.get(key).is_empty(), "{} {key}", words.lang);
            }
        }
    }
}
