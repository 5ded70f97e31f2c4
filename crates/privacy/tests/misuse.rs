//! Misuse of the privacy door's types does not compile: each file in `ui/` is one misuse, with the
//! compiler's messages beside it.
//!
//! `rust-toolchain.toml` pins the compiler, since its messages differ between versions.

#[test]
fn misuse_of_privacy_types_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
