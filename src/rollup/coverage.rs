//! Reads which days of a site are rolled up, and from which day on events have their ids.

use sillage_query::rollup::coverage::Coverage;
use sillage_query::rows;
use sillage_query::sql::{Sql, Value};

use crate::config::Site;
use crate::store::runner::{RunError, Runner, first_number};

/// What is rolled up of a site.
///
/// # Errors
/// ClickHouse does not answer.
pub async fn read(runner: &Runner, site: &Site) -> Result<Coverage, RunError> {
    let statement = Sql::template(
        include_str!("sql/rolled_days.sql"),
        &[
            ("site", Value::Text(site.id.clone()).into()),
            ("zone", Value::Text(site.zone_name().to_owned()).into()),
        ],
    );
    let lines = runner.rows(statement.finish()).await?;
    let days = rows::read::<(i64, i64, i64)>(&lines)
        .map(|row| row.map(|(day, has_visits, version)| (day, has_visits == 1, version)));
    let days: Vec<(i64, bool, i64)> = days.collect::<Result<_, _>>()?;
    Ok(Coverage::new(&days, cleared_before(runner, site).await?))
}

/// First day whose events have their ids (since 1970), where those of earlier days are cleared.
///
/// # Errors
/// ClickHouse does not answer.
pub async fn cleared_before(runner: &Runner, site: &Site) -> Result<Option<i64>, RunError> {
    let site = Value::Text(site.id.clone()).into();
    let statement = Sql::template(include_str!("sql/cleared.sql"), &[("site", site)]);
    let rows = runner.rows(statement.finish()).await?;
    Ok(first_number(&rows))
}
