//! Runs one statement on a connection of its own, on a thread of its own, and reports over a
//! bounded channel.
//!
//! Blocking throughout; `serve` is the async side. A connection lives for one request, so no
//! setting of one client reaches another. Readers get limits first, then `readonly=1`, which cannot
//! be undone. Statements that `readonly=1` wrongly allows are refused here by their class and by
//! [`reader_filter::forbidden`].

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

use super::access::Access;
use super::exception::Exception;
use super::formats::{self, Shape};
use super::libchdb::{
    self, Chunk, Connection, Library, LibraryError, ResultStream, StatementClass,
};
use super::limits;
use super::reader_filter;
use super::request::{Query, quote_name, set_statement, use_statement};
use super::statement;

/// What a statement cost so far, for `X-ClickHouse-Summary`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub read_rows: u64,
    pub read_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
    pub elapsed_ns: u64,
}

/// A report of a running statement.
#[derive(Debug)]
pub enum Event {
    /// The next bytes of the result, and the progress so far.
    Data(Bytes, Progress),
    /// The last report.
    End(Progress),
    /// The last report.
    Failed(Exception),
}

/// How long a client may read nothing of a result before it counts as gone. Without this bound, a
/// stalled client would keep its permit.
const STALL_PATIENCE: Duration = Duration::from_secs(120);

/// Sends an event. Returns whether it was received.
fn send(events: &mpsc::Sender<Event>, event: Event) -> bool {
    // Threads that run statements belong to the runtime, which drives the timeout.
    let sent = tokio::runtime::Handle::current()
        .block_on(tokio::time::timeout(STALL_PATIENCE, events.send(event)));
    matches!(sent, Ok(Ok(())))
}

/// Rows of an `INSERT`. If the channel closes without `End`, the client has disconnected.
#[derive(Debug)]
pub enum Rows {
    Piece(Bytes),
    End,
}

/// A statement to run.
pub struct Job {
    pub access: Access,
    /// Identifies the running statement for [`Engine::kill`].
    pub id: u64,
    pub query: Query,
    /// The statement without rows; of an `INSERT`, also without `FORMAT` and `VALUES`.
    pub sql: String,
    /// Of a `SELECT`: the format unless the statement names one. Of an `INSERT`: the rows' format.
    pub format: String,
    /// Present for an `INSERT` with rows.
    pub rows: Option<mpsc::Receiver<Rows>>,
}

/// The running engine: its library, its data folder, and one connection that keeps it running.
pub struct Engine {
    library: Arc<Library>,
    arguments: Vec<String>,
    keeper: Mutex<Option<Connection>>,
    outside_functions: HashSet<String>,
    version: String,
    /// The database of a request that names none.
    database: String,
    /// Whether readers' statements are filtered before they run; false in tests only.
    has_filter: bool,
    next_id: AtomicU64,
}

impl Engine {
    /// Starts the engine on a data folder; takes well under a second if the folder is empty.
    ///
    /// # Errors
    /// A library or data folder that can't be used.
    pub fn start(
        library: Arc<Library>,
        data: &Path,
        config: &Path,
        database: &str,
        has_filter: bool,
    ) -> Result<Self, LibraryError> {
        let arguments = vec![
            format!("--config-file={}", config.display()),
            format!("--path={}", data.display()),
        ];
        let mut keeper = library.connect(&arguments)?;
        let mut ask = |sql: &str| {
            let text = keeper
                .query(sql, "TSVRaw", &[])
                .map(|chunk| String::from_utf8_lossy(chunk.as_ref()).trim().to_owned());
            text.map_err(|_| LibraryError::NotOpened)
        };
        ask(&format!(
            "CREATE DATABASE IF NOT EXISTS {}",
            quote_name(database)
        ))?;
        // In the library's `default` database, every path of the file system is a table. An empty
        // database replaces it, unless it holds tables.
        if has_filter
            && database != "default"
            && ask("SELECT count() FROM system.tables WHERE database = 'default'")? == "0"
        {
            ask(&use_statement(database))?;
            ask("DROP DATABASE default")?;
            ask("CREATE DATABASE default ENGINE = Memory")?;
        }
        let version = ask("SELECT version()")?;
        // `format` is a table function too, but the scalar one is harmless and much used.
        let outside = ask(
            "SELECT lower(name) FROM system.table_functions WHERE NOT allow_readonly AND name != 'format'",
        )?;
        Ok(Self {
            library,
            arguments,
            outside_functions: outside.lines().map(str::to_owned).collect(),
            keeper: Mutex::new(Some(keeper)),
            version,
            database: database.to_owned(),
            has_filter,
            next_id: AtomicU64::new(1),
        })
    }

    /// ClickHouse's version, e.g. `26.7.2.1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A fresh [`Job::id`].
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks the engine to stop the statement with this id, or all statements. A statement stops at
    /// its next block.
    pub fn kill(&self, id: Option<u64>) {
        let which = id.map_or("1".to_owned(), |id| {
            format!("Settings['log_comment'] = '{}'", comment(id))
        });
        let Ok(mut connection) = self.library.connect(&self.arguments) else {
            return;
        };
        // A statement that has just ended can't be killed, and need not be.
        let _ = connection.query(&format!("KILL QUERY WHERE {which} ASYNC"), "Null", &[]);
    }

    /// Closes the engine's last connection, which closes its tables, and asks its threads to end.
    /// Threads of `MergeTree` tables do not end (measured: `chdb_shutdown` refuses with every
    /// connection closed), so the process must end by [`libchdb::leave`].
    pub fn stop(&self) {
        self.keeper
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.library.shutdown();
    }

    /// Runs a job to its end and reports; returns early if the client has disconnected.
    pub fn run(&self, job: Job, events: &mpsc::Sender<Event>) {
        let last = match self.try_run(job, events) {
            Ok(Some(progress)) => Event::End(progress),
            Ok(None) => return,
            Err(exception) => Event::Failed(exception),
        };
        // Fails only if the client has disconnected and needs no report.
        send(events, last);
    }

    /// `None` if the client has disconnected.
    fn try_run(
        &self,
        job: Job,
        events: &mpsc::Sender<Event>,
    ) -> Result<Option<Progress>, Exception> {
        let started = Instant::now();
        if job.access == Access::Reader && job.rows.is_some() {
            return Err(Exception::read_only(
                "default: Cannot execute query in readonly mode",
            ));
        }
        let mut connection = self
            .library
            .connect(&self.arguments)
            .map_err(|error| Exception::new(1002, "UNKNOWN_EXCEPTION", &error.to_string()))?;
        let format = statement::output_format(&job.sql).unwrap_or(&job.format);
        let is_array = |text: &str| text.contains("output_format_json_array_of_rows");
        let is_array =
            is_array(&job.sql) || job.query.settings.iter().any(|(name, _)| is_array(name));
        let shape = if is_array {
            Shape::Whole
        } else {
            formats::shape(format)
        };
        self.prepare(&mut connection, &job, shape)?;
        match job.rows {
            Some(rows) => insert(
                &mut connection,
                &job.sql,
                &job.format,
                &job.query,
                rows,
                started,
            ),
            None => {
                let class = self.check(&mut connection, &job)?;
                select(&mut connection, &job, class, shape, events, started)
            }
        }
    }

    /// Sets settings and database and, for readers, the limits and `readonly`.
    fn prepare(
        &self,
        connection: &mut Connection,
        job: &Job,
        shape: Shape,
    ) -> Result<(), Exception> {
        let id = comment(job.id);
        let fixed = [("log_comment", id.as_str()), ("implicit_select", "0")];
        let limits = match job.access {
            Access::Collector => Vec::new(),
            Access::Reader => limits::reader_limits(&job.query.settings)?,
        };
        let chosen = job
            .query
            .settings
            .iter()
            .filter(|(name, _)| job.access == Access::Collector || limits::is_free(name));
        let limits = limits.iter().map(|(name, value)| (*name, value.as_str()));
        let whole_bytes = limits::whole_bytes(job.access, &job.query.settings).to_string();
        let whole = (shape == Shape::Whole).then_some(("max_result_bytes", whole_bytes.as_str()));
        let settings = chosen
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(limits)
            .chain(whole)
            .chain(fixed);
        if let Some(set) = set_statement(settings) {
            connection.query(&set, "Null", &[])?;
        }
        // Clients without a chosen database send none, or `default`, which is empty.
        let chosen = job.query.database.as_deref();
        let chosen = chosen.filter(|name| job.access == Access::Collector || *name != "default");
        let database = chosen.unwrap_or(&self.database);
        connection.query(&use_statement(database), "Null", &[])?;
        let readonly = match (job.access, job.query.is_get) {
            (Access::Reader, _) => "SET readonly = 1",
            (Access::Collector, true) => "SET readonly = 2",
            (Access::Collector, false) => return Ok(()),
        };
        connection.query(readonly, "Null", &[])?;
        Ok(())
    }

    /// Refuses several statements, statements that write files, and what readers may not run.
    fn check(&self, connection: &mut Connection, job: &Job) -> Result<StatementClass, Exception> {
        if let Some(reason) = (job.access == Access::Reader && self.has_filter)
            .then(|| reader_filter::forbidden(&job.sql, &self.outside_functions, &self.database))
            .flatten()
        {
            return Err(Exception::read_only(&reason));
        }
        let (count, class) = connection.classify(&job.sql);
        if count > 1 {
            return Err(Exception::new(
                62,
                "SYNTAX_ERROR",
                "Syntax error (Multi-statements are not allowed)",
            ));
        }
        let keyword = statement::first_keyword(&job.sql);
        let writes_a_file = class == StatementClass::Control
            && matches!(
                keyword.as_str(),
                "SELECT"
                    | "WITH"
                    | "FROM"
                    | "SHOW"
                    | "EXPLAIN"
                    | "DESCRIBE"
                    | "DESC"
                    | "EXISTS"
                    | "CHECK"
            );
        if writes_a_file {
            return Err(Exception::new(
                358,
                "INTO_OUTFILE_NOT_ALLOWED",
                "INTO OUTFILE is not allowed",
            ));
        }
        if job.access == Access::Reader
            && matches!(class, StatementClass::Mutating | StatementClass::Control)
        {
            return Err(Exception::read_only(
                "default: Cannot execute query in readonly mode",
            ));
        }
        Ok(class)
    }
}

fn comment(id: u64) -> String {
    format!("sillage-{id}")
}

fn select(
    connection: &mut Connection,
    job: &Job,
    class: StatementClass,
    shape: Shape,
    events: &mpsc::Sender<Event>,
    started: Instant,
) -> Result<Option<Progress>, Exception> {
    if class == StatementClass::Unknown {
        return Err(parse_exception(connection, job));
    }
    let mut progress = Progress::default();
    if class == StatementClass::ReadOnly && shape != Shape::Whole {
        match connection.stream(&job.sql, &job.format, &job.query.parameters) {
            Ok(stream) => return forward(stream, shape, events, started),
            Err(error) if libchdb::is_not_streamable(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Documents, SHOW, EXPLAIN, DDL, INSERT … SELECT: their results are bounded or empty.
    let chunk = connection.query(&job.sql, &job.format, &job.query.parameters)?;
    let chunk = report(&mut progress, chunk, started);
    if !chunk.is_empty() && !send(events, Event::Data(chunk, progress)) {
        return Ok(None);
    }
    Ok(Some(progress))
}

/// The parser's message for a text that is not a statement. Running the text would run the
/// statements before the error, and commands of the command line client that the library contains
/// (`\\i file`, `?? question`). The `INSERT` call parses the whole text first and refuses
/// everything except an `INSERT`.
fn parse_exception(connection: &mut Connection, job: &Job) -> Exception {
    match connection.insert(&job.sql, "", &job.query.parameters) {
        Err(error) => error.into(),
        Ok(_) => Exception::new(62, "SYNTAX_ERROR", "Syntax error: not a statement"),
    }
}

/// Sends the blocks of a stream to the client. The header of a format stays in the first block
/// only.
fn forward(
    mut stream: ResultStream<'_>,
    shape: Shape,
    events: &mpsc::Sender<Event>,
    started: Instant,
) -> Result<Option<Progress>, Exception> {
    let mut progress = Progress::default();
    let mut header: Option<Bytes> = None;
    while let Some(chunk) = stream.fetch()? {
        let mut chunk = report(&mut progress, chunk, started);
        match (shape, &header) {
            (Shape::Headed(kind), None) => {
                let length = kind.length(&chunk).ok_or_else(|| {
                    Exception::new(
                        1002,
                        "UNKNOWN_EXCEPTION",
                        "The result does not begin with its header",
                    )
                })?;
                header = Some(Bytes::copy_from_slice(&chunk[..length]));
            }
            (_, Some(header)) if chunk.starts_with(header) => chunk.advance(header.len()),
            // Totals and extremes have no header before them, but one after them.
            (_, Some(header)) if chunk.ends_with(header) => {
                chunk.truncate(chunk.len() - header.len())
            }
            _ => {}
        }
        if !chunk.is_empty() && !send(events, Event::Data(chunk, progress)) {
            return Ok(None);
        }
    }
    progress.elapsed_ns = nanoseconds(started);
    Ok(Some(progress))
}

fn insert(
    connection: &mut Connection,
    sql: &str,
    format: &str,
    query: &Query,
    mut rows: mpsc::Receiver<Rows>,
    started: Instant,
) -> Result<Option<Progress>, Exception> {
    let mut stream = connection.insert(sql, format, &query.parameters)?;
    loop {
        match rows.blocking_recv() {
            Some(Rows::Piece(piece)) => stream.append(&piece)?,
            Some(Rows::End) => break,
            None => return Ok(None),
        }
    }
    let mut progress = Progress::default();
    report(&mut progress, stream.finish()?, started);
    Ok(Some(progress))
}

/// Adds a chunk to the progress and returns its bytes without a copy.
fn report(progress: &mut Progress, chunk: Chunk, started: Instant) -> Bytes {
    let ((read_rows, read_bytes), (written_rows, written_bytes)) = (chunk.read(), chunk.written());
    progress.read_rows += read_rows;
    progress.read_bytes += read_bytes;
    progress.written_rows += written_rows;
    progress.written_bytes += written_bytes;
    progress.result_rows += chunk.rows();
    progress.result_bytes += chunk.as_ref().len() as u64;
    progress.elapsed_ns = nanoseconds(started);
    Bytes::from_owner(chunk)
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
