//! Published policies: a record that was in force, or that visitors were notified of, never
//! changes.
//!
//! Checked at the start. [`remember`] stores the SHA-256 of each published record in
//! `policies.json` in the data folder and refuses a configuration in which one differs or is
//! missing: rows name the version they were collected under, so its promises must not change
//! afterwards. A record that is neither in force nor announced is a draft and may still change.
//!
//! Deliberately not here: validation of a record (`config::policy`) and its publication
//! (`collector::choices`).

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::policy::Policy;
use super::settings::Config;

/// Name of the file in the data folder.
const LEDGER: &str = "policies.json";

/// Why the collector does not start. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error(
        "policy {version:?} was published and has been changed; restore its record, and publish the change as a new [[policy]] with a version of its own"
    )]
    Changed { version: String },
    #[error(
        "policy {version:?} was published and is missing; restore its [[policy]] record, because rows were collected under it"
    )]
    Gone { version: String },
    #[error(
        "site {site:?}: policy {version:?} takes effect on {effective}; keep the policy_version that is in force until then"
    )]
    NotYet {
        site: String,
        version: String,
        effective: Date,
    },
    #[error("cannot use {path}: {source}")]
    Disk {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is damaged; restore it from a backup")]
    Damaged { path: PathBuf },
}

/// A record as JSON: visitors see it in this form, and the fingerprint is computed from it.
pub fn record(policy: &Policy) -> Value {
    let purposes: Vec<_> = policy
        .purposes
        .iter()
        .map(|purpose| purpose.as_str())
        .collect();
    json!({
        "version": policy.version,
        "effective": policy.effective.to_string(),
        "notified": policy.notified.map(|day| day.to_string()),
        "replaces": policy.replaces,
        "purposes": purposes,
        "recipients": policy.recipients,
        "retention_days": policy.retention_days,
    })
}

/// SHA-256 of the record, 64 hexadecimal digits. Keys are in alphabetical order, so equal records
/// have equal texts.
pub fn fingerprint(policy: &Policy) -> String {
    let digest = Sha256::digest(record(policy).to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks the configured policies against the published ones, and remembers those that are
/// published on `today`.
///
/// # Errors
/// A published record was changed or removed; a site names a policy that is not in force yet; the
/// file can't be used.
pub fn remember(config: &Config, today: Date) -> Result<(), PolicyError> {
    for site in config.sites.iter() {
        if let Some(policy) = site
            .policy
            .as_ref()
            .filter(|policy| policy.effective > today)
        {
            return Err(PolicyError::NotYet {
                site: site.id.clone(),
                version: policy.version.clone(),
                effective: policy.effective,
            });
        }
    }
    let path = config.data_dir.join(LEDGER);
    let mut known = read(&path)?;
    for (version, print) in &known {
        match config
            .policies
            .iter()
            .find(|policy| policy.version == *version)
        {
            None => {
                return Err(PolicyError::Gone {
                    version: version.clone(),
                });
            }
            Some(policy) if fingerprint(policy) != *print => {
                return Err(PolicyError::Changed {
                    version: version.clone(),
                });
            }
            Some(_) => {}
        }
    }
    let before = known.len();
    let is_published = |policy: &&Policy| {
        policy.effective <= today || policy.notified.is_some_and(|notified| notified <= today)
    };
    for policy in config.policies.iter().filter(is_published) {
        known
            .entry(policy.version.clone())
            .or_insert_with(|| fingerprint(policy));
    }
    if known.len() == before {
        return Ok(());
    }
    write(&path, &known).map_err(|source| PolicyError::Disk { path, source })
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, PolicyError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| PolicyError::Damaged {
            path: path.to_owned(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(source) => Err(PolicyError::Disk {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes atomically: a torn file would prevent the next start.
fn write(path: &Path, known: &BTreeMap<String, String>) -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(known)?;
    let new = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const SITE: &str = "[[site]]\nid = \"a.example\"\n";
    const ONE: &str = "[[policy]]\nversion = \"1\"\neffective = \"2026-01-01\"\npurposes = [\"usage_trend\"]\nretention_days = 90\n";
    const TWO: &str = "[[policy]]\nversion = \"2\"\neffective = \"2026-06-01\"\nnotified = \"2026-05-01\"\n\
        purposes = [\"usage_trend\", \"campaign_effect\"]\nretention_days = 90\n";

    fn config(folder: &Path, text: &str) -> Result<Config, crate::config::ConfigError> {
        Config::parse(text, &folder.join("sillage.toml")).inspect(|config| {
            std::fs::create_dir_all(&config.data_dir).expect("a folder");
        })
    }

    fn start(folder: &Path, text: &str, today: Date) -> Result<(), PolicyError> {
        remember(&config(folder, text).expect("valid"), today)
    }

    #[test]
    fn a_published_policy_cannot_be_changed_or_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (folder, today) = (folder.path(), date(2026, 2, 1));
        start(folder, &[ONE, SITE].concat(), today).expect("published");
        start(folder, &[ONE, SITE].concat(), today).expect("unchanged");
        let changed = ONE.replace("90", "91");
        let refused = start(folder, &[&changed, SITE].concat(), today);
        assert!(
            matches!(&refused, Err(PolicyError::Changed { version }) if version == "1"),
            "{refused:?}"
        );
        let renamed = ONE.replace("version = \"1\"", "version = \"9\"");
        let site = SITE.replace("\n[", "[") + "policy_version = \"9\"\n";
        let refused = start(folder, &[renamed, site].concat(), today);
        assert!(
            matches!(&refused, Err(PolicyError::Gone { version }) if version == "1"),
            "{refused:?}"
        );
        start(folder, SITE, today).expect_err("all records gone");
    }

    #[test]
    fn a_draft_may_change_until_it_is_announced_or_in_force() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let with = |two: &str| [ONE, two, SITE].concat();
        start(folder, &with(TWO), date(2026, 4, 30)).expect("a draft");
        let other = TWO.replace("\"campaign_effect\"", "\"content_eval\"");
        start(folder, &with(&other), date(2026, 4, 30)).expect("a draft may change");
        start(folder, &with(&other), date(2026, 5, 1)).expect("announced");
        start(folder, &with(TWO), date(2026, 5, 2)).expect_err("announced is published");
    }

    #[test]
    fn a_site_cannot_name_a_policy_before_it_is_in_force() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = [ONE, TWO, SITE, "policy_version = \"2\"\n"].concat();
        let refused = start(folder.path(), &text, date(2026, 5, 31));
        assert!(
            matches!(refused, Err(PolicyError::NotYet { .. })),
            "{refused:?}"
        );
        start(folder.path(), &text, date(2026, 6, 1)).expect("in force");
    }

    #[test]
    fn a_material_change_needs_notice_before_it_takes_effect() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |two: &str, is_sound: bool| {
            let got = config(folder.path(), &[ONE, two, SITE].concat());
            assert_eq!(got.is_ok(), is_sound, "{two}: {:?}", got.err());
        };
        check(TWO, true);
        check(&TWO.replace("2026-05-01", "2026-06-01"), false);
        check(&TWO.replace("notified = \"2026-05-01\"\n", ""), false);
        let narrower = "[[policy]]\nversion = \"2\"\neffective = \"2026-06-01\"\npurposes = []\nretention_days = 30\n";
        check(narrower, true);
        check(&narrower.replace("30", "91"), false);
        check(
            &narrower.replace("purposes = []", "purposes = []\nrecipients = [\"Group\"]"),
            false,
        );
        check(&narrower.replace("30", "761"), false);
        check(&narrower.replace("30", "0"), false);
    }

    #[test]
    fn a_site_never_keeps_rows_longer_than_its_policy_promises() {
        let folder = tempfile::tempdir().expect("a folder");
        let days = |extra: &str| {
            let config = config(folder.path(), &[ONE, SITE, extra].concat());
            config
                .map(|config| config.sites.first().expect("a site").retention_days)
                .ok()
        };
        assert_eq!(days(""), Some(90));
        assert_eq!(days("retention_days = 30\n"), Some(30));
        assert_eq!(days("retention_days = 91\n"), None);
        assert_eq!(days("policy_version = \"3\"\n"), None);
    }
}
