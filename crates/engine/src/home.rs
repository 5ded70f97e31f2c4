//! The engine's data folder: mode 0700, locked by one process at a time, with the engine's
//! configuration.
//!
//! The folder belongs to the engine alone. Its configuration is rewritten at every start, so that
//! it always fits this version. Blocking.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

/// How long a predecessor that is shutting down may still hold the folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(8);

/// The engine's configuration. No log tables, which would store query texts; no listener of its
/// own; small caches, since the page cache serves a collector's data well enough.
const CONFIG: &str = "<clickhouse>
    <!-- Written by sillage at every start; changes are lost. -->
    <timezone>UTC</timezone>
    <logger><level>none</level><console>false</console></logger>
    <query_log remove=\"1\"/>
    <query_thread_log remove=\"1\"/>
    <query_views_log remove=\"1\"/>
    <part_log remove=\"1\"/>
    <text_log remove=\"1\"/>
    <trace_log remove=\"1\"/>
    <metric_log remove=\"1\"/>
    <asynchronous_metric_log remove=\"1\"/>
    <processors_profile_log remove=\"1\"/>
    <crash_log remove=\"1\"/>
    <max_server_memory_usage>MEMORY</max_server_memory_usage>
    <mark_cache_size>67108864</mark_cache_size>
    <index_mark_cache_size>16777216</index_mark_cache_size>
    <uncompressed_cache_size>0</uncompressed_cache_size>
    <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
    <mmap_cache_size>64</mmap_cache_size>
    <query_cache><max_size_in_bytes>0</max_size_in_bytes></query_cache>
    <background_pool_size>2</background_pool_size>
    <background_schedule_pool_size>4</background_schedule_pool_size>
    <background_common_pool_size>2</background_common_pool_size>
    <background_move_pool_size>1</background_move_pool_size>
    <background_fetches_pool_size>1</background_fetches_pool_size>
    <merge_tree>
        <!-- Parts of some fifty columns: one file is cheaper to write and merge than fifty, and as good to read at this size. -->
        <min_bytes_for_wide_part>67108864</min_bytes_for_wide_part>
        <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    </merge_tree>
    <backups><allowed_path>BACKUPS</allowed_path></backups>
</clickhouse>
";

/// Why a data folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error(
        "the engine's data folder {path} can't be written ({source}); make it writable or name another with data_dir"
    )]
    Unwritable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "the engine's data folder {path} is in use by another process; stop that one or name another folder with data_dir"
    )]
    InUse { path: PathBuf },
}

/// A data folder that this process holds until the value is dropped.
#[derive(Debug)]
pub struct Home {
    /// The whole data folder.
    pub folder: PathBuf,
    /// The engine's own files: tables and metadata.
    pub data: PathBuf,
    /// The configuration file.
    pub config: PathBuf,
    _lock: File,
}

impl Home {
    /// Creates missing folders, waits up to 8 s for an earlier engine to release the lock, and
    /// writes the configuration.
    ///
    /// # Errors
    /// A folder that can't be written, or that another process keeps.
    pub fn open(folder: &Path) -> Result<Self, HomeError> {
        let unwritable = |source| HomeError::Unwritable {
            path: folder.to_owned(),
            source,
        };
        let folder = std::path::absolute(folder).map_err(unwritable)?;
        let (data, backups) = (folder.join("store"), folder.join("backups"));
        for directory in [&folder, &data, &backups] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(unwritable)?;
        }
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))
            .map_err(unwritable)?;
        let lock = open_lock(&folder.join("engine.lock")).map_err(unwritable)?;
        let begun = Instant::now();
        while rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            if begun.elapsed() > LOCK_PATIENCE {
                return Err(HomeError::InUse { path: folder });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = CONFIG
            .replace("MEMORY", &memory_bytes_max().to_string())
            .replace("BACKUPS", &escape(&backups.display().to_string()));
        replace(&folder.join("engine.xml"), &text).map_err(unwritable)?;
        Ok(Self {
            data,
            config: folder.join("engine.xml"),
            folder,
            _lock: lock,
        })
    }
}

/// Opens the lock file. The fenced engine owns the folder, but this process is not fenced yet and
/// may be root. So a link that the engine left in place of the file is not followed.
fn open_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Replaces a file, or a link with its name.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}

/// Memory bound of all statements together: half of the machine's memory, at least 512 MiB and at
/// most 8 GiB, so that the collector has room. The engine fails a statement that needs more
/// (measured).
fn memory_bytes_max() -> u64 {
    #[cfg(target_os = "linux")]
    let memory = {
        let system = rustix::system::sysinfo();
        (system.totalram as u64).saturating_mul(u64::from(system.mem_unit))
    };
    #[cfg(not(target_os = "linux"))]
    let memory = 8_u64 << 30;
    (memory / 2).clamp(512 << 20, 8 << 30)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_private_and_its_configuration_is_rewritten() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("a & b/engine");
        for _ in 0..2 {
            let home = Home::open(&folder).expect("a home");
            let config = std::fs::read_to_string(&home.config).expect("a configuration");
            assert!(config.contains("a &amp; b/engine/backups</allowed_path>"));
            std::fs::write(&home.config, "x".repeat(99_999)).expect("written");
        }
        let mode = std::fs::metadata(&folder)
            .expect("metadata")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn an_unwritable_folder_is_named() {
        let parent = tempfile::tempdir().expect("a folder");
        let file = parent.path().join("file");
        std::fs::write(&file, "").expect("written");
        let error = Home::open(&file.join("engine")).expect_err("refused");
        assert!(matches!(&error, HomeError::Unwritable { .. }), "{error}");
        assert!(error.to_string().contains("name another with data_dir"));
    }
}
