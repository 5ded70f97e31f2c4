//! Exports: a report as a file, with a line in the audit log that names the recipient.
//!
//! Invariants:
//!
//! - **Aggregated only.** An export is made from a [`Report`]. Events are never exported.
//! - **Accountable.** Every export needs a recipient and a purpose. They are logged with the site,
//!   the format and the number of rows before the file is handed out.
//! - **No formulas.** A text that a spreadsheet would calculate gets an apostrophe in front.
//!
//! A file is built in memory: a report has at most 10,000 rows.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use sillage_query::value::MetricValue;
use sillage_query::{QueryError, Question, Report, wire};

use super::parquet;
use super::service::StatsService;

/// Bytes of a recipient or a purpose.
pub const NOTE_BYTES_MAX: usize = 200;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CSV with a header, RFC 4180.
    Csv,
    /// The answer of the API.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// Typed columns.
    Parquet,
}

/// A request for an export.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRequest {
    pub question: Question,
    pub format: Format,
    /// One line each; both are logged.
    pub recipient: String,
    pub purpose: String,
}

/// A file to hand out.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    pub format: Format,
    pub bytes: Vec<u8>,
}

/// The formats by name.
pub const FORMATS: [(&str, Format); 4] = [
    ("csv", Format::Csv),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("parquet", Format::Parquet),
];

impl Format {
    /// Its name in requests, and the extension of the file.
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

impl StatsService {
    /// Answers a question with a file, and logs who gets it.
    ///
    /// # Errors
    /// Those of the question, or a report that can't be written in this format.
    pub async fn export(
        &self,
        request: &ExportRequest,
        now: Timestamp,
    ) -> Result<Export, QueryError> {
        let report = self.query(&request.question, now).await?;
        let format = request.format;
        let table = Table::of(&report);
        let bytes = match format {
            Format::Csv => table.to_csv().into_bytes(),
            Format::Json => (wire::report::render(&report).to_string() + "\n").into_bytes(),
            Format::Ndjson => table.to_ndjson().into_bytes(),
            Format::Parquet => parquet::write(&table.columns, &table.rows).map_err(|error| {
                // A question names no metric twice, so every report can be written.
                tracing::error!(%error, "a report could not be written as Parquet");
                QueryError::Internal(
                    "the report could not be written as Parquet; choose another format",
                )
            })?,
        };
        tracing::info!(
            target: "sillage::audit",
            site = request.question.site,
            format = format.name(),
            rows = table.rows.len(),
            recipient = request.recipient,
            purpose = request.purpose,
            "a report was exported"
        );
        Ok(Export { format, bytes })
    }
}

/// Whether a text is one line that can be logged as a recipient or a purpose.
pub fn is_note(text: &str) -> bool {
    let is_line = !text.chars().any(char::is_control);
    !text.trim().is_empty() && text.len() <= NOTE_BYTES_MAX && is_line
}

/// A cell of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Whole(i64),
    Fraction(f64),
}

/// A report as columns and rows.
#[derive(Debug, PartialEq)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Dimensions, then metrics. An amount of money takes two columns: value and currency.
    fn of(report: &Report) -> Self {
        let question = &report.question;
        let mut columns: Vec<String> = question.dimensions.iter().map(|each| each.name()).collect();
        for metric in &question.metrics {
            columns.push(metric.name().to_owned());
            if metric.is_revenue() {
                columns.push(format!("{}_currency", metric.name()));
            }
        }
        let rows = report.rows.iter().map(|row| {
            let mut cells: Vec<Cell> = row.dimensions.iter().cloned().map(Cell::Text).collect();
            for (metric, value) in question.metrics.iter().zip(&row.metrics) {
                cells.push(Cell::of(value));
                if metric.is_revenue() {
                    cells.push(match value {
                        MetricValue::Amount(amount) => Cell::Text(amount.currency.clone()),
                        MetricValue::Unknown | MetricValue::Whole(_) | MetricValue::Fraction(_) => {
                            Cell::Empty
                        }
                    });
                }
            }
            cells
        });
        Self {
            rows: rows.collect(),
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
            let cells = self
                .columns
                .iter()
                .cloned()
                .zip(row.iter().map(Cell::to_json));
            lines += &Json::Object(Map::from_iter(cells)).to_string();
            lines.push('\n');
        }
        lines
    }
}

impl Cell {
    fn of(value: &MetricValue) -> Self {
        match value {
            MetricValue::Unknown => Self::Empty,
            MetricValue::Whole(whole) => Self::Whole(*whole),
            MetricValue::Fraction(number) => Self::Fraction(*number),
            MetricValue::Amount(amount) => Self::Fraction(amount.value),
        }
    }

    fn to_json(&self) -> Json {
        match self {
            Self::Empty => Json::Null,
            Self::Text(text) => text.as_str().into(),
            Self::Whole(whole) => (*whole).into(),
            Self::Fraction(number) => (*number).into(),
        }
    }
}

fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => csv_text(text),
        Cell::Whole(_) | Cell::Fraction(_) => cell.to_json().to_string(),
    }
}

/// A text, quoted where CSV needs it, with an apostrophe in front of what a spreadsheet takes for a
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

    fn table() -> Table {
        let columns = [
            "visit:source",
            "visitors",
            "total_revenue",
            "total_revenue_currency",
            "lcp_p75",
        ];
        let text = |text: &str| Cell::Text(text.to_owned());
        Table {
            columns: columns.map(str::to_owned).to_vec(),
            rows: vec![
                vec![
                    text("=HYPERLINK(\"x\")"),
                    Cell::Whole(3),
                    Cell::Fraction(-1.5),
                    text("EUR"),
                    Cell::Empty,
                ],
                vec![
                    text("a,b"),
                    Cell::Whole(2),
                    Cell::Empty,
                    Cell::Empty,
                    Cell::Whole(900),
                ],
            ],
        }
    }

    #[test]
    fn text_that_looks_like_a_formula_is_quoted_in_exports() {
        assert_eq!(
            table().to_csv(),
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
        let lines = table().to_ndjson();
        let first: Json = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["visit:source"], "=HYPERLINK(\"x\")");
        assert_eq!(
            (&first["visitors"], &first["total_revenue_currency"]),
            (&Json::from(3), &Json::from("EUR"))
        );
        assert_eq!(lines.lines().count(), 2);
    }

    #[test]
    fn a_note_is_one_line_within_its_bound() {
        assert!(is_note(&"a".repeat(200)) && !is_note(&"a".repeat(201)));
        for text in ["", " ", "a\nb", "a\u{1b}[2J"] {
            assert!(!is_note(text), "{text:?}");
        }
    }
}
