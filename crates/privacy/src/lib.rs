//! The privacy door: a beacon with a person in it goes in, an event without one comes out.
//!
//! Stands between `ingest` (which parses) and `visit` (which groups what is already anonymous). The
//! module is *pure*: no IO, no clock, no log, no async, and it imports nothing of ours. Time,
//! randomness, places and devices are passed in, so each promise below can be checked by calling a
//! function.
//!
//! # What is promised, and where it is held
//!
//! | | promise | held by |
//! |---|---|---|
//! | P1 | the full address dies here; /24 and /48 are all that leaves | [`ClientIp`], [`truncate()`] |
//! | P2 | no header text leaves the request, only closed names | [`UserAgent`], [`Device`], [`Language`] |
//! | P3 | a visitor id is an HMAC under a salt that is destroyed after the day | [`Salt`], [`VisitorId`]; files: `salt_keeper` |
//! | P4 | ids of two sites, or of two days, have nothing in common | [`VisitorId`] (the site is a field, the salt is per site and day) |
//! | P5 | a deny always wins, unknown is not consent | [`decide`] |
//! | P6 | what is written anywhere is already anonymous | [`AnonymousEvent`], which only [`anonymise()`] can make |
//! | P7 | addresses are scrubbed on the server | [`scrub`] |
//! | P8 | minutes, never seconds | [`RawBeacon::minute`], [`coarse`] |
//! | P9 | every row says on what ground it is kept | [`Basis`]; version and expiry: `store` |
//! | P10 | small counts are folded | not here: `query` |
//!
//! Types that identify a person have no `Debug`, `Display`, `Clone` or `Serialize` and are
//! overwritten when dropped; `tests/misuse.rs` shows that each misuse fails to compile.

#![warn(missing_docs)]

mod anonymise;
pub mod coarse;
mod consent;
mod consent_cookie;
pub mod cookie;
pub mod erasure_cookie;
mod event_key;
pub mod explain;
mod fields;
mod page_url;
mod salt;
pub mod scrub;
mod truncate;
mod visitor;

pub use anonymise::{
    Anonymised, AnonymousEvent, CLICKS_MAX, Device, ENGAGED_MS_MAX, Lookups, OpenField, Place,
    SCROLL_UNKNOWN, anonymise, visitors_of,
};
pub use consent::{
    Basis, ConsentRules, Decision, ObjectionRule, PolicyClaim, Profile, Refusal, Signals, decide,
};
pub use consent_cookie::{
    CATEGORY_BYTES_MAX, ConsentManager, MANAGER_COOKIE_BYTES_MAX, ONETRUST_CATEGORY,
};
pub use cookie::{
    CookieKey, DeviceId, Measurement, OPT_OUT_COOKIE, OPT_OUT_VALUE, cookie_name, find, site_slug,
};
pub use erasure_cookie::{erasure_cookie_name, read_erasure, write_erasure};
pub use event_key::{DAY_BEGINS_HOUR, event_key};
pub use fields::{
    CAMPAIGN_BYTES_MAX, CustomName, EVENT_NAME_BYTES_MAX, EventName, Language, Origin, Revenue,
    Vitals,
};
pub use page_url::{
    AGENT_BYTES_MAX, Campaign, ClickId, ClientIp, PageUrl, RawBeacon, URL_BYTES_MAX, UrlFault,
    UserAgent, plain_host,
};
pub use salt::{SALT_BYTES, Salt, Salts};
pub use scrub::{RouteTemplate, RuleFault, ScrubRules};
pub use truncate::{TruncatedIp, truncate};
pub use visitor::VisitorId;
