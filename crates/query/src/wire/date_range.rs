//! `date_range` of a question.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value as Json;

use crate::date_range::{DAYS_MAX, DateRange, LIVE_MINUTES, MONTHS_MAX, RangeError, days_between};

const FORMS: &str = "use \"day\", \"24h\", \"30m\", \"realtime\", \"7d\", \"28d\", \"30d\", \"91d\" or any \"Nd\" (1 to 5000), \"Nmo\" (1 to 100), \
     \"month\", \"year\", \"all\", [date, date] or [datetime, datetime] with an offset from UTC";

/// Parses a range.
///
/// # Errors
/// Any other form, a count out of bounds, ends in the wrong order, or more than [`DAYS_MAX`] days.
pub fn parse(value: &Json) -> Result<DateRange, RangeError> {
    match value {
        Json::String(name) => parse_name(name),
        Json::Array(ends) => match ends.as_slice() {
            [Json::String(first), Json::String(last)] => parse_ends(first, last),
            _ => Err(RangeError(format!("not a date range; {FORMS}"))),
        },
        _ => Err(RangeError(format!("not a date range; {FORMS}"))),
    }
}

fn parse_name(name: &str) -> Result<DateRange, RangeError> {
    let count = |digits: &str, max: i64| -> Option<i64> {
        let plain = !digits.is_empty()
            && digits.len() <= 4
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let count = if plain {
            digits.parse().ok()?
        } else {
            return None;
        };
        (1..=max).contains(&count).then_some(count)
    };
    let range = match name {
        "day" => Some(DateRange::Today),
        "24h" => Some(DateRange::LastDay),
        "30m" => Some(DateRange::Minutes(30)),
        "realtime" => Some(DateRange::Minutes(LIVE_MINUTES)),
        "month" => Some(DateRange::Month),
        "year" => Some(DateRange::Year),
        "all" => Some(DateRange::All),
        _ => {
            if let Some(digits) = name.strip_suffix("mo") {
                count(digits, MONTHS_MAX).map(DateRange::Months)
            } else {
                name.strip_suffix('d')
                    .and_then(|digits| count(digits, DAYS_MAX))
                    .map(DateRange::Days)
            }
        }
    };
    range.ok_or_else(|| RangeError(format!("not a date range; {FORMS}")))
}

fn parse_ends(first: &str, last: &str) -> Result<DateRange, RangeError> {
    let is_date = |text: &str| text.len() == 10;
    if is_date(first) && is_date(last) {
        let date = |text: &str| {
            text.parse::<Date>()
                .map_err(|_| RangeError("a date is written YYYY-MM-DD and has to exist".into()))
        };
        let (first, last) = (date(first)?, date(last)?);
        if first > last {
            return Err(RangeError("the first date is after the second".into()));
        }
        if days_between(first, last) >= DAYS_MAX {
            return Err(RangeError(format!("longer than {DAYS_MAX} days")));
        }
        return Ok(DateRange::Dates(first, last));
    }
    let instant = |text: &str| {
        text.parse::<Timestamp>().map_err(|_| {
            RangeError(
                "a datetime is written YYYY-MM-DDThh:mm:ss with an offset, such as Z or +09:00"
                    .into(),
            )
        })
    };
    let (first, last) = (instant(first)?, instant(last)?);
    if first >= last {
        return Err(RangeError(
            "the first datetime is not before the second".into(),
        ));
    }
    if last.duration_since(first).as_secs() > DAYS_MAX * 86_400 {
        return Err(RangeError(format!("longer than {DAYS_MAX} days")));
    }
    Ok(DateRange::Instants(first, last))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_forms_are_refused() {
        for range in [
            json!("0d"),
            json!("5001d"),
            json!("101mo"),
            json!("0mo"),
            json!("-1d"),
            json!("+7d"),
            json!("7 d"),
            json!("d"),
            json!("00007d"),
            json!("today"),
            json!("7D"),
            json!(""),
            json!(7),
            json!(null),
            json!({}),
            json!([]),
            json!(["2024-01-01"]),
            json!(["2024-01-02", "2024-01-01"]),
            json!(["2023-02-29", "2024-01-01"]),
            json!(["2000-01-01", "2024-01-01"]),
            json!(["2024-01-01", "2024-01-02T00:00:00Z"]),
            json!(["2024-01-01T00:00:00", "2024-01-02T00:00:00"]),
            json!([1, 2]),
            json!(["٢d", "x"]),
        ] {
            assert!(parse(&range).is_err(), "{range}");
        }
        for range in ["1d", "5000d", "100mo"] {
            assert!(parse(&json!(range)).is_ok(), "{range}");
        }
    }
}
