//! Runs SELECTs with limits on their cost.
//!
//! Every statement runs with the read-only profile, the limits and the queue of [`QueryLimits`].
//! Dropping the future closes the connection, and ClickHouse then cancels the query. The errors say
//! what the client can do: ask again later, ask for less, or correct the pattern.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clickhouse::Client;
use tokio::sync::Semaphore;

use sillage_query::QueryError;
use sillage_query::rows::{self, RowError};
use sillage_query::sql::{Statement, Value};

/// Limits on the cost of questions.
#[derive(Debug, Clone)]
pub struct QueryLimits {
    /// Statements that run at the same time.
    pub concurrent_max: usize,
    /// Statements that wait for a permit. One more is refused.
    pub waiting_max: usize,
    /// Longest run of one statement.
    pub execution_time_max: Duration,
    /// Most memory of one statement, bytes.
    pub memory_bytes_max: u64,
    /// Most rows of one statement.
    pub rows_max: u64,
    /// Most bytes of one answer.
    pub answer_bytes_max: usize,
}

impl Default for QueryLimits {
    fn default() -> Self {
        Self {
            concurrent_max: 4,
            waiting_max: 256,
            execution_time_max: Duration::from_secs(30),
            memory_bytes_max: 2 << 30,
            // One page and one row.
            rows_max: 10_001,
            answer_bytes_max: 32 << 20,
        }
    }
}

/// Why a statement returned no rows.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Ask again later.
    #[error("too many questions are waiting")]
    Busy,
    /// Ask for less: a limit of time, memory or size was exceeded.
    #[error("the question costs more than is allowed")]
    TooCostly,
    /// A pattern that our parser accepts as RE2 and ClickHouse refuses.
    #[error("a pattern is not valid RE2")]
    Pattern,
    /// ClickHouse is unreachable or failed.
    #[error("the database did not answer: {0}")]
    Server(#[source] clickhouse::error::Error),
    /// A row does not have the columns of the statement.
    #[error(transparent)]
    Row(#[from] RowError),
}

impl From<RunError> for QueryError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Busy => Self::Busy,
            RunError::TooCostly => Self::TooCostly,
            RunError::Pattern => Self::invalid("#/filters", "a pattern is not valid RE2"),
            RunError::Server(_) | RunError::Row(_) => {
                tracing::error!(%error, "ClickHouse did not answer a question");
                Self::Database
            }
        }
    }
}

/// Runs statements; clones share the queue.
#[derive(Clone)]
pub struct Runner {
    client: Client,
    limits: QueryLimits,
    permits: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Runner {
    /// `client` has its database set.
    pub fn new(client: Client, limits: QueryLimits) -> Self {
        let client = client
            // Set here and not by the caller, so that no statement of this runner can write.
            .with_setting("readonly", "1")
            .with_setting(
                "max_execution_time",
                limits.execution_time_max.as_secs().max(1).to_string(),
            )
            .with_setting("timeout_overflow_mode", "throw")
            .with_setting("max_memory_usage", limits.memory_bytes_max.to_string())
            .with_setting("max_result_rows", limits.rows_max.to_string())
            .with_setting("result_overflow_mode", "throw")
            .with_setting("cancel_http_readonly_queries_on_client_close", "1")
            .with_setting("output_format_json_quote_64bit_integers", "0")
            .with_setting("output_format_json_quote_denormals", "0");
        let permits = Arc::new(Semaphore::new(limits.concurrent_max.max(1)));
        Self {
            client,
            limits,
            permits,
            waiting: Arc::default(),
        }
    }

    /// Runs a statement and returns its rows as `JSONCompactEachRow`. Waits for a permit.
    ///
    /// # Errors
    /// All cases of [`RunError`] except `Row`.
    pub async fn rows(&self, statement: Statement) -> Result<Vec<u8>, RunError> {
        let _permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => {
                let _place = Place::take(&self.waiting, self.limits.waiting_max)?;
                self.permits
                    .acquire()
                    .await
                    .expect("the semaphore is never closed")
            }
        };
        let query = bind(&statement, self.client.query_raw(&statement.text));
        let mut cursor = query.fetch_bytes("JSONCompactEachRow").map_err(classify)?;
        let mut rows = Vec::new();
        while let Some(chunk) = cursor.next().await.map_err(classify)? {
            if rows.len() + chunk.len() > self.limits.answer_bytes_max {
                return Err(RunError::TooCostly);
            }
            rows.extend_from_slice(&chunk);
        }
        Ok(rows)
    }
}

/// Binds the values of a statement to the query made from its text.
pub fn bind(statement: &Statement, query: clickhouse::query::Query) -> clickhouse::query::Query {
    let values = statement.values.iter();
    values.fold(query, |query, (name, value)| match value {
        Value::Text(text) => query.param(name, text),
        Value::Texts(texts) => query.param(name, texts),
        Value::Number(number) => query.param(name, number),
        Value::Numbers(numbers) => query.param(name, numbers),
    })
}

/// The number in the first column of the first row.
pub fn first_number(rows: &[u8]) -> Option<i64> {
    let row = rows::read::<Vec<i64>>(rows).next()?;
    row.ok()?.first().copied()
}

/// A place in the queue. Dropping it frees the place, even when a request is cancelled.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, max: usize) -> Result<Self, RunError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= max {
            Err(RunError::Busy)
        } else {
            Ok(place)
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Classifies an error by its code: ClickHouse keeps the numbers stable, not the texts.
fn classify(error: clickhouse::error::Error) -> RunError {
    const TIMEOUT_EXCEEDED: &str = "Code: 159.";
    const TOO_SLOW: &str = "Code: 160.";
    const MEMORY_LIMIT_EXCEEDED: &str = "Code: 241.";
    const TOO_MANY_ROWS_OR_BYTES: &str = "Code: 396.";
    const CANNOT_COMPILE_REGEXP: &str = "Code: 427.";
    let clickhouse::error::Error::BadResponse(text) = &error else {
        return RunError::Server(error);
    };
    if text.contains(CANNOT_COMPILE_REGEXP) {
        return RunError::Pattern;
    }
    let costly = [
        TIMEOUT_EXCEEDED,
        TOO_SLOW,
        MEMORY_LIMIT_EXCEEDED,
        TOO_MANY_ROWS_OR_BYTES,
    ];
    if costly.iter().any(|code| text.contains(code)) {
        RunError::TooCostly
    } else {
        RunError::Server(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sillage_query::sql::Sql;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// A server that answers when the test says so, and a runner that asks it.
    async fn pair(limits: QueryLimits) -> (TcpListener, Runner) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::default().with_url(url).with_database("any");
        (listener, Runner::new(client, limits))
    }

    async fn request(listener: &TcpListener) -> (TcpStream, String) {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = vec![0; 8192];
        let count = stream.read(&mut bytes).await.unwrap();
        (
            stream,
            String::from_utf8_lossy(&bytes[..count]).into_owned(),
        )
    }

    fn ask(runner: &Runner) -> tokio::task::JoinHandle<Result<Vec<u8>, RunError>> {
        let runner = runner.clone();
        tokio::spawn(async move { runner.rows(Sql::text("SELECT 1").finish()).await })
    }

    #[tokio::test]
    async fn with_one_running_and_one_waiting_the_third_is_refused() {
        let limits = QueryLimits {
            concurrent_max: 1,
            waiting_max: 1,
            ..QueryLimits::default()
        };
        let (listener, runner) = pair(limits).await;
        let first = ask(&runner);
        let (stream, _) = request(&listener).await;
        let second = ask(&runner);
        while runner.waiting.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(ask(&runner).await.unwrap(), Err(RunError::Busy)));
        // A cancelled wait frees its place.
        second.abort();
        assert!(second.await.is_err());
        assert_eq!(runner.waiting.load(Ordering::Relaxed), 0);
        let third = ask(&runner);
        drop(stream);
        assert!(matches!(first.await.unwrap(), Err(RunError::Server(_))));
        let (mut stream, _) = request(&listener).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n[1]\n")
            .await
            .unwrap();
        assert_eq!(third.await.unwrap().unwrap(), b"[1]\n");
    }

    #[tokio::test]
    async fn a_dropped_question_closes_its_connection() {
        let (listener, runner) = pair(QueryLimits::default()).await;
        let question = ask(&runner);
        let (mut stream, _) = request(&listener).await;
        question.abort();
        assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn every_statement_is_sent_read_only_and_with_its_limits() {
        let (listener, runner) = pair(QueryLimits::default()).await;
        let question = ask(&runner);
        let (_stream, head) = request(&listener).await;
        question.abort();
        for setting in [
            "readonly=1",
            "max_execution_time=30",
            "max_memory_usage=2147483648",
            "max_result_rows=10001",
            "result_overflow_mode=throw",
            "cancel_http_readonly_queries_on_client_close=1",
        ] {
            assert!(head.contains(setting), "{setting} is not in {head}");
        }
    }

    #[test]
    fn errors_are_classified_by_what_the_caller_can_do() {
        let told = |text: &str| classify(clickhouse::error::Error::BadResponse(text.into()));
        assert!(matches!(
            told("Code: 241. DB::Exception: memory"),
            RunError::TooCostly
        ));
        assert!(matches!(
            told("Code: 159. DB::Exception: time"),
            RunError::TooCostly
        ));
        assert!(matches!(
            told("Code: 396. DB::Exception: rows"),
            RunError::TooCostly
        ));
        assert!(matches!(
            told("Code: 427. DB::Exception: pattern"),
            RunError::Pattern
        ));
        assert!(matches!(
            told("Code: 60. DB::Exception: table"),
            RunError::Server(_)
        ));
    }
}
