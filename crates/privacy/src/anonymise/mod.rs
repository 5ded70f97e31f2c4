//! The door: [`anonymise`] takes a beacon with personal data and returns an event without any.
//!
//! The fields of [`AnonymousEvent`] are private to this folder, so no other code can make or change
//! an event.

mod columns;
mod fold;
mod lookups;

use std::sync::Arc;

use crate::bounds::{CLICKS_MAX, ENGAGED_MS_MAX, PROPERTIES_MAX, SCROLL_PERCENT_MAX};
use crate::client::{ClientIp, UserAgent};
use crate::coarse;
use crate::consent::Basis;
use crate::cookie::DeviceId;
use crate::fields::{EventName, Language, Revenue, Vitals};
use crate::origin::Origin;
use crate::raw_beacon::RawBeacon;
use crate::salt::Salts;
use crate::scrub::{self, ScrubRules};
use crate::truncate::truncate;
use crate::visitor::VisitorId;

pub use lookups::{Device, Lookups, Place};

/// Scroll depth that is not known.
pub const SCROLL_UNKNOWN: u8 = 255;

/// An event without personal data. It may be stored, printed and sent, and cannot be changed.
#[derive(Debug)]
pub struct AnonymousEvent {
    site: Arc<str>,
    minute: u32,
    name: EventName,
    key: u64,
    visitor: Option<VisitorId>,
    hostname: Box<str>,
    path: String,
    origin: Arc<Origin>,
    place: Arc<Place>,
    device: Device,
    screen: &'static str,
    language: Option<Language>,
    interactive: bool,
    engaged_ms: u32,
    scroll: u8,
    props: Vec<(String, String)>,
    revenue: Option<Revenue>,
    clicks: Vec<u16>,
    vitals: Vitals,
    automated: bool,
    basis: Basis,
}

/// The result of [`anonymise`].
pub struct Anonymised {
    /// What is stored.
    pub event: AnonymousEvent,
    /// The visitor under yesterday's salt, in the half hour in which that salt still exists. Only
    /// for finding a visit that began before midnight and continues; never stored.
    pub yesterday: Option<VisitorId>,
}

/// Removes everything that identifies a person. The basis decides what else is stored: `Exempt` has
/// no campaign, clicks, properties or revenue. `CountOnly` also has no visitor, key, engagement,
/// vitals, language, versions, region or city, and [`Basis::keeps`] allows only pageviews for it.
///
/// Total: it has no errors. Costs one HMAC (two in the half hour after midnight), one pass over the
/// path, and the two lookups.
pub fn anonymise(
    raw: RawBeacon,
    basis: Basis,
    salts: &Salts<'_>,
    rules: &ScrubRules,
    look: &Lookups<'_>,
) -> Anonymised {
    let RawBeacon {
        site,
        minute,
        name,
        key,
        page,
        origin,
        ip,
        agent,
        device: device_id,
        language,
        ..
    } = raw;
    let RawBeacon {
        viewport_width,
        interactive,
        engaged_ms,
        scroll,
        props,
        revenue,
        clicks,
        vitals,
        automated,
        ..
    } = raw;
    let network = truncate(&ip);
    drop(ip);
    let is_full = basis == Basis::Full;
    let counts_only = basis == Basis::CountOnly;

    let visitor_under = |salt| match device_id.as_ref().filter(|_| is_full) {
        Some(device_id) => VisitorId::of_device(salt, &site, device_id),
        None => VisitorId::of_address(salt, &site, network, &agent),
    };
    let visitor = (!counts_only).then(|| visitor_under(salts.today));
    let yesterday = salts.yesterday.filter(|_| !counts_only).map(visitor_under);

    let path = match page.fragment() {
        "" => scrub::path(page.target(), rules),
        fragment => scrub::path(&[page.target(), "#", fragment].concat(), rules),
    };
    let mut place = (look.place)(network);
    if counts_only && !(place.region.is_empty() && place.city.is_empty()) {
        place = Arc::new(Place {
            country: place.country.clone(),
            ..Place::default()
        });
    }
    let mut device = (look.device)(agent.as_str());
    if counts_only {
        (device.browser_version, device.os_version) = (0, 0);
    }
    let event = AnonymousEvent {
        minute,
        name,
        key: if counts_only { 0 } else { key },
        visitor,
        hostname: page.host().into(),
        path,
        origin: if is_full {
            origin
        } else {
            Arc::new(Arc::unwrap_or_clone(origin).into_plain())
        },
        place,
        device,
        screen: screen(viewport_width),
        language: language.filter(|_| !counts_only),
        // It has no meaning for a pageview, so the sender must not be able to choose it.
        interactive: interactive || counts_only,
        engaged_ms: if counts_only {
            0
        } else {
            coarse::engaged_ms(engaged_ms.min(ENGAGED_MS_MAX), key)
        },
        scroll: if counts_only || scroll > SCROLL_PERCENT_MAX {
            SCROLL_UNKNOWN
        } else {
            scroll
        },
        props: if is_full {
            kept_props(&props)
        } else {
            Vec::new()
        },
        revenue: revenue.filter(|_| is_full),
        clicks: if is_full { bounded(clicks) } else { Vec::new() },
        vitals: if counts_only {
            Vitals::default()
        } else {
            vitals.bounded()
        },
        automated,
        basis,
        site,
    };
    Anonymised { event, yesterday }
}

/// The visitor ids of today's events from this request's browser: by its devices and by its
/// address, and all of them under yesterday's salt while it exists. For a visitor who asks to erase
/// today's data. Other visitors cannot be looked up: it takes their address and user agent.
pub fn visitors_of<'a>(
    salts: &Salts<'_>,
    site: &str,
    ip: &ClientIp,
    agent: &UserAgent,
    devices: impl IntoIterator<Item = &'a DeviceId>,
) -> Vec<VisitorId> {
    let devices: Vec<&DeviceId> = devices.into_iter().collect();
    let network = truncate(ip);
    let mut visitors = Vec::with_capacity(4);
    for salt in std::iter::once(salts.today).chain(salts.yesterday) {
        visitors.push(VisitorId::of_address(salt, site, network, agent));
        let of_device = |device| VisitorId::of_device(salt, site, device);
        visitors.extend(devices.iter().copied().map(of_device));
    }
    visitors
}

fn kept_props(props: &[(String, String)]) -> Vec<(String, String)> {
    let kept = props
        .iter()
        .filter_map(|(name, value)| scrub::property(name, value));
    kept.take(PROPERTIES_MAX).collect()
}

fn bounded(mut clicks: Vec<u16>) -> Vec<u16> {
    clicks.truncate(CLICKS_MAX);
    clicks
}

/// Class of the viewport's width in CSS pixels.
fn screen(width: Option<u16>) -> &'static str {
    match width {
        None | Some(0) => "",
        Some(..576) => "xs",
        Some(..768) => "sm",
        Some(..992) => "md",
        Some(..1200) => "lg",
        Some(..1600) => "xl",
        Some(_) => "xxl",
    }
}

#[cfg(test)]
mod tests;
