//! Builds table `visits`: the visits of finished days, without their ids.

use sillage_query::scan::Scope;
use sillage_query::sql::{Sql, Value};

/// The statement that stores the visits of the days of `scope`, which are whole days of the site,
/// as `version`.
pub fn build(scope: &Scope, version: i64) -> Sql {
    Sql::template(
        include_str!("sql/build_visits.sql"),
        &[
            ("site", scope.site.clone()),
            ("zone", scope.zone.clone()),
            ("since", scope.since.clone()),
            ("until", scope.until.clone()),
            ("version", Value::Number(version).into()),
        ],
    )
}
