//! Rounding of quantities that would otherwise be finer than the promised minute (P8), or that
//! would link the visits of one device (P3).
//!
//! It is part of the door, so nothing finer leaves it. There are two kinds of rounding:
//!
//! - *Unbiased* ([`engaged_ms`]): a value is rounded up or down by a threshold that the row's key
//!   determines. The mean of many rows equals the mean of the measured values, while a single row
//!   reveals only its class. All records of one pageview share the key and so the threshold; their
//!   order is preserved, and taking the greatest stays correct.
//! - *Middle of the class* ([`days_since_seen`]) and *two significant digits* ([`milliseconds`],
//!   [`shift`]).
//!
//! Sums and averages are computed from these values. Nothing finer is stored anywhere.

/// Longest gap between two visits that is stored to the day: the longest calendar month. Unique
/// visitors over up to this many days are exact, because a visitor is new in a period if the gap
/// reaches back before its first day.
pub const EXACT_DAYS_MAX: i32 = 31;
/// Longer gaps are stored by months of 30 days.
const WEEKS_UNTIL: i32 = 94;
/// Longest gap in days; a cookie lives 395 days.
const DAYS_MAX: i32 = 400;

/// Classes of engaged time: end and width in milliseconds. Each begins where the previous one ends,
/// at a multiple of its own width.
const ENGAGED: [(u32, u32); 3] = [(60_000, 10_000), (300_000, 30_000), (u32::MAX, 60_000)];
/// Stands for any time below the first class, so that a page that was read at all is never stored
/// with zero.
const ENGAGED_MIN: u32 = 1;

/// The class of an engaged time, for the pageview with this key: 0, 1 ("under 10 s"), then steps of
/// 10 s to one minute, 30 s to five, 60 s beyond. Monotone in `ms` for one key; its mean over many
/// keys is `ms`.
pub fn engaged_ms(ms: u32, key: u64) -> u32 {
    if ms == 0 {
        return 0;
    }
    let (mut from, mut step) = (0, ENGAGED[0].1);
    for (until, width) in ENGAGED {
        step = width;
        if ms < until {
            break;
        }
        from = until;
    }
    let (whole, rest) = ((ms - from) / step * step + from, (ms - from) % step);
    // The lowest class is [1, step] instead of [0, step].
    let low = whole.max(ENGAGED_MIN);
    let (over, width) = (rest - (low - whole), step - (low - whole));
    // A uniform number from 0 to `width - 1`: the upper bits of the mixed key.
    let threshold = (u128::from(mixed(key)) * u128::from(width)) >> 64;
    if threshold < u128::from(over) {
        whole.saturating_add(step)
    } else {
        low
    }
}

/// The class of a gap in days between two visits of one device: exact up to 31, then by week (35
/// stands for 32 to 38, 91 for 88 to 94), then by 30 days (110 stands for 95 to 124), at most 400.
pub fn days_since_seen(days: i32) -> i16 {
    let days = days.clamp(0, DAYS_MAX);
    let class = match days {
        0..=EXACT_DAYS_MAX => days,
        ..=WEEKS_UNTIL => (days + 3) / 7 * 7,
        _ => (days - WEEKS_UNTIL - 1) / 30 * 30 + WEEKS_UNTIL + 16,
    };
    class.min(DAYS_MAX) as i16
}

/// A loading time to two significant digits.
pub fn milliseconds(ms: u32) -> u32 {
    let mut scale = 1;
    while ms / scale >= 100 {
        scale *= 10;
    }
    (ms + scale / 2) / scale * scale
}

/// A layout shift to two significant digits, and at most three decimals.
pub fn shift(cls: f32) -> f32 {
    milliseconds((cls * 1000.0).round() as u32) as f32 / 1000.0
}

/// Keys come from pages. Mixing them (the finalizer of SplitMix64) keeps similar keys from being
/// rounded in the same way.
fn mixed(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn coarse_engaged_times_keep_the_true_mean() {
        // Realistic times: most under a minute, some over five. Deterministic.
        let mut number = 7_u64;
        let mut next = || {
            number = mixed(number);
            number
        };
        let (mut truth, mut stored, mut finer) = (0_u64, 0_u64, 0);
        for _ in 0..10_000 {
            let ms = (next() % 1_000) * (next() % 1_000) * (next() % 1_800) / 1_000;
            let ms = ms as u32;
            let coarse = engaged_ms(ms, next());
            truth += u64::from(ms);
            stored += u64::from(coarse);
            finer += u32::from(coarse > 1 && !coarse.is_multiple_of(10_000));
        }
        let error = (stored as f64 - truth as f64).abs() / truth as f64;
        assert!(error < 0.01, "{stored} for {truth}");
        assert_eq!(finer, 0, "no single row is finer than its class");
    }

    #[test]
    fn engaged_time_above_zero_never_becomes_zero() {
        for key in 0..1_000 {
            assert_eq!(engaged_ms(0, key), 0);
            assert!(engaged_ms(1, key) >= 1);
        }
    }

    proptest! {
        #[test]
        fn later_engagements_of_a_page_never_decrease(
            ms in 0u32..2_000_000, more in 0u32..400_000, key in any::<u64>(),
        ) {
            prop_assert!(engaged_ms(ms, key) <= engaged_ms(ms + more, key));
        }

        #[test]
        fn coarse_engaged_time_is_off_by_less_than_its_class(
            ms in 0u32..2_000_000, key in any::<u64>(),
        ) {
            let width = match ms { 0..60_000 => 10_000, 60_000..300_000 => 30_000, _ => 60_000 };
            prop_assert!(engaged_ms(ms, key).abs_diff(ms) < width);
        }
    }

    #[test]
    fn engaged_times_are_classes_of_ten_thirty_and_sixty_seconds() {
        let classes: std::collections::BTreeSet<u32> = (0..=600_000)
            .step_by(500)
            .flat_map(|ms| (0..20).map(move |key| engaged_ms(ms, key)))
            .map(|ms| ms / 1_000)
            .collect();
        let expected = [
            0, 10, 20, 30, 40, 50, 60, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 540,
            600,
        ];
        assert_eq!(classes.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn days_since_seen_are_exact_to_a_month_then_weeks_then_months() {
        for days in 0..=31 {
            assert_eq!(days_since_seen(days), days as i16);
        }
        let classes: std::collections::BTreeSet<i16> = (32..=9_999).map(days_since_seen).collect();
        let expected = [
            35, 42, 49, 56, 63, 70, 77, 84, 91, 110, 140, 170, 200, 230, 260, 290, 320, 350, 380,
            400,
        ];
        assert_eq!(classes.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(
            [32, 38, 39, 94, 95, 124, 125].map(days_since_seen),
            [35, 35, 42, 91, 110, 110, 140]
        );
        assert_eq!(days_since_seen(-3), 0);
        for days in 1..=500 {
            assert!(days_since_seen(days - 1) <= days_since_seen(days));
        }
    }

    #[test]
    fn visitors_of_a_calendar_month_stay_exact_under_the_classes() {
        // A visitor is new if the gap is longer than the days since the period began.
        for offset in 0..=31 {
            for days in 0..=500 {
                let is_new = i32::from(days_since_seen(days)) > offset;
                assert_eq!(
                    is_new,
                    days > offset,
                    "{days} days, {offset} into the period"
                );
            }
        }
        // Beyond that the classes are not exact: a gap of 32 days is stored as 35.
        assert_ne!(i32::from(days_since_seen(32)) > 32, 32 > 32);
    }

    #[test]
    fn vitals_keep_two_significant_digits() {
        assert_eq!(
            [0, 7, 99, 104, 995, 1_234, 2_549, 61_999].map(milliseconds),
            [0, 7, 99, 100, 1_000, 1_200, 2_500, 62_000]
        );
        assert_eq!(
            [0.0, 0.0042, 0.1234, 1.26].map(shift),
            [0.0, 0.004, 0.12, 1.3]
        );
    }
}
