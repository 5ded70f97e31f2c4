//! The journal of erasures: requests that are not done yet, on disk, so that they survive an outage
//! or a crash.
//!
//! One line per erasure, `1 <crc32> <day> <visitor ids> <site>`, without time or address. A line is
//! appended and synced before the erasure is acknowledged; when an erasure is done, the file is
//! rewritten without its line. A torn line was never acknowledged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

/// Name of the journal in the data folder.
pub const FILE: &str = "erasures.journal";

/// A requested erasure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Site id.
    pub site: String,
    /// Site-local day of the request.
    pub day: Date,
    /// Values of the column `visitor`, sorted, each once.
    pub visitors: Vec<u64>,
}

impl Entry {
    fn line(&self) -> String {
        let ids: Vec<String> = self
            .visitors
            .iter()
            .map(|visitor| format!("{visitor:016x}"))
            .collect();
        let said = format!("{} {} {}", self.day, ids.join(","), self.site);
        format!("1 {:08x} {said}\n", crc32fast::hash(said.as_bytes()))
    }

    fn parse(line: &str) -> Option<Self> {
        let (checksum, said) = line.strip_prefix("1 ")?.split_once(' ')?;
        if u32::from_str_radix(checksum, 16).ok()? != crc32fast::hash(said.as_bytes()) {
            return None;
        }
        let mut parts = said.splitn(3, ' ');
        let day = parts.next()?.parse().ok()?;
        let visitor = |id| u64::from_str_radix(id, 16).ok();
        let visitors = parts.next()?.split(',').map(visitor).collect::<Option<_>>();
        Some(Self {
            site: parts.next()?.to_owned(),
            day,
            visitors: visitors?,
        })
    }
}

/// The open journal.
pub struct Journal {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Journal {
    /// Opens the journal of a data folder and reads the pending entries.
    ///
    /// # Errors
    /// The file can't be read or written.
    pub fn open(data_dir: &Path) -> io::Result<(Self, Vec<Entry>)> {
        let path = data_dir.join(FILE);
        let is_new = !path.exists();
        let file = options().create(true).truncate(false).open(&path)?;
        if is_new {
            sync_folder(&path)?;
        }
        let bytes = fs::read(&path)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let (mut entries, mut damaged) = (Vec::new(), 0_u64);
        for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            let text = std::str::from_utf8(&line[..line.len() - 1]).ok();
            match text.and_then(Entry::parse) {
                Some(entry) => entries.push(entry),
                None => damaged += 1,
            }
        }
        if damaged > 0 {
            tracing::error!(
                lines = damaged,
                file = %path.display(),
                "recorded erasures are damaged on disk and can't be carried out"
            );
        }
        let mut journal = Self {
            path,
            file,
            bytes: bytes.len() as u64,
        };
        // Nothing may be appended after a torn line.
        if damaged > 0 || whole < bytes.len() {
            journal.replace(entries.iter())?;
        }
        Ok((journal, entries))
    }

    /// Adds an entry; it is on disk when this returns.
    ///
    /// # Errors
    /// The entry is not in the journal, or it is unknown whether it is. Later entries are not
    /// affected.
    pub fn add(&mut self, entry: &Entry) -> io::Result<()> {
        let line = entry.line();
        let appended = self
            .file
            .write_all_at(line.as_bytes(), self.bytes)
            .and_then(|()| self.file.sync_data());
        match appended {
            Ok(()) => self.bytes += line.len() as u64,
            // The next entry overwrites the incomplete one.
            Err(_) => self.file.set_len(self.bytes)?,
        }
        appended
    }

    /// Replaces the journal by one with these entries.
    ///
    /// # Errors
    /// The journal is unchanged.
    pub fn replace<'a>(&mut self, entries: impl Iterator<Item = &'a Entry>) -> io::Result<()> {
        let text: String = entries.map(Entry::line).collect();
        let next = self.path.with_extension("journal.next");
        let mut file = options().create(true).truncate(true).open(&next)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        fs::rename(&next, &self.path)?;
        (self.file, self.bytes) = (file, text.len() as u64);
        sync_folder(&self.path)
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(site: &str, visitors: &[u64]) -> Entry {
        Entry {
            site: site.to_owned(),
            day: Date::constant(2026, 11, 30),
            visitors: visitors.to_vec(),
        }
    }

    #[test]
    fn erasure_requests_are_found_again_until_they_are_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second) = (entry("example.com", &[1, u64::MAX]), entry("a site", &[7]));
        let (mut journal, found) = Journal::open(folder.path()).expect("a journal");
        assert_eq!(found, []);
        journal.add(&first).expect("written");
        journal.add(&second).expect("written");
        drop(journal);
        let (mut journal, found) = Journal::open(folder.path()).expect("a journal");
        assert_eq!(found, [first, second.clone()]);
        journal.replace([&second].into_iter()).expect("written");
        let third = entry("example.com", &[9]);
        journal.add(&third).expect("written");
        drop(journal);
        let (_, found) = Journal::open(folder.path()).expect("a journal");
        assert_eq!(found, [second, third]);
    }

    #[test]
    fn a_torn_or_damaged_line_is_dropped_and_the_others_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let (first, second) = (entry("a", &[1]), entry("b", &[2]));
        let whole = first.line() + &second.line();
        for cut in first.line().len()..whole.len() {
            fs::write(&path, &whole[..cut]).expect("written");
            let (mut journal, found) = Journal::open(folder.path()).expect("a journal");
            assert_eq!(found, std::slice::from_ref(&first));
            journal.add(&second).expect("written");
            let (_, found) = Journal::open(folder.path()).expect("a journal");
            assert_eq!(found, [first.clone(), second.clone()]);
        }
        fs::write(&path, whole.replacen("2026-11-30", "2026-11-29", 1)).expect("written");
        let (_, found) = Journal::open(folder.path()).expect("a journal");
        assert_eq!(found, [second]);
    }

    #[test]
    fn an_unwritable_journal_reports_it_and_keeps_other_requests() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, _) = Journal::open(folder.path()).expect("a journal");
        journal.add(&entry("a", &[1])).expect("written");
        // As on a disk that became read-only.
        journal.file = File::open(folder.path().join(FILE)).expect("a file");
        assert!(journal.add(&entry("b", &[2])).is_err());
        let (_, found) = Journal::open(folder.path()).expect("a journal");
        assert_eq!(found, [entry("a", &[1])]);
    }

    #[test]
    fn the_journal_is_private_and_holds_only_ids_site_and_day() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let (mut journal, _) = Journal::open(folder.path()).expect("a journal");
        journal.add(&entry("example.com", &[255])).expect("written");
        let path = folder.path().join(FILE);
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = fs::read_to_string(&path).expect("text");
        assert!(
            text.ends_with(" 2026-11-30 00000000000000ff example.com\n"),
            "{text}"
        );
    }
}
