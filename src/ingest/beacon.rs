//! The wire format of a beacon: Plausible's Events API, so that its trackers and servers work
//! unchanged, and our additions, with the length limits of the format.
//!
//! First stage of [`Pipeline::ingest`](super::Pipeline::ingest). A fault names the field and the
//! rule, never the value: the value may be a person's. Unknown fields are skipped unread.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ingest::addresses;
use sillage_privacy::bounds::{CLICKS_MAX, ENGAGED_MS_MAX, EVENT_NAME_BYTES_MAX, PROPERTIES_MAX};
use sillage_privacy::{EventName, PageUrl, PolicyClaim, Revenue, UrlFault, Vitals};

// Limits of what a sender may write, as in Plausible's Events API. What is stored is shorter:
// `sillage_privacy::bounds`.

/// Bytes of a page's URL. A longer one is refused.
pub const WIRE_URL_BYTES_MAX: usize = 2_000;
/// Bytes of a referrer. A longer one is cut.
pub const WIRE_REFERRER_BYTES_MAX: usize = 2_000;
/// Bytes of a property's key. A beacon with a longer one is refused.
const WIRE_PROPERTY_NAME_BYTES_MAX: usize = 300;
/// Bytes of a property's value. A beacon with a longer one is refused.
const WIRE_PROPERTY_VALUE_BYTES_MAX: usize = 2_000;
/// Milliseconds of an engagement: 30 days. A longer one is a measuring error and is ignored.
const WIRE_ENGAGED_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;

/// A beacon, parsed and within its limits. Holds what a visitor sent, so it has no `Debug`.
pub struct Beacon<'a> {
    /// Sites named by `d`, comma-separated there; empty when the page's host names it.
    pub site: Option<Cow<'a, str>>,
    pub name: EventName,
    pub page: PageUrl,
    /// URL of the page before, at most [`WIRE_REFERRER_BYTES_MAX`] bytes.
    pub referrer: Option<Cow<'a, str>>,
    pub props: Vec<(String, String)>,
    pub revenue: Option<Revenue>,
    pub interactive: bool,
    /// Milliseconds, cumulative under the pageview's key.
    pub engaged_ms: u32,
    /// Percent; 255 = not sent.
    pub scroll: u8,
    /// Random id of the event; `None` when the sender makes none.
    pub key: Option<Cow<'a, str>>,
    /// `c`: what the visitor said.
    pub said: Option<bool>,
    /// `cv`: the policy version that the visitor said it to.
    pub policy: Policy<'a>,
    pub automated: bool,
    pub viewport_width: Option<u16>,
    pub clicks: Vec<u16>,
    pub vitals: Vitals,
}

/// What is wrong with a beacon: the field as the sender knows it, and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct BeaconError {
    pub field: &'static str,
    pub rule: &'static str,
}

const fn fault(field: &'static str, rule: &'static str) -> BeaconError {
    BeaconError { field, rule }
}

impl<'a> Beacon<'a> {
    /// Parses a body: a JSON object in UTF-8.
    ///
    /// # Errors
    /// Not such an object; `n` or `u` absent, of a wrong type or too long; `u` no page's URL; a
    /// property too long; an engagement that says neither time nor depth.
    pub fn parse(body: &'a [u8]) -> Result<Self, BeaconError> {
        let text = std::str::from_utf8(body).map_err(|_| fault("request", "must be UTF-8"))?;
        let wire: Wire<'a> = serde_json::from_str(text)
            .map_err(|_| fault("request", "must be a JSON object of known types"))?;

        let name = match wire.name {
            Scalar::Text(text) if text.is_empty() => {
                return Err(fault("event_name", "is required"));
            }
            Scalar::Text(text) if text.len() > EVENT_NAME_BYTES_MAX => {
                return Err(fault("event_name", "must be at most 120 bytes"));
            }
            Scalar::Text(text) => {
                EventName::parse(&text).ok_or(fault("event_name", "is required"))?
            }
            Scalar::Integer(number) => {
                EventName::parse(&number.to_string()).ok_or(fault("event_name", "is required"))?
            }
            Scalar::Absent => return Err(fault("event_name", "is required")),
            _ => return Err(fault("event_name", "must be a string")),
        };
        let url = match &wire.url {
            Scalar::Text(text) if text.is_empty() => return Err(fault("url", "is required")),
            Scalar::Text(text) if text.len() > WIRE_URL_BYTES_MAX => {
                return Err(fault("url", "must be at most 2000 bytes"));
            }
            Scalar::Text(text) => text,
            Scalar::Absent => return Err(fault("url", "is required")),
            _ => return Err(fault("url", "must be a string")),
        };
        let hash_mode = matches!(wire.hash_mode, Scalar::Integer(1) | Scalar::Bool(true));
        let page = PageUrl::parse(url, hash_mode).map_err(|error| match error {
            UrlFault::Empty => fault("url", "is required"),
            UrlFault::TooLong => fault("url", "must be at most 2000 bytes"),
            UrlFault::NotAUrl => fault("url", "must be a valid url"),
            UrlFault::NoHost => fault("url", "must have a host"),
            UrlFault::NotWeb => fault("url", "must begin with https:, http: or app:"),
        })?;
        let site = match wire.domain {
            Scalar::Text(text) if text.trim().is_empty() => {
                return Err(fault("domain", "can't be blank"));
            }
            Scalar::Text(text) => Some(text),
            Scalar::Absent => None,
            _ => return Err(fault("domain", "must be a string")),
        };
        let engaged = wire
            .engaged
            .integer()
            .filter(|ms| *ms < WIRE_ENGAGED_MS_MAX);
        let scroll = wire
            .scroll
            .integer()
            .map_or(255, |percent| percent.min(100) as u8);
        if name == EventName::Engagement && engaged.unwrap_or(0) == 0 && scroll == 255 {
            return Err(fault(
                "e",
                "an engagement needs e (ms above 0) or sd (percent)",
            ));
        }
        let props = addresses::web_only(name.as_str(), wire.props.checked()?);
        Ok(Self {
            site,
            name,
            page,
            referrer: wire
                .referrer
                .text()
                .map(|text| cut(text, WIRE_REFERRER_BYTES_MAX)),
            props,
            revenue: wire.revenue,
            interactive: !matches!(wire.interactive, Scalar::Bool(false)),
            engaged_ms: engaged.unwrap_or(0).min(u64::from(ENGAGED_MS_MAX)) as u32,
            scroll,
            key: wire
                .key
                .text()
                .filter(|key| !key.is_empty() && key.len() <= 64),
            said: wire.consent.said(),
            policy: wire.policy,
            automated: matches!(wire.automated, Scalar::Integer(1) | Scalar::Bool(true)),
            viewport_width: wire
                .width
                .integer()
                .and_then(|width| u16::try_from(width).ok())
                .filter(|width| *width > 0),
            clicks: wire.clicks,
            vitals: Vitals {
                lcp_ms: wire.lcp.milliseconds(),
                inp_ms: wire.inp.milliseconds(),
                cls: wire
                    .cls
                    .float()
                    .filter(|cls| (0.0..=100.0).contains(cls))
                    .map(|cls| cls as f32),
                fcp_ms: wire.fcp.milliseconds(),
                ttfb_ms: wire.ttfb.milliseconds(),
            },
        })
    }
}

fn cut(text: Cow<'_, str>, bytes_max: usize) -> Cow<'_, str> {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    Cow::Owned(text[..end].to_owned())
}

/// One JSON value where the wire allows several types. Objects and arrays are skipped.
#[derive(Default)]
enum Scalar<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Other,
}

impl<'a> Scalar<'a> {
    fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number of 0 or more, also as text.
    fn integer(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// Milliseconds of a page's timing, up to ten minutes.
    fn milliseconds(&self) -> Option<u32> {
        self.float()
            .filter(|ms| (0.0..=600_000.0).contains(ms))
            .map(|ms| ms.round() as u32)
    }

    /// A property's value as text; null, blank, lists and objects are none.
    fn property(self) -> Option<String> {
        match self {
            Self::Text(text) if text.trim().is_empty() => None,
            Self::Text(text) => Some(text.into_owned()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.to_string()),
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Absent | Self::Other => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Integer(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(number).map_or(Scalar::Float(number as f64), Scalar::Integer))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(number))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(flag))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Absent)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// What `c` says. A field that is repeated must say the same each time, or it is a no: parsers
/// differ in which of two equal keys they keep, so a sender can't know which one counts.
#[derive(Default)]
struct Consent {
    heard: Option<Option<bool>>,
}

impl Consent {
    fn hear(&mut self, value: &Scalar<'_>) {
        let said = match value {
            Scalar::Integer(1) | Scalar::Bool(true) => Some(true),
            // JSON's null is silence, which is not consent either.
            Scalar::Absent => None,
            // Whatever is not a clear yes is a no.
            Scalar::Text(_)
            | Scalar::Integer(_)
            | Scalar::Float(_)
            | Scalar::Bool(false)
            | Scalar::Other => Some(false),
        };
        self.heard = match self.heard {
            Some(before) if before != said => Some(Some(false)),
            _ => Some(said),
        };
    }

    fn said(&self) -> Option<bool> {
        self.heard.flatten()
    }
}

/// What `cv` says: the policy version, as text.
#[derive(Default)]
pub enum Policy<'a> {
    /// The field is not there.
    #[default]
    Absent,
    Version(Cow<'a, str>),
    /// Not a string, or two that differ.
    Unreadable,
}

impl<'a> Policy<'a> {
    fn hear(&mut self, value: Scalar<'a>) {
        *self = match (&*self, value) {
            (Self::Absent, Scalar::Text(version)) => Self::Version(version),
            (Self::Version(before), Scalar::Text(version)) if *before == version => {
                Self::Version(version)
            }
            _ => Self::Unreadable,
        };
    }

    /// As a signal for the decision.
    pub fn claim(&self) -> PolicyClaim<'_> {
        match self {
            Self::Absent => PolicyClaim::InForce,
            Self::Version(version) => PolicyClaim::Version(version),
            Self::Unreadable => PolicyClaim::Unreadable,
        }
    }
}

/// Properties: an object, or a string that holds one. Anything else is none.
#[derive(Default)]
struct Props(Vec<(String, String)>);

impl Props {
    /// # Errors
    /// A key or a value is too long.
    fn checked(self) -> Result<Vec<(String, String)>, BeaconError> {
        let mut props = self.0;
        props.truncate(PROPERTIES_MAX);
        for (key, value) in &props {
            if key.len() > WIRE_PROPERTY_NAME_BYTES_MAX {
                return Err(fault("props", "keys must be at most 300 bytes"));
            }
            if value.len() > WIRE_PROPERTY_VALUE_BYTES_MAX {
                return Err(fault("props", "values must be at most 2000 bytes"));
            }
        }
        Ok(props)
    }
}

impl<'de> Deserialize<'de> for Props {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PropsVisitor;
        impl<'de> Visitor<'de> for PropsVisitor {
            type Value = Props;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut props = Vec::new();
                while let Some((Field(key), value)) = map.next_entry::<Field<'de>, Scalar<'de>>()? {
                    if let Some(value) = value.property() {
                        props.push((key.into_owned(), value));
                    }
                }
                Ok(Props(props))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                // An object in a string; a string in that is none, so this ends.
                Ok(if text.trim_start().starts_with('{') {
                    serde_json::from_str(text).unwrap_or_default()
                } else {
                    Props::default()
                })
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Props::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Props::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Props::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Props::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Props::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Props::default())
            }
        }
        deserializer.deserialize_any(PropsVisitor)
    }
}

/// The object as it arrives: short and long names stand side by side, the first listed wins.
#[derive(Default)]
struct Wire<'a> {
    name: Scalar<'a>,
    url: Scalar<'a>,
    domain: Scalar<'a>,
    referrer: Scalar<'a>,
    props: Props,
    revenue: Option<Revenue>,
    interactive: Scalar<'a>,
    hash_mode: Scalar<'a>,
    scroll: Scalar<'a>,
    engaged: Scalar<'a>,
    key: Scalar<'a>,
    consent: Consent,
    policy: Policy<'a>,
    automated: Scalar<'a>,
    width: Scalar<'a>,
    clicks: Vec<u16>,
    lcp: Scalar<'a>,
    inp: Scalar<'a>,
    cls: Scalar<'a>,
    fcp: Scalar<'a>,
    ttfb: Scalar<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Wire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WireVisitor<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for WireVisitor<'a> {
            type Value = Wire<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut wire = Wire::default();
                let mut props_rank = 0;
                let mut revenue_rank = 0;
                // A long name never replaces a short one that was there.
                fn keep<'a>(short: bool, place: &mut Scalar<'a>, value: Scalar<'a>) {
                    if short || matches!(place, Scalar::Absent) {
                        *place = value;
                    }
                }
                while let Some(Field(field)) = map.next_key()? {
                    match &*field {
                        "n" | "name" => keep(field == "n", &mut wire.name, map.next_value()?),
                        "u" | "url" => keep(field == "u", &mut wire.url, map.next_value()?),
                        "d" | "domain" => keep(field == "d", &mut wire.domain, map.next_value()?),
                        "r" | "referrer" => {
                            keep(field == "r", &mut wire.referrer, map.next_value()?)
                        }
                        "m" | "meta" | "p" | "props" => {
                            // Plausible's order of precedence.
                            let rank = match &*field {
                                "m" => 4,
                                "meta" => 3,
                                "p" => 2,
                                _ => 1,
                            };
                            let props: Props = map.next_value()?;
                            if rank > props_rank {
                                (props_rank, wire.props) = (rank, props);
                            }
                        }
                        "$" | "revenue" => {
                            let rank = if field == "$" { 1 } else { 2 };
                            let revenue: Money = map.next_value()?;
                            if rank > revenue_rank {
                                (revenue_rank, wire.revenue) = (rank, revenue.revenue());
                            }
                        }
                        "i" | "interactive" => {
                            keep(field == "i", &mut wire.interactive, map.next_value()?)
                        }
                        "h" | "hashMode" => {
                            keep(field == "h", &mut wire.hash_mode, map.next_value()?)
                        }
                        "sd" => wire.scroll = map.next_value()?,
                        "e" => wire.engaged = map.next_value()?,
                        "k" => wire.key = map.next_value()?,
                        "c" => wire.consent.hear(&map.next_value()?),
                        "cv" => wire.policy.hear(map.next_value()?),
                        "b" => wire.automated = map.next_value()?,
                        "w" | "screen_width" => {
                            keep(field == "w", &mut wire.width, map.next_value()?)
                        }
                        "x" => wire.clicks = map.next_value::<Cells>()?.0,
                        "vl" => wire.lcp = map.next_value()?,
                        "vi" => wire.inp = map.next_value()?,
                        "vc" => wire.cls = map.next_value()?,
                        "vf" => wire.fcp = map.next_value()?,
                        "vt" => wire.ttfb = map.next_value()?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(wire)
            }
        }
        deserializer.deserialize_map(WireVisitor(std::marker::PhantomData))
    }
}

/// A field's name, borrowed from the body unless it is written with escapes.
struct Field<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor;
        impl<'de> Visitor<'de> for FieldVisitor {
            type Value = Field<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Field(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Field(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(FieldVisitor)
    }
}

/// `{amount, currency}`, or a string that holds it. Anything invalid is no revenue.
#[derive(Default)]
struct Money(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Props::deserialize(deserializer)?.0))
    }
}

impl Money {
    fn revenue(&self) -> Option<Revenue> {
        let part = |name: &str| {
            self.0
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        Revenue::parse(part("amount")?, part("currency")?)
    }
}

/// Click cells: numbers; what is none is left out.
struct Cells(Vec<u16>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellsVisitor;
        impl<'de> Visitor<'de> for CellsVisitor {
            type Value = Cells;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut cells = Vec::new();
                while let Some(cell) = seq.next_element::<Scalar<'de>>()? {
                    if let Some(cell) = cell.integer().and_then(|cell| u16::try_from(cell).ok())
                        && cells.len() < CLICKS_MAX
                    {
                        cells.push(cell);
                    }
                }
                Ok(Cells(cells))
            }
        }
        deserializer.deserialize_seq(CellsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beacon_holds_as_many_click_cells_as_are_stored() {
        let clicks = |count: usize| {
            let cells: Vec<usize> = (0..count).collect();
            let body = serde_json::json!({
                "n": "engagement", "u": "https://example.com/", "e": 1_000, "x": cells,
            });
            let body = body.to_string();
            Beacon::parse(body.as_bytes()).map(|beacon| beacon.clicks.len())
        };
        assert_eq!(clicks(CLICKS_MAX), Ok(CLICKS_MAX));
        assert_eq!(clicks(CLICKS_MAX + 1), Ok(CLICKS_MAX));
    }
}
