//! The running collector: routes, start, background tasks, shutdown.

pub mod first_owner;
pub mod health;
pub mod recover;
pub mod router;
pub mod routes;
pub mod start;
