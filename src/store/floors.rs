//! Tells the SQL views how small a count may be (P10). Beside the way of a beacon, at each start;
//! the folding itself is in the view `report_days`, and for answers in `query::floor`.

use clickhouse::Client;

use super::StoreError;
use crate::random;

/// Sets the floor that the analysts' view `report_days` keeps to.
///
/// # Errors
/// ClickHouse does not answer; what was set before stays in force, and a view without any floor
/// shows nothing.
pub async fn set_for_analysts(client: &Client, visitors: u32) -> Result<(), StoreError> {
    Ok(client
        .query(include_str!("sql/set_floor.sql"))
        .param("audience", "analyst")
        .param("visitors", visitors)
        .with_setting("insert_deduplication_token", random::token()?)
        .execute()
        .await?)
}
