//! Why a question has no report.
//!
//! [`QueryError`] is the one error type of a question on its whole way. The crate itself returns
//! [`QueryError::Invalid`] only; the program that runs the plan returns the others.

/// Why a question has no report. The display text is for the client that asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The question can't be answered as it is. `at` is the place as a JSON pointer; `#` is the
    /// whole question.
    #[error("{at}: {message}")]
    Invalid { at: String, message: String },
    /// The site does not exist, or not for this client.
    #[error("no such site, or no permission to see it")]
    UnknownSite,
    /// The answer would describe too few visitors for this audience.
    #[error("{0}")]
    Protected(&'static str),
    /// The question exceeds a limit of time, memory or size.
    #[error("the question costs more than is allowed; ask for a shorter period or fewer rows")]
    TooCostly,
    /// Too many questions are waiting already.
    #[error("too many questions are waiting; ask again in a few seconds")]
    Busy,
    /// ClickHouse is unreachable, or its answer is not what the plan expects.
    #[error("the database did not answer")]
    Database,
    /// A fault of this program.
    #[error("{0}")]
    Internal(&'static str),
}

impl QueryError {
    /// A question that can't be answered as it is, and the place of the fault.
    pub fn invalid(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            at: at.into(),
            message: message.into(),
        }
    }

    /// An unknown name; the message suggests the nearest known name.
    pub fn unknown<'a>(
        at: impl Into<String>,
        kind: &str,
        given: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let nearest = known
            .map(|name| (strsim::damerau_levenshtein(given, name), name))
            .min();
        let message = match nearest {
            Some((distance, name)) if distance <= 4 && distance < name.len() => {
                format!("unknown {kind}; did you mean `{name}`?")
            }
            _ => format!("unknown {kind}"),
        };
        Self::invalid(at, message)
    }

    /// The place of the fault, where the question is invalid.
    pub fn at(&self) -> Option<&str> {
        match self {
            Self::Invalid { at, .. } => Some(at),
            Self::UnknownSite
            | Self::Protected(_)
            | Self::TooCostly
            | Self::Busy
            | Self::Database
            | Self::Internal(_) => None,
        }
    }
}
