//! The published documents about the measurement, for people and programs, made from the live
//! configuration: the policy, the list of cookies, the Global Privacy Control support resource,
//! Japan's notice of external transmission, and the self-assessment against the criteria of the
//! audience-measurement exemption.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::lists;
use super::page::layout;
use super::policy::{keeps_campaigns, purposes, recipients};
use crate::access::App;
use crate::collector::visitor_cookies::{CHOICES_PATH, OPT_OUT_S};
use crate::config::Site;
use crate::config::policy_ledger::{fingerprint, record};
use crate::html::{escape, fill};
use crate::http::response::{Answer, answer};
use crate::http::texts::Texts;
use sillage_privacy::cookie::LIFETIME_DAYS;
use sillage_privacy::{OPT_OUT_COOKIE, ObjectionRule, Profile, cookie_name, erasure_cookie_name};

const TRANSMISSION: &str = include_str!("transmission.html");
const CRITERIA: &str = include_str!("assessment.toml");

/// `/privacy/policy.json`
pub fn policy(app: &App, site: &Site) -> Answer {
    let purposes: Vec<_> = purposes(site)
        .iter()
        .map(|purpose| purpose.as_str())
        .collect();
    let records: Vec<_> = app
        .config
        .policies
        .iter()
        .map(|policy| {
            let mut shown = record(policy);
            shown["sha256"] = fingerprint(policy).into();
            shown
        })
        .collect();
    let holds: Vec<_> = app
        .config
        .holds
        .iter()
        .filter(|hold| hold.site == site.id)
        .map(|hold| {
            json!({
                "reason": hold.reason, "from": hold.from.to_string(),
                "to": hold.to.to_string(), "until": hold.until.to_string(),
            })
        })
        .collect();
    let visitor_days = app.config.visitor_days;
    let (sent, stored) = lists::published(app, site);
    published(&json!({
        "site": site.id,
        "controller": said(&site.controller),
        "contact": said(&site.contact),
        "privacy_url": said(&site.privacy_url),
        "choices": format!("/privacy?site={}", url_part(&site.id)),
        "policy_version": site.consent.policy,
        "profile": site.consent.profile.as_str(),
        "stored_in": said(&app.config.clickhouse.region),
        "gpc": rule(site.consent.gpc),
        "dnt": rule(site.consent.dnt),
        "consent_cookies_read": site.consent_cookie.as_ref().map_or(&[][..], |manager| manager.cookie_names()),
        "purposes": purposes,
        "recipients": recipients(site),
        "sent": sent,
        "stored": stored,
        "retention": {
            "rows_days": site.retention_days,
            "visitor_ids_days": if visitor_days == 0 { site.retention_days } else { visitor_days.min(site.retention_days) },
            "counts_months": 25,
            "security_days": 14,
            "salts_days": 1,
        },
        "holds": holds,
        "policies": records,
        "cookies": cookie_register(site),
    }))
}

/// `/privacy/cookies.json`
pub fn cookies(_: &App, site: &Site) -> Answer {
    published(&json!({ "site": site.id, "cookies": cookie_register(site) }))
}

fn cookie_register(site: &Site) -> Value {
    json!([
        {
            "name": cookie_name(&site.id),
            "class": "measurement",
            "set": "after a yes only; deleted at a no",
            "lifetime_days": LIFETIME_DAYS,
            "is_prolonged": false,
            "path": "/api/event",
            "http_only": true,
            "same_site": "Lax",
            "content": "random device id of this site, first day, last day, number of visits, policy version, signature",
            "purpose": "to know the same browser again: how often and after how long it comes back",
        },
        {
            "name": erasure_cookie_name(&site.id),
            "class": "necessary",
            "set": "at a no, where there was a measurement cookie; deleted when today's data is erased",
            // Until half an hour after local midnight, so at most 25 and a half hours.
            "lifetime_days": 2,
            "is_prolonged": false,
            "path": CHOICES_PATH,
            "http_only": true,
            "same_site": "Lax",
            "content": "the device ids of the measurement cookies that were deleted today, the day, signature",
            "purpose": "to find what was measured today, should the visitor ask that it be erased; read for nothing else",
        },
        {
            "name": OPT_OUT_COOKIE,
            "class": "necessary",
            "set": "when a visitor refuses on the choices page",
            "lifetime_days": OPT_OUT_S / 86_400,
            "is_prolonged": false,
            "path": "/",
            "http_only": false,
            "same_site": "Lax",
            "content": "the same value for everybody",
            "purpose": "to remember a refusal",
        },
    ])
}

/// `/.well-known/gpc.json`: true only if every site treats the signal as an objection.
pub fn gpc(app: &App) -> Answer {
    let is_honoured = app
        .config
        .sites
        .iter()
        .all(|site| site.consent.gpc != ObjectionRule::Ignore);
    let mut body = json!({ "gpc": is_honoured });
    if let Some(latest) = app.config.policies.last() {
        body["lastUpdate"] = latest.effective.to_string().into();
    }
    published(&body)
}

/// `/privacy/external-transmission`: what is sent, to whom and what for, as Article 27-12 of
/// Japan's Telecommunications Business Act requires.
pub fn transmission(app: &App, site: &Site, words: &Texts) -> String {
    let controller = said(&site.controller).unwrap_or(&site.id);
    let site_url = url_part(&site.id);
    let cookie = cookie_name(&site.id);
    let word = |key: &str| {
        let pairs = [
            ("site", site.id.as_str()),
            ("controller", controller),
            ("cookie", &cookie),
        ];
        fill(words.get(key), &pairs)
    };
    let (purposes, recipients) = lists::purposes_and_recipients(site, words);
    let title = word("sending_title");
    let when = match site.consent.profile {
        Profile::Consent => "sending_when_consent",
        Profile::Exempt => "sending_when_exempt",
        Profile::Count => "sending_when_count",
    };
    let contact = said(&site.contact).map_or_else(|| word("not_said"), escape);
    let path = "/privacy/external-transmission";
    let mut main = TRANSMISSION.to_owned();
    // Each value is escaped, or made of escaped parts and the program's texts.
    for (name, value) in [
        ("title", format!("{title} – {}", escape(&site.id))),
        ("sent", lists::sent(words)),
        ("recipients", recipients),
        ("purpose_list", purposes),
        ("when_text", word(when)),
        ("kept_lists", lists::kept(app, site, words)),
        ("retention", lists::retention(app, site, words)),
        ("contact_text", contact),
        ("languages", lists::languages(path, &site_url)),
        ("site_url", site_url),
        ("lang", words.lang.to_owned()),
    ] {
        main = main.replace(&format!("{{{{{name}}}}}"), &value);
    }
    for key in [
        "law",
        "what",
        "always",
        "cookie",
        "whom",
        "whom_text",
        "purposes",
        "not_ads",
        "when",
        "kept",
        "kept_not",
        "refuse",
        "choices",
        "contact",
    ] {
        let value = word(&format!("sending_{key}"));
        main = main.replace(&format!("{{{{{key}}}}}"), &value);
    }
    layout(
        words.lang,
        &format!("{title} – {}", escape(&site.id)),
        &main,
    )
}

/// `/privacy/self-assessment`: the criteria of the exemption beside what this configuration does.
pub fn assessment(app: &App, site: &Site) -> String {
    let table: toml::Table = CRITERIA
        .parse()
        .expect("the file is part of the program and a test reads it");
    let days = site.retention_days.to_string();
    let empty = Vec::new();
    let criteria = table
        .get("criterion")
        .and_then(toml::Value::as_array)
        .unwrap_or(&empty);
    let mut rows = String::new();
    for (index, criterion) in criteria.iter().enumerate() {
        let text = |key: &str| {
            criterion
                .get(key)
                .and_then(toml::Value::as_str)
                .unwrap_or("")
        };
        let is_held = match text("depends") {
            "" => Some(true),
            "profile" => Some(site.consent.profile == Profile::Exempt),
            "recipients" => Some(recipients(site).is_empty()),
            "contact" => Some(!site.controller.is_empty() && !site.contact.is_empty()),
            "campaigns" => Some(site.policy.is_none() || !keeps_campaigns(site)),
            // The configuration can't show it.
            _ => None,
        };
        let held = match is_held {
            Some(true) => "held",
            Some(false) => "not held by this configuration",
            None => "for the operator to judge",
        };
        let how = fill(
            text("how"),
            &[("days", &days), ("profile", site.consent.profile.as_str())],
        );
        rows.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td>{held}</td><td>{how}</td></tr>",
            index + 1,
            escape(text("criterion"))
        ));
    }
    let intro = fill(
        "Generated from the running configuration of {site} (profile {profile}, policy version {version}). The criteria are those \
         that French, Spanish and British regulators name for audience measurement without consent, in our words. \
         This page describes the software; it is not a legal opinion.",
        &[
            ("site", &site.id),
            ("profile", site.consent.profile.as_str()),
            ("version", &site.consent.policy),
        ],
    );
    let stored = lists::rows(app, site);
    let main = format!(
        "<h1>Self-assessment of audience measurement</h1><p>{intro}</p><table class=\"stack\"><thead><tr><th scope=\"col\">No.</th>\
         <th scope=\"col\">Criterion</th><th scope=\"col\">State</th><th scope=\"col\">How</th></tr></thead><tbody>{rows}</tbody></table>\
         <h2>What is stored</h2><table class=\"stack\"><thead><tr><th scope=\"col\">What</th><th scope=\"col\">Table and columns</th>\
         <th scope=\"col\">Without a yes</th><th scope=\"col\">After a yes</th></tr></thead><tbody>{stored}</tbody></table>"
    );
    let title = format!("Self-assessment – {}", escape(&site.id));
    layout("en", &title, &main)
}

fn url_part(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn said(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn rule(rule: ObjectionRule) -> &'static str {
    match rule {
        ObjectionRule::Deny => "deny",
        ObjectionRule::Count => "count",
        ObjectionRule::Ignore => "ignore",
    }
}

/// JSON that is also read by people, so it is indented.
fn published(body: &Value) -> Answer {
    answer(StatusCode::OK, "application/json", format!("{body:#}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_criterion_is_stated_with_how_it_is_met() {
        let table: toml::Table = CRITERIA.parse().expect("TOML");
        let criteria = table["criterion"].as_array().expect("a list");
        assert_eq!(criteria.len(), 14);
        for criterion in criteria {
            for key in ["criterion", "how"] {
                assert!(
                    criterion[key].as_str().is_some_and(|text| !text.is_empty()),
                    "{criterion}"
                );
            }
        }
    }
}
