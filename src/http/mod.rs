//! The HTTP/1.1 server: listener, worker threads, connections, request bodies, headers, answers.
//!
//! It calls a service for each request and knows nothing about the program behind it: no routes,
//! sites or counters. Every file here has one duty; they share no state.

pub mod body;
pub mod client_ip;
pub mod connection;
pub mod cookies;
pub mod headers;
pub mod listener;
pub mod local;
pub mod network_limit;
pub mod origin;
pub mod rate_limit;
pub mod response;
pub mod texts;
pub mod workers;
