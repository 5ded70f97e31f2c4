//! Pages for people: log-in, account, the dashboard's files.

pub mod account;
pub mod assets;
pub mod layout;
pub mod login;
