mod clock;
mod data_folder;
mod days;
mod files;
mod secrecy;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jiff::{SignedDuration, tz::TimeZone};

use super::*;

type Bytes = [u8; 32];

/// A folder for salts, and the sites `example.com` (Tokyo) and `example.org` (UTC).
struct Place {
    _root: tempfile::TempDir,
    dir: PathBuf,
    /// The data folder.
    data: PathBuf,
    sites: Vec<crate::config::Site>,
}

impl Place {
    fn new() -> Self {
        Self::with_zones(&[("example.com", "Asia/Tokyo"), ("example.org", "UTC")])
    }

    fn with_zones(sites: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let dir = root.path().join("run/salts");
        let data = root.path().join("state");
        Self {
            _root: root,
            dir,
            data,
            sites: configured(sites),
        }
    }

    fn open(&self, now: &str) -> SaltKeeper {
        self.try_open(now).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_open(&self, now: &str) -> Result<SaltKeeper, SaltError> {
        SaltKeeper::open(&self.dir, &self.data, &self.sites, at(now))
    }

    /// All files of both folders.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = [&self.dir, &self.data]
            .into_iter()
            .flat_map(|dir| fs::read_dir(dir).expect("the folder"))
            .map(|entry| entry.expect("an entry"));
        entries
            .filter(|entry| entry.path().is_file())
            .map(|entry| {
                (
                    entry.file_name().into_string().expect("UTF-8"),
                    fs::read(entry.path()).expect("a file"),
                )
            })
            .collect()
    }

    /// The path of a file by its name.
    fn path_of(&self, name: &str) -> PathBuf {
        let beside = self.dir.join(name);
        if beside.exists() {
            beside
        } else {
            self.data.join(name)
        }
    }

    fn salt_files(&self, site: &str) -> Vec<String> {
        let slug = site_slug(site);
        self.files()
            .into_keys()
            .filter(|name| name.starts_with(&slug))
            .collect()
    }

    fn audit(&self) -> String {
        fs::read_to_string(self.data.join("audit.log")).unwrap_or_default()
    }

    fn holds(&self, secret: &Bytes) -> bool {
        self.files()
            .values()
            .any(|bytes| bytes.windows(32).any(|window| window == secret))
    }
}

fn configured(sites: &[(&str, &str)]) -> Vec<crate::config::Site> {
    let text: String = sites
        .iter()
        .map(|(id, zone)| format!("[[site]]\nid = \"{id}\"\ntimezone = \"{zone}\"\n"))
        .collect();
    crate::config::Config::parse(&text, Path::new("sillage.toml"))
        .unwrap_or_else(|error| panic!("{error}"))
        .sites
        .to_vec()
}

fn at(text: &str) -> Timestamp {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn today(keeper: &SaltKeeper, now: Timestamp) -> Bytes {
    keeper.with(SiteId::nth(0), now, |salts| *salts.today.expose_bytes())
}

fn yesterday(keeper: &SaltKeeper, now: Timestamp) -> Option<Bytes> {
    keeper.with(SiteId::nth(0), now, |salts| {
        salts.yesterday.map(|salt| *salt.expose_bytes())
    })
}

// Noon and midnight in Tokyo.
const NOON: &str = "2026-11-23T03:00:00Z";
const BEFORE_MIDNIGHT: &str = "2026-11-23T14:59:59Z";
const MIDNIGHT: &str = "2026-11-23T15:00:00Z";
