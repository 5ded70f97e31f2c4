//! Random bytes of the operating system, from which salts and the cookie key are made.

/// Fills `bytes`.
///
/// # Panics
/// The operating system has no random source. Then the collector panics at its start.
pub(super) fn fill_randomly(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}
