//! JSON for people, API keys and shared links.

pub mod api_keys;
pub mod endpoint;
pub mod goals;
pub mod json;
pub mod openapi;
pub mod people;
pub mod saved_filters;
pub mod shared_links;
pub mod site_objects;
pub mod snippet;
pub mod start_data;
pub mod stats;
pub mod stats_json;
pub mod subscriptions;
pub mod suggestions;
