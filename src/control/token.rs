//! Secrets that the program generates for cookies, keys and links. Each has 256 random bits, so it
//! can be stored as a plain hash: it can't be guessed.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::control::error::ControlError;

/// Random bytes of a token.
pub const TOKEN_BYTES: usize = 32;

/// The stored hash of a token.
pub type TokenHash = [u8; 32];

/// A secret as its holder sees it: 64 hexadecimal digits. It has no `Debug` and no `Display`, so
/// that it can't be logged.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Makes a token of random bytes, which come from [`random`] except in tests.
    pub fn new(random: [u8; TOKEN_BYTES]) -> Self {
        Self(Zeroizing::new(hex(&random)))
    }

    /// The text that its holder gets once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The hash to store.
    pub fn hash(&self) -> TokenHash {
        hash(&self.0)
    }
}

/// The hash by which a token is found. Only hashes of tokens are stored, so other texts are not
/// found.
pub fn hash(text: &str) -> TokenHash {
    Sha256::digest(text.as_bytes()).into()
}

/// `N` random bytes for a secret, from the operating system.
///
/// # Errors
/// The operating system returns none.
pub fn random<const N: usize>() -> Result<[u8; N], ControlError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes hexadecimal digits. `None` for any other text.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_digits_are_parsed() {
        assert_eq!(unhex(&hex(&[0, 0xab, 255])), Some(vec![0, 0xab, 255]));
        assert_eq!(unhex(""), Some(Vec::new()));
        for text in ["a", "abc", "zz", "é0"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_64_digits_and_its_hash_is_not_the_token() {
        let token = Token::new([0xab; TOKEN_BYTES]);
        assert_eq!(token.reveal(), "ab".repeat(32));
        assert_eq!(token.hash(), hash(&"ab".repeat(32)));
        assert_ne!(hex(&token.hash()), token.reveal());
        let other = Token::new(random().expect("the system gives them"));
        assert_ne!(
            other.reveal(),
            Token::new(random().expect("given")).reveal()
        );
    }
}
