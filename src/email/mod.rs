//! Letters about a site: a summary of a day, a week or a month, and a warning when traffic is
//! unusual.
//!
//! Duty: decide which period is due ([`calendar`]) and what is unusual ([`alert`]), ask the same
//! questions as the page ([`summary`]), word the answers in the reader's language ([`letter`]), and
//! hand the letter to a mail server ([`send`]); [`post`] does that for whoever subscribed. All but
//! the last two are pure or ask an [`StatsService`](crate::stats::StatsService) only, so every letter can
//! be looked at without being sent (`sillage report`, `sillage alert`).
//!
//! A letter holds counts, and nothing in it is loaded from anywhere: no picture, no pixel, no link
//! that tells who opened it.

pub mod alert;
pub mod cadence;
pub mod message;
pub mod scheduler;
pub mod smtp;
pub mod summary;
pub mod texts;

pub use crate::email::cadence::Cadence;
pub use crate::email::message::Letter;
pub use crate::email::texts::{LANGUAGES, Words};

/// Why there is no letter.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The answers that it is made of did not come; ask again later.
    #[error("the numbers could not be read: {0}")]
    Numbers(String),
    /// No mail server is configured.
    #[error("no mail server is configured; set [mail] host and from")]
    NotConfigured,
    /// The file with the password can't be read.
    #[error("cannot read mail.password_file {path}: {source}")]
    Password {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    /// A sender or recipient that is no address.
    #[error("not an e-mail address; write it as name@example.com or Name <name@example.com>")]
    Address,
    /// The letter can't be put into a message.
    #[error("the e-mail can't be encoded as a message: {0}")]
    Message(#[from] lettre::error::Error),
    /// The server refused, or did not answer.
    #[error("the mail server did not accept the e-mail: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
}

impl MailError {
    /// Whether the same letter may be taken later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Numbers(_) => true,
            Self::Server(error) => !error.is_permanent(),
            Self::NotConfigured | Self::Password { .. } | Self::Address | Self::Message(_) => false,
        }
    }

    /// Whether no mail server answered at all, so that no other letter will be taken either.
    pub fn is_server_away(&self) -> bool {
        matches!(self, Self::Server(error) if error.status().is_none() && self.is_transient())
    }

    /// In a few words for who gets the letters, without what a server said about addresses.
    pub fn in_short(&self) -> String {
        match self {
            Self::Server(error) => match error.status() {
                Some(code) => format!("the mail server refused it ({code})"),
                None => "the mail server did not accept it".into(),
            },
            Self::Numbers(_) => "its numbers could not be read".into(),
            Self::Password { .. } => "mail.password_file could not be read".into(),
            Self::Address => "not a valid e-mail address".into(),
            _ => "it could not be written".into(),
        }
    }
}
