//! A refused or failed request as ClickHouse reports it, an *exception*: code, text, HTTP status.
//!
//! Clients parse the text and people search for it, so the engine's own text is kept, with two
//! changes: a text that the engine wrapped into itself is unwrapped, and the version is appended,
//! as a server does. Pure; no IO.

use super::libchdb::ErrorText;

/// A refused or failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// ClickHouse's error code, e.g. 60 for an unknown table; 0 if the engine gave none.
    pub code: u32,
    /// `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`, one line or several, without the version.
    pub text: String,
}

impl Exception {
    /// An exception of this crate's own under ClickHouse's `code` and `name`; `message` is a
    /// sentence without its full stop.
    pub fn new(code: u32, name: &str, message: &str) -> Self {
        Self {
            code,
            text: format!("Code: {code}. DB::Exception: {message}. ({name})"),
        }
    }

    /// Reads code and text from the engine's message.
    pub fn from_message(message: &str) -> Self {
        let mut text = message.trim().trim_start_matches("Error: ");
        while let Some(inner) = unwrap_once(text) {
            text = inner;
        }
        let text = without_version(text).to_owned();
        Self {
            code: code_of(&text).unwrap_or(0),
            text,
        }
    }

    /// A statement that readers may not run, with ClickHouse's code.
    pub fn read_only(message: &str) -> Self {
        Self::new(164, "READONLY", message)
    }

    /// The HTTP status of a ClickHouse server, or a closer one that tells a client what to do.
    pub fn status(&self) -> u16 {
        match self.code {
            // wrong credentials, not allowed
            164 | 192 | 193 | 194 | 497 | 516 => 403,
            // unknown table, database, function, identifier, type, engine, setting, format,
            // aggregate function
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 336 => 404,
            // too long
            66 | 161 | 307 => 413,
            48 => 501,
            159 | 160 | 209 => 408,
            202 | 236 => 503,
            // faults of the client: syntax, types, values, columns, unreadable input, settings
            6 | 7 | 8 | 9 | 10 | 15 | 16 | 20 | 26 | 27 | 32 | 33 | 34 | 36 | 37 | 38 | 40 | 41
            | 42 | 43 | 44 | 49 | 53 | 57 | 62 | 69 | 70 | 72 | 82 | 89 | 117 | 130 | 131 | 158
            | 184 | 190 | 215 | 271 | 321 | 349 | 352 | 358 | 386 | 396 | 441 | 452 | 456 | 457
            | 467 | 472 | 647 => 400,
            _ => 500,
        }
    }

    /// The body of the answer: the text, then the version.
    pub fn body(&self, version: &str) -> String {
        format!("{} (version {version} (embedded))\n", self.text)
    }
}

impl From<ErrorText> for Exception {
    fn from(error: ErrorText) -> Self {
        Self::from_message(&error.0)
    }
}

fn code_of(text: &str) -> Option<u32> {
    let rest = text.strip_prefix("Code: ")?;
    rest[..rest.find('.')?].parse().ok()
}

/// The inner text of `Code: 164. DB::Exception: Code: 164. DB::Exception: m (READONLY) (version
/// 26). (READONLY)`.
fn unwrap_once(text: &str) -> Option<&str> {
    let code = code_of(text)?;
    let inner = text.strip_prefix(&format!("Code: {code}. DB::Exception: "))?;
    if code_of(inner)? != code {
        return None;
    }
    let name_at = inner.rfind(". (").filter(|_| inner.ends_with(')'))?;
    Some(without_version(&inner[..name_at]))
}

/// Removes the version that the engine appends to some of its messages.
fn without_version(text: &str) -> &str {
    let version_at = text.rfind(" (version ").filter(|_| text.ends_with(')'));
    version_at.map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_message_becomes_code_text_and_status() {
        for (message, code, text, status) in [
            (
                "Code: 81. DB::Exception: Database nope does not exist. (UNKNOWN_DATABASE)",
                81,
                None,
                404,
            ),
            (
                "Error: Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)",
                62,
                Some("Code: 62. DB::Exception: Syntax error. (SYNTAX_ERROR)"),
                400,
            ),
            (
                "Code: 164. DB::Exception: Code: 164. DB::Exception: Cannot modify 'x' setting in readonly mode. (READONLY) (version 26.7.2.1). (READONLY)",
                164,
                Some(
                    "Code: 164. DB::Exception: Cannot modify 'x' setting in readonly mode. (READONLY)",
                ),
                403,
            ),
            (
                "Code: 241. DB::Exception: Code: 241. DB::Exception: Code: 241. DB::Exception: limit. (MEMORY_LIMIT_EXCEEDED). (MEMORY_LIMIT_EXCEEDED). (MEMORY_LIMIT_EXCEEDED)",
                241,
                Some("Code: 241. DB::Exception: limit. (MEMORY_LIMIT_EXCEEDED)"),
                500,
            ),
            (
                "Code: 159. DB::Exception: Timeout exceeded. (TIMEOUT_EXCEEDED)",
                159,
                None,
                408,
            ),
            (
                "Code: 27. DB::Exception: Cannot parse. (CANNOT_PARSE_INPUT_ASSERTION_FAILED) (version 26.7.2.1)",
                27,
                Some(
                    "Code: 27. DB::Exception: Cannot parse. (CANNOT_PARSE_INPUT_ASSERTION_FAILED)",
                ),
                400,
            ),
            ("something else", 0, None, 500),
            ("Code: x", 0, None, 500),
            ("", 0, None, 500),
        ] {
            let exception = Exception::from_message(message);
            assert_eq!(
                (exception.code, exception.text.as_str(), exception.status()),
                (code, text.unwrap_or(message), status)
            );
        }
    }
}
