//! The running collector: routes, start, background tasks, shutdown.

mod addresses;
mod background_tasks;
pub mod clickhouse;
pub mod first_owner;
mod flushers;
pub mod health;
mod listeners;
mod operating_system;
pub mod recover;
pub mod router;
pub mod routes;
mod shutdown;
pub mod start;
