//! Lists of the measured data: for the page, for `policy.json`, for the notice of external
//! transmission and for the self-assessment, all made from one table of the stored fields
//! ([`crate::event_row::stored`]).

use serde_json::{Value, json};

use super::policy::{keeps_campaigns, purposes, recipients};
use super::texts;
use crate::access::App;
use crate::config::Site;
use crate::event_row::stored::{Field, Of, SENT, Terms, of_everybody};
use crate::html::{escape, fill};
use crate::http::texts::Texts;
use crate::ingest::visitor_rights::ChoiceState;
use sillage_privacy::{Basis, ObjectionRule};

/// The part of the configuration that the lists depend on.
pub fn terms<'a>(app: &App, site: &'a Site) -> Terms<'a> {
    Terms {
        site,
        has_campaigns: keeps_campaigns(site),
        has_places: app.config.geo_database.is_some(),
    }
}

/// A field in words for visitors, as HTML.
fn sentence(field: &Field, site: &Site, words: &Texts) -> String {
    let names = site.query_allow.join(", ");
    fill(
        words.get(&format!("field_{}", field.key)),
        &[("names", &names)],
    )
}

fn list<'a>(fields: impl Iterator<Item = &'a Field>, site: &Site, words: &Texts) -> Option<String> {
    let items: String = fields
        .map(|field| format!("<li>{}</li>", sentence(field, site, words)))
        .collect();
    (!items.is_empty()).then(|| format!("<ul>{items}</ul>"))
}

/// Whether the visitor's browser sends an objection for which the site counts pages only.
fn counts_at_most(state: &ChoiceState, site: &Site) -> bool {
    (state.gpc && site.consent.gpc == ObjectionRule::Count)
        || (state.dnt && site.consent.dnt == ObjectionRule::Count)
}

/// The first sentence of the page. Without the cookie the page can't detect a yes, so each sentence
/// is true with a yes and without one.
pub fn summary(state: &ChoiceState, site: &Site) -> &'static str {
    use sillage_privacy::{Decision, Refusal};
    match state.without_choice {
        Decision::Refused(Refusal::NoConsent) if state.is_known_device => {
            if counts_at_most(state, site) {
                "summary_signal"
            } else {
                "summary_known"
            }
        }
        Decision::Refused(Refusal::NoConsent) => "summary_no_word",
        Decision::Refused(_) => "summary_refused",
        Decision::Count(_) if counts_at_most(state, site) => "summary_signal",
        Decision::Count(_) if state.is_known_device => "summary_known",
        Decision::Count(Basis::Full) => "summary_known",
        Decision::Count(Basis::CountOnly) => "summary_count",
        Decision::Count(Basis::Exempt) => "summary_exempt",
    }
}

/// What is measured of this visitor: without a yes, what a yes adds, and the totals of all
/// visitors.
pub fn measured(app: &App, site: &Site, words: &Texts, state: &ChoiceState) -> String {
    let terms = terms(app, site);
    let shown = |fields: Vec<&Field>| list(fields.into_iter(), site, words).unwrap_or_default();
    let without = if counts_at_most(state, site) {
        Some(("profile_signal", Basis::CountOnly))
    } else {
        terms.without_yes().map(|basis| match basis {
            Basis::Exempt => ("profile_exempt", basis),
            Basis::CountOnly => ("profile_count", basis),
            Basis::Full => ("profile_consent", basis),
        })
    };
    let mut html = String::new();
    let mut section = |key: &str, fields: Vec<&Field>| {
        html += &format!("<p>{}</p>{}", words.get(key), shown(fields));
    };
    match without {
        None => section("profile_consent", terms.kept_on(Basis::Full).collect()),
        Some((key, basis)) => {
            section(key, terms.kept_on(basis).collect());
            if !counts_at_most(state, site) {
                section("after_yes", added_by_yes(&terms, basis));
            }
        }
    }
    section("counted", of_everybody().collect());
    html
}

/// The fields that a yes adds to those stored on this basis.
fn added_by_yes(terms: &Terms<'_>, basis: Basis) -> Vec<&'static Field> {
    terms
        .kept_on(Basis::Full)
        .filter(|field| !field.is_kept_on(basis))
        .collect()
}

/// The list "what is sent" of the notice of external transmission.
pub fn sent(words: &Texts) -> String {
    let item = |(key, _): &crate::event_row::stored::Part| {
        format!("<li>{}</li>", words.get(&format!("sent_{key}")))
    };
    format!("<ul>{}</ul>", SENT.iter().map(item).collect::<String>())
}

/// The list "what is stored" of that notice: without a yes and after one.
pub fn kept(app: &App, site: &Site, words: &Texts) -> String {
    let terms = terms(app, site);
    let mut html = String::new();
    let mut section = |key: &str, fields: Vec<&Field>| {
        let items = list(fields.into_iter(), site, words).unwrap_or_default();
        html += &format!("<p>{}</p>{items}", words.get(key));
    };
    match terms.without_yes() {
        None => section("sending_after_yes", terms.kept_on(Basis::Full).collect()),
        Some(basis) => {
            section("sending_without_yes", terms.kept_on(basis).collect());
            section("after_yes", added_by_yes(&terms, basis));
        }
    }
    section("counted", of_everybody().collect());
    html
}

/// Every field with its columns and when it is stored, as the rows of a table.
pub fn rows(app: &App, site: &Site) -> String {
    let terms = terms(app, site);
    let english = texts::english();
    let said = |is_kept: bool| if is_kept { "yes" } else { "no" };
    let row = |field: &Field| {
        let without = terms
            .without_yes()
            .is_some_and(|basis| field.is_kept_on(basis));
        let (without, with) = match field.of {
            Of::Everybody => ("yes", "yes"),
            Of::Kept(_) => (said(without), said(field.is_kept_on(Basis::Full))),
        };
        let columns = match field.columns {
            ["*"] => "all".to_owned(),
            columns => columns.join(", "),
        };
        format!(
            "<tr><th scope=\"row\">{}</th><td><code>{}</code>: {columns}</td><td>{without}</td><td>{with}</td></tr>",
            sentence(field, site, english),
            field.table
        )
    };
    let fields = crate::event_row::stored::FIELDS.iter();
    fields
        .filter(|field| terms.includes(field))
        .map(row)
        .collect()
}

/// `sent` and `stored` of `policy.json`.
pub fn published(app: &App, site: &Site) -> (Value, Value) {
    let terms = terms(app, site);
    let english = texts::english();
    let names = site.query_allow.join(", ");
    let counts_at_most = [site.consent.gpc, site.consent.dnt].contains(&ObjectionRule::Count);
    let stored = |field: &Field| {
        let of_everybody = field.of == Of::Everybody;
        let without = terms
            .without_yes()
            .is_some_and(|basis| field.is_kept_on(basis));
        let text = english.get(&format!("field_{}", field.key));
        json!({
            "field": field.key,
            "category": field.category.as_str(),
            "table": field.table,
            "columns": field.columns,
            "without_yes": of_everybody || without,
            "after_yes": of_everybody || field.is_kept_on(Basis::Full),
            "with_objection": of_everybody || (counts_at_most && field.is_kept_on(Basis::CountOnly)),
            "text": text.replace("{names}", &names),
        })
    };
    let stored: Vec<_> = crate::event_row::stored::FIELDS
        .iter()
        .filter(|field| terms.includes(field))
        .map(stored)
        .collect();
    let sent: Vec<_> = SENT
        .iter()
        .map(|(key, fields)| {
            let text = english.get(&format!("sent_{key}"));
            json!({"part": key, "fields": fields, "text": text})
        })
        .collect();
    (sent.into(), stored.into())
}

/// How long records are kept, and the legal holds that keep some of them longer.
pub fn retention(app: &App, site: &Site, words: &Texts) -> String {
    let days = site.retention_days.to_string();
    let pairs = [("days", &*days), ("version", &*site.consent.policy)];
    let mut text = fill(words.get("retention"), &pairs);
    for hold in app.config.holds.iter().filter(|hold| hold.site == site.id) {
        let [from, to, until] = [hold.from, hold.to, hold.until].map(|day| day.to_string());
        let pairs = [("from", &*from), ("to", &*to), ("until", &*until)];
        text += &format!(" {}", fill(words.get("hold"), &pairs));
    }
    text
}

/// The purposes as a list, and the recipients.
pub fn purposes_and_recipients(site: &Site, words: &Texts) -> (String, String) {
    let items: String = purposes(site)
        .iter()
        .map(|purpose| {
            let text = words.get(&format!("purpose_{}", purpose.as_str()));
            format!("<li>{text}</li>")
        })
        .collect();
    let names = recipients(site);
    let recipients = if names.is_empty() {
        words.get("recipients_none").to_owned()
    } else {
        fill(words.get("recipients"), &[("names", &names.join(", "))])
    };
    (items, recipients)
}

/// Links to the same page in each language.
pub fn languages(path: &str, site_url: &str) -> String {
    let link = |(lang, name): (&str, &str)| {
        format!(
            "<a href=\"{}?site={site_url}&amp;lang={lang}\" lang=\"{lang}\" hreflang=\"{lang}\">{name}</a>",
            escape(path)
        )
    };
    let all = [("en", "English"), ("ja", "日本語"), ("de", "Deutsch")];
    all.map(link).join(" · ")
}
