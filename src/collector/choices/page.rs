//! The HTML of the choices page.

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};

use super::{lists, texts};
use crate::access::App;
use crate::collector::visitor_cookies::CHOICES_PATH;
use crate::config::Site;
use crate::html::{escape, fill};
use crate::http::response::{Answer, answer};
use crate::http::texts::Texts;
use crate::ingest::Sender;
use crate::ingest::visitor_rights::ChoiceState;
use sillage_privacy::ObjectionRule;

const LAYOUT: &str = include_str!("layout.html");
const PAGE: &str = include_str!("page.html");
const ERASE_FORM: &str = include_str!("erase_form.html");
pub const STYLE: &str = include_str!("style.css");
/// The page loads only its style sheet.
pub const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the request shows of the visitor's choices.
pub fn state(app: &App, site: &Site, sender: &Sender<'_>) -> ChoiceState {
    let index = app.config.sites.find(&site.id);
    index.map_or_else(ChoiceState::default, |index| {
        app.pipeline.state(index, sender)
    })
}

/// An answer with a page.
pub fn html(status: StatusCode, page: &str) -> Answer {
    let mut answer = answer(status, "text/html; charset=utf-8", page.to_owned());
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        // With `no-referrer`, browsers would send `Origin: null` with our own form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::VARY, "accept-language, cookie, sec-gpc, dnt"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// The page. `message` is the key of a text about what a button did.
pub fn render(
    app: &App,
    site: &Site,
    words: &Texts,
    state: ChoiceState,
    sees_cookie: bool,
    message: Option<&str>,
) -> String {
    let controller = if site.controller.is_empty() {
        &site.id
    } else {
        &site.controller
    };
    let site_url: String = url::form_urlencoded::byte_serialize(site.id.as_bytes()).collect();
    let word = |key: &str| {
        let pairs = [("site", site.id.as_str()), ("controller", controller)];
        fill(words.get(key), &pairs)
    };
    let said = |given: bool| {
        words
            .get(if given { "present" } else { "absent" })
            .to_owned()
    };
    let signal = |sent: bool, rule: ObjectionRule| {
        words.get(match (sent, rule) {
            (false, _) => "signal_absent",
            (true, ObjectionRule::Deny) => "signal_deny",
            (true, ObjectionRule::Count) => "signal_count",
            (true, ObjectionRule::Ignore) => "signal_ignore",
        })
    };
    let cookie_state = if sees_cookie {
        said(state.is_known_device)
    } else {
        let link = format!("{CHOICES_PATH}?site={site_url}&amp;lang={}", words.lang);
        words.get("cookie_unseen").replace("{link}", &link)
    };
    let measured = lists::measured(app, site, words, &state);
    let (purposes, recipients) = lists::purposes_and_recipients(site, words);
    let policy_link = match site.privacy_url.as_str() {
        "" => String::new(),
        url => format!(
            "<a href=\"{}\">{}</a>",
            escape(url),
            words.get("policy_link")
        ),
    };
    let contact = if site.contact.is_empty() {
        words.get("not_said")
    } else {
        &site.contact
    };
    let contact = fill(
        words.get("contact"),
        &[("controller", controller), ("contact", contact)],
    )
    .replace("{privacy_url}", &policy_link);
    let retention = lists::retention(app, site, words);
    let site_id = escape(&site.id);
    // After a refusal, the page offers an erasure.
    let erase_form = || ERASE_FORM.replace("{{erase_offer}}", &word("erase_offer"));
    let message = message.map_or_else(String::new, |key| {
        let form = if key == "done_refuse" || key == "failed_erase" {
            erase_form()
        } else {
            String::new()
        };
        format!(
            "<div class=\"message\"><p role=\"status\">{}</p>{form}</div>",
            word(key)
        )
    });
    let title = word("title");
    let mut body = PAGE.to_owned();
    // Each value is escaped, or made of escaped parts and the program's texts.
    for (name, value) in [
        ("message", message),
        ("intro", word("intro")),
        ("summary", word(lists::summary(&state, site))),
        ("opt_out_state", said(state.is_opted_out)),
        ("cookie_state", cookie_state),
        ("gpc_state", signal(state.gpc, site.consent.gpc).to_owned()),
        ("dnt_state", signal(state.dnt, site.consent.dnt).to_owned()),
        ("measured", measured),
        ("retention", retention),
        ("purposes", purposes),
        ("recipients", recipients),
        ("contact", contact),
        ("site", site_id),
        ("languages", lists::languages("/privacy", &site_url)),
        ("site_url", site_url),
        ("lang", words.lang.to_owned()),
        ("title", title.clone()),
    ] {
        body = body.replace(&format!("{{{{{name}}}}}"), &value);
    }
    for key in texts::PLAIN {
        body = body.replace(&format!("{{{{{key}}}}}"), &word(key));
    }
    layout(words.lang, &title, &body)
}

/// The frame of a page around its HTML.
pub fn layout(lang: &str, title: &str, main: &str) -> String {
    LAYOUT
        .replace("{{lang}}", lang)
        .replace("{{title}}", title)
        .replace("{{main}}", main)
}
