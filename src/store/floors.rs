//! Sets the floor of small counts for the SQL views (P10), at each start. The view `report_days`
//! folds its rows itself; reports are folded by the suppression of `sillage-query`.

use clickhouse::Client;

use super::StoreError;
use crate::random;

/// Sets the floor of the analysts' view `report_days`.
///
/// # Errors
/// ClickHouse does not answer; the previous floor stays in force, and a view without a floor shows
/// nothing.
pub async fn set_for_analysts(client: &Client, visitors: u32) -> Result<(), StoreError> {
    Ok(client
        .query(include_str!("sql/set_floor.sql"))
        .param("audience", "analyst")
        .param("visitors", visitors)
        .with_setting("insert_deduplication_token", random::token()?)
        .execute()
        .await?)
}
