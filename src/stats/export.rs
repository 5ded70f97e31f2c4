//! Exports: a report as a file, with a line in the audit log that names the recipient.
//!
//! Invariants:
//!
//! - **Aggregated only.** An export is made from a [`Report`](sillage_query::Report). Events are
//!   never exported.
//! - **Accountable.** Every export needs a recipient and a purpose. They are logged with the site,
//!   the format and the number of rows before the file is sent.
//! - **No formulas.** See [`table`](super::table).
//!
//! A file is built in memory: a report has at most 10,000 rows.

use jiff::Timestamp;
use sillage_query::{QueryError, Question, wire};

use super::parquet;
use super::service::StatsService;
use super::table::Table;

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

/// An exported file.
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
    /// Answers a question with a file, and logs its recipient.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_one_line_within_its_bound() {
        assert!(is_note(&"a".repeat(200)) && !is_note(&"a".repeat(201)));
        for text in ["", " ", "a\nb", "a\u{1b}[2J"] {
            assert!(!is_note(text), "{text:?}");
        }
    }
}
