//! Why an e-mail was not written or not sent.

/// Why an e-mail was not written or not sent.
#[derive(Debug, thiserror::Error)]
pub enum EmailError {
    /// The reports for it are not available now.
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
    /// The sender or the recipient is not a valid address.
    #[error("not an e-mail address; write it as name@example.com or Name <name@example.com>")]
    Address,
    /// The e-mail can't be encoded.
    #[error("the e-mail can't be encoded as a message: {0}")]
    Message(#[from] lettre::error::Error),
    /// The server refused, or did not answer.
    #[error("the mail server did not accept the e-mail: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
}

impl EmailError {
    /// Whether the mail server may accept the same e-mail later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Numbers(_) => true,
            Self::Server(error) => !error.is_permanent(),
            Self::NotConfigured | Self::Password { .. } | Self::Address | Self::Message(_) => false,
        }
    }

    /// Whether no mail server answered, so that sending other e-mails would fail too.
    pub fn is_server_away(&self) -> bool {
        matches!(self, Self::Server(error) if error.status().is_none() && self.is_transient())
    }

    /// In a few words, for the recipient. What the mail server answered is left out, since it may
    /// name addresses.
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
