//! What the privacy door looks up, inside the door: place by truncated address, device by user
//! agent.

pub mod device;
pub mod geo;
mod remembered;

pub use device::Devices;
pub use geo::{Geo, GeoError};
