//! The erasure cookie: after a refusal it holds the device ids of the day, so that their events can
//! still be erased.
//!
//! `1.<day>.<device id>[-<device id>…].<tag>`. It is used for erasure only: its tag has its own
//! label, so the value is never accepted as a measurement cookie, and no code that handles beacons
//! reads it. It is valid on the site-local day on which it was set, and on the next day while
//! yesterday's salt exists. After that no row can be found with it.

use hmac::Mac;

use crate::bounds::COOKIE_VALUE_BYTES_MAX;
use crate::cookie::{CookieKey, DeviceId, TAG_BYTES, mac_of, site_slug};
use crate::hex::{push_hex, unhex};

/// Device ids in one cookie. Of more, the newest are kept.
pub const DEVICES_MAX: usize = 8;
const LABEL: &str = "sillage erasure 1";
const DEVICE_BYTES: usize = 16;

/// Name of a site's erasure cookie. It differs from every measurement cookie's: a slug has no `_`.
pub fn erasure_cookie_name(site: &str) -> String {
    ["sillage_erase_", &site_slug(site)].concat()
}

/// The value for these device ids, oldest first. A repeated id is written once.
pub fn write_erasure(devices: &[DeviceId], day: i32, site: &str, key: &CookieKey) -> String {
    let mut kept: Vec<&[u8; DEVICE_BYTES]> = Vec::with_capacity(devices.len());
    for device in devices {
        let bytes = device.expose_bytes();
        kept.retain(|known| *known != bytes);
        kept.push(bytes);
    }
    let first = kept.len().saturating_sub(DEVICES_MAX);
    let mut value = format!("1.{day}.");
    for (index, bytes) in kept[first..].iter().enumerate() {
        if index > 0 {
            value.push('-');
        }
        push_hex(&mut value, *bytes);
    }
    let tag = mac_of(LABEL, &value, site, key).finalize().into_bytes();
    value.push('.');
    push_hex(&mut value, &tag[..TAG_BYTES]);
    value
}

/// Reads a value. Empty if it was changed, or is of another site or day. `lives_yesterday` says
/// whether the salt of the day before `today` still exists.
pub fn read_erasure(
    value: &str,
    site: &str,
    key: &CookieKey,
    today: i32,
    lives_yesterday: bool,
) -> Vec<DeviceId> {
    let devices = || {
        if value.len() > COOKIE_VALUE_BYTES_MAX {
            return None;
        }
        let (payload, tag) = value.rsplit_once('.')?;
        mac_of(LABEL, payload, site, key)
            .verify_truncated_left(&unhex::<TAG_BYTES>(tag)?)
            .ok()?;
        let (day, devices) = payload.strip_prefix("1.")?.split_once('.')?;
        let day: i32 = day.parse().ok()?;
        let is_alive = day == today || lives_yesterday && day.checked_add(1) == Some(today);
        let device = |text| unhex(text).map(DeviceId::from_random);
        is_alive.then(|| devices.split('-').map(device).collect())?
    };
    devices().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Measurement;

    const SITE: &str = "example.com";
    const DAY: i32 = 20_780;

    fn key() -> CookieKey {
        CookieKey::from_bytes([1; 32])
    }

    fn device(byte: u8) -> DeviceId {
        DeviceId::from_random([byte; 16])
    }

    fn read(value: &str, today: i32, lives_yesterday: bool) -> Vec<u8> {
        let devices = read_erasure(value, SITE, &key(), today, lives_yesterday);
        devices.iter().map(|id| id.expose_bytes()[0]).collect()
    }

    #[test]
    fn an_erasure_cookie_names_its_devices_on_its_own_day() {
        let value = write_erasure(&[device(1), device(2), device(1)], DAY, SITE, &key());
        assert_eq!(read(&value, DAY, false), [2, 1]);
        assert_eq!(
            read(&value, DAY + 1, true),
            [2, 1],
            "yesterday's salt lives"
        );
        assert_eq!(read(&value, DAY + 1, false), [0_u8; 0]);
        assert_eq!(read(&value, DAY + 2, true), [0_u8; 0]);
        assert_eq!(read(&value, DAY - 1, true), [0_u8; 0]);
    }

    #[test]
    fn an_erasure_cookie_changed_in_any_byte_is_ignored() {
        let value = write_erasure(&[device(0xAB)], DAY, SITE, &key());
        for place in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert_eq!(read(&changed, DAY, true), [0_u8; 0], "{changed}");
            assert_eq!(read(&value[..place], DAY, true), [0_u8; 0]);
        }
        assert!(read_erasure(&value, "other.example", &key(), DAY, true).is_empty());
        let other = CookieKey::from_bytes([2; 32]);
        assert!(read_erasure(&value, SITE, &other, DAY, true).is_empty());
    }

    #[test]
    fn erasure_and_measurement_cookies_never_pass_for_each_other() {
        let erasure = write_erasure(&[device(3)], DAY, SITE, &key());
        assert!(Measurement::read(&erasure, SITE, &key(), DAY).is_none());
        let measurement = Measurement::begin(device(3), DAY, "1").write(SITE, &key());
        assert_eq!(read(&measurement, DAY, true), [0_u8; 0]);
    }

    #[test]
    fn an_erasure_cookie_keeps_the_newest_devices_and_fits_its_bound() {
        let devices: Vec<_> = (0..20).map(device).collect();
        let value = write_erasure(&devices, i32::MAX, SITE, &key());
        assert!(value.len() <= COOKIE_VALUE_BYTES_MAX, "{}", value.len());
        let kept: Vec<u8> = (12..20).collect();
        assert_eq!(read(&value, i32::MAX, false), kept);
    }
}
