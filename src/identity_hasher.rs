//! Hasher for maps whose keys are keyed hashes already: ids from an HMAC, hashes under a key of
//! this process. A client cannot choose them, so hashing them again would gain nothing.

use std::hash::{BuildHasherDefault, Hasher};

/// Uses a 64-bit key as its own hash.
#[derive(Debug, Default, Clone, Copy)]
pub struct AsItIs(u64);

/// Makes [`AsItIs`].
pub type BuildAsItIs = BuildHasherDefault<AsItIs>;

impl Hasher for AsItIs {
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    /// For keys other than `u64`: correct, but not the purpose of this type.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
