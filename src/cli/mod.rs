//! The commands besides `serve`.

pub mod admin;
pub mod demo;
pub mod email;
pub mod sql;
