//! The tracker's files, embedded in the binary (read from the folder in debug builds), and those of
//! earlier releases.
//!
//! `/s.js` and `/s.extra.js` are the newest. Everything else lies below `/s/`, so that a proxy
//! needs one rule: `/s/consent/tcf.js` is an adapter, `/s/<release>/s.js` a file that never
//! changes. A release is named by a digest of all its files, so a page that pins one by its
//! integrity hash works after an upgrade: at each start the collector stores its own release beside
//! those that it finds in the data folder, and serves them all. All visitors get the same bytes and
//! an `ETag` depends on the bytes only, so it can't become an identifier.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256, Sha384};

use crate::http::response::{Answer, text};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/tracker-js/dist"]
#[allow_missing = true]
struct Built;

/// Releases kept in the data folder, about 40 KB each; the oldest are removed first.
pub const RELEASES_MAX: usize = 100;
/// Hexadecimal digits that name a release.
const RELEASE_DIGITS: usize = 16;
/// An hour, after which every page has a new version.
const NEWEST: &str = "public, max-age=3600";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// The files that are served, including their compressed forms; not the npm package.
fn names() -> Vec<Cow<'static, str>> {
    let mut names: Vec<_> = Built::iter()
        .filter(|name| !name.starts_with("npm/"))
        .collect();
    names.sort();
    names
}

/// One built file by its name, e.g. `s.js` or `consent/tcf.js`.
pub fn file(name: &str) -> Option<Cow<'static, [u8]>> {
    Built::get(name).map(|file| file.data)
}

/// `sha384-…`, the value of the attribute `integrity`.
pub fn integrity(code: &[u8]) -> String {
    format!("sha384-{}", BASE64.encode(Sha384::digest(code)))
}

/// Name of the release in this binary; `None` when the tracker was not built.
pub fn release() -> Option<String> {
    let names = names();
    let mut digest = Sha256::new();
    for name in &names {
        let data = Built::get(name)?.data;
        digest.update(name.as_bytes());
        digest.update(Sha256::digest(&data));
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let whole: String = hex(&digest.finalize());
    (!names.is_empty()).then(|| whole[..RELEASE_DIGITS].to_owned())
}

/// The folder of all releases that this collector has served.
#[derive(Debug)]
pub struct Releases {
    folder: PathBuf,
}

impl Releases {
    /// Stores this binary's release in `folder` and removes the oldest beyond [`RELEASES_MAX`].
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn keep(folder: PathBuf) -> io::Result<Self> {
        if let Some(release) = release() {
            let own = folder.join(&release);
            if !own.is_dir() {
                // Under another name first, so that a folder with a release's name is complete.
                let unfinished = folder.join(format!("{release}.new"));
                for name in names() {
                    let Some(file) = Built::get(&name) else {
                        continue;
                    };
                    let path = unfinished.join(&*name);
                    std::fs::create_dir_all(path.parent().unwrap_or(&unfinished))?;
                    std::fs::write(path, file.data)?;
                }
                std::fs::rename(&unfinished, &own)?;
            }
            prune(&folder, &own)?;
        }
        Ok(Self { folder })
    }

    /// Answers a request for a file of the tracker.
    pub async fn serve(&self, path: &str, headers: &HeaderMap) -> Answer {
        let name = path.strip_prefix("/s/").unwrap_or(&path[1..]);
        let pinned = name
            .split_once('/')
            .filter(|(release, _)| is_release(release));
        let found = match pinned {
            Some((release, name)) => self.pinned(release, name, headers).await,
            // The two files outside `/s/` have one address, not two.
            None if path.starts_with("/s/") && !name.starts_with("consent/") => None,
            None => newest(name, headers),
        };
        found.unwrap_or_else(|| {
            text(
                StatusCode::NOT_FOUND,
                "no such file of the tracker; `make tracker` builds it\n",
            )
        })
    }

    async fn pinned(&self, release: &str, name: &str, headers: &HeaderMap) -> Option<Answer> {
        if !is_name(name) {
            return None;
        }
        let path = self.folder.join(release).join(name);
        let code = tokio::fs::read(&path).await.ok()?;
        for (coding, ending) in accepted(headers) {
            if let Ok(packed) = tokio::fs::read(format!("{}{ending}", path.display())).await {
                return Some(answer(&code, Some(coding), packed.into(), headers, FOREVER));
            }
        }
        Some(answer(&code, None, code.clone().into(), headers, FOREVER))
    }
}

fn newest(name: &str, headers: &HeaderMap) -> Option<Answer> {
    if !is_name(name) {
        return None;
    }
    let code = file(name)?;
    for (coding, ending) in accepted(headers) {
        if let Some(packed) = file(&format!("{name}{ending}")) {
            return Some(answer(&code, Some(coding), bytes(packed), headers, NEWEST));
        }
    }
    Some(answer(&code, None, bytes(code.clone()), headers, NEWEST))
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    }
}

/// Hexadecimal, lower case, of the right length.
fn is_release(text: &str) -> bool {
    text.len() == RELEASE_DIGITS
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a name is a script inside a release's folder. It can't leave the folder, and a
/// compressed form has no address of its own.
fn is_name(text: &str) -> bool {
    let base = text.strip_prefix("consent/").unwrap_or(text);
    base.strip_suffix(".js").is_some_and(|stem| {
        !stem.is_empty()
            && !stem.starts_with('.')
            && stem
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'-' | b'.'))
    })
}

/// The compressed forms that the browser accepts, best first: name of the coding, ending of the
/// file.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = (&'static str, &'static str)> {
    let takes = |coding: &str| {
        headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|offer| {
                let mut parts = offer.split(';').map(str::trim);
                parts.next() == Some(coding)
                    && !parts.any(|weight| weight.trim_end_matches(['0', '.']) == "q=")
            })
    };
    let (brotli, gzip) = (takes("br"), takes("gzip"));
    [("br", ".br", brotli), ("gzip", ".gz", gzip)]
        .into_iter()
        .filter(|(.., is_taken)| *is_taken)
        .map(|(coding, ending, _)| (coding, ending))
}

fn answer(
    code: &[u8],
    coding: Option<&'static str>,
    body: Bytes,
    request: &HeaderMap,
    cache: &'static str,
) -> Answer {
    let hash: String = Sha256::digest(code)[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{hash}{}\"", coding.unwrap_or_default());
    let is_known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut answer = Response::new(Full::new(if is_known { Bytes::new() } else { body }));
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "accept-encoding"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Pages of any site may embed it, also with an integrity hash.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    answer
}

/// Removes the oldest releases beyond the bound and what a crash left unfinished, never `own`.
fn prune(folder: &Path, own: &Path) -> io::Result<()> {
    let mut releases = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path == own {
            continue;
        }
        if entry.file_name().to_str().is_some_and(is_release) {
            releases.push((entry.metadata()?.modified()?, path));
        } else {
            std::fs::remove_dir_all(path)?;
        }
    }
    releases.sort();
    let surplus = (releases.len() + 1).saturating_sub(RELEASES_MAX);
    for (_, path) in releases.into_iter().take(surplus) {
        std::fs::remove_dir_all(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_name_escapes_the_folder() {
        for name in ["s.js", "s.extra.js", "consent/consent-mode.js"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            ".js",
            "..js",
            "../s.js",
            "consent/../s.js",
            "consent/.js",
            "a/b.js",
            "s.js.br",
            "s.js\0",
            "%2e%2e/s.js",
            "C:s.js",
        ] {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_release("0123456789abcdef"));
        for release in [
            "",
            "..",
            "0123456789ABCDEF",
            "0123456789abcde",
            "0123456789abcdef0",
        ] {
            assert!(!is_release(release), "{release}");
        }
    }

    #[test]
    fn accepted_encodings_are_tried_best_first() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepted(&headers)
                .map(|(coding, _)| coding)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("gzip, deflate, br;q=0.9"), ["br", "gzip"]);
        assert_eq!(of("gzip"), ["gzip"]);
        assert_eq!(of("br;q=0, gzip;q=0.000"), [""; 0]);
        assert_eq!(of("brotli, x-gzip"), [""; 0]);
        assert_eq!(accepted(&HeaderMap::new()).count(), 0);
    }

    #[test]
    fn the_oldest_releases_are_removed_and_the_current_one_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |number: usize| folder.path().join(format!("{number:016x}"));
        for number in 0..=RELEASES_MAX {
            std::fs::create_dir(at(number)).expect("a folder");
            let time =
                std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            std::fs::File::open(at(number))
                .and_then(|file| file.set_modified(time))
                .expect("a time");
        }
        std::fs::create_dir(folder.path().join("0000000000000000.new")).expect("a folder");
        // The own release is the oldest by date: a binary that was brought back.
        prune(folder.path(), &at(0)).expect("writable");
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            RELEASES_MAX
        );
        assert!(at(0).is_dir() && !at(1).exists() && at(2).is_dir());
        prune(folder.path(), &at(0)).expect("writable");
        assert!(at(2).is_dir(), "nothing is removed at the bound");
    }
}
