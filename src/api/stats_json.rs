//! Questions and reports as JSON.
//!
//! The only place in which a body becomes a [`Question`]. A body is parsed once, before it comes
//! here.

use hyper::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};
use sillage_query::wire::object::refuse_unknown;
use sillage_query::{QueryError, Question, Report, wire};

use crate::access::error::status_of;
use crate::http::response::{self, Answer};
use crate::stats::StatsService;
use crate::stats::export::{Export, ExportRequest, FORMATS, Format, NOTE_BYTES_MAX, is_note};
use crate::stats::reports::BATCH_MAX;
use crate::stats::service::Goals;

/// A status and a JSON body.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonAnswer {
    pub status: StatusCode,
    /// What was asked for, or `{"error": text}`.
    pub body: Json,
}

impl JsonAnswer {
    fn ok(body: Json) -> Self {
        Self {
            status: StatusCode::OK,
            body,
        }
    }
}

impl From<QueryError> for JsonAnswer {
    fn from(error: QueryError) -> Self {
        Self {
            status: status_of(&error),
            body: json!({ "error": error.to_string() }),
        }
    }
}

impl From<Result<Json, QueryError>> for JsonAnswer {
    fn from(result: Result<Json, QueryError>) -> Self {
        result.map_or_else(Self::from, Self::ok)
    }
}

/// Parses the body of a request.
///
/// # Errors
/// A body that is not JSON.
pub fn parse(body: &[u8]) -> Result<Json, QueryError> {
    serde_json::from_slice(body).map_err(|_| QueryError::invalid("#", "not valid JSON"))
}

/// `POST /api/v2/query`: answers a question.
pub async fn query(stats: &StatsService, body: &Json, now: Timestamp) -> JsonAnswer {
    let report = match question(stats, body) {
        Ok(question) => stats.query(&question, now).await,
        Err(error) => Err(error),
    };
    rendered(report)
}

/// `POST /api/v2/batch`: answers `{"queries": [question, ...]}` with
/// `{"results": [{"status", "body"}, ...]}` in the same order.
pub async fn batch(stats: &StatsService, body: &Json, now: Timestamp) -> JsonAnswer {
    reports(stats, body, now).await.into()
}

/// `POST /api/v2/funnel`: answers how many visits complete each step of a funnel.
pub async fn funnel(stats: &StatsService, body: &Json, now: Timestamp) -> JsonAnswer {
    let report = match wire::funnel::parse(body, &goals(stats, body)) {
        Ok(funnel) => stats.funnel(&funnel, now).await,
        Err(error) => Err(error),
    };
    report.map(|report| wire::funnel::render(&report)).into()
}

/// `POST /api/v2/changes`: answers what changed between two periods.
pub async fn changes(stats: &StatsService, body: &Json, now: Timestamp) -> JsonAnswer {
    let report = match wire::changes::parse(body, &goals(stats, body)) {
        Ok(changes) => stats.changes(&changes, now).await,
        Err(error) => Err(error),
    };
    report.map(|report| wire::changes::render(&report)).into()
}

/// `POST /api/v2/export`: answers `{"query": question, "format", "recipient", "purpose"}` with a
/// file.
///
/// # Errors
/// The answer in place of a file.
pub async fn export(
    stats: &StatsService,
    body: &Json,
    now: Timestamp,
) -> Result<Export, JsonAnswer> {
    let request = export_request(stats, body)?;
    Ok(stats.export(&request, now).await?)
}

/// `GET /api/v2/live`: answers `{"visitors": N}`.
pub async fn live(stats: &StatsService, site: &str, now: Timestamp) -> JsonAnswer {
    let visitors = stats.live(site, now).await;
    visitors
        .map(|visitors| json!({ "visitors": visitors }))
        .into()
}

/// `GET /api/v2/quality`: answers
/// `{"accepted": N, "dropped": {reason: N}, "by_day": {day: {outcome: N}}}`.
pub async fn quality(stats: &StatsService, site: &str, from: Date, to: Date) -> JsonAnswer {
    let quality = stats.quality(site, from, to).await;
    let shown = quality.map(|quality| {
        json!({
            "accepted": quality.accepted,
            "dropped": quality.dropped,
            "by_day": quality.by_day,
        })
    });
    shown.into()
}

/// The HTTP response for an answer.
pub fn report(answer: JsonAnswer) -> Answer {
    response::json(answer.status, &answer.body)
}

/// The goals of the site that a body names.
fn goals(stats: &StatsService, body: &Json) -> Goals {
    stats.goals(body.get("site_id").and_then(Json::as_str))
}

fn question(stats: &StatsService, body: &Json) -> Result<Question, QueryError> {
    wire::question::parse(body, &goals(stats, body))
}

fn rendered(report: Result<Report, QueryError>) -> JsonAnswer {
    report.map(|report| wire::report::render(&report)).into()
}

async fn reports(stats: &StatsService, body: &Json, now: Timestamp) -> Result<Json, QueryError> {
    let queries = queries(body)?.iter();
    let questions: Vec<Result<Question, QueryError>> =
        queries.map(|query| question(stats, query)).collect();
    let valid = questions.iter().flatten().cloned().collect();
    let mut reports = stats.batch(valid, now).await?.into_iter();
    let results = questions.into_iter().map(|question| {
        let report = question.and_then(|_| {
            let missing = Err(QueryError::Internal("a question was not answered"));
            reports.next().unwrap_or(missing)
        });
        let answer = rendered(report);
        json!({ "status": answer.status.as_u16(), "body": answer.body })
    });
    let results: Vec<Json> = results.collect();
    Ok(json!({ "results": results }))
}

/// The questions of a batch.
fn queries(body: &Json) -> Result<&[Json], QueryError> {
    let Json::Object(object) = body else {
        return Err(QueryError::invalid("#", "a JSON object is expected"));
    };
    refuse_unknown(object, "#", &["queries"])?;
    match object.get("queries") {
        Some(Json::Array(queries)) if (1..=BATCH_MAX).contains(&queries.len()) => Ok(queries),
        _ => Err(QueryError::invalid(
            "#/queries",
            format!("an array of 1 to {BATCH_MAX} queries is expected"),
        )),
    }
}

fn export_request(stats: &StatsService, body: &Json) -> Result<ExportRequest, QueryError> {
    let Json::Object(body) = body else {
        return Err(QueryError::invalid("#", "a JSON object is expected"));
    };
    refuse_unknown(body, "#", &["query", "format", "recipient", "purpose"])?;
    let name = body
        .get("format")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let Some((_, format)) = FORMATS.iter().find(|(known, _)| *known == name) else {
        let names = FORMATS.iter().map(|(name, _)| *name);
        return Err(QueryError::unknown("#/format", "format", name, names));
    };
    let recipient = note(body, "recipient")?;
    let purpose = note(body, "purpose")?;
    let query = body.get("query").unwrap_or(&Json::Null);
    if query.pointer("/include/comparisons").is_some() && *format != Format::Json {
        return Err(QueryError::invalid(
            "#/query/include/comparisons",
            "only the format json holds comparisons",
        ));
    }
    Ok(ExportRequest {
        question: question(stats, query)?,
        format: *format,
        recipient,
        purpose,
    })
}

/// A recipient or a purpose.
fn note(body: &Map<String, Json>, key: &str) -> Result<String, QueryError> {
    let text = body.get(key).and_then(Json::as_str).unwrap_or_default();
    if !is_note(text) {
        return Err(QueryError::invalid(
            format!("#/{key}"),
            format!("one line of 1 to {NOTE_BYTES_MAX} bytes is expected; it is logged"),
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_a_text() {
        let noted =
            |text: Json| note(json!({"purpose": text}).as_object().unwrap(), "purpose").is_ok();
        assert!(noted(json!("Quarterly review")));
        assert!(!noted(json!("")) && !noted(json!(1)) && !noted(json!(null)));
    }
}
