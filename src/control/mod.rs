//! People, goals and links: what is clicked together in the dashboard, in one SQLite file beside
//! the data.
//!
//! Apart from what is collected (`sillage.toml`, reviewed) and from what was measured (ClickHouse).
//! Duty: keep who may see what, and what counts as success. [`database`] opens the one file and
//! owns the one connection; the other modules are plain functions over a connection. Invariants:
//!
//! - No call blocks an async thread: everything goes through [`Control::run`], whose queue is
//!   bounded.
//! - Time and randomness are arguments, so tests choose them.
//! - Secrets (passwords, cookies, keys, links) are kept as hashes only; who reads the file can't
//!   log in with it.
//! - Nothing here is about a visitor. No network address of anybody is kept, and an e-mail address
//!   only of who asked for letters.
//!
//! Statements stand beside the functions that run them, unlike ClickHouse's: they are a line or two
//! each, values are bound by the library, and no text is ever glued into one.

pub mod annotation;
pub mod audit;
pub mod database;
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
pub mod saved_filter;
pub mod site_objects;
pub mod subscription;
pub mod token;
pub mod totp;

pub use database::{Control, ControlError};
