//! The device cookie: proof that a person logged in with this browser before.
//!
//! Log-ins from a known device do not wait behind a flood of wrong passwords from elsewhere. The
//! cookie grants nothing else, is not stored, and ends when the password changes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::control::people::Credentials;
use crate::control::token::{hex, unhex};

/// Random bytes of a device cookie.
pub const DEVICE_BYTES: usize = 16;

/// Makes a device cookie: a random number and a MAC over it, the person and the password's hash.
pub fn device_cookie(key: &[u8], credentials: &Credentials, random: [u8; DEVICE_BYTES]) -> String {
    let random = hex(&random);
    let seal = hex(&device_mac(key, credentials, &random)
        .finalize()
        .into_bytes());
    format!("{random}.{seal}")
}

/// Whether a device cookie belongs to this person and their current password.
pub fn is_known_device(key: &[u8], credentials: &Credentials, cookie: &str) -> bool {
    let Some((random, seal)) = cookie.split_once('.') else {
        return false;
    };
    unhex(seal).is_some_and(|bytes| {
        device_mac(key, credentials, random)
            .verify_slice(&bytes)
            .is_ok()
    })
}

fn device_mac(key: &[u8], credentials: &Credentials, random: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.update(&credentials.person.0.to_be_bytes());
    for text in [random, &credentials.password] {
        mac.update(&(text.len() as u64).to_be_bytes());
        mac.update(text.as_bytes());
    }
    mac
}
