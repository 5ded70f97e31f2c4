//! What the pages for people share: forms, texts in three languages, the frame of a page. No
//! script.

use std::sync::LazyLock;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use zeroize::Zeroizing;

use crate::access::App;
use crate::access::error::ApiError;
use crate::collector::choices::{CONTENT_POLICY, STYLE};
use crate::http::body;
use crate::http::response::{Answer, answer};
use crate::http::texts::Texts;

/// Bytes of a form: a few passwords, percent-encoded.
const FORM_BYTES_MAX: usize = 4 << 10;

static TEXTS: LazyLock<[Texts; 3]> = LazyLock::new(|| {
    [
        Texts::parse("en", include_str!("templates/en.toml")),
        Texts::parse("ja", include_str!("templates/ja.toml")),
        Texts::parse("de", include_str!("templates/de.toml")),
    ]
});

const LAYOUT: &str = include_str!("templates/layout.html");
const INPUTS: &str = include_str!("templates/inputs.css");

/// The texts in the language that the browser asks for.
pub fn texts(headers: &HeaderMap) -> &'static Texts {
    Texts::choose(&*TEXTS, None, headers)
}

/// The style sheet: that of the choices page, and inputs.
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

/// A whole page. The template's `{{name}}` are replaced by `values` first, each escaped or made of
/// escaped parts, and then by the texts of that key.
pub fn render(
    status: StatusCode,
    texts: &Texts,
    title: &str,
    template: &str,
    values: &[(&str, &str)],
) -> Answer {
    let title = texts.get(title);
    let mut main = template.replace("{{title}}", title);
    for (name, value) in values {
        main = main.replace(&format!("{{{{{name}}}}}"), value);
    }
    for key in KEYS {
        main = main.replace(&format!("{{{{{key}}}}}"), texts.get(key));
    }
    let page = LAYOUT
        .replace("{{lang}}", texts.lang)
        .replace("{{title}}", title)
        .replace("{{main}}", &main);
    let mut answer = answer(status, "text/html; charset=utf-8", page);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        // With `no-referrer`, browsers would send `Origin: null` with our own form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::VARY, "accept-language, cookie"),
    ] {
        let value = HeaderValue::from_static(value);
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// A line that says what happened; empty for none.
pub fn message(texts: &Texts, key: Option<&str>) -> String {
    key.map_or_else(String::new, |key| {
        format!("<p role=\"status\">{}</p>", texts.get(key))
    })
}

/// The texts that appear in templates unchanged.
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

/// A submitted form. It holds passwords, so it has no `Debug` and is overwritten when it is
/// dropped.
pub struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Reads the body.
    ///
    /// # Errors
    /// The body exceeds a bound.
    pub async fn read(app: &App, request: Request<Incoming>) -> Result<Self, ApiError> {
        let body = body::read(request, FORM_BYTES_MAX, app.config.limits.body_timeout).await?;
        let fields = url::form_urlencoded::parse(&body);
        Ok(Self(
            fields
                .map(|(key, value)| (key.into_owned(), Zeroizing::new(value.into_owned())))
                .collect(),
        ))
    }

    /// A field; empty when it is absent.
    pub fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map_or("", |(_, value)| value)
    }

    /// A copy of a field for another thread.
    pub fn secret(&self, name: &str) -> Zeroizing<String> {
        Zeroizing::new(self.get(name).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_all_texts_of_the_pages() {
        for texts in TEXTS.iter() {
            assert_eq!(texts.keys(), TEXTS[0].keys(), "{}", texts.lang);
            for key in KEYS {
                assert!(!texts.get(key).is_empty(), "{} {key}", texts.lang);
            }
        }
    }
}
