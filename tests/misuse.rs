//! Misuse of the privacy door's types does not compile: each file in `ui/` is one, with what the
//! compiler says to it.
//!
//! The compiler's words differ from version to version. With the version they were written by they
//! are compared word for word; with another it is enough that no file compiles.

use std::path::PathBuf;
use std::process::Command;

/// The compiler that wrote `ui/*.stderr`.
const RUSTC: &str = "rustc 1.95.";
/// Set for the second run of this very test, in which trybuild writes what the compiler says
/// instead of comparing it.
const COPY: &str = "SILLAGE_MISUSE_COPY";

#[test]
fn misuse_of_the_doors_types_does_not_compile() {
    if let Some(copy) = std::env::var_os(COPY) {
        trybuild::TestCases::new().compile_fail(PathBuf::from(copy).join("*.rs"));
        return;
    }
    let version = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
        .arg("--version")
        .output();
    if version.is_ok_and(|version| version.stdout.starts_with(RUSTC.as_bytes())) {
        trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
        return;
    }
    let copy = tempfile::tempdir().expect("a folder");
    for entry in
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ui")).expect("the misuses")
    {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            std::fs::copy(&path, copy.path().join(path.file_name().expect("a name")))
                .expect("a copy");
        }
    }
    let this = std::env::current_exe().expect("this test");
    let again = Command::new(this)
        .env(COPY, copy.path())
        .env("TRYBUILD", "overwrite")
        .status();
    assert!(again.expect("it runs").success(), "a misuse compiles");
}

/// Rust files under a folder of `src`, with their text.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(folder),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source");
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn only_the_salt_keeper_reads_a_salts_bytes() {
    for (path, text) in sources("") {
        let name = path.to_string_lossy();
        let is_allowed = name.contains("/src/privacy/") || name.contains("/src/salt_keeper");
        assert!(is_allowed || !text.contains("expose_bytes"), "{name}");
    }
}

#[test]
fn the_door_imports_nothing_of_ours_and_has_no_clock_disk_or_log() {
    // Nor randomness, nor memory behind a lock.
    for (path, text) in sources("privacy") {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for forbidden in [
            "crate::",
            "std::fs",
            "std::time",
            "std::io",
            "std::env",
            "jiff",
            "tracing",
            "println!",
            "async ",
            "getrandom",
            "RandomState",
            "Mutex",
            "RwLock",
            "LazyLock",
            "OnceLock",
            "Atomic",
            "thread_local",
        ] {
            assert!(
                !code.contains(forbidden),
                "{forbidden} in {}",
                path.display()
            );
        }
    }
}
