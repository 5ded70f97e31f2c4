//! The input of the privacy door: a beacon with personal data.

use std::sync::Arc;

use crate::client::{ClientIp, UserAgent};
use crate::cookie::DeviceId;
use crate::fields::{EventName, Language, Revenue, Vitals};
use crate::origin::Origin;
use crate::page_url::PageUrl;

/// A parsed beacon, with personal data still in it. It can only be passed to
/// [`anonymise`](crate::anonymise()).
pub struct RawBeacon {
    /// Site id as configured.
    pub site: Arc<str>,
    /// Unix minutes at which the server received it (P8).
    pub minute: u32,
    /// What happened.
    pub name: EventName,
    /// Random id of the pageview or event, from the page.
    pub key: u64,
    /// The page it happened on.
    pub page: PageUrl,
    /// Where the visitor came from.
    pub origin: Arc<Origin>,
    /// The client's address.
    pub ip: ClientIp,
    /// The client's `User-Agent`.
    pub agent: UserAgent,
    /// From the measurement cookie, if the visitor consented.
    pub device: Option<DeviceId>,
    /// From `Accept-Language`.
    pub language: Option<Language>,
    /// CSS pixels.
    pub viewport_width: Option<u16>,
    /// Whether the event ends a bounce.
    pub interactive: bool,
    /// Milliseconds for which the page was visible and focused so far.
    pub engaged_ms: u32,
    /// Greatest scroll depth so far in percent; [`SCROLL_UNKNOWN`](crate::SCROLL_UNKNOWN) = not
    /// sent.
    pub scroll: u8,
    /// Names and values as the page sent them.
    pub props: Vec<(String, String)>,
    /// Amount of a custom event.
    pub revenue: Option<Revenue>,
    /// Click cells of the page: row * 20 + column.
    pub clicks: Vec<u16>,
    /// Web vitals as the page sent them.
    pub vitals: Vitals,
    /// The page reported that a program controls the browser.
    pub automated: bool,
}
