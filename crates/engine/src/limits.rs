//! Settings that a reader may choose, and their bounds, so that a runaway query can't starve the
//! collector.
//!
//! Pure; no IO. `readonly=1` refuses every setting, including those in the URL, so harmless
//! settings are allowed here and set before `readonly=1`.

use super::access::Access;
use super::exception::Exception;
use super::request::Setting;

/// Memory bound, before formatting, of a result in a format that can't be streamed. Its text is a
/// few times larger, and the engine's own accounting misses that text (measured).
const WHOLE_BYTES_MAX: u64 = 64 << 20;

/// A setting that a reader may choose up to a bound, and its default.
struct Limit {
    name: &'static str,
    default: u64,
    max: u64,
}

/// Bounds on a reader's statement, so that a runaway query can't starve the collector.
const READER_LIMITS: [Limit; 4] = [
    Limit {
        name: "max_execution_time",
        default: 60,
        max: 600,
    },
    Limit {
        name: "max_memory_usage",
        default: 1 << 30,
        max: 4 << 30,
    },
    Limit {
        name: "max_threads",
        default: 2,
        max: 8,
    },
    Limit {
        name: "max_query_size",
        default: 262_144,
        max: 1 << 20,
    },
];

/// Settings that a reader may choose freely, besides `output_format_…`: they change the form of a
/// result or make a query stricter.
const READER_SETTINGS: [&str; 24] = [
    "max_result_rows",
    "max_result_bytes",
    "result_overflow_mode",
    "max_rows_to_read",
    "max_bytes_to_read",
    "read_overflow_mode",
    "max_block_size",
    "extremes",
    "limit",
    "offset",
    "join_use_nulls",
    "group_by_use_nulls",
    "session_timezone",
    "date_time_output_format",
    "date_time_input_format",
    "cast_keep_nullable",
    "timeout_overflow_mode",
    "format_csv_delimiter",
    "format_json_object_each_row_column_for_object_name",
    "bool_true_representation",
    "bool_false_representation",
    "prefer_column_name_to_alias",
    "empty_result_for_aggregation_by_empty_set",
    "use_uncompressed_cache",
];

/// The bound on a result that is not streamed: the default or the requested one. Readers may only
/// lower it.
pub fn whole_bytes(access: Access, settings: &[Setting]) -> u64 {
    let settings = settings.iter().rev();
    let mut asked = settings
        .filter(|(name, _)| name == "max_result_bytes")
        .map(|(_, value)| value.parse().unwrap_or(0));
    match (asked.next(), access) {
        (Some(asked), Access::Collector) => asked,
        (Some(asked @ 1..), Access::Reader) => WHOLE_BYTES_MAX.min(asked),
        (_, _) => WHOLE_BYTES_MAX,
    }
}

/// Whether a reader may choose this setting freely.
pub fn is_free(name: &str) -> bool {
    READER_SETTINGS.contains(&name)
        || (name.starts_with("output_format_")
            && !name.contains("schema")
            && !name.contains("path"))
}

/// The limits to set for a reader: the defaults, or the requested values up to the bound.
///
/// # Errors
/// A value above the bound, or a setting that readers may not change. `readonly` is ignored:
/// clients send it, and it is 1 anyway.
pub fn reader_limits(settings: &[Setting]) -> Result<Vec<(&'static str, String)>, Exception> {
    if let Some((name, _)) = settings.iter().find(|(name, _)| {
        !is_free(name)
            && name != "readonly"
            && !READER_LIMITS.iter().any(|limit| limit.name == name)
    }) {
        return Err(Exception::read_only(&format!(
            "Cannot modify '{name}' setting in readonly mode"
        )));
    }
    READER_LIMITS
        .iter()
        .map(|limit| {
            let asked = settings.iter().rev().find(|(name, _)| name == limit.name);
            let Some((_, value)) = asked else {
                return Ok((limit.name, limit.default.to_string()));
            };
            match value.parse::<u64>() {
                // 0 is ClickHouse's "no limit".
                Ok(value) if (1..=limit.max).contains(&value) => {
                    Ok((limit.name, value.to_string()))
                }
                _ => Err(Exception::new(
                    452,
                    "SETTING_CONSTRAINT_VIOLATION",
                    &format!(
                        "Setting {} should be between 1 and {}",
                        limit.name, limit.max
                    ),
                )),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(name: &str, value: &str) -> Result<String, u32> {
        let limits = reader_limits(&[(name.to_owned(), value.to_owned())])
            .map_err(|exception| exception.code)?;
        Ok(limits
            .into_iter()
            .find(|(limit, _)| *limit == name)
            .map(|(_, value)| value)
            .unwrap_or_default())
    }

    #[test]
    fn a_reader_chooses_limits_up_to_the_bound() {
        assert_eq!(limits("max_execution_time", "600"), Ok("600".into()));
        assert_eq!(limits("max_execution_time", "601"), Err(452));
        assert_eq!(limits("max_execution_time", "0"), Err(452));
        assert_eq!(limits("max_execution_time", "1.5"), Err(452));
        assert_eq!(limits("max_memory_usage", "1000000"), Ok("1000000".into()));
        assert_eq!(
            reader_limits(&[]).map(|limits| limits[0].clone()),
            Ok(("max_execution_time", "60".to_owned()))
        );
    }

    #[test]
    fn a_reader_may_set_output_settings_only() {
        for name in [
            "output_format_json_quote_64bit_integers",
            "extremes",
            "readonly",
            "max_result_rows",
        ] {
            assert!(limits(name, "1").is_ok(), "{name}");
        }
        for name in [
            "format_schema",
            "output_format_schema",
            "max_insert_threads",
            "allow_ddl",
            "dialect",
            "format_template_row",
        ] {
            assert_eq!(limits(name, "1"), Err(164), "{name}");
        }
    }
}
