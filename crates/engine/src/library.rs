//! Finds `libchdb.so`.

use std::path::{Path, PathBuf};

use super::error::EngineError;

/// The path of the library: the given one, or the first that exists beside the binary, in `vendor/`
/// and in `node_modules/` of the current folder and of the folders above the binary.
///
/// # Errors
/// [`EngineError::LibraryMissing`] with every path that was tried.
pub fn find_library(named: Option<&Path>) -> Result<PathBuf, EngineError> {
    let looked_for = match named {
        Some(path) => vec![path.to_owned()],
        None => library_candidates(),
    };
    match looked_for.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => Err(EngineError::LibraryMissing { looked_for }),
    }
}

fn library_candidates() -> Vec<PathBuf> {
    let binary = std::env::current_exe().unwrap_or_default();
    let packaged = format!("node_modules/@chdb/lib-{}/libchdb.so", platform());
    let mut candidates: Vec<PathBuf> = binary
        .parent()
        .map(|folder| folder.join("libchdb.so"))
        .into_iter()
        .collect();
    // `target/debug/sillage` is two folders and its tests are three folders below the one with
    // `node_modules`.
    for folder in [Path::new(".")]
        .into_iter()
        .chain(binary.ancestors().skip(1).take(4))
    {
        candidates.push(folder.join("vendor/libchdb.so"));
        candidates.push(folder.join(&packaged));
    }
    candidates
}

/// The npm package's name for this platform, e.g. `linux-x64-gnu`.
fn platform() -> String {
    let machine = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    match std::env::consts::OS {
        "macos" => format!("darwin-{machine}"),
        other => format!("{other}-{machine}-gnu"),
    }
}
