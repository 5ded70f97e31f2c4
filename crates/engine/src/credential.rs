//! The readers' credential: a token in the data folder, and the address of the running engine.
//!
//! `sillage serve` writes both files, mode 0600 and outside the engine's own folder: [`TOKEN_FILE`]
//! once, [`ADDRESS_FILE`] at every start. `sillage sql` and the other commands that read beside a
//! running collector find them there. So only the user of the data folder can read the database;
//! other users of the machine can't. Blocking.

use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The user name of readers: what ClickHouse clients send by default.
pub const READER_USER: &str = "default";
/// Holds the readers' password; kept over restarts.
const TOKEN_FILE: &str = "sql.token";
/// Holds the address of the running engine.
const ADDRESS_FILE: &str = "sql.address";
/// Shortest token, in characters; the file may be written by hand.
const TOKEN_CHARS_MIN: usize = 32;
/// The request header that asks for a proof of the token, and the response header that holds it.
pub const CHALLENGE_HEADER: &str = "x-sillage-challenge";
pub const PROOF_HEADER: &str = "x-sillage-proof";
/// How long the engine may take to answer `/ping`.
const PING_PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no credential. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("{path} can't be used ({source}){}", advice(source))]
    Unusable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(
        "{path} does not hold a token of {TOKEN_CHARS_MIN} or more letters and digits; delete it and restart `sillage serve`, which makes another"
    )]
    Malformed { path: PathBuf },
    #[error("the embedded engine does not run; start `sillage serve` with this configuration")]
    NotRunning,
}

fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "; run the command as the user that runs `sillage serve`",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; make room on its disk",
        _ => "",
    }
}

/// The token of a data folder, created at its first start. Restores the file's mode to 0600.
///
/// # Errors
/// The file can't be read or written, or holds something else.
pub fn open(data_dir: &Path) -> Result<String, CredentialError> {
    let path = data_dir.join(TOKEN_FILE);
    let unusable = |source| CredentialError::Unusable {
        path: path.clone(),
        source,
    };
    match read(data_dir) {
        Err(CredentialError::NotRunning) => {}
        Ok(token) => {
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(unusable)?;
            return Ok(token);
        }
        Err(error) => return Err(error),
    }
    let token = new_token().map_err(unusable)?;
    replace(&path, &token).map_err(unusable)?;
    Ok(token)
}

/// The token that a running collector has created.
///
/// # Errors
/// As [`open`]; without a file, [`CredentialError::NotRunning`].
pub fn read(data_dir: &Path) -> Result<String, CredentialError> {
    let path = data_dir.join(TOKEN_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(CredentialError::NotRunning);
        }
        Err(source) => return Err(CredentialError::Unusable { path, source }),
    };
    let token = text.trim();
    let is_token =
        token.len() >= TOKEN_CHARS_MIN && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_token {
        return Err(CredentialError::Malformed { path });
    }
    Ok(token.to_owned())
}

/// Writes the engine's address to its file. Writes nothing if the file holds it already, so that a
/// restart on a full disk succeeds.
///
/// # Errors
/// The file can't be written.
pub fn publish(data_dir: &Path, address: SocketAddr) -> Result<(), CredentialError> {
    let path = data_dir.join(ADDRESS_FILE);
    if std::fs::read_to_string(&path).is_ok_and(|known| known.trim() == address.to_string()) {
        return Ok(());
    }
    replace(&path, &address.to_string())
        .map_err(|source| CredentialError::Unusable { path, source })
}

/// The address of this data folder's running engine. The engine must prove that it knows the token:
/// while the collector is stopped, another user's program could listen on its port and would
/// receive the token.
///
/// # Errors
/// No engine answers, or the file can't be read.
pub fn find(data_dir: &Path) -> Result<SocketAddr, CredentialError> {
    let path = data_dir.join(ADDRESS_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(CredentialError::NotRunning);
        }
        Err(source) => return Err(CredentialError::Unusable { path, source }),
    };
    let token = read(data_dir)?;
    match text.trim().parse() {
        Ok(address) if answers(address, &token) => Ok(address),
        Ok(_) | Err(_) => Err(CredentialError::NotRunning),
    }
}

/// The URL with which any ClickHouse client reads.
pub fn url(address: SocketAddr, token: &str) -> String {
    format!("http://{READER_USER}:{token}@{address}/")
}

/// 32 random bytes as hexadecimal text.
pub(super) fn new_token() -> std::io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The answer to a challenge: proves that the engine knows the token and listens on this address.
/// The address keeps a program elsewhere from relaying the challenge.
pub(super) fn proof(token: &str, address: SocketAddr, challenge: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("a key of any length is taken");
    mac.update(address.to_string().as_bytes());
    mac.update(b"\n");
    mac.update(challenge);
    hex(&mac.finalize().into_bytes())
}

/// Replaces a file of one line atomically, mode 0600: a reader sees the old line or the new one.
fn replace(path: &Path, line: &str) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    match std::fs::remove_file(&partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)?;
    writeln!(file, "{line}")?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}

fn answers(address: SocketAddr, token: &str) -> bool {
    let ask = || {
        let challenge = new_token()?;
        let mut stream = TcpStream::connect_timeout(&address, PING_PATIENCE)?;
        stream.set_read_timeout(Some(PING_PATIENCE))?;
        write!(
            stream,
            "GET /ping HTTP/1.1\r\nHost: {address}\r\n{CHALLENGE_HEADER}: {challenge}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        std::io::Result::Ok(answer.contains(&proof(token, address, challenge.as_bytes())))
    };
    // The caller reports every error as an engine that does not run.
    ask().is_ok_and(|is_proven| is_proven)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_made_once_and_only_its_owner_may_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(
            read(folder.path()),
            Err(CredentialError::NotRunning)
        ));
        let token = open(folder.path()).expect("a token");
        assert_eq!(token.len(), 64);
        assert_eq!(open(folder.path()).expect("the same"), token);
        assert_eq!(read(folder.path()).expect("the same"), token);
        let path = folder.path().join(TOKEN_FILE);
        let mode = std::fs::metadata(&path).expect("a file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        // A file that other users may read is made private again.
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
        assert_eq!(open(folder.path()).expect("the same"), token);
        let mode = std::fs::metadata(&path).expect("a file").permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        std::fs::write(&path, "").expect("written");
        assert!(matches!(
            open(folder.path()),
            Err(CredentialError::Malformed { .. })
        ));
    }

    #[test]
    fn the_token_is_not_sent_to_a_program_posing_as_the_engine() {
        let folder = tempfile::tempdir().expect("a folder");
        open(folder.path()).expect("a token");
        let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = other.local_addr().expect("an address");
        let stranger = std::thread::spawn(move || {
            let (mut stream, _) = other.accept().expect("a connection");
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nX-ClickHouse-Server-Display-Name: sillage-engine\r\n\r\nOk.\n")
                .expect("written");
        });
        publish(folder.path(), address).expect("written");
        assert!(matches!(
            find(folder.path()),
            Err(CredentialError::NotRunning)
        ));
        stranger.join().expect("no panic");
    }
}
