//! Checks of JSON objects.

use serde_json::{Map, Value as Json};

use crate::error::QueryError;

/// Refuses the first key that is not known.
///
/// # Errors
/// [`QueryError::Invalid`] at the key, with the nearest known key.
pub fn refuse_unknown(
    object: &Map<String, Json>,
    at: &str,
    known: &[&str],
) -> Result<(), QueryError> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(QueryError::unknown(
            format!("{at}/{}", pointer_part(key)),
            "key",
            key,
            known.iter().copied(),
        )),
    }
}

/// A key as a part of a JSON pointer, cut to 64 characters.
fn pointer_part(key: &str) -> String {
    let cut: String = key.chars().take(64).collect();
    cut.replace('~', "~0").replace('/', "~1")
}
