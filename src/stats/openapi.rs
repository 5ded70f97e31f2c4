//! The contract as an OpenAPI document.
//!
//! Duty: say in a machine's words what [`request`](sillage_query::request) accepts and
//! [`report`](sillage_query::report) gives. Names, bounds and lists come from the code that enforces them;
//! `docs/openapi.json` is this document, and a test fails when the two differ, when an example is
//! refused, or when a golden answer has a key that is not in it.

use serde_json::{Value as Json, json};

use super::BATCH_MAX;
use super::changes::CONTRIBUTORS_MAX;
use super::export::NOTE_BYTES_MAX;
use sillage_query::dimension::{Dimension, GOAL};
use sillage_query::funnel::{ROWS_MAX, STEP_NAME_CHARS_MAX, STEPS_MAX, STEPS_MIN};
use sillage_query::metric::Metric;
use sillage_query::period::{DAYS_MAX, MONTHS_MAX};
use sillage_query::request::{DIMENSIONS_MAX, LIMIT_MAX, OFFSET_MAX};

/// The whole document, OpenAPI 3.1.
pub fn document() -> Json {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sillage statistics",
            "version": "2",
            "description": "Plausible's Stats API v2, and new and returning visitors, engaged time, journeys, frequency, web vitals and clicks on top. Numbers are defined in docs/metrics.md.",
        },
        "paths": {
            "/api/v2/query": {"post": {
                "operationId": "query",
                "summary": "Answers one question about one site.",
                "requestBody": body(reference("Query")),
                "responses": responses(reference("Report")),
            }},
            "/api/v2/batch": {"post": {
                "operationId": "batch",
                "summary": "Answers several questions at the same time; one that fails does not spoil the others.",
                "requestBody": body(json!({
                    "type": "object", "required": ["queries"], "additionalProperties": false,
                    "properties": {"queries": {"type": "array", "minItems": 1, "maxItems": BATCH_MAX, "items": reference("Query")}},
                })),
                "responses": responses(json!({
                    "type": "object", "required": ["results"],
                    "properties": {"results": {"type": "array", "description": "In the order of the queries.", "items": {
                        "type": "object", "required": ["status", "body"],
                        "properties": {
                            "status": {"type": "integer"},
                            "body": {"oneOf": [reference("Report"), reference("Error")]},
                        },
                    }}},
                })),
            }},
            "/api/v2/funnel": {"post": {
                "operationId": "funnel",
                "summary": "Says how many of the visits that began in a period came how far through some steps.",
                "requestBody": body(reference("Funnel")),
                "responses": responses(reference("FunnelReport")),
            }},
            "/api/v2/changes": {"post": {
                "operationId": "changes",
                "summary": "Names what makes most of the difference between two periods.",
                "requestBody": body(reference("ChangesQuery")),
                "responses": responses(reference("Changes")),
            }},
            "/api/v2/export": {"post": {
                "operationId": "export",
                "summary": "Answers a question as a file; recipient and purpose are logged.",
                "requestBody": body(json!({
                    "type": "object", "required": ["query", "format", "recipient", "purpose"], "additionalProperties": false,
                    "properties": {
                        "query": reference("Query"),
                        "format": {"enum": ["csv", "json", "ndjson", "parquet"]},
                        "recipient": {"type": "string", "minLength": 1, "maxLength": NOTE_BYTES_MAX},
                        "purpose": {"type": "string", "minLength": 1, "maxLength": NOTE_BYTES_MAX},
                    },
                })),
                "responses": responses(json!({"description": "The file, of the media type of its format."})),
            }},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Metric": {"enum": Metric::ALL.map(Metric::name)},
                "Dimension": {"anyOf": [
                    {"enum": Dimension::names().chain(["time", GOAL]).collect::<Vec<_>>()},
                    {"type": "string", "pattern": "^event:props:.+$"},
                ]},
                "DateRange": date_range(),
                "Filter": filter(),
                "Query": query(),
                "Report": report(),
                "Funnel": funnel(),
                "FunnelReport": funnel_report(),
                "ChangesQuery": {
                    "type": "object", "required": ["site_id", "metric", "date_range"], "additionalProperties": false,
                    "properties": {
                        "site_id": {"type": "string"},
                        "metric": {"enum": ["visitors", "visits", "pageviews", "events"]},
                        "date_range": reference("DateRange"),
                        "comparison": {"type": "object", "description": "As include.comparisons of a query; default: the previous period."},
                        "filters": {"type": "array", "items": reference("Filter")},
                        "limit": {"type": "integer", "minimum": 1, "maximum": CONTRIBUTORS_MAX, "default": 10},
                    },
                },
                "Changes": {
                    "type": "object", "required": ["total", "contributors", "meta"],
                    "properties": {
                        "total": {"type": "object", "properties": {"now": {"type": "integer"}, "before": {"type": "integer"}}},
                        "contributors": {"type": "array", "description": "The greatest difference first. Those of one dimension add up to that of the total, those of several overlap.", "items": {
                            "type": "object",
                            "properties": {
                                "dimension": {"type": "string"}, "value": {"type": "string"}, "now": {"type": "integer"},
                                "before": {"type": "integer"}, "difference": {"type": "integer"}, "filter": reference("Filter"),
                            },
                        }},
                        "meta": {"type": "object", "properties": {
                            "date_range": {"type": "array"}, "comparison_date_range": {"type": "array"},
                            "incomplete_dimensions": {"type": "array", "items": {"type": "string"}, "description": "Those with more values than one answer holds."},
                        }},
                    },
                },
                "Amount": {
                    "type": "object", "required": ["value", "currency", "short", "long"],
                    "properties": {"value": {"type": "number"}, "currency": {"type": "string"}, "short": {"type": "string"}, "long": {"type": "string"}},
                },
                "Error": {
                    "type": "object", "required": ["error"],
                    "properties": {"error": {"type": "string", "description": "For a faulty question, begins with the place of the fault as a JSON pointer, e.g. #/filters/0/1."}},
                },
            },
        },
        "security": [{"key": []}],
    })
}

fn funnel() -> Json {
    json!({
        "type": "object", "required": ["site_id", "date_range", "steps"], "additionalProperties": false,
        "properties": {
            "site_id": {"type": "string"},
            "date_range": reference("DateRange"),
            "filters": {"type": "array", "items": reference("Filter"), "description": "Which visits are looked at."},
            "steps": {"type": "array", "minItems": STEPS_MIN, "maxItems": STEPS_MAX, "items": {
                "type": "object", "required": ["filters"], "additionalProperties": false,
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": STEP_NAME_CHARS_MAX},
                    "filters": {"type": "array", "minItems": 1, "items": reference("Filter"), "description": "What one event has to be."},
                },
            }},
            "order": {"enum": ["loose", "strict"], "default": "loose", "description": "Strict: no other page and no other event lies between two steps."},
            "dimensions": {"type": "array", "maxItems": 1, "items": {"type": "string", "pattern": "^visit:"}},
        },
        "examples": [{
            "site_id": "example.com", "date_range": "28d",
            "steps": [
                {"name": "Prices", "filters": [["is", "event:page", ["/pricing"]]]},
                {"name": "Signup", "filters": [["is", "event:name", ["Signup"]]]},
            ],
        }],
    })
}

fn funnel_report() -> Json {
    let count =
        |about: &str| json!({"type": ["integer", "null"], "minimum": 0, "description": about});
    let percent = |about: &str| json!({"type": ["number", "null"], "minimum": 0, "maximum": 100, "description": about});
    json!({
        "type": "object", "required": ["results", "meta", "query"],
        "properties": {
            "results": {"type": "array", "maxItems": ROWS_MAX, "items": {
                "type": "object", "required": ["dimensions", "visits", "steps"],
                "properties": {
                    "dimensions": {"type": "array", "items": {"type": "string"}},
                    "visits": count("All visits, whether or not they did the first step."),
                    "steps": {"type": "array", "items": {
                        "type": "object", "required": ["name", "visits", "dropped", "step_rate", "conversion_rate"],
                        "properties": {
                            "name": {"type": "string"},
                            "visits": count("Visits that did this step after those before it."),
                            "dropped": count("Visits that did the step before (for the first: all) and not this one."),
                            "step_rate": percent("Percent of the visits of the step before (for the first: of all)."),
                            "conversion_rate": percent("Percent of the visits of the first step."),
                        },
                    }},
                },
            }},
            "meta": {"type": "object", "properties": {
                "ids_cleared_before": {"type": "string", "description": "First day whose events still say which visit they are of; visits are counted from it on. Where the whole period lies before it, all numbers are null."},
            }},
            "query": reference("Funnel"),
        },
    })
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn body(schema: Json) -> Json {
    json!({"required": true, "content": {"application/json": {"schema": schema}}})
}

fn responses(schema: Json) -> Json {
    let error = |text: &str| json!({"description": text, "content": {"application/json": {"schema": reference("Error")}}});
    json!({
        "200": {"description": "The answer.", "content": {"application/json": {"schema": schema}}},
        "400": error("The question can't be answered; the text says where the fault is."),
        "401": error("No key, or no such site for this key."),
        "422": error("The question costs more than is allowed."),
        "502": error("The database did not answer."),
        "503": error("Too many questions are waiting."),
    })
}

fn date_range() -> Json {
    json!({"description": "Nd and Nmo end before today and before this month.", "oneOf": [
        {"enum": ["day", "24h", "30m", "realtime", "month", "year", "all"], "description": "`30m` and `realtime` are the last 30 and 5 minutes."},
        {"type": "string", "pattern": "^[0-9]{1,4}d$", "description": format!("So many days before today, 1 to {DAYS_MAX}.")},
        {"type": "string", "pattern": "^[0-9]{1,4}mo$", "description": format!("So many months before this one, 1 to {MONTHS_MAX}.")},
        {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "format": "date"}, "description": "Both days included."},
        {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "format": "date-time"}, "description": "From the first to just before the second; a second of 59 closes its minute."},
    ]})
}

fn filter() -> Json {
    let one = reference("Filter");
    let comparison = |operators: Json, options: bool| {
        let mut items = vec![
            json!({"enum": operators}),
            reference("Dimension"),
            json!({"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}}),
        ];
        if options {
            items.push(json!({"type": "object", "additionalProperties": false, "properties": {"case_sensitive": {"type": "boolean", "default": true}}}));
        }
        json!({"type": "array", "minItems": 3, "maxItems": items.len(), "prefixItems": items})
    };
    let list = |operators: Json, argument: Json| json!({"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"enum": operators}, argument]});
    json!({"oneOf": [
        comparison(json!(["is", "is_not", "contains", "contains_not"]), true),
        comparison(json!(["matches", "matches_not"]), false),
        list(json!(["and", "or"]), json!({"type": "array", "minItems": 1, "items": one})),
        list(json!(["not"]), one.clone()),
        list(json!(["has_done", "has_not_done"]), one),
        json!({"type": "array", "minItems": 3, "maxItems": 3, "description": "Filters that people saved for the site, by number; several mean any of them.", "prefixItems": [
            {"const": "is"}, {"const": "segment"}, {"type": "array", "minItems": 1, "items": {"type": "integer"}},
        ]}),
    ]})
}

fn query() -> Json {
    json!({
        "type": "object",
        "required": ["site_id", "metrics", "date_range"],
        "additionalProperties": false,
        "properties": {
            "site_id": {"type": "string"},
            "metrics": {"type": "array", "minItems": 1, "uniqueItems": true, "items": reference("Metric")},
            "date_range": reference("DateRange"),
            "dimensions": {"type": "array", "maxItems": DIMENSIONS_MAX, "uniqueItems": true, "items": reference("Dimension")},
            "filters": {"type": "array", "items": reference("Filter"), "description": "All have to hold."},
            "order_by": {"type": "array", "description": "Default: time, then the first metric from the greatest.", "items": {
                "type": "array", "minItems": 2, "maxItems": 2,
                "prefixItems": [{"anyOf": [reference("Metric"), reference("Dimension")]}, {"enum": ["asc", "desc"]}],
            }},
            "include": {"type": "object", "additionalProperties": false, "properties": {
                "imports": {"type": "boolean"}, "time_labels": {"type": "boolean"}, "total_rows": {"type": "boolean"},
                "comparisons": {"type": "object", "required": ["mode"], "additionalProperties": false, "properties": {
                    "mode": {"enum": ["previous_period", "year_over_year", "custom"], "description": "A period that is not over is compared with as many days as have begun."},
                    "date_range": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}, "description": "With mode custom only."},
                    "match_day_of_week": {"type": "boolean", "default": false},
                }},
            }},
            "pagination": {"type": "object", "additionalProperties": false, "properties": {
                "limit": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_MAX},
                "offset": {"type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0},
            }},
        },
        "examples": [
            {"site_id": "example.com", "metrics": ["visitors", "pageviews", "bounce_rate"], "date_range": "7d"},
            {"site_id": "example.com", "metrics": ["visitors"], "date_range": ["2026-01-01", "2026-01-31"], "dimensions": ["time:day", "visit:source"], "include": {"time_labels": true}},
            {"site_id": "example.com", "metrics": ["visits"], "date_range": "28d", "dimensions": ["event:page", "event:next_page"], "filters": [["or", [["is", "visit:country", ["JP", "DE"]], ["has_done", ["is", "event:name", ["Signup"]]]]], ["contains_not", "event:page", ["/internal/"], {"case_sensitive": false}]], "order_by": [["visits", "desc"]], "pagination": {"limit": 100, "offset": 0}},
        ],
    })
}

fn report() -> Json {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let values = json!({"type": "array", "items": {"anyOf": [{"type": ["number", "null"]}, reference("Amount")]}});
    json!({
        "type": "object",
        "required": ["results", "meta", "query"],
        "properties": {
            "results": {"type": "array", "description": "Rows in which nothing was counted are absent.", "items": {
                "type": "object", "required": ["metrics", "dimensions"],
                "properties": {
                    "metrics": values, "dimensions": texts,
                    "comparison": {"type": "object", "required": ["metrics", "dimensions", "change"], "description": "With include.comparisons.", "properties": {
                        "metrics": values,
                        "dimensions": {"type": "array", "items": {"type": ["string", "null"]}},
                        "change": {"type": "array", "items": {"type": ["number", "null"]}, "description": "In percent; of metrics that are shares, in points."},
                    }},
                },
            }},
            "meta": {"type": "object", "properties": {
                "imports_included": {"type": "boolean"},
                "imports_skip_reason": {"type": "string"},
                "metric_warnings": {"type": "object", "additionalProperties": {
                    "type": "object", "properties": {"code": {"type": "string"}, "warning": {"type": "string"}},
                }},
                "comparison_date_range": texts,
                "comparison_time_labels": texts,
                "time_labels": texts,
                "partial_time_labels": {"type": "array", "items": {"type": "string"}, "description": "Those of time_labels that are not over yet or that the period cuts."},
                "total_rows": {"type": "integer"},
                "ids_cleared_before": {"type": "string", "description": "First day whose events still say which visit they are of; metrics with the warning `ids_cleared` are counted from it on, and are null where all of a row lies before it."},
                "visitors_floor": {"type": "integer", "description": "Distinct visitors below which rows are folded into `(other)` for this asker, and below which an answer is that of nobody; absent for members who see everything."},
                "numbers_until": {"type": "string", "description": "Up to when events are counted for this asker, where the period reaches further: events of unfinished time are released in steps of full hours. Absent for members who see everything."},
                "visitors_semantics": {"enum": ["exact", "estimated", "first_touch", "daily", "by_value"], "description": "What visitors, percentage, new_visitors and returning_visitors count; see docs/metrics.md."},
            }},
            "query": {"type": "object", "description": "The question as it was understood, the period as two instants in the site's zone."},
        },
    })
}
