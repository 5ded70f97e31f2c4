//! How often the embedded engine rewrites events to merge their parts.
//!
//! Left to itself it merges six segments, then six of what came of that, and each time every event is read and written again
//! (about 2 µs). Twelve at a time need three such steps for a thousand segments instead of four; in the first minute at 50,000
//! beacons a second that is 0.8 µs an event instead of 1.2. What is left of a day, once nothing has come for an hour,
//! becomes one part, so that a report over a year opens few.
//!
//! On a ClickHouse server this is its administrator's to say.

use clickhouse::Client;

use super::StoreError;

const MERGE_RARELY: &str = include_str!("sql/merge_rarely.sql");

/// Has the table `events` merged in larger steps. Changes nothing where that is so already.
///
/// # Errors
/// The engine refuses; then it merges as it likes, which costs time and nothing else.
pub async fn rarely(client: &Client) -> Result<(), StoreError> {
    Ok(client.query(MERGE_RARELY).execute().await?)
}
