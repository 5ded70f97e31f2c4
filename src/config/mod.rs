//! Configuration: the content of `sillage.toml`, validated.
//!
//! `sillage.toml` is the reviewed, single source of *what is collected*. Unknown keys are errors
//! that name the nearest known key; all faults found after parsing are listed at once. No other
//! code reads settings files or the environment.

pub mod bounds;
mod file;
mod mail;
mod network;
mod policy;
pub mod policy_ledger;
mod settings;
mod site;
mod sites;

pub use bounds::{
    FLOOR_MAX, FLOOR_MIN, MAIL_CAMPAIGN_BYTES_MAX, MAIL_CAMPAIGNS_MAX, RETENTION_DAYS_MAX,
    SEEN_KEYS_MAX, THREADS_MAX,
};
pub use file::ConfigError;
pub use mail::{Mail, MailTls, is_email_address};
pub use network::IpNet;
pub use policy::{Hold, Policy, Purpose};
pub use settings::{ClickHouse, Config, Engine, Limits, Spool, Tables};
pub use site::Site;
pub use sites::{SiteId, Sites};
