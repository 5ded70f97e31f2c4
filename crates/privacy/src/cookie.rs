//! Cookies: the codec of the measurement cookie, the constants of the opt-out cookie, and a
//! function that finds one cookie by name and reads no other.
//!
//! The measurement cookie is set only after a yes. Its value is plain text, so that visitors can
//! see what is in it: `1.<device id>.<first day>.<last day>.<visits>.<policy>.<tag>`. The tag is an
//! HMAC under a key of the server, which only authenticates. The key is not a salt: it does not
//! lead to a visitor id.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use crate::bounds::{COOKIE_VALUE_BYTES_MAX, POLICY_BYTES_MAX};
use crate::hex::{hex, push_hex, unhex};

/// Name of the opt-out cookie, the same on every site.
pub const OPT_OUT_COOKIE: &str = "sillage_opt_out";
/// Value of the opt-out cookie: the same for every visitor, so it identifies none.
pub const OPT_OUT_VALUE: &str = "1";
/// Days for which the measurement cookie lives from the day it was first set, never extended:
/// thirteen months.
pub const LIFETIME_DAYS: i32 = 395;
/// Bytes of a cookie's tag.
pub(super) const TAG_BYTES: usize = 16;
const LABEL: &str = "sillage measurement 1";

/// 128 random bits in the cookie of a visitor who consented, for one site. The visitor id is a hash
/// of it. It is never stored.
pub struct DeviceId([u8; 16]);

impl DeviceId {
    /// From 16 bytes of the operating system's random source.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) fn expose_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Drop for DeviceId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The server's key for the measurement cookie's tag, as an HMAC that has already absorbed it: this
/// saves two of six compressions per cookie. Overwritten when dropped, by the `zeroize` features of
/// `hmac` and `sha2`.
pub struct CookieKey(Box<Hmac<Sha256>>);

impl CookieKey {
    /// From 32 bytes of the operating system's random source, which the salt keeper stores.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let keyed = Hmac::new_from_slice(&bytes).expect("HMAC takes keys of any length");
        bytes.zeroize();
        Self(Box::new(keyed))
    }

    pub(super) fn mac(&self) -> Hmac<Sha256> {
        (*self.0).clone()
    }
}

/// Contents of the measurement cookie. No `Debug` and no `Clone`, since it holds the device id.
///
/// [`visit_number`](Self::visit_number) and [`days_since_seen`](Self::days_since_seen) are about
/// the visit that begins now: call them *before* [`visited`](Self::visited), which records that
/// visit.
pub struct Measurement {
    /// Random. Nothing else in the cookie identifies the browser.
    pub device: DeviceId,
    /// Site-local day (days since 1970-01-01) on which the cookie was first set.
    pub first_day: i32,
    /// Site-local day of the latest visit.
    pub last_day: i32,
    /// Visits so far.
    pub visits: u16,
    /// Version of the policy that the visitor agreed to.
    pub policy: String,
}

impl Measurement {
    /// A new device's cookie, before its first visit is recorded. `policy` is cut at
    /// [`POLICY_BYTES_MAX`].
    pub fn begin(device: DeviceId, today: i32, policy: &str) -> Self {
        let policy = policy[..policy.floor_char_boundary(POLICY_BYTES_MAX)].to_owned();
        Self {
            device,
            first_day: today,
            last_day: today,
            visits: 0,
            policy,
        }
    }

    /// Reads a cookie's value. `None` if it was changed, or is of another site, expired, or from
    /// the future: it is then treated as absent.
    pub fn read(value: &str, site: &str, key: &CookieKey, today: i32) -> Option<Self> {
        if value.len() > COOKIE_VALUE_BYTES_MAX {
            return None;
        }
        let (payload, tag) = value.rsplit_once('.')?;
        mac_of(LABEL, payload, site, key)
            .verify_truncated_left(&unhex::<TAG_BYTES>(tag)?)
            .ok()?;
        let mut parts = payload.splitn(6, '.');
        if parts.next()? != "1" {
            return None;
        }
        let device = DeviceId(unhex(parts.next()?)?);
        let first_day = parts.next()?.parse().ok()?;
        let last_day = parts.next()?.parse().ok()?;
        let visits = parts.next()?.parse().ok()?;
        let policy = percent_encoding::percent_decode_str(parts.next()?)
            .decode_utf8()
            .ok()?
            .into_owned();
        let measurement = Self {
            device,
            first_day,
            last_day,
            visits,
            policy,
        };
        let is_alive =
            first_day <= last_day && last_day <= today && today - first_day <= LIFETIME_DAYS;
        is_alive.then_some(measurement)
    }

    /// The cookie's value.
    pub fn write(&self, site: &str, key: &CookieKey) -> String {
        let mut value = String::with_capacity(128);
        value.push_str("1.");
        push_hex(&mut value, &self.device.0);
        for number in [self.first_day, self.last_day, i32::from(self.visits)] {
            value.push('.');
            // `format!` would cost more than parsing a whole beacon.
            value.push_str(itoa::Buffer::new().format(number));
        }
        value.push('.');
        value.extend(percent_encoding::utf8_percent_encode(
            &self.policy,
            percent_encoding::NON_ALPHANUMERIC,
        ));
        let tag = mac_of(LABEL, &value, site, key).finalize().into_bytes();
        value.push('.');
        push_hex(&mut value, &tag[..TAG_BYTES]);
        value
    }

    /// A second copy of the device id, for [`RawBeacon::device`](crate::RawBeacon::device).
    pub fn device_id(&self) -> DeviceId {
        DeviceId(self.device.0)
    }

    /// Records the visit that begins today.
    pub fn visited(&mut self, today: i32) {
        self.visits = self.visits.saturating_add(1);
        self.last_day = self.last_day.max(today);
    }

    /// Seconds until the cookie expires, for `Max-Age`. The end is at most [`LIFETIME_DAYS`] after
    /// the beginning of the day on which it was first set, at any hour, so rewriting it never
    /// extends it. 0 = it expires now.
    pub fn max_age_s(&self, today: i32) -> u32 {
        let days_left =
            (LIFETIME_DAYS - 1 - today.saturating_sub(self.first_day)).clamp(0, LIFETIME_DAYS - 1);
        days_left as u32 * 86_400
    }

    /// Number of the visit that begins now, in classes: 1, 2, 3 (3–5), 6 (6–10), 11 (11 and more).
    pub fn visit_number(&self) -> u8 {
        match self.visits {
            0 => 1,
            1 => 2,
            2..=4 => 3,
            5..=9 => 6,
            10.. => 11,
        }
    }

    /// Site-local days between the previous visit and the one that begins now, 0 to 400, in
    /// [classes](crate::coarse::days_since_seen); 32767 = no previous visit.
    pub fn days_since_seen(&self, today: i32) -> i16 {
        if self.visits == 0 {
            i16::MAX
        } else {
            crate::coarse::days_since_seen(today.saturating_sub(self.last_day))
        }
    }
}

/// Computes the tag. The label differs for each kind of cookie, so that none is accepted as
/// another.
pub(super) fn mac_of(label: &str, payload: &str, site: &str, key: &CookieKey) -> Hmac<Sha256> {
    let mut mac = key.mac();
    for field in [label, site, payload] {
        mac.update(&(field.len() as u32).to_le_bytes());
        mac.update(field.as_bytes());
    }
    mac
}

/// Name of a site's measurement cookie.
pub fn cookie_name(site: &str) -> String {
    format!("sillage_{}", site_slug(site))
}

/// A site's id in the names of cookies and files: readable, and distinct for distinct ids. Letters,
/// digits and `-` only, at most 33 bytes.
pub fn site_slug(site: &str) -> String {
    let mut slug: String = site
        .chars()
        .take(24)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    slug.make_ascii_lowercase();
    slug.push('-');
    slug.push_str(&hex(&Sha256::digest(site.as_bytes())[..4]));
    slug
}

/// The value of the first cookie called `name` in the request's `Cookie` headers. Nothing else in
/// them is decoded, copied or stored: browsers send the site's login cookies with every beacon. A
/// value that is not UTF-8 is read as empty, so that an opt-out cookie works whatever its value.
pub fn find<'a>(cookie_headers: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<&'a str> {
    for header in cookie_headers {
        for pair in header.split(|&b| b == b';') {
            let value = pair
                .trim_ascii()
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="));
            if let Some(value) = value {
                let value = value
                    .strip_prefix(b"\"")
                    .and_then(|v| v.strip_suffix(b"\""))
                    .unwrap_or(value);
                return Some(std::str::from_utf8(value).unwrap_or_default());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SITE: &str = "example.com";
    const DAY: i32 = 20_780;

    fn key(byte: u8) -> CookieKey {
        CookieKey::from_bytes([byte; 32])
    }

    fn begun() -> Measurement {
        Measurement::begin(DeviceId::from_random([0xAB; 16]), DAY, "2026-11")
    }

    fn read(value: &str, today: i32) -> Option<Measurement> {
        Measurement::read(value, SITE, &key(1), today)
    }

    #[test]
    fn a_cookie_reads_back_what_was_written() {
        let mut written = begun();
        written.visited(DAY);
        written.visited(DAY + 3);
        let read = read(&written.write(SITE, &key(1)), DAY + 5).expect("it is sound");
        assert_eq!(read.device.expose_bytes(), &[0xAB; 16]);
        assert_eq!(
            (read.first_day, read.last_day, read.visits),
            (DAY, DAY + 3, 2)
        );
        assert_eq!(read.policy, "2026-11");
        assert_eq!(read.device_id().expose_bytes(), &[0xAB; 16]);
    }

    #[test]
    fn a_cookie_changed_in_any_byte_is_ignored() {
        let value = begun().write(SITE, &key(1));
        for place in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(read(&changed, DAY).is_none(), "{changed}");
        }
        for end in 0..value.len() {
            assert!(read(&value[..end], DAY).is_none());
        }
        assert!(read(&format!("{value}0"), DAY).is_none());
    }

    #[test]
    fn a_cookie_of_another_site_or_server_is_ignored() {
        let value = begun().write(SITE, &key(1));
        assert!(Measurement::read(&value, "other.example", &key(1), DAY).is_none());
        assert!(Measurement::read(&value, SITE, &key(2), DAY).is_none());
    }

    #[test]
    fn a_cookie_lives_395_days_and_is_never_from_the_future() {
        let value = begun().write(SITE, &key(1));
        assert!(read(&value, DAY + 395).is_some());
        assert!(read(&value, DAY + 396).is_none());
        assert!(read(&value, DAY - 1).is_none());
    }

    #[test]
    fn an_oversized_cookie_is_ignored() {
        let long = "1".repeat(100_000);
        assert!(read(&long, DAY).is_none());
    }

    #[test]
    fn rewriting_a_cookie_never_extends_its_395_days() {
        let mut measurement = begun();
        let bound_s = (DAY + 395) * 86_400;
        for day in DAY..DAY + 400 {
            measurement.visited(day);
            for second_of_day in [0, 86_399] {
                let max_age = measurement.max_age_s(day) as i32;
                assert!(max_age == 0 || day * 86_400 + second_of_day + max_age <= bound_s);
            }
        }
        assert_eq!(begun().max_age_s(DAY), 394 * 86_400);
        assert_eq!(begun().max_age_s(DAY + 394), 0);
        assert_eq!(begun().max_age_s(DAY + 4_000), 0);
    }

    #[test]
    fn visit_counts_are_stored_in_classes() {
        let mut measurement = begun();
        let mut classes = Vec::new();
        for _ in 0..12 {
            classes.push(measurement.visit_number());
            measurement.visited(DAY);
        }
        assert_eq!(classes, [1, 2, 3, 3, 3, 6, 6, 6, 6, 6, 11, 11]);
        measurement.visits = u16::MAX;
        measurement.visited(DAY);
        assert_eq!(measurement.visit_number(), 11);
    }

    #[test]
    fn days_since_seen_are_those_before_this_visit() {
        let mut measurement = begun();
        assert_eq!(measurement.days_since_seen(DAY), 32_767);
        measurement.visited(DAY);
        assert_eq!(measurement.days_since_seen(DAY), 0);
        assert_eq!(measurement.days_since_seen(DAY + 7), 7);
        assert_eq!(measurement.days_since_seen(DAY + 33), 35, "by the week");
        assert_eq!(measurement.days_since_seen(DAY + 9_999), 400);
        assert_eq!(measurement.days_since_seen(DAY - 1), 0);
    }

    #[test]
    fn only_the_named_cookie_is_found() {
        let headers = |text: &'static [&'static str]| text.iter().map(|header| header.as_bytes());
        let found = |text, name| find(headers(text), name);
        assert_eq!(found(&["session=SECRET; a=1;b=2"], "a"), Some("1"));
        assert_eq!(found(&["session=SECRET; a=1;b=2"], "b"), Some("2"));
        assert_eq!(found(&["xa=1; aa=2; A=3"], "a"), None);
        assert_eq!(found(&["x=1", "a=2"], "a"), Some("2"));
        assert_eq!(found(&["a=1; a=2"], "a"), Some("1"));
        assert_eq!(found(&["a=\"1\""], "a"), Some("1"));
        assert_eq!(found(&["a="], "a"), Some(""));
        assert_eq!(found(&["a", ";;", "=;=a"], "a"), None);
        assert_eq!(find([&b"a=\xff"[..]].into_iter(), "a"), Some(""));
    }

    #[test]
    fn names_of_sites_are_distinct_and_fit_a_cookie_and_a_file() {
        assert_eq!(site_slug("example.com"), "example-com-a379a6f6");
        let sites = [
            "example.com",
            "example-com",
            "EXAMPLE.com",
            "a/../b",
            &"x".repeat(253),
            &"x".repeat(252),
            "日本",
        ];
        let slugs: std::collections::HashSet<_> =
            sites.iter().map(|site| site_slug(site)).collect();
        assert_eq!(slugs.len(), sites.len());
        for slug in slugs {
            assert!(
                slug.len() <= 33 && slug.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                "{slug}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_policy_and_counts_survive_the_round_trip(
            device in any::<[u8; 16]>(), policy in "\\PC{0,80}", age in 0..=395i32, seen in 0..=395i32, visits in any::<u16>(),
        ) {
            let (first, last) = (DAY - age, DAY - age.min(seen));
            let mut measurement = Measurement::begin(DeviceId::from_random(device), first, &policy);
            (measurement.last_day, measurement.visits) = (last, visits);
            let value = measurement.write(SITE, &key(1));
            prop_assert!(value.bytes().all(|b| b.is_ascii_graphic() && !b"\",;\\".contains(&b)));
            let read = read(&value, DAY).expect("it is sound");
            prop_assert_eq!(read.device.expose_bytes(), &device);
            prop_assert_eq!((read.first_day, read.last_day, read.visits), (first, last, visits));
            prop_assert!(policy.starts_with(&read.policy) && read.policy.len() <= POLICY_BYTES_MAX);
        }

        #[test]
        fn any_other_cookie_value_is_ignored(value in "\\PC{0,200}") {
            prop_assert!(read(&value, DAY).is_none());
        }
    }
}
