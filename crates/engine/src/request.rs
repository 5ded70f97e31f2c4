//! Parses a request's URL, headers and form into a [`Query`]: statement, settings and credentials.
//!
//! Pure; no IO. Setting names are checked and values quoted here, so that neither can become SQL.
//! Parameter values go to the engine unchanged; it reads them in ClickHouse's escaped form, as a
//! server does.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};

use super::exception::Exception;
use super::libchdb::Parameter;

/// A setting's name and value, as text.
pub type Setting = (String, String);

/// Everything in a request except its body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The beginning of the statement, from the URL; the body continues it.
    pub sql: String,
    /// `GET`: nothing may be written.
    pub is_get: bool,
    pub database: Option<String>,
    /// For a `SELECT` without a `FORMAT` clause.
    pub default_format: Option<String>,
    /// The client's id, which is sent back; the engine generates its own.
    pub query_id: Option<String>,
    pub settings: Vec<Setting>,
    pub parameters: Vec<Parameter>,
    /// Whether the answer uses ClickHouse's block framing.
    pub compress: bool,
    /// Whether the body uses ClickHouse's block framing.
    pub decompress: bool,
    pub user: Option<String>,
    pub password: Option<String>,
    /// Boundary of a `multipart/form-data` body.
    pub boundary: Option<String>,
}

/// Arguments of ClickHouse's HTTP interface without effect here: there are no sessions, quotas or
/// roles, and no compression of the HTTP body on loopback.
const IGNORED: [&str; 22] = [
    "session_id",
    "session_timeout",
    "session_check",
    "quota_key",
    "role",
    "roles",
    "profile",
    "buffer_size",
    "wait_end_of_query",
    "stacktrace",
    "client_protocol_version",
    "enable_http_compression",
    "http_zlib_compression_level",
    "http_response_buffer_size",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "http_native_compression_disable_checksumming_on_decompress",
    "cancel_http_readonly_queries_on_client_close",
    "add_http_cors_header",
    "http_write_exception_in_output_format",
    "log_queries",
    "log_comment",
];

/// Of Basic credentials, with or without padding, as clients send them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

impl Query {
    /// Reads the URL's arguments (without `?`) and the headers.
    ///
    /// # Errors
    /// A malformed setting name or authorisation header, or an unsupported body encoding.
    pub fn parse(is_get: bool, arguments: &str, headers: &HeaderMap) -> Result<Self, Exception> {
        let mut query = Self {
            is_get,
            ..Self::default()
        };
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        query.database = header("x-clickhouse-database");
        query.default_format = header("x-clickhouse-format");
        for (name, value) in url::form_urlencoded::parse(arguments.as_bytes()) {
            query.take(&name, value.into_owned())?;
        }
        if let Some(encoding) = headers.get(CONTENT_ENCODING)
            && encoding != "identity"
        {
            return Err(Exception::new(
                48,
                "NOT_IMPLEMENTED",
                "A body with Content-Encoding is not read here; send it plain or in ClickHouse's own framing with decompress=1",
            ));
        }
        query.boundary = header(CONTENT_TYPE.as_str()).and_then(|value| boundary(&value));
        if let Some(credentials) = header(AUTHORIZATION.as_str()) {
            let (user, password) = basic(&credentials).ok_or_else(|| {
                Exception::new(
                    516,
                    "AUTHENTICATION_FAILED",
                    "The Authorization header is not a Basic one",
                )
            })?;
            (query.user, query.password) = (Some(user), Some(password));
        }
        query.user = header("x-clickhouse-user").or(query.user);
        query.password = header("x-clickhouse-key").or(query.password);
        Ok(query)
    }

    /// Takes one argument of the URL or field of a form.
    ///
    /// # Errors
    /// A name that is not an argument of the HTTP interface and can't be a setting.
    pub fn take(&mut self, name: &str, value: String) -> Result<(), Exception> {
        let is_on = || matches!(value.as_str(), "1" | "true");
        if let Some(parameter) = name.strip_prefix("param_") {
            if !is_name(parameter) {
                return Err(Exception::new(
                    36,
                    "BAD_ARGUMENTS",
                    "A query parameter's name has letters, digits and _ only",
                ));
            }
            self.parameters.push((parameter.to_owned(), value));
            return Ok(());
        }
        match name {
            "query" => self.sql.push_str(&value),
            "database" => self.database = Some(value).filter(|name| !name.is_empty()),
            "default_format" => self.default_format = Some(value).filter(|name| !name.is_empty()),
            "query_id" => self.query_id = Some(value).filter(|id| !id.is_empty()),
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "compress" => self.compress = is_on(),
            "decompress" => self.decompress = is_on(),
            _ if IGNORED.contains(&name) => {}
            _ if is_name(name) => self.settings.push((name.to_owned(), value)),
            _ => {
                return Err(Exception::new(
                    115,
                    "UNKNOWN_SETTING",
                    "A setting's name has letters, digits and _ only",
                ));
            }
        }
        Ok(())
    }

    /// Takes a `multipart/form-data` body: `query` and `param_` fields, as the `clickhouse` crate
    /// sends them.
    ///
    /// # Errors
    /// A malformed body, or a field that [`Query::take`] refuses.
    pub fn take_form(&mut self, body: &[u8], boundary: &str) -> Result<(), Exception> {
        let malformed = || {
            Exception::new(
                36,
                "BAD_ARGUMENTS",
                "The multipart/form-data body is malformed",
            )
        };
        let body = std::str::from_utf8(body).map_err(|_| malformed())?;
        let delimiter = format!("--{boundary}");
        let mut parts = body.split(delimiter.as_str()).skip(1);
        loop {
            let part = parts.next().ok_or_else(malformed)?;
            if part.starts_with("--") {
                return Ok(());
            }
            let (head, value) = part
                .strip_prefix("\r\n")
                .and_then(|part| part.strip_suffix("\r\n"))
                .and_then(|part| part.split_once("\r\n\r\n"))
                .ok_or_else(malformed)?;
            let name = head
                .split("name=\"")
                .nth(1)
                .and_then(|rest| rest.split_once('"'))
                .map(|(name, _)| name)
                .ok_or_else(malformed)?;
            self.take(name, value.to_owned())?;
        }
    }
}

/// `SET a = '1', b = '2'` for settings whose names [`Query::take`] has checked; `None` without any.
pub fn set_statement<'a>(settings: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let assignments: Vec<String> = settings
        .map(|(name, value)| format!("{name} = {}", quote(value, '\'')))
        .collect();
    (!assignments.is_empty()).then(|| format!("SET {}", assignments.join(", ")))
}

/// `USE` for a database of any name.
pub fn use_statement(database: &str) -> String {
    format!("USE {}", quote_name(database))
}

/// Quotes any name as an identifier.
pub fn quote_name(name: &str) -> String {
    quote(name, '`')
}

fn quote(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push(quote);
    out
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn boundary(content_type: &str) -> Option<String> {
    let arguments = content_type.strip_prefix("multipart/form-data")?;
    let value = arguments
        .split("boundary=")
        .nth(1)?
        .split(';')
        .next()?
        .trim()
        .trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    decoded
        .split_once(':')
        .map(|(user, password)| (user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.parse().expect("a name"),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn arguments_settings_and_parameters_are_distinguished() {
        let query = Query::parse(
            false,
            "query=SELECT%201&database=d&default_format=JSON&query_id=q&max_threads=2&param_x=a%27b&session_id=s&compress=1&decompress=0",
            &headers(&[]),
        )
        .expect("a query");
        assert_eq!(
            query,
            Query {
                sql: "SELECT 1".into(),
                database: Some("d".into()),
                default_format: Some("JSON".into()),
                query_id: Some("q".into()),
                settings: vec![("max_threads".into(), "2".into())],
                parameters: vec![("x".into(), "a'b".into())],
                compress: true,
                ..Query::default()
            }
        );
    }

    #[test]
    fn credentials_and_settings_are_read_from_headers() {
        let query = Query::parse(
            true,
            "",
            &headers(&[
                ("x-clickhouse-user", "u"),
                ("x-clickhouse-key", "k"),
                ("x-clickhouse-database", "d"),
                ("x-clickhouse-format", "CSV"),
            ]),
        )
        .expect("a query");
        assert_eq!(
            (query.user.as_deref(), query.password.as_deref()),
            (Some("u"), Some("k"))
        );
        assert_eq!(
            (query.database.as_deref(), query.default_format.as_deref()),
            (Some("d"), Some("CSV"))
        );
        for credentials in ["Basic dTpwOnc=", "basic dTpwOnc"] {
            let query = Query::parse(true, "", &headers(&[("authorization", credentials)]))
                .expect("a query");
            assert_eq!(
                (query.user.as_deref(), query.password.as_deref()),
                (Some("u"), Some("p:w"))
            );
        }
        for (header, code) in [
            (("authorization", "Bearer x"), 516),
            (("authorization", "Basic ?"), 516),
            (("content-encoding", "gzip"), 48),
        ] {
            assert_eq!(
                Query::parse(true, "", &headers(&[header]))
                    .expect_err("refused")
                    .code,
                code
            );
        }
    }

    #[test]
    fn a_name_cannot_become_sql() {
        for arguments in [
            "max_threads%3D1%2Creadonly=0",
            "a-b=1",
            "1a=1",
            "=1",
            "param_=1",
            "param_a%20b=1",
        ] {
            assert!(
                Query::parse(false, arguments, &headers(&[])).is_err(),
                "{arguments}"
            );
        }
    }

    #[test]
    fn a_value_cannot_become_sql() {
        let set = set_statement([("a", "1', readonly = '0"), ("b", "\\'")].into_iter());
        assert_eq!(
            set.as_deref(),
            Some(r"SET a = '1\', readonly = \'0', b = '\\\''")
        );
        assert_eq!(set_statement(std::iter::empty()), None);
        assert_eq!(use_statement("a`; DROP"), r"USE `a\`; DROP`");
    }

    #[test]
    fn a_form_carries_query_and_parameters() {
        let mut query = Query::parse(
            false,
            "",
            &headers(&[("content-type", "multipart/form-data; boundary=xyz")]),
        )
        .expect("a query");
        assert_eq!(query.boundary.as_deref(), Some("xyz"));
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT {a:String}\r\n--xyz\r\nContent-Disposition: form-data; name=\"param_a\"\r\n\r\nx\r\n\r\ny\r\n--xyz--\r\n";
        query.take_form(body.as_bytes(), "xyz").expect("a form");
        assert_eq!(query.sql, "SELECT {a:String}");
        assert_eq!(
            query.parameters,
            [("a".to_owned(), "x\r\n\r\ny".to_owned())]
        );
        for bad in [
            "",
            "--xyz",
            "--xyz\r\n--xyz--",
            "--xyz\r\nname=\"a b\"\r\n\r\n1\r\n--xyz--",
        ] {
            assert!(
                Query::default().take_form(bad.as_bytes(), "xyz").is_err(),
                "{bad:?}"
            );
        }
    }
}
