//! The API of questions as an OpenAPI document.
//!
//! The document describes what [`wire`](sillage_query::wire) accepts and returns. Names, bounds and
//! lists come from the code that enforces them. `docs/openapi.json` is this document: a test fails
//! if the two differ, if an example is refused, or if a golden answer has a key that the document
//! lacks.

use serde_json::{Value as Json, json};

use crate::stats::export::NOTE_BYTES_MAX;
use crate::stats::reports::BATCH_MAX;
use sillage_query::changes::CONTRIBUTORS_MAX;
use sillage_query::date_range::{DAYS_MAX, MONTHS_MAX};
use sillage_query::dimension::{Dimension, GOAL};
use sillage_query::funnel::{ROWS_MAX, STEP_NAME_CHARS_MAX, STEPS_MAX, STEPS_MIN};
use sillage_query::metric::Metric;
use sillage_query::question::{DIMENSIONS_MAX, LIMIT_MAX, OFFSET_MAX};

/// The whole document, OpenAPI 3.1.
pub fn document() -> Json {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Sillage statistics",
            "version": "2",
            "description": "Plausible's Stats API v2, extended by new and returning visitors, engaged time, journeys, frequency, web vitals and clicks. docs/metrics.md defines the numbers.",
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
                "summary": "Answers several questions at once. If one fails, the others are still answered.",
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
                "summary": "Counts how many of the visits that began in a period completed each of the steps.",
                "requestBody": body(reference("Funnel")),
                "responses": responses(reference("FunnelReport")),
            }},
            "/api/v2/changes": {"post": {
                "operationId": "changes",
                "summary": "Names the values that account for most of the difference between two periods.",
                "requestBody": body(reference("ChangesQuery")),
                "responses": responses(reference("Changes")),
            }},
            "/api/v2/export": {"post": {
                "operationId": "export",
                "summary": "Answers a question as a file. Recipient and purpose are logged.",
                "requestBody": body(json!({
                    "type": "object", "required": ["query", "format", "recipient", "purpose"], "additionalProperties": false,
                    "properties": {
                        "query": reference("Query"),
                        "format": {"enum": ["csv", "json", "ndjson", "parquet"]},
                        "recipient": {"type": "string", "minLength": 1, "maxLength": NOTE_BYTES_MAX},
                        "purpose": {"type": "string", "minLength": 1, "maxLength": NOTE_BYTES_MAX},
                    },
                })),
                "responses": responses(json!({"description": "The file, with the media type of its format."})),
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
                        "comparison": {"type": "object", "description": "Like include.comparisons of a query. Default: the previous period."},
                        "filters": {"type": "array", "items": reference("Filter")},
                        "limit": {"type": "integer", "minimum": 1, "maximum": CONTRIBUTORS_MAX, "default": 10},
                    },
                },
                "Changes": {
                    "type": "object", "required": ["total", "contributors", "meta"],
                    "properties": {
                        "total": {"type": "object", "properties": {"now": {"type": "integer"}, "before": {"type": "integer"}}},
                        "contributors": {"type": "array", "description": "Largest difference first. The differences of one dimension add up to the total difference; those of several dimensions overlap.", "items": {
                            "type": "object",
                            "properties": {
                                "dimension": {"type": "string"}, "value": {"type": "string"}, "now": {"type": "integer"},
                                "before": {"type": "integer"}, "difference": {"type": "integer"}, "filter": reference("Filter"),
                            },
                        }},
                        "meta": {"type": "object", "properties": {
                            "date_range": {"type": "array"}, "comparison_date_range": {"type": "array"},
                            "incomplete_dimensions": {"type": "array", "items": {"type": "string"}, "description": "Dimensions with more values than one answer can hold."},
                        }},
                    },
                },
                "Amount": {
                    "type": "object", "required": ["value", "currency", "short", "long"],
                    "properties": {"value": {"type": "number"}, "currency": {"type": "string"}, "short": {"type": "string"}, "long": {"type": "string"}},
                },
                "Error": {
                    "type": "object", "required": ["error"],
                    "properties": {"error": {"type": "string", "description": "For an invalid question, begins with a JSON pointer to the fault, e.g. #/filters/0/1."}},
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
            "filters": {"type": "array", "items": reference("Filter"), "description": "Visits to include."},
            "steps": {"type": "array", "minItems": STEPS_MIN, "maxItems": STEPS_MAX, "items": {
                "type": "object", "required": ["filters"], "additionalProperties": false,
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": STEP_NAME_CHARS_MAX},
                    "filters": {"type": "array", "minItems": 1, "items": reference("Filter"), "description": "Conditions that one event has to meet."},
                },
            }},
            "order": {"enum": ["loose", "strict"], "default": "loose", "description": "strict: no other page or event occurs between two steps."},
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
                    "visits": count("All visits, whether or not they completed the first step."),
                    "steps": {"type": "array", "items": {
                        "type": "object", "required": ["name", "visits", "dropped", "step_rate", "conversion_rate"],
                        "properties": {
                            "name": {"type": "string"},
                            "visits": count("Visits that completed this step after the previous ones."),
                            "dropped": count("Visits that completed the previous step (for the first step: all visits) but not this one."),
                            "step_rate": percent("Percent of the visits of the previous step (for the first step: of all visits)."),
                            "conversion_rate": percent("Percent of the visits of the first step."),
                        },
                    }},
                },
            }},
            "meta": {"type": "object", "properties": {
                "ids_cleared_before": {"type": "string", "description": "First day whose ids are not cleared; visits are counted from it on. If the whole period is earlier, all numbers are null."},
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
    json!({"description": "Nd and Nmo end before today and before the current month.", "oneOf": [
        {"enum": ["day", "24h", "30m", "realtime", "month", "year", "all"], "description": "`30m` and `realtime` are the last 30 and 5 minutes."},
        {"type": "string", "pattern": "^[0-9]{1,4}d$", "description": format!("The last N days before today, 1 to {DAYS_MAX}.")},
        {"type": "string", "pattern": "^[0-9]{1,4}mo$", "description": format!("The last N months before the current one, 1 to {MONTHS_MAX}.")},
        {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "format": "date"}, "description": "First and last day, both included."},
        {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string", "format": "date-time"}, "description": "From the first instant to just before the second. A second of 59 includes its whole minute."},
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
        json!({"type": "array", "minItems": 3, "maxItems": 3, "description": "Filters that are saved for the site, by number; with several, any of them may match.", "prefixItems": [
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
            "filters": {"type": "array", "items": reference("Filter"), "description": "All of them have to match."},
            "order_by": {"type": "array", "description": "Default: time, then the first metric in descending order.", "items": {
                "type": "array", "minItems": 2, "maxItems": 2,
                "prefixItems": [{"anyOf": [reference("Metric"), reference("Dimension")]}, {"enum": ["asc", "desc"]}],
            }},
            "include": {"type": "object", "additionalProperties": false, "properties": {
                "imports": {"type": "boolean"}, "time_labels": {"type": "boolean"}, "total_rows": {"type": "boolean"},
                "comparisons": {"type": "object", "required": ["mode"], "additionalProperties": false, "properties": {
                    "mode": {"enum": ["previous_period", "year_over_year", "custom"], "description": "A period that is not over is compared with as many days as have begun."},
                    "date_range": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}, "description": "Only with mode custom."},
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
            "results": {"type": "array", "description": "Rows in which nothing was counted are left out.", "items": {
                "type": "object", "required": ["metrics", "dimensions"],
                "properties": {
                    "metrics": values, "dimensions": texts,
                    "comparison": {"type": "object", "required": ["metrics", "dimensions", "change"], "description": "With include.comparisons.", "properties": {
                        "metrics": values,
                        "dimensions": {"type": "array", "items": {"type": ["string", "null"]}},
                        "change": {"type": "array", "items": {"type": ["number", "null"]}, "description": "In percent; for metrics that are shares, in percentage points."},
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
                "partial_time_labels": {"type": "array", "items": {"type": "string"}, "description": "Entries of time_labels that are not over yet, or that the period covers only in part."},
                "total_rows": {"type": "integer"},
                "ids_cleared_before": {"type": "string", "description": "First day whose ids are not cleared. Metrics with the warning `ids_cleared` are counted from it on, and are null in rows that are entirely earlier."},
                "visitors_floor": {"type": "integer", "description": "Rows about fewer distinct visitors are folded into `(other)` for this reader, and answers about fewer visitors read as zero. Absent for members who see everything."},
                "numbers_until": {"type": "string", "description": "Instant up to which events are counted for this reader, if the period reaches further: events of unfinished time are released in steps of full hours. Absent for members who see everything."},
                "visitors_semantics": {"enum": ["exact", "estimated", "first_touch", "daily", "by_value"], "description": "What visitors, percentage, new_visitors and returning_visitors count; see docs/metrics.md."},
            }},
            "query": {"type": "object", "description": "The question as parsed, with the period as two instants in the site's time zone."},
        },
    })
}
