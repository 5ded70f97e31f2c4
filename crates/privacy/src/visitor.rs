//! Visitor ids (P3, P4): the first 8 bytes of HMAC-SHA-256 under the day's salt of the site.
//!
//! Fields are length-prefixed, so ("ab", "c") and ("a", "bc") differ. Each kind of input has its
//! own domain, so no device id can be chosen that gives the id of an address. The site is a field
//! although salts are per site: two sites that got the same salt by mistake would still share no
//! ids.

use std::num::NonZeroU64;

use hmac::Mac;

use crate::client::UserAgent;
use crate::cookie::DeviceId;
use crate::salt::Salt;
use crate::truncate::TruncatedIp;

/// The domains. They are short, so that the fields of a device fit into one block of the hash.
const DEVICE: &[u8] = b"device 1";
const ADDRESS: &[u8] = b"address 1";

/// A visitor of one site on one site-local day. It cannot be reversed, and once the salt is
/// destroyed, guesses cannot be tested either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisitorId(NonZeroU64);

impl VisitorId {
    /// The number stored in the column `visitor`.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// From the column `visitor`, to rebuild open visits after a restart.
    /// `None` for 0.
    pub fn from_stored(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The visitor of a measurement cookie.
    pub(super) fn of_device(salt: &Salt, site: &str, device: &DeviceId) -> Self {
        Self::digest(salt, DEVICE, &[site.as_bytes(), device.expose_bytes()])
    }

    /// The visitor without a cookie: all browsers of one truncated network with the same user
    /// agent.
    pub(super) fn of_address(
        salt: &Salt,
        site: &str,
        network: TruncatedIp,
        agent: &UserAgent,
    ) -> Self {
        let (network, len) = network.hash_input();
        let fields = [site.as_bytes(), &network[..len], agent.as_str().as_bytes()];
        Self::digest(salt, ADDRESS, &fields)
    }

    fn digest(salt: &Salt, domain: &[u8], fields: &[&[u8]]) -> Self {
        let mut mac = salt.mac();
        for field in std::iter::once(&domain).chain(fields) {
            mac.update(&(field.len() as u32).to_le_bytes());
            mac.update(field);
        }
        let tag = mac.finalize().into_bytes();
        let mut first = [0; 8];
        first.copy_from_slice(&tag[..8]);
        // Zero means "not known" in the table. The one tag in 2^64 that begins with zeros shares
        // the id 1.
        Self(NonZeroU64::new(u64::from_le_bytes(first)).unwrap_or(NonZeroU64::MIN))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::ClientIp;
    use crate::truncate::truncate;

    fn network(ip: &str) -> TruncatedIp {
        truncate(&ClientIp::from_peer(ip.parse().expect("an address")))
    }

    fn agent(text: &str) -> UserAgent {
        UserAgent::from_header(text.as_bytes())
    }

    #[test]
    fn the_id_is_the_first_eight_bytes_of_the_documented_hmac() {
        use hmac::{Hmac, KeyInit};
        let salt = Salt::from_bytes([7; 32]);
        let mut message = Vec::new();
        for field in [ADDRESS, b"example.com", &[4, 203, 0, 113], b"UA"] {
            message.extend((field.len() as u32).to_le_bytes());
            message.extend(field);
        }
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&[7; 32]).expect("any length");
        mac.update(&message);
        let tag = mac.finalize().into_bytes();
        let expected = u64::from_le_bytes(tag[..8].try_into().expect("eight"));
        let id = VisitorId::of_address(&salt, "example.com", network("203.0.113.77"), &agent("UA"));
        assert_eq!(id.get(), expected);
    }

    #[test]
    fn addresses_of_one_network_are_one_visitor() {
        let salt = Salt::from_bytes([7; 32]);
        let of = |ip: &str| VisitorId::of_address(&salt, "a", network(ip), &agent("UA"));
        assert_eq!(of("203.0.113.77"), of("203.0.113.9"));
        assert_eq!(of("203.0.113.77"), of("::ffff:203.0.113.77"));
        assert_ne!(of("203.0.113.77"), of("203.0.114.77"));
        assert_ne!(of("10.0.1.1"), of("10.0.2.1"));
    }

    #[test]
    fn adjacent_fields_of_the_id_input_are_separated() {
        let salt = Salt::from_bytes([7; 32]);
        let of = |fields: &[&[u8]]| VisitorId::digest(&salt, b"test", fields);
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), of(&[b"a", b"b"]));
        assert_ne!(of(&[b"", b"a"]), of(&[b"a", b""]));
    }

    #[test]
    fn a_device_id_never_equals_an_address_based_id() {
        let salt = Salt::from_bytes([7; 32]);
        let device = DeviceId::from_random([0; 16]);
        let of_device = VisitorId::of_device(&salt, "a", &device);
        assert_ne!(
            of_device,
            VisitorId::of_address(&salt, "a", network("0.0.0.0"), &agent(""))
        );
        assert_eq!(
            of_device,
            VisitorId::of_device(&salt, "a", &DeviceId::from_random([0; 16]))
        );
    }

    proptest! {
        #[test]
        fn ids_are_stable_under_one_salt_and_differ_by_site_day_and_salt(
            today in any::<[u8; 32]>(), other in any::<[u8; 32]>(), device in any::<[u8; 16]>(),
            ip in any::<[u8; 4]>(), text in "\\PC{0,40}", site in "[a-z.]{1,20}", elsewhere in "[a-z.]{1,20}",
        ) {
            prop_assume!(today != other && site != elsewhere);
            let (today_salt, other_salt) = (Salt::from_bytes(today), Salt::from_bytes(other));
            let ip = network(&std::net::Ipv4Addr::from(ip).to_string());
            let id = |salt: &Salt, site: &str| VisitorId::of_address(salt, site, ip, &agent(&text));
            prop_assert_eq!(id(&today_salt, &site), id(&Salt::from_bytes(today), &site));
            prop_assert_ne!(id(&today_salt, &site), id(&other_salt, &site));
            prop_assert_ne!(id(&today_salt, &site), id(&today_salt, &elsewhere));
            let id = |salt: &Salt, site: &str| VisitorId::of_device(salt, site, &DeviceId::from_random(device));
            prop_assert_eq!(id(&today_salt, &site), id(&Salt::from_bytes(today), &site));
            prop_assert_ne!(id(&today_salt, &site), id(&other_salt, &site));
            prop_assert_ne!(id(&today_salt, &site), id(&today_salt, &elsewhere));
        }
    }
}
