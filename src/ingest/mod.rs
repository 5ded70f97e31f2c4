//! What happens to a beacon between the HTTP layer and the spool.
//!
//! [`accept`] parses a body, has each site that it names [processed](process), and answers when the
//! events are on disk. The order of the stages stands in one function,
//! `Pipeline::process_for_site`:
//!
//! ```text
//! parse ▶ site ▶ consent ▶ filter ▶ retry? ▶ source
//!   ▶ [ privacy door: place, device ] ▶ bot? ▶ distinct values ▶ visit ▶ spool
//! ```
//!
//! Consent comes first: nothing is derived from a refused beacon, not even from its address or
//! agent. (Before it, the HTTP layer counts the truncated address against its rate limit, in
//! memory; of a body that is not a beacon the truncated address is counted as a faulty request.)
//! Whether a program sent the beacon is known only inside the door, where the agent is read; the
//! event of a bot is dropped right after it.
//!
//! Every stage may end the way with an [`Outcome`](crate::telemetry::Outcome): a closed list, each
//! counted. An expected loss is not an error. An [`IngestError`] is a fault of the sender or ours,
//! and nothing was stored: the events of a beacon for several sites go to the disk together. If the
//! disk fails exactly between two segments, the events before the failed segment are stored; the
//! same beacon sent again with its `k` counts once for them.
//!
//! Deliberately not here: HTTP, and how rows are stored.

pub mod accept;
pub mod addresses;
pub mod beacon;
mod cache;
pub mod cardinality;
mod channel;
pub mod dedup;
pub mod device;
pub mod email_opens;
mod error;
pub mod geo;
mod known_sources;
pub mod pipeline;
mod process;
pub mod recover;
pub mod referrer_spam;
pub mod sender;
pub mod source;
pub mod visitor_rights;
mod wire;

pub use accept::Accepted;
pub use device::Devices;
pub use error::IngestError;
pub use geo::{Geo, GeoError};
pub use pipeline::Pipeline;
pub use sender::{CookieChange, Sender};

#[cfg(test)]
mod tests;
