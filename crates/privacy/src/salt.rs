//! Salts: 32 random bytes per site and site-local day, the key under which visitors of that day are
//! known.
//!
//! This module only holds one in memory. Making, keeping and destroying them is `salt_keeper`'s;
//! nothing anywhere derives a salt from anything else, so a destroyed one can't be had again.

use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroize;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;

/// The key of one site's visitors on one site-local day. Boxed, so that moving it leaves no copy
/// behind; overwritten when dropped.
pub struct Salt {
    bytes: Box<[u8; SALT_BYTES]>,
    /// The HMAC with this key already absorbed, which saves two of its five compressions for every
    /// event. Overwritten when dropped, by the `zeroize` features of `hmac` and `sha2`. What a
    /// compiler leaves on the stack in between is out of reach of safe Rust; that is why core dumps
    /// and swap are off.
    keyed: Box<Hmac<Sha256>>,
    name: [u8; 8],
}

impl Salt {
    /// Takes 32 bytes that came from the operating system's random source. Its public name is all
    /// zeros until [`named`](Self::named).
    pub fn from_bytes(mut bytes: [u8; SALT_BYTES]) -> Self {
        let keyed = Box::new(
            Hmac::<Sha256>::new_from_slice(&bytes).expect("HMAC takes keys of any length"),
        );
        let salt = Self {
            bytes: Box::new(bytes),
            keyed,
            name: [0; 8],
        };
        bytes.zeroize();
        salt
    }

    /// The same salt with its public name, which is random too and says nothing about the salt.
    pub fn named(mut self, name: [u8; 8]) -> Self {
        self.name = name;
        self
    }

    /// The secret itself, for the salt keeper's file and nobody else.
    pub fn expose_bytes(&self) -> &[u8; SALT_BYTES] {
        &self.bytes
    }

    /// What logs and the audit call this salt: 16 hexadecimal digits, random, not a hash of it.
    pub fn public_name(&self) -> String {
        super::cookie::hex(&self.name)
    }

    /// An HMAC under this salt that has seen nothing yet.
    pub(super) fn mac(&self) -> Hmac<Sha256> {
        (*self.keyed).clone()
    }
}

impl Drop for Salt {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The salts of one site that an event may meet: today's, and for half an hour after midnight
/// yesterday's, by which `visit` finds the visit that began before midnight.
#[derive(Clone, Copy)]
pub struct Salts<'a> {
    /// Makes today's ids.
    pub today: &'a Salt,
    /// Finds visits that are open since yesterday; `None` from half past midnight on.
    pub yesterday: Option<&'a Salt>,
}

#[cfg(test)]
mod tests {
    use zeroize::ZeroizeOnDrop;

    use super::*;

    #[test]
    fn the_keyed_hash_state_is_overwritten_on_drop() {
        fn is_overwritten<T: ZeroizeOnDrop>() {}
        // An HMAC is two of these, each with half of what the salt makes.
        is_overwritten::<Sha256>();
    }

    #[test]
    fn a_salts_public_name_is_not_derived_from_the_salt() {
        let unnamed = Salt::from_bytes([7; SALT_BYTES]);
        assert_eq!(unnamed.public_name(), "0000000000000000");
        assert_eq!(unnamed.named([0xAB; 8]).public_name(), "abababababababab");
    }
}
