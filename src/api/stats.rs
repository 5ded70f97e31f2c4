//! The dashboard's page and the reports behind it, for an [`Asker`]. Sites that it may not see do not
//! exist for it.

use std::net::IpAddr;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::auth::{Asker, AskerKind, failed};
use crate::access::readiness::no_reports;
use crate::api::segments::{self, questions};
use crate::api::stats_json::{self, report};
use crate::app::routes::Handler;
use crate::control::ControlError;
use crate::control::site_objects::{self, Kind};
use crate::http::body;
use crate::http::client_ip::client_ip;
use crate::http::response::{self, Answer};
use crate::pages::assets;
use crate::pages::layout::bad_request;
use crate::stats::export::{Export, Format};
use crate::stats::reports::BATCH_MAX;
use sillage_privacy::{TruncatedIp, truncate};
use sillage_query::suppression::audience::Audience;

/// Answers one of the routes that are for readers.
pub async fn answer(
    app: &App,
    peer: IpAddr,
    handler: Handler,
    asker: &Asker,
    request: Request<Incoming>,
) -> Answer {
    match handler {
        Handler::Dashboard | Handler::Sites => {
            let mut boot = boot(app, asker);
            // With people it is a site like any other, whatever else is served.
            if app.has_demo {
                boot["demo"] = match app.gate.is_without_people().await {
                    Ok(is_open) => is_open.into(),
                    Err(answer) => return answer,
                };
            }
            if let Err(error) = add_notes(app, asker, &mut boot).await {
                return failed(&error);
            }
            return match handler {
                Handler::Dashboard => assets::dashboard_page(&boot),
                _ => response::json(StatusCode::OK, &boot),
            };
        }
        _ => {}
    }
    let Some(stats) = app.stats.get() else {
        return no_reports(app);
    };
    let audience = match (handler, asker.kind.audience()) {
        // An export is made for other readers.
        (Handler::Export, Audience::Member) => Audience::Key,
        (_, audience) => audience,
    };
    let stats = stats.for_audience(audience).only(asker.sites.clone());
    let now = Timestamp::now();
    let query = request.uri().query().unwrap_or("").to_owned();
    let parameter = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    match handler {
        Handler::Live => report(stats_json::live(&stats, &parameter("site"), now).await),
        Handler::Quality => {
            let day = |name: &str| parameter(name).parse::<jiff::civil::Date>();
            let (Ok(from), Ok(to)) = (day("from"), day("to")) else {
                return response::json(
                    StatusCode::BAD_REQUEST,
                    &json!({ "error": "from and to must be days such as 2026-11-23" }),
                );
            };
            report(stats_json::quality(&stats, &parameter("site"), from, to).await)
        }
        _ => {
            let limits = &app.config.limits;
            let network = truncate(&client_ip(
                peer,
                request.headers(),
                &app.config.trusted_proxies,
            ));
            let body = match body::read(request, limits.query_bytes_max, limits.body_timeout).await
            {
                Ok(body) => body,
                Err(answer) => return answer,
            };
            let body = stats_json::parse(&body);
            if let Err(wait) = within_bounds(app, asker, network, handler, body.as_ref().ok()) {
                return response::too_often(wait);
            }
            let mut body = match body {
                Ok(body) => body,
                Err(error) => return report(error.into()),
            };
            if let Err(answer) = segments::resolve(app, asker, handler, &mut body).await {
                return answer;
            }
            if let Err(rule) = add_fixed_filters(asker, handler, &mut body) {
                return bad_request(rule);
            }
            match handler {
                Handler::Batch => report(stats_json::batch(&stats, &body, now).await),
                Handler::Funnel => report(stats_json::funnel(&stats, &body, now).await),
                Handler::Changes => report(stats_json::changes(&stats, &body, now).await),
                Handler::Export => match stats_json::export(&stats, &body, now).await {
                    Ok(export) => file(export),
                    Err(refusal) => report(refusal),
                },
                _ => report(stats_json::query(&stats, &body, now).await),
            }
        }
    }
}

/// Counts the questions of a body against what the asker may ask in an hour.
fn within_bounds(
    app: &App,
    asker: &Asker,
    network: TruncatedIp,
    handler: Handler,
    body: Option<&Json>,
) -> Result<(), Duration> {
    match asker.kind {
        AskerKind::Login => Ok(()),
        AskerKind::Key(id) => {
            let batch = body.filter(|_| handler == Handler::Batch);
            let count = batch.and_then(|batch| batch["queries"].as_array().map(Vec::len));
            // A batch with more questions is refused later.
            let count = count.unwrap_or(1).clamp(1, BATCH_MAX) as u32;
            app.gate.keys.take_of(&id, count)
        }
        AskerKind::Link(id) => app.gate.links.take_of(&(id, network), 1),
    }
}

/// Adds the fixed filters of a shared link to every question of a body.
fn add_fixed_filters(asker: &Asker, handler: Handler, body: &mut Json) -> Result<(), &'static str> {
    if asker.filters.is_empty() {
        return Ok(());
    }
    let questions = questions(handler, body)?;
    // The base of a rate ignores filters on goals and properties. With such a fixed filter, a rate
    // would reveal the number of all visitors of the site.
    let is_about_goals = is_about_goals(&asker.filters);
    for question in questions {
        if is_about_goals && asks_for_rates(question) {
            return Err(
                "#/metrics: conversion rates can't be asked for through this link: they would reveal visitors that its filter excludes",
            );
        }
        let Some(question) = question.as_object_mut() else {
            return Err("#: a JSON object is expected");
        };
        // All filters of a list have to hold.
        match question.entry("filters").or_insert_with(|| json!([])) {
            Json::Array(filters) => filters.extend(asker.filters.iter().cloned()),
            _ => return Err("#/filters: an array is expected"),
        }
    }
    Ok(())
}

/// Whether a fixed filter names a goal or a property, at any depth.
fn is_about_goals(filters: &[Json]) -> bool {
    filters.iter().any(|filter| match filter {
        Json::String(text) => text == "event:goal" || text.starts_with("event:props:"),
        Json::Array(parts) => is_about_goals(parts),
        _ => false,
    })
}

fn asks_for_rates(question: &Json) -> bool {
    let metrics = question["metrics"].as_array().into_iter().flatten();
    metrics
        .filter_map(Json::as_str)
        .any(|metric| matches!(metric, "conversion_rate" | "group_conversion_rate"))
}

/// What the dashboard's page starts with: the sites that may be seen, and what their visitors are
/// meant to do.
pub fn boot(app: &App, asker: &Asker) -> Json {
    let sites = app.config.sites.iter().filter(|site| asker.sees(&site.id));
    // Before ClickHouse answers nothing can be asked about them.
    let goals = |site: &str| {
        let goals = app.stats.get().map(|stats| stats.goals(Some(site)));
        let goals = goals.iter().flat_map(|goals| goals.iter());
        let goals = goals.map(|goal| json!({ "name": goal.name, "currency": goal.currency }));
        goals.collect::<Vec<Json>>()
    };
    let sites: Vec<_> = sites
        .map(|site| {
            let mut shown = json!({
                "id": site.id,
                "timezone": site.timezone.iana_name().unwrap_or("UTC"),
                "profile": site.consent.profile.as_str(),
            });
            // Every byte of the first page counts, and most sites have none.
            let goals = goals(&site.id);
            if !goals.is_empty() {
                shown["goals"] = goals.into();
            }
            shown
        })
        .collect();
    json!({ "sites": sites, "demo": app.has_demo, "version": env!("CARGO_PKG_VERSION") })
}

/// Notes that a page starts with, the latest.
const NOTES_MAX: usize = 200;

/// What people noted down beside the numbers, for those who may log in; a link's readers are told
/// nothing of it.
async fn add_notes(app: &App, asker: &Asker, boot: &mut Json) -> Result<(), ControlError> {
    if asker.kind != AskerKind::Login {
        return Ok(());
    }
    for site in boot["sites"].as_array_mut().into_iter().flatten() {
        let id = site["id"].as_str().unwrap_or_default().to_owned();
        let kept = app
            .gate
            .control
            .run(move |connection| site_objects::list(connection, Kind::Annotation, &id, None))
            .await?;
        let mut notes: Vec<Json> = kept.into_iter().map(|kept| kept.body).collect();
        notes.sort_by(|one, other| one["at"].as_str().cmp(&other["at"].as_str()));
        let older = notes.len().saturating_sub(NOTES_MAX);
        if !notes.is_empty() {
            site["notes"] = notes.split_off(older).into();
        }
    }
    Ok(())
}

/// A file to be saved, under a name of its kind.
fn file(export: Export) -> Answer {
    let mut file = response::answer(StatusCode::OK, export.format.content_type(), export.bytes);
    file.headers_mut().insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static(match export.format {
            Format::Csv => "attachment; filename=\"report.csv\"",
            Format::Json => "attachment; filename=\"report.json\"",
            Format::Ndjson => "attachment; filename=\"report.ndjson\"",
            Format::Parquet => "attachment; filename=\"report.parquet\"",
        }),
    );
    file
}
