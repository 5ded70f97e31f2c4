//! Access: the identity and the permissions of a request, and what the handlers share.
//!
//! A request passes [`auth::admit`] and becomes a [`call::Call`]; the rooms above hold the
//! handlers.

pub mod app;
pub mod auth;
pub mod call;
pub mod error;
pub mod faces;
pub mod identity;
pub mod permission;
pub mod rates;
pub mod readiness;

pub use app::App;
