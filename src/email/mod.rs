//! E-mails about a site: a summary of each day, week or month, and an alert when traffic is
//! unusual.
//!
//! Duty: decide which period is due ([`cadence`]) and what is unusual ([`alert`]), ask the same
//! questions as the dashboard ([`summary`]), write the answers in the reader's language
//! ([`message`]), and hand the e-mail to a mail server ([`smtp`]). [`scheduler`] does all of this
//! for confirmed subscriptions. Everything except [`scheduler`] and [`smtp`] is pure or only asks a
//! [`StatsService`](crate::stats::StatsService), so each e-mail can be shown without being sent
//! (`sillage report`, `sillage alert`).
//!
//! An e-mail holds counts and loads nothing: no image, no pixel, and no link that records who
//! opened it.

pub mod alert;
pub mod cadence;
pub mod error;
pub mod message;
pub mod scheduler;
pub mod smtp;
pub mod summary;
pub mod texts;

pub use crate::control::subscription::Cadence;
pub use crate::email::texts::{LANGUAGES, Texts};
