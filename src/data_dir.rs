//! The data folder: created before anything is written to it, readable by its owner only.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;

/// Creates the folder if it is missing, and restricts it to its owner.
///
/// # Errors
/// The folder can't be created, or its mode can't be set.
pub fn create_private(path: &Path) -> anyhow::Result<()> {
    let advice = || {
        format!(
            "cannot use the data folder {}: make it writable for this user, or set another data_dir",
            path.display()
        )
    };
    if !path.is_dir() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(advice)?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).with_context(advice)
}
