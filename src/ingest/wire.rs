//! The JSON of a beacon: names of fields, allowed types and precedence, before any rule is applied.
//!
//! Plausible's Events API and our additions. Unknown fields are skipped unread.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use sillage_privacy::bounds::CLICKS_MAX;
use sillage_privacy::{PolicyClaim, Revenue};

/// A JSON value where the format allows several types. Objects and arrays are skipped.
#[derive(Default)]
pub(super) enum Scalar<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Other,
}

impl<'a> Scalar<'a> {
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number of 0 or more, also as text.
    pub(super) fn integer(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
        .filter(|number: &f64| number.is_finite())
    }

    /// Milliseconds of a page's timing, up to ten minutes.
    pub(super) fn milliseconds(&self) -> Option<u32> {
        self.float()
            .filter(|ms| (0.0..=600_000.0).contains(ms))
            .map(|ms| ms.round() as u32)
    }

    /// A property's value as text; `None` for null, blank text, lists and objects.
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

/// The field `c`. If it is repeated with different values, it is a no: parsers differ in which of
/// two equal keys they keep, so the sender cannot know which one counts.
#[derive(Default)]
pub(super) struct Consent {
    heard: Option<Option<bool>>,
}

impl Consent {
    fn hear(&mut self, value: &Scalar<'_>) {
        let said = match value {
            Scalar::Integer(1) | Scalar::Bool(true) => Some(true),
            // JSON's null is silence, which is not consent.
            Scalar::Absent => None,
            // Everything that is not a clear yes is a no.
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

    pub(super) fn said(&self) -> Option<bool> {
        self.heard.flatten()
    }
}

/// The field `cv`: the policy version, as text.
#[derive(Clone, Default)]
pub enum Policy<'a> {
    /// The field is not there.
    #[default]
    Absent,
    Version(Cow<'a, str>),
    /// Not a string, or two different strings.
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

    /// As a signal for the consent decision.
    pub fn claim(&self) -> PolicyClaim<'_> {
        match self {
            Self::Absent => PolicyClaim::InForce,
            Self::Version(version) => PolicyClaim::Version(version),
            Self::Unreadable => PolicyClaim::Unreadable,
        }
    }
}

/// Properties: an object, or a string that holds one. Anything else counts as no properties.
#[derive(Default)]
pub(super) struct Props(pub(super) Vec<(String, String)>);

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
                // Properties may arrive as a JSON string. Nested strings are not decoded again.
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

/// The object as it arrives. A field may have a short and a long name; the short one wins.
#[derive(Default)]
pub(super) struct Wire<'a> {
    pub(super) name: Scalar<'a>,
    pub(super) url: Scalar<'a>,
    pub(super) domain: Scalar<'a>,
    pub(super) referrer: Scalar<'a>,
    pub(super) props: Props,
    pub(super) revenue: Option<Revenue>,
    pub(super) interactive: Scalar<'a>,
    pub(super) hash_mode: Scalar<'a>,
    pub(super) scroll: Scalar<'a>,
    pub(super) engaged: Scalar<'a>,
    pub(super) key: Scalar<'a>,
    pub(super) consent: Consent,
    pub(super) policy: Policy<'a>,
    pub(super) automated: Scalar<'a>,
    pub(super) width: Scalar<'a>,
    pub(super) clicks: Vec<u16>,
    pub(super) lcp: Scalar<'a>,
    pub(super) inp: Scalar<'a>,
    pub(super) cls: Scalar<'a>,
    pub(super) fcp: Scalar<'a>,
    pub(super) ttfb: Scalar<'a>,
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

/// A field's name, borrowed from the body unless it contains escapes.
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

/// `{amount, currency}`, or a string that holds it. Anything invalid counts as no revenue.
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

/// Click cells. Values that are not numbers are skipped.
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
