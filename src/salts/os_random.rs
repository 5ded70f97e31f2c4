//! Random bytes of the operating system, from which salts and the cookie key are made.

/// Fills `bytes`.
///
/// # Panics
/// The system has no random source at all; then the first salt of the process panics already.
pub(super) fn fill_randomly(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}
