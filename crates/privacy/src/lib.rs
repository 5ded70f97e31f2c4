//! The privacy door: a beacon with personal data goes in, an anonymous event comes out.
//!
//! It stands between `ingest`, which parses beacons, and `visits`, which groups anonymous events.
//! The crate is *pure*: no IO, clock, randomness, locks, logs or async, and it imports nothing of
//! ours. Time, random bytes, places and devices are passed in, so each promise below can be checked
//! by calling a function.
//!
//! # Promises, and where they are kept
//!
//! | | promise | kept by |
//! |---|---|---|
//! | P1 | the full address ends here; only /24 and /48 leave | [`ClientIp`], [`truncate()`] |
//! | P2 | no header text leaves the request, only names of closed sets | [`UserAgent`], [`Device`], [`Language`] |
//! | P3 | a visitor id is an HMAC under a salt that is destroyed after the day | [`Salt`], [`VisitorId`]; files: `salts` |
//! | P4 | ids of two sites, or of two days, cannot be linked | [`VisitorId`] (the site is a field, the salt is per site and day) |
//! | P5 | a no always wins, unknown is not consent | [`decide`] |
//! | P6 | whatever is written anywhere is already anonymous | [`AnonymousEvent`], which only [`anonymise()`] can make |
//! | P7 | addresses are scrubbed on the server | [`scrub`] |
//! | P8 | minutes, never seconds | [`RawBeacon::minute`], [`coarse`] |
//! | P9 | every row says on which basis it is stored | [`Basis`]; version and expiry: `store` |
//! | P10 | small counts are folded | not here: `query` |
//!
//! Types that identify a person have no `Debug`, `Display`, `Clone` or `Serialize`, and are
//! overwritten when dropped; `tests/misuse.rs` shows that each misuse fails to compile.

#![warn(missing_docs)]

mod anonymise;
pub mod bounds;
mod campaign;
mod client;
pub mod coarse;
mod consent;
mod consent_cookie;
pub mod cookie;
pub mod erasure_cookie;
mod event_key;
pub mod explain;
mod fields;
mod hex;
mod open_field;
mod origin;
mod page_url;
mod raw_beacon;
mod salt;
pub mod scrub;
mod truncate;
mod visitor;

pub use anonymise::{
    Anonymised, AnonymousEvent, Device, Lookups, Place, SCROLL_UNKNOWN, anonymise, visitors_of,
};
pub use campaign::{Campaign, ClickId};
pub use client::{ClientIp, UserAgent};
pub use consent::{
    Basis, ConsentRules, Decision, ObjectionRule, PolicyClaim, Profile, Refusal, Signals, decide,
};
pub use consent_cookie::{ConsentManager, ONETRUST_CATEGORY};
pub use cookie::{
    CookieKey, DeviceId, Measurement, OPT_OUT_COOKIE, OPT_OUT_VALUE, cookie_name, find, site_slug,
};
pub use erasure_cookie::{erasure_cookie_name, read_erasure, write_erasure};
pub use event_key::{DAY_BEGINS_HOUR, event_key};
pub use fields::{CustomName, EventName, Language, Revenue, Vitals};
pub use open_field::OpenField;
pub use origin::Origin;
pub use page_url::{PageUrl, UrlFault, plain_host};
pub use raw_beacon::RawBeacon;
pub use salt::{SALT_BYTES, Salt, Salts};
pub use scrub::{RouteTemplate, RuleFault, ScrubRules};
pub use truncate::{TruncatedIp, truncate};
pub use visitor::VisitorId;
