//! Rows of ClickHouse's answers, in the format `JSONCompactEachRow`: one JSON array per line.

use serde::de::DeserializeOwned;

/// A row that does not have the columns of the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("row {index} of the answer does not have the columns of the statement")]
pub struct RowError {
    pub index: usize,
}

/// Reads each line as a `T`.
pub fn read<T: DeserializeOwned>(lines: &[u8]) -> impl Iterator<Item = Result<T, RowError>> {
    let lines = lines.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .enumerate()
        .map(|(index, line)| serde_json::from_slice(line).map_err(|_| RowError { index }))
}
