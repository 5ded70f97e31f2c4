//! Pages for people: the dashboard, log-in, account, shared links, and the links of e-mails.

pub mod account;
pub mod dashboard;
pub mod files;
pub mod layout;
pub mod login;
pub mod shared;
pub mod unsubscribe;
pub mod welcome;
