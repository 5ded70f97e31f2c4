//! A report as the JSON of `POST /api/v2/query`.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::period::Period;
use crate::question::{AskedDimension, Direction, OrderKey, Question};
use crate::report::{Meta, Report, Row};
use crate::value::MetricValue;

/// The report as JSON.
pub fn render(report: &Report) -> Json {
    let rows: Vec<Json> = report.rows.iter().map(row).collect();
    json!({
        "results": rows,
        "meta": meta(&report.meta, &report.question, &report.period),
        "query": echo(&report.question, &report.period),
    })
}

/// The value of a metric as JSON.
pub fn value(value: &MetricValue) -> Json {
    match value {
        MetricValue::Unknown => Json::Null,
        MetricValue::Whole(whole) => json!(whole),
        MetricValue::Fraction(number) => json!(number),
        MetricValue::Amount(amount) => json!({
            "value": amount.value,
            "currency": amount.currency,
            "short": amount.short,
            "long": amount.long,
        }),
    }
}

fn row(row: &Row) -> Json {
    let values = |values: &[MetricValue]| values.iter().map(value).collect::<Vec<Json>>();
    let mut shown = json!({"metrics": values(&row.metrics), "dimensions": row.dimensions});
    if let Some(compared) = &row.comparison {
        shown["comparison"] = json!({
            "metrics": values(&compared.metrics),
            "dimensions": compared.dimensions,
            "change": values(&compared.change),
        });
    }
    shown
}

fn meta(meta: &Meta, question: &Question, period: &Period) -> Json {
    let mut shown = Map::new();
    let mut add = |key: &str, value: Json| {
        shown.insert(key.to_owned(), value);
    };
    if let Some((other, labels)) = &meta.comparison {
        add("comparison_date_range", json!(other.to_iso()));
        if let Some(labels) = labels {
            add("comparison_time_labels", json!(labels.all));
        }
    }
    if question.include_imports {
        add("imports_included", json!(false));
        add("imports_skip_reason", json!("no_imported_data"));
    }
    if let Some(labels) = &meta.time_labels {
        add("time_labels", json!(labels.all));
        add("partial_time_labels", json!(labels.partial));
    }
    if let Some(total) = meta.total_rows {
        add("total_rows", json!(total));
    }
    if let Some(visitors) = meta.visitors {
        add("visitors_semantics", json!(visitors.name()));
    }
    if !meta.warnings.is_empty() {
        let warnings = meta.warnings.iter().map(|(metric, warning)| {
            let warning = json!({"code": warning.code, "warning": warning.text});
            (metric.name().to_owned(), warning)
        });
        add("metric_warnings", Json::Object(warnings.collect()));
    }
    if let Some(day) = meta.ids_cleared_before {
        add("ids_cleared_before", json!(day.to_string()));
    }
    if let Some(floor) = meta.visitors_floor {
        add("visitors_floor", json!(floor));
    }
    let until = meta.numbers_until_s.map(Timestamp::from_second);
    if let Some(Ok(until)) = until {
        let until = until.to_zoned_datetime(period.zone().clone());
        let until = until.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        add("numbers_until", json!(until));
    }
    Json::Object(shown)
}

/// The question as parsed.
fn echo(question: &Question, period: &Period) -> Json {
    let dimensions: Vec<String> = question
        .dimensions
        .iter()
        .map(AskedDimension::name)
        .collect();
    let order = question.order.iter().map(|(key, direction)| {
        let name = match key {
            OrderKey::Metric(index) => question.metrics[*index].name().to_owned(),
            OrderKey::Dimension(index) => dimensions[*index].clone(),
        };
        let direction = match direction {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        json!([name, direction])
    });
    let order: Vec<Json> = order.collect();
    let flags = [
        ("imports", question.include_imports),
        ("time_labels", question.include_time_labels),
        ("total_rows", question.include_total_rows),
    ];
    let wanted = flags.into_iter().filter(|(_, is_wanted)| *is_wanted);
    let mut include: Map<String, Json> = wanted
        .map(|(name, _)| (name.to_owned(), json!(true)))
        .collect();
    if let Some(asked) = &question.echo.comparisons {
        include.insert("comparisons".into(), asked.clone());
    }
    let metrics: Vec<&str> = question
        .metrics
        .iter()
        .map(|metric| metric.name())
        .collect();
    json!({
        "site_id": question.site,
        "metrics": metrics,
        "date_range": period.to_iso(),
        "filters": question.echo.filters.clone().unwrap_or_else(|| json!([])),
        "dimensions": dimensions,
        "order_by": order,
        "include": include,
        "pagination": {"limit": question.limit, "offset": question.offset},
    })
}
