//! What a beacon has besides: names, origins, languages, amounts, measurements. Each is scrubbed or
//! of a closed set from the moment it is made, so it may be printed, copied and kept.

use crate::anonymise::OpenField;
use crate::coarse;
use crate::page_url::Campaign;
use crate::scrub;

/// Bytes of an event's name.
pub const EVENT_NAME_BYTES_MAX: usize = 120;
/// Bytes of a campaign parameter or a source's name.
pub const CAMPAIGN_BYTES_MAX: usize = 120;
/// Bytes of a host name (RFC 1035).
pub const HOST_BYTES_MAX: usize = 253;

/// Where a visit came from, scrubbed. No person in it: it may be kept, printed and cloned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    referrer: String,
    source: String,
    channel: &'static str,
    utm: [String; 5],
    /// Source and channel as the referrer alone tells them, where a campaign says otherwise.
    plain: Option<(String, &'static str)>,
}

impl Origin {
    /// From a referrer's host, the source's name and class, and the campaign. Every part is
    /// scrubbed again, whatever the caller has done: a referrer that is an IP address or carries an
    /// id in its host is masked.
    pub fn new(referrer: &str, source: &str, channel: &'static str, campaign: &Campaign) -> Self {
        let part = |text: &str| scrub::label(text, CAMPAIGN_BYTES_MAX);
        let Campaign {
            source: utm_source,
            medium,
            campaign,
            content,
            term,
        } = campaign;
        Self {
            referrer: scrub::host(referrer),
            source: part(source),
            channel,
            utm: [utm_source, medium, campaign, content, term].map(|value| part(value)),
            plain: None,
        }
    }

    /// Says what source and channel are without the campaign, which is all that `exempt` and
    /// `count` keep. Where this is not called and there is a campaign, they keep the referrer's
    /// host and `Referral` or `Direct`.
    pub fn without_campaign(mut self, source: &str, channel: &'static str) -> Self {
        self.plain = Some((scrub::label(source, CAMPAIGN_BYTES_MAX), channel));
        self
    }

    /// The origin with `(other)` in place of what is to be folded; `None` where nothing is.
    pub(super) fn folded(
        &self,
        is_folded: &mut dyn FnMut(OpenField, &str) -> bool,
    ) -> Option<Self> {
        let mut folded = None;
        let other = || scrub::OTHER.to_owned();
        if is_folded(OpenField::Referrer, &self.referrer) {
            folded.get_or_insert_with(|| self.clone()).referrer = other();
        }
        if is_folded(OpenField::Source, &self.source) {
            folded.get_or_insert_with(|| self.clone()).source = other();
        }
        for (index, value) in self.utm.iter().enumerate() {
            if is_folded(OpenField::Campaign, value) {
                folded.get_or_insert_with(|| self.clone()).utm[index] = other();
            }
        }
        folded
    }

    /// Drops the campaign and all that was concluded from it.
    pub fn into_plain(mut self) -> Self {
        let had_campaign = self.utm.iter().any(|value| !value.is_empty());
        self.utm = Default::default();
        match self.plain.take() {
            Some((source, channel)) => (self.source, self.channel) = (source, channel),
            None if had_campaign || self.channel.starts_with("Paid") => {
                self.channel = if self.referrer.is_empty() {
                    "Direct"
                } else {
                    "Referral"
                };
                self.source.clone_from(&self.referrer);
            }
            None => {}
        }
        self
    }

    /// Host of the page that linked here; empty = none.
    pub fn referrer(&self) -> &str {
        &self.referrer
    }

    /// Name of the source; empty = direct.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Class of the source.
    pub fn channel(&self) -> &'static str {
        self.channel
    }

    /// `utm_source`, `_medium`, `_campaign`, `_content`, `_term`; empty = absent.
    pub fn utm(&self) -> &[String; 5] {
        &self.utm
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventName {
    /// A page was seen.
    Pageview,
    /// How long and how far a page was read; belongs to the pageview with the same key.
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
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of all that have no place of their own.
    pub(super) fn other() -> Self {
        Self(scrub::OTHER.into())
    }
}

impl EventName {
    /// `None` when nothing is left of the name after scrubbing.
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

/// Amount of a custom event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revenue {
    thousandths: i64,
    currency: [u8; 3],
}

impl Revenue {
    /// Greatest amount, either sign, in thousandths of the currency: what `Decimal(18, 3)` holds.
    pub const THOUSANDTHS_MAX: i64 = 999_999_999_999_999_999;

    /// From a decimal number (`12.5`, `-3`, `1300`; digits after the third are cut off) and a
    /// currency of three letters. `None` when either is not that, or the amount is out of bounds.
    pub fn parse(amount: &str, currency: &str) -> Option<Self> {
        let amount = amount.trim();
        let (sign, digits) = match amount.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, amount.strip_prefix('+').unwrap_or(amount)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 15 || !is_digits(whole) || !is_digits(fraction) {
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
    /// Milliseconds above this are a measuring fault, not a page: ten minutes.
    pub const MS_MAX: u32 = 600_000;

    /// Without what no page can have: times over ten minutes, shifts that are negative, over 100 or
    /// no number. The rest to two significant digits, so that a single row does not stand out by
    /// its loading time.
    pub(super) fn bounded(self) -> Self {
        let time = |ms: Option<u32>| {
            ms.filter(|ms| *ms <= Self::MS_MAX)
                .map(coarse::milliseconds)
        };
        Self {
            lcp_ms: time(self.lcp_ms),
            inp_ms: time(self.inp_ms),
            cls: self
                .cls
                .filter(|cls| (0.0..=100.0).contains(cls))
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
    fn every_part_of_an_origin_is_scrubbed() {
        let campaign = Campaign {
            source: "taro@example.jp".into(),
            term: "090-1234-5678".into(),
            ..Campaign::default()
        };
        let origin = Origin::new("203.0.113.77", "8988280000000000001", "Referral", &campaign);
        assert_eq!(origin.referrer(), ":ip");
        assert_eq!(origin.source(), ":id");
        assert_eq!(
            origin.utm(),
            &[":email", "", "", "", ":phone"].map(String::from)
        );
    }

    #[test]
    fn without_a_campaign_the_origin_comes_from_the_referrer() {
        let campaign = Campaign {
            source: "newsletter".into(),
            ..Campaign::default()
        };
        let origin = |campaign| Origin::new("www.google.com", "newsletter", "Email", campaign);
        let told = origin(&campaign)
            .without_campaign("Google", "Organic Search")
            .into_plain();
        assert_eq!(
            (told.source(), told.channel()),
            ("Google", "Organic Search")
        );
        let untold = origin(&campaign).into_plain();
        assert_eq!(
            (untold.source(), untold.channel()),
            ("www.google.com", "Referral")
        );
        assert!(untold.utm().iter().all(String::is_empty));
        let none = Origin::new(
            "www.google.com",
            "Google",
            "Organic Search",
            &Campaign::default(),
        )
        .into_plain();
        assert_eq!(
            (none.source(), none.channel()),
            ("Google", "Organic Search")
        );
        let paid = Origin::new("", "Google", "Paid Search", &Campaign::default()).into_plain();
        assert_eq!((paid.source(), paid.channel()), ("", "Direct"));
    }

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
            Some(Revenue::THOUSANDTHS_MAX)
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
