//! The endpoints that take questions, and where each has them in its body.

use serde_json::Value as Json;

/// An endpoint of `/api/v2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Query,
    Batch,
    Funnel,
    Changes,
    Export,
}

/// The questions of a body. An export holds one under `query`, a batch several under `queries`.
///
/// # Errors
/// The rule that the body breaks.
pub fn questions(endpoint: Endpoint, body: &mut Json) -> Result<Vec<&mut Json>, &'static str> {
    match endpoint {
        Endpoint::Batch => match body.get_mut("queries").and_then(Json::as_array_mut) {
            Some(questions) => Ok(questions.iter_mut().collect()),
            None => Err("#/queries: an array is expected"),
        },
        Endpoint::Export => match body.get_mut("query") {
            Some(question) => Ok(vec![question]),
            None => Err("#/query: a query is expected"),
        },
        Endpoint::Query | Endpoint::Funnel | Endpoint::Changes => Ok(vec![body]),
    }
}
