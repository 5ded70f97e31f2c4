//! A beacon: Plausible's Events API, so that its trackers and servers work unchanged, and our
//! additions, within the length limits of the format.
//!
//! First stage of [`Pipeline::ingest`](crate::ingest::Pipeline::ingest). An error names the field
//! and the rule, never the value: the value may identify a person.

use std::borrow::Cow;

use crate::ingest::addresses;
use crate::ingest::wire::{Policy, Props, Scalar, Wire};
use sillage_privacy::bounds::{ENGAGED_MS_MAX, EVENT_NAME_BYTES_MAX, PROPERTIES_MAX};
use sillage_privacy::{EventName, PageUrl, Revenue, UrlFault, Vitals};

// Limits of what a sender may write, as in Plausible's Events API. What is stored is shorter:
// `sillage_privacy::bounds`.

/// Bytes of a page's URL. A longer URL is refused.
pub const WIRE_URL_BYTES_MAX: usize = 2_000;
/// Bytes of a referrer. A longer one is cut.
pub const WIRE_REFERRER_BYTES_MAX: usize = 2_000;
/// Bytes of a property's key. A beacon with a longer one is refused.
const WIRE_PROPERTY_NAME_BYTES_MAX: usize = 300;
/// Bytes of a property's value. A beacon with a longer one is refused.
const WIRE_PROPERTY_VALUE_BYTES_MAX: usize = 2_000;
/// Milliseconds of an engagement: 30 days. A longer time is a measuring error and is ignored.
const WIRE_ENGAGED_MS_MAX: u64 = 30 * 24 * 60 * 60 * 1_000;

/// A beacon, parsed and within its limits. Holds what a visitor sent, so it has no `Debug`.
pub struct Beacon<'a> {
    /// `d`: comma-separated names of sites; `None` when the page's host names the site.
    pub site: Option<Cow<'a, str>>,
    pub name: EventName,
    pub page: PageUrl,
    /// The page's URL as it was sent.
    url: Cow<'a, str>,
    /// `h`: whether the site routes by fragment.
    hash_mode: bool,
    /// URL of the page before, at most [`WIRE_REFERRER_BYTES_MAX`] bytes.
    pub referrer: Option<Cow<'a, str>>,
    pub props: Vec<(String, String)>,
    pub revenue: Option<Revenue>,
    pub interactive: bool,
    /// Milliseconds, cumulative under the pageview's key.
    pub engaged_ms: u32,
    /// Percent; 255 = not sent.
    pub scroll: u8,
    /// Random id of the event; `None` when the sender gave none.
    pub key: Option<Cow<'a, str>>,
    /// `c`: the visitor's choice.
    pub said: Option<bool>,
    /// `cv`: the policy version that the choice is about.
    pub policy: Policy<'a>,
    pub automated: bool,
    pub viewport_width: Option<u16>,
    pub clicks: Vec<u16>,
    pub vitals: Vitals,
}

/// A fault of a beacon: the field by the sender's name for it, and the rule that it breaks.
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
    /// Not such an object; `n` or `u` absent, of a wrong type or too long; `u` not a page's URL; a
    /// property too long; an engagement with neither time nor depth.
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
        let url = match wire.url {
            Scalar::Text(text) if text.is_empty() => return Err(fault("url", "is required")),
            Scalar::Text(text) if text.len() > WIRE_URL_BYTES_MAX => {
                return Err(fault("url", "must be at most 2000 bytes"));
            }
            Scalar::Text(text) => text,
            Scalar::Absent => return Err(fault("url", "is required")),
            _ => return Err(fault("url", "must be a string")),
        };
        let hash_mode = matches!(wire.hash_mode, Scalar::Integer(1) | Scalar::Bool(true));
        let page = page_of(&url, hash_mode)?;
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
        let props = addresses::web_only(name.as_str(), checked(wire.props)?);
        Ok(Self {
            site,
            name,
            page,
            url,
            hash_mode,
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

    /// The same beacon for another site. The page's address is parsed again, because a [`PageUrl`]
    /// cannot be copied.
    ///
    /// # Errors
    /// None that [`parse`](Self::parse) has not returned already.
    pub fn copy(&self) -> Result<Self, BeaconError> {
        Ok(Self {
            site: self.site.clone(),
            name: self.name.clone(),
            page: page_of(&self.url, self.hash_mode)?,
            url: self.url.clone(),
            hash_mode: self.hash_mode,
            referrer: self.referrer.clone(),
            props: self.props.clone(),
            revenue: self.revenue,
            interactive: self.interactive,
            engaged_ms: self.engaged_ms,
            scroll: self.scroll,
            key: self.key.clone(),
            said: self.said,
            policy: self.policy.clone(),
            automated: self.automated,
            viewport_width: self.viewport_width,
            clicks: self.clicks.clone(),
            vitals: self.vitals,
        })
    }
}

fn page_of(url: &str, hash_mode: bool) -> Result<PageUrl, BeaconError> {
    PageUrl::parse(url, hash_mode).map_err(|error| match error {
        UrlFault::Empty => fault("url", "is required"),
        UrlFault::TooLong => fault("url", "must be at most 2000 bytes"),
        UrlFault::NotAUrl => fault("url", "must be a valid url"),
        UrlFault::NoHost => fault("url", "must have a host"),
        UrlFault::NotWeb => fault("url", "must begin with https:, http: or app:"),
    })
}

/// Properties within the limits of the format.
///
/// # Errors
/// A name or a value is too long.
fn checked(props: Props) -> Result<Vec<(String, String)>, BeaconError> {
    let Props(mut props) = props;
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

/// The longest prefix of whole characters within this number of bytes.
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

#[cfg(test)]
mod tests {
    use super::*;
    use sillage_privacy::bounds::CLICKS_MAX;

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
