//! What browsers of visitors reach: beacons, the pixel, the tracker's files and the choices page.

pub mod beacon;
pub mod choices;
pub mod pixel;
pub mod sender;
pub mod tracker;
pub mod visitor_cookies;
