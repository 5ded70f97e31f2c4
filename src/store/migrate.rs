//! Runs the files of `schema/` once each, in order, at every start and by `sillage migrate`.
//!
//! One statement a file, append-only, never edited after a release, safe to run twice: a crash between a statement and
//! its record in `migrations` runs it again.

use clickhouse::Client;

use super::StoreError;

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("schema/", $name, ".sql")))),*]
    };
}

/// (name, statement) in order. A test holds that this lists every file of the folder.
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
];

const RECORD: &str = "CREATE TABLE IF NOT EXISTS migrations
(
    name    String COMMENT 'File in src/store/schema without its ending',
    applied DateTime('UTC') DEFAULT now() COMMENT 'When it was run'
)
ENGINE = MergeTree
ORDER BY name
COMMENT 'Migrations that were run'";

/// Creates the database and runs what has not been run. Returns the names of the migrations it ran.
///
/// # Errors
/// ClickHouse refused a statement; or the database has a migration this version doesn't know, because a newer version
/// wrote it.
pub async fn migrate(client: &Client, database: &str) -> Result<Vec<&'static str>, StoreError> {
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
        if applied.iter().any(|done| done == name) {
            continue;
        }
        let failed = |source| StoreError::Migration { name, source };
        client
            .query_raw(statement)
            .execute()
            .await
            .map_err(failed)?;
        client
            .query("INSERT INTO migrations (name) VALUES ({name:String})")
            .param("name", *name)
            .execute()
            .await
            .map_err(failed)?;
        ran.push(*name);
    }
    // The crate caches what it knows of tables.
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
            assert!(
                code.contains("IF NOT EXISTS") || code.contains("IF EXISTS"),
                "{name}"
            );
        }
    }
}
