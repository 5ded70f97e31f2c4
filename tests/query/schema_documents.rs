//! `docs/schema.md` holds the comments of the tables and columns. `GOLDEN_UPDATE=1` rewrites it.

use serde_json::Value as Json;

use crate::documents::is_up_to_date;
use crate::engine::{database, runtime};

/// Rows of a SELECT as JSON objects.
async fn rows(client: &clickhouse::Client, query: &str) -> Vec<Json> {
    let mut cursor = client
        .query(query)
        .fetch_bytes("JSONEachRow")
        .expect("bytes");
    let text = cursor.collect().await.expect("bytes");
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect()
}

fn text<'a>(row: &'a Json, name: &str) -> &'a str {
    row[name].as_str().expect("a text")
}

#[test]
fn every_table_and_column_is_commented_and_documented() {
    runtime().block_on(async {
        let client = database().await;
        let tables = rows(
            &client,
            "SELECT name, comment, engine, sorting_key, partition_key FROM system.tables \
             WHERE database = currentDatabase() ORDER BY name",
        )
        .await;
        assert!(tables.len() >= 5, "{tables:?}");
        let mut document = String::from(
            "# Tables\n\nGenerated from the comments of the tables, which `src/store/schema` sets: change them by a migration. Any client of\n\
             ClickHouse's HTTP interface can show them, e.g. `DESCRIBE sillage.events`. Times are UTC; days are in the site's zone.\n",
        );
        for table in tables {
            let name = text(&table, "name");
            assert_ne!(text(&table, "comment"), "", "{name} has no comment");
            document += &format!(
                "\n## {name}\n\n{}. {}",
                text(&table, "comment"),
                text(&table, "engine")
            );
            for (what, key) in [("sorted by", "sorting_key"), ("in parts by", "partition_key")] {
                if !text(&table, key).is_empty() {
                    document += &format!(", {what} `{}`", text(&table, key));
                }
            }
            // Tables that rows only pass through have the columns of their target table.
            if matches!(text(&table, "engine"), "Null" | "MaterializedView") {
                document += ".\n";
                continue;
            }
            document += ".\n\n| column | type | meaning |\n|---|---|---|\n";
            let columns = rows(
                &client,
                &format!(
                    "SELECT name, type, comment FROM system.columns \
                     WHERE database = currentDatabase() AND table = '{name}' ORDER BY position"
                ),
            )
            .await;
            for column in columns {
                let (kind, comment) = (text(&column, "type"), text(&column, "comment"));
                let column = text(&column, "name");
                assert_ne!(comment, "", "{name}.{column} has no comment");
                let is_local = kind.starts_with("DateTime") && !kind.contains("'UTC'");
                assert!(!is_local, "{name}.{column} is not in UTC");
                document += &format!("| `{column}` | `{kind}` | {comment} |\n");
            }
        }
        is_up_to_date("docs/schema.md", &document);
    });
}
