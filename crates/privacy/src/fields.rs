//! Bounded values of an event: names, languages, amounts, measurements. Each is scrubbed, or of a
//! closed set, from the moment it is made, so it may be printed, cloned and stored.

use crate::bounds::{EVENT_NAME_BYTES_MAX, REVENUE_THOUSANDTHS_MAX, VITAL_MS_MAX, VITAL_SHIFT_MAX};
use crate::{coarse, scrub};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventName {
    /// A page was seen.
    Pageview,
    /// How long and how far a page was read. It belongs to the pageview with the same key.
    Engagement,
    /// The site's own event.
    Custom(CustomName),
}

/// The scrubbed name of a site's own event, 1 to [`EVENT_NAME_BYTES_MAX`] bytes; only
/// [`EventName::parse`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomName(Box<str>);

impl CustomName {
    /// The name itself.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that stands for all names beyond the cardinality limit.
    pub(crate) fn other() -> Self {
        Self(scrub::OTHER.into())
    }
}

impl EventName {
    /// `None` if nothing is left of the name after scrubbing.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "pageview" => Some(Self::Pageview),
            "engagement" => Some(Self::Engagement),
            _ => {
                let name = scrub::label(text, EVENT_NAME_BYTES_MAX);
                match &*name {
                    "" => None,
                    "pageview" => Some(Self::Pageview),
                    "engagement" => Some(Self::Engagement),
                    _ => Some(Self::Custom(CustomName(name.into()))),
                }
            }
        }
    }

    /// As stored in the column `name`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pageview => "pageview",
            Self::Engagement => "engagement",
            Self::Custom(name) => &name.0,
        }
    }
}

/// Primary language subtag, e.g. `ja`: two or three lower-case letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language([u8; 3]);

impl Language {
    /// From an `Accept-Language` header or a language tag: the first tag's primary subtag, or
    /// `None`.
    pub fn parse(header: &str) -> Option<Self> {
        let first = header.split([',', ';']).next()?.trim();
        let primary = first.split(['-', '_']).next()?;
        if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let mut subtag = [0; 3];
        for (to, from) in subtag.iter_mut().zip(primary.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        Some(Self(subtag))
    }

    /// The subtag.
    pub fn as_str(&self) -> &str {
        let len = if self.0[2] == 0 { 2 } else { 3 };
        std::str::from_utf8(&self.0[..len]).expect("parse lets only ASCII letters in")
    }
}

/// Digits before the decimal point of an amount.
const WHOLE_DIGITS_MAX: usize = 15;
const _: () = assert!(10_i64.pow(WHOLE_DIGITS_MAX as u32 + 3) - 1 == REVENUE_THOUSANDTHS_MAX);

/// Amount of a custom event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revenue {
    thousandths: i64,
    currency: [u8; 3],
}

impl Revenue {
    /// From a decimal number (`12.5`, `-3`, `1300`; digits after the third are cut off) and a
    /// currency of three letters. `None` if either is malformed, or the amount is out of bounds.
    pub fn parse(amount: &str, currency: &str) -> Option<Self> {
        let amount = amount.trim();
        let (sign, digits) = match amount.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, amount.strip_prefix('+').unwrap_or(amount)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || whole.len() > WHOLE_DIGITS_MAX
            || !is_digits(whole)
            || !is_digits(fraction)
        {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let fraction = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
        let fraction = fraction.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let mut code = [0; 3];
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        for (to, from) in code.iter_mut().zip(currency.bytes()) {
            *to = from.to_ascii_uppercase();
        }
        Some(Self {
            thousandths: sign * (whole * 1000 + fraction),
            currency: code,
        })
    }

    /// The amount in thousandths of the currency.
    pub fn thousandths(&self) -> i64 {
        self.thousandths
    }

    /// ISO 4217 code.
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).expect("parse lets only ASCII letters in")
    }
}

/// Web vitals of a page, each measured or not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Vitals {
    /// Largest Contentful Paint, milliseconds.
    pub lcp_ms: Option<u32>,
    /// Interaction to Next Paint, milliseconds.
    pub inp_ms: Option<u32>,
    /// Cumulative Layout Shift, no unit.
    pub cls: Option<f32>,
    /// First Contentful Paint, milliseconds.
    pub fcp_ms: Option<u32>,
    /// Time to First Byte, milliseconds.
    pub ttfb_ms: Option<u32>,
}

impl Vitals {
    /// Drops values that no page can have: times over [`VITAL_MS_MAX`], and shifts that are
    /// negative, over [`VITAL_SHIFT_MAX`] or not a number. Rounds the rest to two significant
    /// digits, so that a single row does not stand out by its loading time.
    pub(crate) fn bounded(self) -> Self {
        let time = |ms: Option<u32>| {
            ms.filter(|ms| *ms <= VITAL_MS_MAX)
                .map(coarse::milliseconds)
        };
        Self {
            lcp_ms: time(self.lcp_ms),
            inp_ms: time(self.inp_ms),
            cls: self
                .cls
                .filter(|cls| (0.0..=VITAL_SHIFT_MAX).contains(cls))
                .map(coarse::shift),
            fcp_ms: time(self.fcp_ms),
            ttfb_ms: time(self.ttfb_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_names_are_scrubbed_and_bounded() {
        let name = |text: &str| EventName::parse(text).map(|name| name.as_str().to_owned());
        assert_eq!(EventName::parse("pageview"), Some(EventName::Pageview));
        assert_eq!(EventName::parse("engagement"), Some(EventName::Engagement));
        assert_eq!(EventName::parse(" pageview "), Some(EventName::Pageview));
        assert_eq!(name("Signup").as_deref(), Some("Signup"));
        assert_eq!(
            name("mail to taro@example.jp").as_deref(),
            Some("mail to :email")
        );
        assert_eq!(name(&"x ".repeat(200)).map(|name| name.len()), Some(119));
        assert_eq!(name(""), None);
        assert_eq!(name(" \u{200b}\n"), None);
    }

    #[test]
    fn names_amounts_and_vitals_hold_at_their_bounds() {
        let text = |bytes: usize| "ab ".repeat(bytes / 3 + 1)[..bytes - 1].to_owned() + "c";
        let name = |bytes| EventName::parse(&text(bytes)).map(|name| name.as_str().len());
        assert_eq!(name(EVENT_NAME_BYTES_MAX), Some(EVENT_NAME_BYTES_MAX));
        assert!(name(EVENT_NAME_BYTES_MAX + 1).is_some_and(|bytes| bytes <= EVENT_NAME_BYTES_MAX));
        let amount = |text: &str| Revenue::parse(text, "EUR").map(|sum| sum.thousandths());
        assert_eq!(
            amount("-999999999999999.999"),
            Some(-REVENUE_THOUSANDTHS_MAX)
        );
        assert_eq!(amount("1000000000000000.000"), None);
        let bounded = |ms, shift| {
            let vitals = Vitals {
                lcp_ms: Some(ms),
                cls: Some(shift),
                ..Vitals::default()
            };
            (vitals.bounded().lcp_ms, vitals.bounded().cls)
        };
        assert_eq!(
            bounded(VITAL_MS_MAX, VITAL_SHIFT_MAX),
            (Some(VITAL_MS_MAX), Some(VITAL_SHIFT_MAX))
        );
        assert_eq!(
            bounded(VITAL_MS_MAX + 1, VITAL_SHIFT_MAX + 0.1),
            (None, None)
        );
    }

    #[test]
    fn languages_are_primary_subtags() {
        let language =
            |header: &str| Language::parse(header).map(|language| language.as_str().to_owned());
        assert_eq!(language("ja-JP,ja;q=0.9,en;q=0.8").as_deref(), Some("ja"));
        assert_eq!(language("DE").as_deref(), Some("de"));
        assert_eq!(language("fil;q=1").as_deref(), Some("fil"));
        for none in ["", "*", "x", "english", "j1", "é-FR"] {
            assert_eq!(language(none), None, "{none}");
        }
    }

    #[test]
    fn revenue_is_a_bounded_decimal_and_a_currency() {
        let revenue =
            |amount: &str| Revenue::parse(amount, "jpy").map(|revenue| revenue.thousandths());
        for (amount, thousandths) in [
            ("12.5", 12_500),
            ("-3", -3_000),
            ("+1300", 1_300_000),
            ("0.0019", 1),
            ("1.", 1_000),
        ] {
            assert_eq!(revenue(amount), Some(thousandths), "{amount}");
        }
        assert_eq!(
            revenue("999999999999999.999"),
            Some(REVENUE_THOUSANDTHS_MAX)
        );
        for none in [
            "",
            ".5",
            "1e9",
            "1000000000000000",
            "NaN",
            "1,5",
            "--1",
            "1.2.3",
        ] {
            assert_eq!(revenue(none), None, "{none}");
        }
        assert_eq!(Revenue::parse("1", "jpy").expect("sound").currency(), "JPY");
        assert_eq!(Revenue::parse("1", "yen!"), None);
    }
}
