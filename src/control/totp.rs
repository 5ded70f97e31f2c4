//! The second factor: time-based one-time passwords and recovery codes. Pure.
//!
//! Codes follow RFC 6238 with SHA-1, 30 seconds and six digits, which every app supports.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// Bytes of a secret, as recommended by RFC 4226.
pub const SECRET_BYTES: usize = 20;
/// Seconds for which a code is valid.
const STEP_S: i64 = 30;
/// Steps before and after the current one whose codes are also accepted: clocks differ, and people
/// type slowly.
const DRIFT_STEPS: i64 = 1;
/// The number of recovery codes of a person.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes of a recovery code, shown as 16 characters.
pub const RECOVERY_BYTES: usize = 10;

/// Base 32, RFC 4648.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of a time step. Apps show it with leading zeros.
pub fn code(secret: &[u8], step: i64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("a key of any length");
    mac.update(&step.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let at = usize::from(mac[19] & 0xf);
    let number = u32::from_be_bytes([mac[at], mac[at + 1], mac[at + 2], mac[at + 3]]);
    (number & 0x7fff_ffff) % 1_000_000
}

/// The time step whose code was typed. It must be near `now_s`, and later than `last_step` so that
/// a code works once.
pub fn accept(secret: &[u8], typed: &str, now_s: i64, last_step: i64) -> Option<i64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let typed: u32 = digits.parse().ok()?;
    let present = now_s.div_euclid(STEP_S);
    (present - DRIFT_STEPS..=present + DRIFT_STEPS)
        .find(|step| *step > last_step && code(secret, *step) == typed)
}

/// Encodes bytes for people to type: base 32, in groups of four.
pub fn spell(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(5) {
        let mut padded = [0_u8; 8];
        padded[3..3 + group.len()].copy_from_slice(group);
        let bits = u64::from_be_bytes(padded);
        for place in 0..(group.len() * 8).div_ceil(5) {
            if !text.is_empty() && place % 4 == 0 {
                text.push(' ');
            }
            text.push(char::from(
                ALPHABET[(bits >> (35 - 5 * place)) as usize & 31],
            ));
        }
    }
    text
}

/// Decodes a text of [`spell`]. `None` for other characters.
pub fn unspell(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b' ' && *byte != b'-') {
        let digit = ALPHABET
            .iter()
            .position(|known| known.eq_ignore_ascii_case(&byte))?;
        bits = bits << 5 | digit as u32;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        // RFC 6238, appendix B, the last six of the eight digits.
        for (now_s, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(
                accept(SECRET, expected, now_s, 0),
                Some(now_s / 30),
                "{now_s}"
            );
        }
    }

    #[test]
    fn a_code_works_once_and_half_a_minute_early_or_late() {
        let typed = "081 804";
        let step = 1_111_111_109 / 30;
        for (now_s, expected) in [
            (step * 30 - 31, None),
            (step * 30 - 30, Some(step)),
            (step * 30 + 59, Some(step)),
            (step * 30 + 60, None),
        ] {
            assert_eq!(accept(SECRET, typed, now_s, 0), expected, "{now_s}");
        }
        assert_eq!(accept(SECRET, typed, step * 30, step), None);
        for wrong in ["", "81804", "0818040", "08180x", "+81804", "081805"] {
            assert_eq!(accept(SECRET, wrong, step * 30, 0), None, "{wrong}");
        }
    }

    #[test]
    fn encoded_secrets_are_decoded_unchanged() {
        assert_eq!(
            spell(b"12345678901234567890"),
            "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
        );
        assert_eq!(spell(&[0; RECOVERY_BYTES]), "AAAA AAAA AAAA AAAA");
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).map(|n| (n * 37 + 11) as u8).collect();
            assert_eq!(unspell(&spell(&bytes)), Some(bytes.clone()));
            assert_eq!(
                unspell(&spell(&bytes).to_lowercase().replace(' ', "-")),
                Some(bytes)
            );
        }
        assert_eq!(unspell("A1"), None);
    }
}
