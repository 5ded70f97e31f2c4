//! The control database: people, keys, shared links, goals and subscriptions, in one SQLite file.
//!
//! It holds what people set up in the dashboard. What is collected is set in `sillage.toml`, and
//! what was measured is in ClickHouse. [`database`] opens the file, and [`control_thread`] owns the
//! one connection; the other modules are plain functions over a connection. Invariants:
//!
//! - No call blocks an async thread: every request goes through [`Control::run`], whose queue is
//!   bounded.
//! - Time and randomness are arguments, so that tests choose them.
//! - Passwords, cookies, keys and links are stored as hashes only. The file is not enough to log
//!   in.
//! - Nothing here is about a visitor. Network addresses are not stored, and e-mail addresses only
//!   for subscriptions.
//!
//! Unlike those for ClickHouse, SQL statements stand next to the functions that run them: they are
//! short, and values are always bound.

pub mod annotation;
pub mod audit;
pub mod control_thread;
mod credential_table;
pub mod database;
pub mod device_cookie;
pub mod error;
pub mod funnel;
pub mod goal;
pub mod ids;
pub mod invalid;
pub mod invitation;
pub mod keys;
pub mod links;
pub mod login;
pub mod password;
pub mod people;
pub mod person;
pub mod saved_filter;
pub mod second_factor;
pub mod settings;
pub mod site_objects;
pub mod subscription;
pub mod token;
pub mod totp;

pub use control_thread::Control;
pub use error::ControlError;
