//! Runs the files of `schema/` once each, in order, at every start and by `sillage migrate`.
//!
//! One statement per file, append-only, never edited after a release, safe to run twice: a crash
//! between a statement and its record in `migrations` runs it again.
//!
//! Replicated tables use the same tokens and a deduplication window of the same size, in which an
//! INSERT that is retried on any replica is stored once. Each replica is migrated on its own and
//! keeps its own record.

use std::borrow::Cow;

use clickhouse::Client;

use super::StoreError;
use crate::config::Tables;

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("schema/", $name, ".sql")))),*]
    };
}

/// (name, statement) in order. A test checks that this lists every file of the folder.
pub const MIGRATIONS: &[(&str, &str)] = migrations![
    "0001_events",
    "0002_outcomes",
    "0003_daily",
    "0004_rolled_days",
    "0010_security",
    "0020_floors",
    "0021_report_days",
    "0022_visits",
    "0023_rolled_days_has_visits",
    "0024_cleared",
    "0030_mail_opens",
    "0040_arrivals",
    "0041_arrivals_into_events",
    "0070_coarse_times",
    "0071_coarse_visits",
    "0072_coarse_histories",
    "0073_coarsen_events",
    "0074_coarsen_visits",
    "0075_coarsen_histories",
    "0100_events_retry_window",
    "0101_outcomes_retry_window",
    "0102_mail_opens_retry_window",
    "0110_arrivals_in_classes",
    "0111_coarsen_vitals",
    "0112_event_comments",
    "0113_daily_comments",
    "0114_visit_comments",
    "0115_floor_comments",
    "0116_mail_open_comments",
];

/// Run at each start: the view is created again if it was dropped, since nothing is stored without
/// it.
const AT_EACH_START: [&str; 2] = ["0041_arrivals_into_events", "0110_arrivals_in_classes"];

const RECORD: &str = "CREATE TABLE IF NOT EXISTS migrations
(
    name    String COMMENT 'File in src/store/schema without its ending',
    applied DateTime('UTC') DEFAULT now() COMMENT 'When it was run'
)
ENGINE = MergeTree
ORDER BY name
COMMENT 'Migrations that were run'";

impl Tables {
    /// A migration's statement for tables of this kind.
    fn made_by(self, statement: &str) -> Cow<'_, str> {
        if self == Tables::Local {
            return statement.into();
        }
        let lines = statement.lines().map(|line| {
            let Some(engine) = line.strip_prefix("ENGINE = ") else {
                return line.replace(
                    "non_replicated_deduplication_window",
                    "replicated_deduplication_window",
                );
            };
            // A table that keeps no rows has nothing to replicate.
            if engine == "Null" {
                return line.to_owned();
            }
            // The engine's own arguments follow those of the replication.
            let (family, arguments) = engine
                .strip_suffix(')')
                .and_then(|engine| engine.split_once('('))
                .unwrap_or((engine, ""));
            let comma = if arguments.is_empty() { "" } else { ", " };
            [
                "ENGINE = Replicated",
                family,
                "(",
                REPLICA,
                comma,
                arguments,
                ")",
            ]
            .concat()
        });
        lines.collect::<Vec<_>>().join("\n").into()
    }
}

/// Path in Keeper and name of a replica; the server fills in its macros.
const REPLICA: &str = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'";

/// Creates the database and runs the missing migrations. Returns their names.
///
/// # Errors
/// ClickHouse refused a statement; or the database has a migration that is unknown to this version,
/// because a newer version wrote it.
pub async fn migrate(
    client: &Client,
    database: &str,
    tables: Tables,
) -> Result<Vec<&'static str>, StoreError> {
    client
        .clone()
        .with_database("default")
        .query("CREATE DATABASE IF NOT EXISTS {database:Identifier}")
        .param("database", database)
        .execute()
        .await?;
    client.query(RECORD).execute().await?;
    let applied: Vec<String> = client
        .query("SELECT DISTINCT name FROM migrations ORDER BY name")
        .fetch_all()
        .await?;
    if let Some(newer) = applied
        .iter()
        .find(|name| MIGRATIONS.iter().all(|(known, _)| known != name))
    {
        return Err(StoreError::Newer(newer.clone()));
    }
    let mut ran = Vec::new();
    for (name, statement) in MIGRATIONS {
        let is_done = applied.iter().any(|done| done == name);
        if is_done && !AT_EACH_START.contains(name) {
            continue;
        }
        let failed = |source| StoreError::Migration { name, source };
        client
            .query_raw(&tables.made_by(statement))
            // Days are rolled up from the rows that a migration has changed, so it must be done.
            .with_setting("mutations_sync", "1")
            .execute()
            .await
            .map_err(failed)?;
        if is_done {
            continue;
        }
        client
            .query("INSERT INTO migrations (name) VALUES ({name:String})")
            .param("name", *name)
            .with_setting("insert_deduplication_token", crate::random::token()?)
            .execute()
            .await
            .map_err(failed)?;
        ran.push(*name);
    }
    // The client caches the columns of tables.
    client.clear_cached_metadata().await;
    Ok(ran)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_file_is_a_migration_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the schema folder is there")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .to_string_lossy()
                    .trim_end_matches(".sql")
                    .to_owned()
            })
            .collect();
        files.sort();
        assert_eq!(
            files,
            MIGRATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>()
        );
    }

    #[test]
    fn replicated_tables_differ_from_local_ones_only_in_replication() {
        let mut engines = 0;
        for (name, statement) in MIGRATIONS {
            assert_eq!(Tables::Local.made_by(statement), *statement);
            let replicated = Tables::Replicated.made_by(statement);
            let made = replicated.matches(REPLICA).count();
            let is_table =
                statement.contains("CREATE TABLE") && !statement.contains("ENGINE = Null");
            assert_eq!(made, usize::from(is_table), "{name}");
            let engine = |text: &str| {
                text.lines()
                    .find(|line| line.starts_with("ENGINE"))
                    .map(str::to_owned)
            };
            if let (Some(before), Some(after)) = (engine(statement), engine(&replicated)) {
                let kept = after
                    .replace("Replicated", "")
                    .replace(&format!("({REPLICA})"), "")
                    .replace(&format!("{REPLICA}, "), "");
                assert_eq!(kept, before, "{name}");
            }
            assert!(!replicated.contains("non_replicated"), "{name}");
            // A repeated INSERT is stored once on both.
            let has_window = |text: &str| {
                text.contains(" replicated_deduplication_window = ")
                    || text.contains(" non_replicated_deduplication_window = ")
            };
            assert_eq!(has_window(statement), has_window(&replicated), "{name}");
            engines += usize::from(is_table);
        }
        assert!(engines > 5);
    }

    #[test]
    fn every_migration_is_one_statement_that_may_run_twice() {
        for (name, statement) in MIGRATIONS {
            let code: String = statement
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .collect();
            let outside_quotes: String = code.split('\'').step_by(2).collect();
            assert!(
                !outside_quotes
                    .trim_end()
                    .trim_end_matches(';')
                    .contains(';'),
                "{name}"
            );
            // Statements that set what is already set.
            let may_run_twice = [
                "IF NOT EXISTS",
                "IF EXISTS",
                "MODIFY QUERY",
                "MODIFY SETTING",
                "COMMENT COLUMN",
                "UPDATE",
            ];
            assert!(
                may_run_twice.iter().any(|words| code.contains(words)),
                "{name}"
            );
        }
    }
}
