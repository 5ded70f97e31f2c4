//! Misuse of the salt keeper does not compile: `ui/` holds the code and the compiler's message. The
//! privacy crate tests misuse of its own types.
//!
//! `rust-toolchain.toml` pins the compiler, since its messages differ between versions.

#[test]
fn salts_do_not_outlive_the_keepers_call() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
