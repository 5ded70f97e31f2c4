//! Headers that describe an answer, as ClickHouse writes them. Pure; no IO.

use super::execute::Progress;

/// `X-ClickHouse-Summary`: numbers as strings, as in ClickHouse.
pub fn summary(progress: &Progress) -> String {
    let Progress {
        read_rows,
        read_bytes,
        written_rows,
        written_bytes,
        result_rows,
        result_bytes,
        elapsed_ns,
    } = progress;
    format!(
        r#"{{"read_rows":"{read_rows}","read_bytes":"{read_bytes}","written_rows":"{written_rows}","written_bytes":"{written_bytes}","total_rows_to_read":"0","result_rows":"{result_rows}","result_bytes":"{result_bytes}","elapsed_ns":"{elapsed_ns}"}}"#
    )
}

/// The `Content-Type` of a result in this format.
pub fn content_type(format: &str) -> &'static str {
    match format {
        "TabSeparated"
        | "TSV"
        | "TabSeparatedWithNames"
        | "TSVWithNames"
        | "TabSeparatedWithNamesAndTypes"
        | "TSVWithNamesAndTypes" => "text/tab-separated-values; charset=UTF-8",
        "CSV" | "CSVWithNames" => "text/csv; charset=UTF-8; header=absent",
        "JSON" | "JSONCompact" | "JSONStrings" => "application/json; charset=UTF-8",
        "JSONEachRow" | "NDJSON" | "JSONLines" | "JSONCompactEachRow" => {
            "application/x-ndjson; charset=UTF-8"
        }
        "RowBinary"
        | "RowBinaryWithNames"
        | "RowBinaryWithNamesAndTypes"
        | "Native"
        | "Parquet"
        | "Arrow"
        | "ArrowStream"
        | "ORC" => "application/octet-stream",
        _ => "text/plain; charset=UTF-8",
    }
}
