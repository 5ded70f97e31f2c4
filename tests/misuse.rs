//! Misuse of the salt keeper does not compile; `ui/` holds the misuse and the compiler's message.
//! Misuse of the privacy door's types is tested in its crate.
//!
//! `rust-toolchain.toml` pins the compiler, since its messages differ between versions.

#[test]
fn salts_do_not_outlive_the_keepers_call() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
