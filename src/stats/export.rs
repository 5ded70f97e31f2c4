//! Exports: a report as a file, and a line in the log that says who it is for.
//!
//! Duty: the same answer as a question's, written as CSV, JSON, lines of JSON or Parquet.
//! Invariants:
//!
//! - **Aggregated only.** An export is made from a [report](sillage_query::report) and by the same way;
//!   there is none of events.
//! - **Accounted for.** Recipient and purpose are asked for and logged, with site, format and
//!   number of rows, before the file is handed out.
//! - **No formulas.** A text of a CSV that a spreadsheet would calculate begins with an apostrophe
//!   instead.
//!
//! A file is whole in memory: a report has at most 10,000 rows.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{Answer, Answerer, parquet, parse};
use sillage_query::question::{Fault, refuse_unknown};

/// Bytes of a recipient or a purpose.
pub const NOTE_BYTES_MAX: usize = 200;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With a header, RFC 4180.
    Csv,
    /// The answer of a question as it is.
    Json,
    /// One object a row.
    Ndjson,
    /// Columns with their types.
    Parquet,
}

/// A file to hand out.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub format: Format,
    pub bytes: Vec<u8>,
}

const FORMATS: [(&str, Format); 4] = [
    ("csv", Format::Csv),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("parquet", Format::Parquet),
];

impl Format {
    /// As requests name it; also the ending of a file's name.
    pub fn name(self) -> &'static str {
        let found = FORMATS.iter().find(|(_, format)| *format == self);
        found.map_or("", |(name, _)| name)
    }

    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl Answerer {
    /// Answers `{"query": question, "format", "recipient", "purpose"}` (`POST /api/v2/export`).
    ///
    /// # Errors
    /// The answer to give instead of a file: a fault of the request, or whatever the question
    /// itself is answered.
    pub async fn export(&self, body: &[u8], now: Timestamp) -> Result<Export, Answer> {
        let Json::Object(body) = parse(body)? else {
            return Err(Fault::new("#", "a JSON object is expected").into());
        };
        refuse_unknown(&body, "#", &["query", "format", "recipient", "purpose"])?;
        let name = body
            .get("format")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let Some((_, format)) = FORMATS.iter().find(|(known, _)| *known == name) else {
            let names = FORMATS.iter().map(|(name, _)| *name);
            return Err(Fault::unknown("#/format", "format", name, names).into());
        };
        let recipient = note(&body, "recipient")?;
        let purpose = note(&body, "purpose")?;
        let question = body.get("query").cloned().unwrap_or(Json::Null);
        if question.pointer("/include/comparisons").is_some() && *format != Format::Json {
            return Err(Fault::new(
                "#/query/include/comparisons",
                "only the format json holds comparisons",
            )
            .into());
        }
        let answer = self.query(question.to_string().as_bytes(), now).await;
        if answer.status != 200 {
            return Err(answer);
        }
        let table = Table::of(&answer.body);
        let bytes = match format {
            Format::Csv => table.to_csv().into_bytes(),
            Format::Json => (answer.body.to_string() + "\n").into_bytes(),
            Format::Ndjson => table.to_ndjson().into_bytes(),
            Format::Parquet => parquet::write(&table.columns, &table.rows).map_err(|error| {
                // A question names no metric twice, so that every report can be written.
                tracing::error!(%error, "a report could not be written as Parquet");
                Answer::error(
                    500,
                    "the report could not be written as Parquet; choose another format",
                )
            })?,
        };
        tracing::info!(
            target: "sillage::audit",
            site = question["site_id"].as_str().unwrap_or_default(),
            format = format.name(),
            rows = table.rows.len(),
            recipient,
            purpose,
            "a report was exported"
        );
        Ok(Export {
            format: *format,
            bytes,
        })
    }
}

/// A recipient or a purpose: one line that is not empty.
fn note<'a>(body: &'a Map<String, Json>, key: &str) -> Result<&'a str, Fault> {
    let text = body.get(key).and_then(Json::as_str).unwrap_or_default();
    let is_line = !text.chars().any(char::is_control);
    if text.trim().is_empty() || text.len() > NOTE_BYTES_MAX || !is_line {
        return Err(Fault::new(
            format!("#/{key}"),
            format!("one line of 1 to {NOTE_BYTES_MAX} bytes is expected; it is logged"),
        ));
    }
    Ok(text)
}

/// A report as columns and rows.
#[derive(Debug, PartialEq)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Json>>,
}

impl Table {
    /// Dimensions, then metrics; an amount of money is two columns, the second its currency.
    fn of(report: &Json) -> Self {
        let names = |key: &str| {
            let names = report["query"][key].as_array().into_iter().flatten();
            names
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (mut columns, metrics) = (names("dimensions"), names("metrics"));
        for metric in &metrics {
            columns.push(metric.clone());
            if is_amount(metric) {
                columns.push(format!("{metric}_currency"));
            }
        }
        let cells = |row: &Json| {
            let mut cells = row["dimensions"].as_array().cloned().unwrap_or_default();
            let values = row["metrics"].as_array().into_iter().flatten();
            for (metric, value) in metrics.iter().zip(values) {
                if is_amount(metric) {
                    cells.extend([value["value"].clone(), value["currency"].clone()]);
                } else {
                    cells.push(value.clone());
                }
            }
            cells
        };
        let rows = report["results"].as_array().into_iter().flatten();
        Self {
            rows: rows.map(cells).collect(),
            columns,
        }
    }

    fn to_csv(&self) -> String {
        let line = |cells: Vec<String>| cells.join(",") + "\r\n";
        let mut csv = line(self.columns.iter().map(|name| csv_text(name)).collect());
        for row in &self.rows {
            csv += &line(row.iter().map(csv_cell).collect());
        }
        csv
    }

    fn to_ndjson(&self) -> String {
        let mut lines = String::new();
        for row in &self.rows {
            let object: Map<String, Json> = self
                .columns
                .iter()
                .cloned()
                .zip(row.iter().cloned())
                .collect();
            lines += &json!(object).to_string();
            lines.push('\n');
        }
        lines
    }
}

fn is_amount(metric: &str) -> bool {
    sillage_query::metric::Metric::parse(metric).is_some_and(|metric| metric.is_revenue())
}

fn csv_cell(cell: &Json) -> String {
    match cell {
        Json::Null => String::new(),
        Json::String(text) => csv_text(text),
        number => number.to_string(),
    }
}

/// A text, quoted where it has to be, and with an apostrophe before what a spreadsheet takes for a
/// formula.
fn csv_text(text: &str) -> String {
    let is_formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let safe = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if safe.contains(['"', ',', '\r', '\n', '\t', ';', '\'']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Json {
        json!({
            "query": {"dimensions": ["visit:source"], "metrics": ["visitors", "total_revenue", "lcp_p75"]},
            "results": [
                {"dimensions": ["=HYPERLINK(\"x\")"], "metrics": [3, {"value": -1.5, "currency": "EUR"}, null]},
                {"dimensions": ["a,b"], "metrics": [2, null, 900]},
            ],
        })
    }

    #[test]
    fn text_that_looks_like_a_formula_is_quoted_in_exports() {
        assert_eq!(
            Table::of(&report()).to_csv(),
            "visit:source,visitors,total_revenue,total_revenue_currency,lcp_p75\r\n\
             \"'=HYPERLINK(\"\"x\"\")\",3,-1.5,EUR,\r\n\"a,b\",2,,,900\r\n"
        );
        for text in ["+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert!(
                csv_text(text).trim_start_matches('"').starts_with('\''),
                "{text:?}"
            );
        }
        assert_eq!(csv_text("/a=b"), "/a=b");
    }

    #[test]
    fn a_line_of_json_names_its_columns() {
        let lines = Table::of(&report()).to_ndjson();
        let first: Json = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["visit:source"], "=HYPERLINK(\"x\")");
        assert_eq!(
            (&first["visitors"], &first["total_revenue_currency"]),
            (&json!(3), &json!("EUR"))
        );
        assert_eq!(lines.lines().count(), 2);
    }

    #[test]
    fn a_note_is_one_line_within_its_bound() {
        let noted =
            |text: Json| note(json!({"purpose": text}).as_object().unwrap(), "purpose").is_ok();
        assert!(noted(json!("a".repeat(200))) && !noted(json!("a".repeat(201))));
        for text in [
            json!(""),
            json!(" "),
            json!("a\nb"),
            json!("a\u{1b}[2J"),
            json!(1),
            json!(null),
        ] {
            assert!(!noted(text.clone()), "{text}");
        }
    }
}
