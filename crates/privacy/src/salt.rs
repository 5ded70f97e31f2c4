//! Salts: 32 random bytes per site and site-local day. They are the key of that day's visitor ids.
//!
//! This module only holds a salt in memory. The program's salt keeper creates, stores and destroys
//! salts. No salt is derived from anything, so a destroyed one cannot be restored.

use std::mem::MaybeUninit;

use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroize;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;

/// The key of one site's visitors on one site-local day. Overwritten when dropped. A move would
/// leave a copy behind, so the salt keeper creates each salt in its place
/// ([`make_in`](Self::make_in)).
pub struct Salt {
    bytes: [u8; SALT_BYTES],
    /// The HMAC that has already absorbed this key: this saves two of five compressions per event.
    /// It is as secret as the key. Overwritten when dropped, by the `zeroize` features of `hmac`
    /// and `sha2`.
    keyed: Hmac<Sha256>,
    name: [u8; 8],
}

impl Salt {
    /// Creates a salt in `place`, where it stays. `fill` writes its bytes from the operating
    /// system's random source. The public name is also random and reveals nothing about the salt.
    pub fn make_in(
        place: &mut MaybeUninit<Self>,
        name: [u8; 8],
        fill: impl FnOnce(&mut [u8; SALT_BYTES]),
    ) -> &mut Self {
        let bytes = [0; SALT_BYTES];
        let salt = place.write(Self {
            keyed: keyed(&bytes),
            bytes,
            name,
        });
        fill(&mut salt.bytes);
        salt.keyed = keyed(&salt.bytes);
        salt
    }

    /// A salt of given bytes that may be moved, for tests and benchmarks. The public name is all
    /// zeros until [`named`](Self::named).
    pub fn from_bytes(mut bytes: [u8; SALT_BYTES]) -> Self {
        let salt = Self {
            keyed: keyed(&bytes),
            bytes,
            name: [0; 8],
        };
        bytes.zeroize();
        salt
    }

    /// The same salt with its public name, which is also random and reveals nothing about the salt.
    pub fn named(mut self, name: [u8; 8]) -> Self {
        self.name = name;
        self
    }

    /// The secret itself, for the salt keeper's file only. `clippy.toml` disallows any other call.
    pub fn expose_bytes(&self) -> &[u8; SALT_BYTES] {
        &self.bytes
    }

    /// The salt's name in logs and in the audit: 16 hexadecimal digits, random, not a hash of it.
    pub fn public_name(&self) -> String {
        crate::hex::hex(&self.name)
    }

    /// A fresh HMAC under this salt.
    pub(super) fn mac(&self) -> Hmac<Sha256> {
        self.keyed.clone()
    }
}

fn keyed(key: &[u8; SALT_BYTES]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

impl Drop for Salt {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// The salts of one site that an event may need: today's, and for half an hour after midnight
/// yesterday's, which finds the visit that began before midnight.
#[derive(Clone, Copy)]
pub struct Salts<'a> {
    /// Makes today's ids.
    pub today: &'a Salt,
    /// Finds visits that began yesterday; `None` from half past midnight on.
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
