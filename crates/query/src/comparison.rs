//! Comparisons: the period that another is compared with, and by how much a number changed.
//!
//! Duty: parse `include.comparisons`, resolve its period in the site's calendar, and pair the rows
//! of the two answers. Pure. A period that is not over is compared with as much of the other as has
//! passed of it, today included; that a period is not over is said in the answer's `meta`.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::metric::Metric;
use crate::period::{DateRange, Labels, Period, RangeFault};
use crate::report::Row;
use crate::question::{Fault, refuse_unknown};

/// `include.comparisons`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub with: With,
    /// Whether it begins on the same day of the week, moved by at most three days, and a week more
    /// where it would overlap.
    pub match_weekday: bool,
}

/// What a period is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum With {
    /// As many days (or as much time) directly before it.
    Previous,
    /// The same dates a year before.
    Year,
    /// This one.
    Custom(DateRange),
}

/// What a row was in the other period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// In the order of the query's `metrics`; `null` where the other answer was cut off before this
    /// row.
    pub metrics: Vec<Json>,
    /// As the row's own, but for those of time.
    pub dimensions: Vec<Json>,
    /// In percent of what it was, whole; for shares, the difference in points.
    pub change: Vec<Json>,
}

const MODES: [&str; 3] = ["previous_period", "year_over_year", "custom"];

impl Comparison {
    /// Reads the object under `include.comparisons`.
    ///
    /// # Errors
    /// Another shape, an unknown key or mode, `custom` without a range of two ends, another mode
    /// with one.
    pub fn parse(value: &Json, at: &str) -> Result<Self, Fault> {
        let Json::Object(object) = value else {
            return Err(Fault::new(at, "an object with `mode` is expected"));
        };
        refuse_unknown(object, at, &["mode", "date_range", "match_day_of_week"])?;
        let mode = object
            .get("mode")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let range_at = format!("{at}/date_range");
        let with = match (mode, object.get("date_range")) {
            ("previous_period", None) => With::Previous,
            ("year_over_year", None) => With::Year,
            ("custom", Some(range @ Json::Array(_))) => With::Custom(
                DateRange::parse(range).map_err(|fault| Fault::new(range_at, fault.0))?,
            ),
            ("custom", _) => {
                return Err(Fault::new(
                    range_at,
                    "mode custom needs [date, date] or [datetime, datetime]",
                ));
            }
            (mode, Some(_)) if MODES.contains(&mode) => {
                return Err(Fault::new(range_at, "only mode custom takes a range"));
            }
            (mode, _) => {
                let at = format!("{at}/mode");
                return Err(Fault::unknown(at, "mode", mode, MODES.into_iter()));
            }
        };
        let match_weekday = match object.get("match_day_of_week") {
            None => false,
            Some(Json::Bool(yes)) => *yes,
            Some(_) => {
                return Err(Fault::new(
                    format!("{at}/match_day_of_week"),
                    "true or false is expected",
                ));
            }
        };
        Ok(Self {
            with,
            match_weekday,
        })
    }

    /// The period that `period` is compared with.
    ///
    /// # Errors
    /// A period beyond the calendar.
    pub fn resolve(&self, period: &Period, now: Timestamp) -> Result<Period, RangeFault> {
        let beyond = |_| RangeFault("lies beyond the calendar".into());
        let range = if period.is_whole_days() {
            self.dates(period, now).map_err(beyond)?
        } else {
            self.instants(period).map_err(beyond)?
        };
        Period::resolve(range, period.zone(), now, None)
    }

    fn dates(&self, period: &Period, now: Timestamp) -> Result<DateRange, jiff::Error> {
        let (first, last) = period.dates();
        let today = now.to_zoned_datetime(period.zone().clone()).date();
        // What has not come yet is not compared.
        let last = if first <= today {
            last.min(today)
        } else {
            last
        };
        let days = last.since(first)?.get_days();
        let (mut from, mut to) = match self.with {
            With::Previous => (
                first.checked_sub((days + 1).days())?,
                first.checked_sub(1.day())?,
            ),
            With::Year => (first.checked_sub(1.year())?, last.checked_sub(1.year())?),
            With::Custom(DateRange::Dates(from, to)) => (from, to),
            With::Custom(other) => return Ok(other),
        };
        if self.match_weekday {
            let move_by = nearest(from, first);
            (from, to) = (
                from.checked_add(move_by.days())?,
                to.checked_add(move_by.days())?,
            );
            if self.with == With::Previous && to >= first {
                (from, to) = (from.checked_sub(7.days())?, to.checked_sub(7.days())?);
            }
            // A year before is as long as the period also when a 29 February lies between.
            if self.with == With::Year {
                to = from.checked_add(days.days())?;
            }
        }
        Ok(DateRange::Dates(from, to))
    }

    fn instants(&self, period: &Period) -> Result<DateRange, jiff::Error> {
        let length = period.until_s() - period.since_s();
        let ends = |since: i64, until: i64| -> Result<DateRange, jiff::Error> {
            Ok(DateRange::Instants(
                Timestamp::from_second(since)?,
                Timestamp::from_second(until)?,
            ))
        };
        const WEEK_S: i64 = 7 * 86_400;
        match (self.with, self.match_weekday) {
            (With::Previous, false) => ends(period.since_s() - length, period.since_s()),
            (With::Previous, true) => {
                let back = (length + WEEK_S - 1) / WEEK_S * WEEK_S;
                ends(period.since_s() - back, period.until_s() - back)
            }
            (With::Year, true) => {
                let back = 52 * WEEK_S;
                ends(period.since_s() - back, period.until_s() - back)
            }
            (With::Year, false) => {
                let since = Timestamp::from_second(period.since_s())?
                    .to_zoned_datetime(period.zone().clone())
                    .checked_sub(1.year())?
                    .timestamp()
                    .as_second();
                ends(since, since + length)
            }
            (With::Custom(range), _) => Ok(range),
        }
    }
}

/// By how many days, -3 to 3, `from` has to move to fall on the weekday of `like`.
fn nearest(from: Date, like: Date) -> i32 {
    let number = |day: Date| i32::from(day.weekday().to_monday_zero_offset());
    let ahead = (number(like) - number(from)).rem_euclid(7);
    if ahead > 3 { ahead - 7 } else { ahead }
}

/// The two answers' rows in pairs. `is_cut` says that the other answer has more rows than are
/// there.
pub fn pair(
    rows: &mut [Row],
    metrics: &[Metric],
    others: Vec<Row>,
    times: Option<(usize, &Labels, &Labels)>,
    is_cut: bool,
) {
    let mut known: HashMap<String, Vec<Json>> = HashMap::new();
    for row in others {
        known.insert(Json::Array(row.dimensions).to_string(), row.metrics);
    }
    for row in rows {
        let mut dimensions = row.dimensions.clone();
        // The third day is compared with the third day.
        if let Some((index, labels, others)) = times {
            let place = labels
                .all
                .iter()
                .position(|label| dimensions[index] == **label);
            let label = place.and_then(|place| others.all.get(place));
            dimensions[index] = label.map_or(Json::Null, |label| json!(label));
        }
        let found = known.get(&Json::Array(dimensions.clone()).to_string());
        let has_none = times.is_some_and(|(index, ..)| dimensions[index].is_null());
        let values: Vec<Json> = match found {
            Some(values) => values.clone(),
            None if is_cut || has_none => vec![Json::Null; metrics.len()],
            None => metrics.iter().map(|metric| metric.nothing()).collect(),
        };
        let change = metrics.iter().zip(&row.metrics).zip(&values);
        let change = change.map(|((metric, now), before)| changed(*metric, now, before));
        row.comparison = Some(Compared {
            change: change.collect(),
            metrics: values,
            dimensions,
        });
    }
}

fn changed(metric: Metric, now: &Json, before: &Json) -> Json {
    let (Some(now), Some(before)) = (now.as_f64(), before.as_f64()) else {
        return Json::Null;
    };
    if metric.is_share() {
        return json!(((now - before) * 10.0).round() / 10.0);
    }
    if before == 0.0 {
        // From nothing to something is no percentage; the contract says 100.
        return json!(if now == 0.0 { 0 } else { 100 });
    }
    json!(((now - before) / before.abs() * 100.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;

    const NOW: &str = "2025-03-13T12:00:00Z";

    fn compared(range: Json, comparison: Json) -> [String; 2] {
        let now = NOW.parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let range = DateRange::parse(&range).unwrap();
        let period = Period::resolve(range, &zone, now, None).unwrap();
        let comparison = Comparison::parse(&comparison, "#").unwrap();
        comparison
            .resolve(&period, now)
            .unwrap()
            .to_iso()
            .map(|end| end[..16].to_owned())
    }

    #[test]
    fn periods_are_compared_with_those_the_calendar_says() {
        let previous = json!({"mode": "previous_period"});
        let weekday = json!({"mode": "previous_period", "match_day_of_week": true});
        let year = json!({"mode": "year_over_year"});
        let year_weekday = json!({"mode": "year_over_year", "match_day_of_week": true});
        let custom = json!({"mode": "custom", "date_range": ["2024-12-01", "2024-12-05"]});
        let dates = |from, to| json!([from, to]);
        for (range, comparison, from, to) in [
            (
                json!("7d"),
                &previous,
                "2025-02-27T00:00",
                "2025-03-05T23:59",
            ),
            (
                json!("day"),
                &previous,
                "2025-03-12T00:00",
                "2025-03-12T23:59",
            ),
            (
                json!("day"),
                &weekday,
                "2025-03-06T00:00",
                "2025-03-06T23:59",
            ),
            // Thirteen days of March have begun, so thirteen days before them.
            (
                json!("month"),
                &previous,
                "2025-02-16T00:00",
                "2025-02-28T23:59",
            ),
            (
                json!("month"),
                &year,
                "2024-03-01T00:00",
                "2024-03-13T23:59",
            ),
            (
                json!("28d"),
                &weekday,
                "2025-01-16T00:00",
                "2025-02-12T23:59",
            ),
            // 30 days from Tuesday 11 February; 12 January is a Sunday, 14 January the nearest
            // Tuesday but one that would overlap, 7 January does not.
            (
                json!("30d"),
                &weekday,
                "2025-01-07T00:00",
                "2025-02-05T23:59",
            ),
            // 3 March 2025 is a Monday, 3 March 2024 a Sunday.
            (
                dates("2025-03-03", "2025-03-09"),
                &year_weekday,
                "2024-03-04T00:00",
                "2024-03-10T23:59",
            ),
            (
                dates("2024-02-29", "2024-02-29"),
                &year,
                "2023-02-28T00:00",
                "2023-02-28T23:59",
            ),
            (json!("7d"), &custom, "2024-12-01T00:00", "2024-12-05T23:59"),
            (
                json!("24h"),
                &previous,
                "2025-03-11T13:01",
                "2025-03-12T13:00",
            ),
            (
                json!("30m"),
                &previous,
                "2025-03-13T12:01",
                "2025-03-13T12:30",
            ),
        ] {
            assert_eq!(
                compared(range.clone(), comparison.clone()),
                [from, to],
                "{range} {comparison}"
            );
        }
    }

    #[test]
    fn an_invalid_comparison_is_reported_with_its_place() {
        for (value, at) in [
            (json!([]), "#"),
            (json!({}), "#/mode"),
            (json!({"mode": "previous"}), "#/mode"),
            (json!({"mode": 1}), "#/mode"),
            (json!({"mode": "custom"}), "#/date_range"),
            (
                json!({"mode": "custom", "date_range": "7d"}),
                "#/date_range",
            ),
            (
                json!({"mode": "custom", "date_range": ["2025-02-30", "2025-03-01"]}),
                "#/date_range",
            ),
            (
                json!({"mode": "year_over_year", "date_range": ["2025-02-01", "2025-03-01"]}),
                "#/date_range",
            ),
            (
                json!({"mode": "year_over_year", "match_day_of_week": 1}),
                "#/match_day_of_week",
            ),
            (json!({"mode": "year_over_year", "x": 1}), "#/x"),
        ] {
            assert_eq!(
                Comparison::parse(&value, "#").unwrap_err().at,
                at,
                "{value}"
            );
        }
    }

    #[test]
    fn changes_are_percentages_and_for_shares_differences() {
        for (metric, now, before, change) in [
            (Metric::Visitors, json!(15), json!(10), json!(50)),
            (Metric::Visitors, json!(0), json!(10), json!(-100)),
            (Metric::Visitors, json!(3), json!(0), json!(100)),
            (Metric::Visitors, json!(0), json!(0), json!(0)),
            (Metric::BounceRate, json!(40), json!(50), json!(-10.0)),
            (Metric::TimeOnPage, json!(null), json!(50), json!(null)),
        ] {
            assert_eq!(changed(metric, &now, &before), change);
        }
    }
}
