//! JSON for people, keys and shared links.

pub mod api_keys;
pub mod goals;
pub mod people;
pub mod segments;
pub mod shared_links;
pub mod site_objects;
pub mod snippet;
pub mod stats;
pub mod stats_json;
pub mod subscriptions;
pub mod suggestions;
