//! Saved filters: filters stored under a name, for one person or for all members of the site.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::control::invalid::InvalidObject;
use crate::control::person::check_name;
use sillage_query::wire::filter;

/// A saved filter of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedFilter {
    pub name: String,
    /// As in a query.
    pub filters: Vec<Json>,
}

impl SavedFilter {
    /// Checks the rules for saved filters. Filters that a query would refuse can't be saved.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self) -> Result<(), InvalidObject> {
        check_name(&self.name).map_err(|error| InvalidObject(error.to_string()))?;
        if self.filters.is_empty() {
            return Err(InvalidObject("filters: at least one is expected".into()));
        }
        let filters = Json::from(self.filters.clone());
        filter::check_all(&filters, "#/filters").map_err(|fault| InvalidObject(fault.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_filters_that_a_query_accepts_can_be_saved() {
        let check = |filters: Json| {
            let filter = json!({"name": "x", "filters": filters});
            let filter: SavedFilter = serde_json::from_value(filter).expect("the shape");
            filter.check().map_err(|fault| fault.to_string())
        };
        assert_eq!(
            check(json!([
                ["is", "visit:country", ["JP"]],
                ["matches", "event:page", ["^/a"]]
            ])),
            Ok(())
        );
        for filters in [
            json!([]),
            json!(["is"]),
            json!([["is", "visit:nothing", ["JP"]]]),
            json!([["matches", "event:page", ["("]]]),
            json!([["matches", "event:page", ["x".repeat(501)]]]),
        ] {
            let fault = check(filters.clone()).expect_err("refused");
            assert!(fault.contains("filters"), "{filters}: {fault}");
        }
    }
}
