//! Storage in ClickHouse, a server or the embedded engine, through one client and the same SQL.
//!
//! After the spool: [`insert`] makes each sealed segment one INSERT under a deduplication token, so
//! that a retry stores nothing twice. Every other INSERT has a token of its own ([`flush`]), so
//! that equal INSERTs all count. `event_row` defines the row of an event. Nothing here can hold
//! personal data: everything arrives through the privacy door.

pub mod clear;
mod destruction;
pub mod email_opens;
pub mod erase;
pub mod faulty_networks;
pub mod floors;
pub mod flush;
pub mod insert;
pub mod merges;
pub mod migrate;
pub mod outcomes;
pub mod retention;
pub mod runner;

/// A failure of ClickHouse or on the way to it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("ClickHouse: {0}")]
    ClickHouse(#[from] clickhouse::error::Error),
    #[error("the spool: {0}")]
    Spool(#[from] sillage_spool::SpoolError),
    #[error(transparent)]
    NotARow(#[from] crate::event_row::native::NotARow),
    #[error("migration {name} failed: {source}")]
    Migration {
        name: &'static str,
        source: clickhouse::error::Error,
    },
    #[error(
        "the database is from a newer Sillage: it knows migration {0}; start the newer version"
    )]
    Newer(String),
    #[error(
        "the view arrivals_into_events is missing, so events would not be stored; they wait in the spool. Restart the collector, which creates the view again"
    )]
    NotTaken,
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// ClickHouse's codes for invalid data, which no retry can repair (its file `ErrorCodes.cpp`): text
/// that cannot be parsed, input that ends early, values that do not fit their type.
const DATA_REFUSED: [u32; 16] = [
    6, 25, 26, 27, 32, 33, 38, 41, 70, 72, 117, 128, 131, 190, 321, 349,
];

impl StoreError {
    /// Whether the same request may succeed later: an outage, a full disk, a table that is being
    /// migrated. Unknown errors count as transient.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::ClickHouse(clickhouse::error::Error::BadResponse(answer)) => {
                code(answer).is_none_or(|code| !DATA_REFUSED.contains(&code))
            }
            Self::ClickHouse(_) | Self::Migration { .. } | Self::NotTaken | Self::Random(_) => true,
            Self::Spool(_) | Self::NotARow(_) | Self::Newer(_) => false,
        }
    }
}

/// The number in `Code: 117. DB::Exception: ...`.
fn code(answer: &str) -> Option<u32> {
    let (_, rest) = answer.split_once("Code: ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The ClickHouse client of the whole program, for a server at `url`.
///
/// Times are in UTC, whatever the server's time zone is.
pub fn client(
    url: &str,
    user: Option<&str>,
    password: Option<&str>,
    database: &str,
) -> clickhouse::Client {
    let mut client = clickhouse::Client::default()
        .with_url(url)
        .with_database(database)
        .with_setting("session_timezone", "UTC");
    if let Some(user) = user {
        client = client.with_user(user);
    }
    if let Some(password) = password {
        client = client.with_password(password);
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_the_data_itself_is_permanent() {
        for (answer, is_transient) in [
            (
                "Code: 33. DB::Exception: Cannot read all data. (CANNOT_READ_ALL_DATA)",
                false,
            ),
            ("Code: 117. DB::Exception: Incorrect data", false),
            ("Code: 27. DB::ParsingException: Cannot parse input", false),
            ("Code: 241. DB::Exception: Memory limit exceeded", true),
            (
                "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space",
                true,
            ),
            ("Code: 252. DB::Exception: Too many parts", true),
            ("Code: 16. DB::Exception: No such column", true),
            ("502 Bad Gateway", true),
            ("Code: ", true),
        ] {
            let error = clickhouse::error::Error::BadResponse(answer.to_owned());
            assert_eq!(
                StoreError::from(error).is_transient(),
                is_transient,
                "{answer}"
            );
        }
        assert!(StoreError::from(clickhouse::error::Error::TimedOut).is_transient());
    }
}
