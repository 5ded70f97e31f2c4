//! P4: a device id can only be hashed.
use sillage_privacy::{CookieKey, DeviceId, Measurement};

fn main() {
    let device = DeviceId::from_random([1; 16]);
    println!("{device:?}");
    let _copy = device.clone();
    let _text = serde_json::to_string(&device);
    let key = CookieKey::from_bytes([1; 32]);
    println!("{key:?}");
    let _copy = key.clone();
    let measurement = Measurement::begin(device, 0, "1");
    println!("{measurement:?}");
}
