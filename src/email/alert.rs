//! Alerts on unusual traffic. Everything is pure except [`look`], which asks for the counts.
//!
//! # The rule
//! The visitors of the last three whole hours are compared with the same hours of the same weekday
//! in the eight weeks before. `m` is the median of those weeks. `s` is the greater of their scaled
//! median absolute deviation and √m, the deviation by chance alone. More than `m + 4 s` visitors
//! are a *spike* if they are also at least 1.5 times `m`. Fewer than `m − 4 s` are a *drop* if they
//! are also at most half of `m`. With fewer than four weeks to compare, there is no alert. The
//! median is robust against one week with a campaign or a holiday, and the same hours of the same
//! weekday remove the weekly pattern.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, ZonedDateTime};
use sillage_query::date_range::DateRange;
use sillage_query::metric::Metric;
use sillage_query::{Question, Report};

use crate::config::Site;
use crate::email::error::EmailError;
use crate::stats::StatsService;

/// The number of weeks to compare with.
pub const WEEKS: usize = 8;
/// Fewest of them that must have visitors, so that a new site raises no alert.
pub const WEEKS_MIN: usize = 4;
/// Length of the compared window, in hours.
pub const HOURS: i64 = 3;
/// Distance from the median that is unusual, in deviations.
const DEVIATIONS: f64 = 4.0;
/// Factor from median absolute deviation to standard deviation, for normally distributed counts.
const MAD_SCALE: f64 = 1.4826;

/// The kind of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Spike,
    Drop,
}

/// Unusual traffic in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    pub kind: Kind,
    /// `[since, until)` in the site's time zone.
    pub since: ZonedDateTime,
    pub until: ZonedDateTime,
    pub visitors: u64,
    /// Median of the weeks before.
    pub usual: u64,
}

/// Applies the rule to the current count and those of the weeks before.
pub fn judge(now: u64, before: &[u64]) -> Option<(Kind, u64)> {
    let known = before.iter().filter(|count| **count > 0).count();
    if known < WEEKS_MIN {
        return None;
    }
    let usual = median(before.iter().map(|count| *count as f64).collect());
    let deviations = before.iter().map(|count| (*count as f64 - usual).abs());
    let spread = (MAD_SCALE * median(deviations.collect())).max(usual.sqrt());
    let count = now as f64;
    let kind = if count > usual + DEVIATIONS * spread && count >= 1.5 * usual {
        Kind::Spike
    } else if count < usual - DEVIATIONS * spread && count <= 0.5 * usual {
        Kind::Drop
    } else {
        return None;
    };
    Some((kind, usual.round() as u64))
}

/// The median. For an even number of counts, the mean of the middle two; 0 without counts.
fn median(mut counts: Vec<f64>) -> f64 {
    counts.sort_by(f64::total_cmp);
    match (counts.len(), counts.len() / 2) {
        (0, _) => 0.0,
        (length, middle) if length % 2 == 1 => counts[middle],
        (_, middle) => f64::midpoint(counts[middle - 1], counts[middle]),
    }
}

/// The last whole hours before `now`, and the same local hours in the weeks before, the latest
/// first. A window never begins before midnight, because visitors are distinct within a day only.
pub fn windows(now: Timestamp, zone: &TimeZone) -> Vec<(ZonedDateTime, ZonedDateTime)> {
    let local = now.to_zoned_datetime(zone.clone());
    let hour = Time::constant(local.hour(), 0, 0, 0);
    let (until_date, until_time) = match local.hour() {
        // Just after midnight the window is the end of the day before.
        0 => (local.date().saturating_sub(1.day()), None),
        _ => (local.date(), Some(hour)),
    };
    let window = |weeks: usize| {
        let date = until_date.saturating_sub((7 * weeks as i64).days());
        let until = match until_time {
            Some(time) => date.to_datetime(time),
            None => date.saturating_add(1.day()).to_datetime(Time::midnight()),
        };
        let until = zone.to_zoned_datetime(until).ok()?;
        let day = zone
            .to_zoned_datetime(date.to_datetime(Time::midnight()))
            .ok()?;
        let since = until.saturating_sub(SignedDuration::from_hours(HOURS));
        Some((if since < day { day } else { since }, until))
    };
    (0..=WEEKS).filter_map(window).collect()
}

/// Asks for the counts and applies the rule.
///
/// # Errors
/// The counts are not available.
pub async fn look(
    stats: &StatsService,
    site: &Site,
    now: Timestamp,
) -> Result<Option<Alert>, EmailError> {
    let windows = windows(now, &site.timezone);
    let question = |(since, until): &(ZonedDateTime, ZonedDateTime)| {
        let last = until.timestamp() - SignedDuration::from_secs(1);
        let range = DateRange::Instants(since.timestamp(), last);
        Question::new(site.id.as_str(), vec![Metric::Visitors], range)
    };
    let questions = windows.iter().map(question).collect();
    let reports = crate::email::summary::ask(stats, questions, now).await?;
    let count = |report: &Report| report.rows.first()?.metrics.first()?.as_u64();
    let counts: Option<Vec<u64>> = reports.iter().map(count).collect();
    let missing = || EmailError::Numbers("the number of visitors is missing in an answer".into());
    let counts = counts.ok_or_else(missing)?;
    let [(since, until), ..] = windows.as_slice() else {
        return Ok(None);
    };
    let Some((visitors, before)) = counts.split_first() else {
        return Ok(None);
    };
    Ok(judge(*visitors, before).map(|(kind, usual)| Alert {
        kind,
        since: since.clone(),
        until: until.clone(),
        visitors: *visitors,
        usual,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_fire_on_spikes_and_drops_but_not_on_chance() {
        let steady = [100, 96, 104, 99, 101, 103, 97, 100];
        let check = |now: u64, before: &[u64], expected: Option<Kind>| {
            assert_eq!(
                judge(now, before).map(|(kind, _)| kind),
                expected,
                "{now} {before:?}"
            );
        };
        // m = 100 and s = 10, by chance alone. 140 and 60 are the limits by deviation, 150 and 50
        // those by ratio; both must be reached.
        check(100, &steady, None);
        check(149, &steady, None);
        check(150, &steady, Some(Kind::Spike));
        check(51, &steady, None);
        check(50, &steady, Some(Kind::Drop));
        check(0, &steady, Some(Kind::Drop));
        assert_eq!(judge(300, &steady), Some((Kind::Spike, 100)));
        // One week with a campaign, or with none at all, changes little.
        check(100, &[100, 900, 104, 99, 101, 103, 97, 100], None);
        check(
            300,
            &[100, 900, 104, 99, 101, 103, 97, 100],
            Some(Kind::Spike),
        );
        check(100, &[100, 0, 104, 99, 101, 103, 97, 100], None);
        // Counts that vary widely by themselves.
        check(200, &[20, 180, 60, 150, 30, 170, 90, 110], None);
        // With few visitors, none for three hours is chance, and so are a few more.
        check(0, &[4, 6, 5, 5, 3, 7, 5, 4], None);
        check(12, &[4, 6, 5, 5, 3, 7, 5, 4], None);
        check(15, &[4, 6, 5, 5, 3, 7, 5, 4], Some(Kind::Spike));
    }

    #[test]
    fn a_new_site_raises_no_alert() {
        assert_eq!(judge(500, &[]), None);
        assert_eq!(judge(500, &[0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(judge(500, &[10, 10, 10, 0, 0, 0, 0, 0]), None);
        assert!(judge(500, &[10, 10, 10, 10, 0, 0, 0, 0]).is_some());
    }

    #[test]
    fn windows_are_whole_hours_of_one_day_on_the_same_day_of_the_week() {
        let zone = TimeZone::get("Europe/Berlin").expect("known");
        let at = |now: &str| {
            let windows = windows(now.parse().expect("an instant"), &zone);
            assert_eq!(windows.len(), WEEKS + 1);
            let texts = windows.iter().map(|(since, until)| {
                format!(
                    "{} {}",
                    since.strftime("%F %H:%M"),
                    until.strftime("%F %H:%M")
                )
            });
            texts.collect::<Vec<_>>()
        };
        // 15:42 in Berlin. Summer time ended between this week and four weeks before.
        let found = at("2026-11-11T14:42:00Z");
        assert_eq!(found[0], "2026-11-11 12:00 2026-11-11 15:00");
        assert_eq!(found[4], "2026-10-14 12:00 2026-10-14 15:00");
        assert_eq!(found[8], "2026-09-16 12:00 2026-09-16 15:00");
        // At 00:10, the end of the day before. At 01:10, from midnight only.
        assert_eq!(
            at("2026-11-10T23:10:00Z")[0],
            "2026-11-10 21:00 2026-11-11 00:00"
        );
        assert_eq!(
            at("2026-11-11T00:10:00Z")[0],
            "2026-11-11 00:00 2026-11-11 01:00"
        );
    }
}
