//! `/api/v2` and the other questions about stored events, for a [`ReadScope`]: sites outside of it
//! do not exist for the reader.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::access::App;
use crate::access::call::Call;
use crate::access::error::ApiError;
use crate::access::identity::{ReadScope, ReaderKind};
use crate::api::endpoint::{Endpoint, questions};
use crate::api::saved_filters;
use crate::api::stats_json::{self, report};
use crate::http::body;
use crate::http::response::{self, Answer};
use crate::stats::StatsService;
use crate::stats::export::{Export, Format};
use crate::stats::reports::BATCH_MAX;
use sillage_privacy::TruncatedIp;
use sillage_query::suppression::audience::Audience;

/// `POST /api/v2/query`
pub async fn query(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    answer(call, Endpoint::Query).await
}

/// `POST /api/v2/batch`
pub async fn batch(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    answer(call, Endpoint::Batch).await
}

/// `POST /api/v2/funnel`
pub async fn funnel(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    answer(call, Endpoint::Funnel).await
}

/// `POST /api/v2/changes`
pub async fn changes(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    answer(call, Endpoint::Changes).await
}

/// `POST /api/v2/export`
pub async fn export(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    answer(call, Endpoint::Export).await
}

/// `GET /api/live`: the visitors of the last minutes.
pub async fn live(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    let scope = &call.identity;
    let stats = reports_for(&call.app, scope, scope.kind.audience())?;
    let site = call.parameter("site").unwrap_or_default();
    Ok(report(
        stats_json::live(&stats, &site, Timestamp::now()).await,
    ))
}

/// `GET /api/quality`: how many beacons were stored, dropped and refused.
pub async fn quality(call: Call<ReadScope>) -> Result<Answer, ApiError> {
    let scope = &call.identity;
    let stats = reports_for(&call.app, scope, scope.kind.audience())?;
    let parameter = |name: &str| call.parameter(name).unwrap_or_default();
    let day = |name: &str| parameter(name).parse::<jiff::civil::Date>();
    let (Ok(from), Ok(to)) = (day("from"), day("to")) else {
        return Err(ApiError::rule(
            "from and to must be days such as 2026-11-23",
        ));
    };
    let site = parameter("site");
    Ok(report(stats_json::quality(&stats, &site, from, to).await))
}

/// The reports that a reader may see.
fn reports_for(app: &App, scope: &ReadScope, audience: Audience) -> Result<StatsService, ApiError> {
    let stats = app.reports()?;
    Ok(stats.for_audience(audience).only(scope.sites.clone()))
}

async fn answer(call: Call<ReadScope>, endpoint: Endpoint) -> Result<Answer, ApiError> {
    let network = call.network();
    let (app, scope) = (&*call.app, &call.identity);
    let audience = match (endpoint, scope.kind.audience()) {
        // Files are passed on to other people, so small counts are folded as for API keys.
        (Endpoint::Export, Audience::Member) => Audience::Key,
        (_, audience) => audience,
    };
    let stats = reports_for(app, scope, audience)?;
    let now = Timestamp::now();
    let limits = &app.config.limits;
    let body = body::read(call.request, limits.query_bytes_max, limits.body_timeout).await?;
    let body = stats_json::parse(&body);
    within_bounds(app, scope, network, endpoint, body.as_ref().ok()).map_err(ApiError::TooOften)?;
    let mut body = match body {
        Ok(body) => body,
        Err(error) => return Ok(report(error.into())),
    };
    saved_filters::resolve(app, scope, endpoint, &mut body).await?;
    add_fixed_filters(scope, endpoint, &mut body).map_err(ApiError::rule)?;
    Ok(match endpoint {
        Endpoint::Query => report(stats_json::query(&stats, &body, now).await),
        Endpoint::Batch => report(stats_json::batch(&stats, &body, now).await),
        Endpoint::Funnel => report(stats_json::funnel(&stats, &body, now).await),
        Endpoint::Changes => report(stats_json::changes(&stats, &body, now).await),
        Endpoint::Export => match stats_json::export(&stats, &body, now).await {
            Ok(export) => file(export),
            Err(refusal) => report(refusal),
        },
    })
}

/// Counts the questions of a body against the bound of a key or a link.
fn within_bounds(
    app: &App,
    scope: &ReadScope,
    network: TruncatedIp,
    endpoint: Endpoint,
    body: Option<&Json>,
) -> Result<(), Duration> {
    match scope.kind {
        ReaderKind::Login => Ok(()),
        ReaderKind::Key(id) => {
            let batch = body.filter(|_| endpoint == Endpoint::Batch);
            let count = batch.and_then(|batch| batch["queries"].as_array().map(Vec::len));
            // A batch with more questions is refused later.
            let count = count.unwrap_or(1).clamp(1, BATCH_MAX) as u32;
            app.rates.keys.take_of(&id, count)
        }
        ReaderKind::Link(id) => app.rates.links.take_of(&(id, network), 1),
    }
}

/// Adds the fixed filters of a shared link to every question of a body.
fn add_fixed_filters(
    scope: &ReadScope,
    endpoint: Endpoint,
    body: &mut Json,
) -> Result<(), &'static str> {
    if scope.filters.is_empty() {
        return Ok(());
    }
    let questions = questions(endpoint, body)?;
    // The base of a rate ignores filters on goals and properties. With such a fixed filter, a rate
    // would reveal the number of all visitors of the site.
    let is_about_goals = is_about_goals(&scope.filters);
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
            Json::Array(filters) => filters.extend(scope.filters.iter().cloned()),
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

/// A file to save, with a name of its format.
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
