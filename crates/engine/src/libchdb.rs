//! Safe bindings to the embedded engine's C interface: [`Library`], [`Connection`],
//! [`ResultStream`], [`InsertStream`].
//!
//! libchdb (ClickHouse as a shared library, about 570 MB) is loaded at run time, so that the crate
//! builds and its other tests run without it. Signatures follow `chdb.h` of libchdb 26.7.3. Every
//! call blocks; callers use a dedicated thread.
//!
//! Invariants: a handle lives exactly as long as its Rust owner; nothing outlives the library,
//! which is never unloaded; a connection runs one statement at a time, which `&mut self` enforces;
//! a stream that is dropped unfinished is cancelled. Deliberately not here: permissions and
//! answers.
#![allow(unsafe_code)]

mod exit;
mod functions;

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use functions::{Analysis, ConnectionHandle, Functions, QueryWithParams, ResultHandle};

pub use exit::leave;

/// Why the library can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The file can't be loaded, or is not a libchdb of this version.
    #[error(
        "{path} can't be loaded as the embedded engine ({reason}); fetch it again with `make engine`"
    )]
    Unusable { path: String, reason: String },
    /// `chdb_connect` returned no connection; it gives no reason.
    #[error("the embedded engine did not open its data folder; see its output above")]
    NotOpened,
}

/// The engine's own text about a statement that it refused or that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorText(pub String);

/// The effect of a statement on lasting state, by the engine's own parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementClass {
    /// `SELECT`, `SHOW`, `DESCRIBE`, `EXPLAIN`, `EXISTS`, `CHECK`.
    ReadOnly,
    /// Changes tables, databases, functions or accounts.
    Mutating,
    /// `SET`, `USE`, `KILL`, `SYSTEM`, `BACKUP`, and statements that write outside the engine
    /// (`INTO OUTFILE`).
    Control,
    /// Does not parse; running it returns the parser's message.
    Unknown,
}

/// A query parameter: its name and its value in ClickHouse's escaped text form, as in the URL's
/// `param_` arguments.
pub type Parameter = (String, String);

/// The loaded library.
pub struct Library {
    functions: Functions,
    /// Never unloaded: engine threads may still run code of it.
    _library: std::mem::ManuallyDrop<libloading::Library>,
}

impl Library {
    /// Loads `path` and turns the engine's crash handlers off, whose reports would print query
    /// texts.
    ///
    /// # Errors
    /// [`LibraryError::Unusable`] when the file can't be loaded or lacks a function.
    pub fn load(path: &Path) -> Result<Arc<Self>, LibraryError> {
        let unusable = |error: libloading::Error| LibraryError::Unusable {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        // SAFETY: loading runs the library's initialisers; the operator names the file as the
        // engine, and running it is the purpose.
        let library = unsafe { libloading::Library::new(path) }.map_err(unusable)?;
        let functions = Functions::find(&library).map_err(unusable)?;
        // SAFETY: takes a flag only; called before the first connection, as chdb.h requires.
        unsafe { (functions.set_signal_handlers_enabled)(0) };
        Ok(Arc::new(Self {
            functions,
            _library: std::mem::ManuallyDrop::new(library),
        }))
    }

    /// Opens one more connection; the first one starts the engine with `arguments` (`--path=…`,
    /// `--config-file=…`). Takes under a millisecond, except for the first.
    ///
    /// # Errors
    /// [`LibraryError::NotOpened`].
    pub fn connect(self: &Arc<Self>, arguments: &[String]) -> Result<Connection, LibraryError> {
        let owned: Vec<CString> = std::iter::once("clickhouse")
            .chain(arguments.iter().map(String::as_str))
            .map(|argument| CString::new(argument).map_err(|_| LibraryError::NotOpened))
            .collect::<Result<_, _>>()?;
        let mut argv: Vec<*mut c_char> = owned
            .iter()
            .map(|argument| argument.as_ptr().cast_mut())
            .collect();
        let count = c_int::try_from(argv.len()).map_err(|_| LibraryError::NotOpened)?;
        // SAFETY: argv holds `count` NUL-terminated texts that live across the call; the engine
        // copies them.
        let slot = unsafe { (self.functions.connect)(count, argv.as_mut_ptr()) };
        NonNull::new(slot)
            .map(|slot| Connection {
                library: Arc::clone(self),
                slot,
            })
            .ok_or(LibraryError::NotOpened)
    }

    /// Stops the engine's threads as far as possible. They can't be started again. Does nothing
    /// while a connection is open.
    pub fn shutdown(&self) {
        // SAFETY: takes nothing, and refuses by itself while a connection is open.
        unsafe { (self.functions.shutdown)() };
    }
}

/// A connection, with its own settings, current database and temporary tables.
pub struct Connection {
    library: Arc<Library>,
    slot: NonNull<ConnectionHandle>,
}

// SAFETY: libchdb allows a connection to be used from any thread, one at a time; `&mut self`
// ensures the latter.
unsafe impl Send for Connection {}

impl Connection {
    fn handle(&self) -> ConnectionHandle {
        // SAFETY: `slot` points at the handle until `chdb_close_conn`, which only `drop` calls.
        unsafe { *self.slot.as_ptr() }
    }

    /// The number of statements in `sql` and the most far-reaching class among them. Runs nothing.
    pub fn classify(&mut self, sql: &str) -> (u32, StatementClass) {
        let mut analysis = Analysis {
            struct_size: size_of::<Analysis>() as u32,
            statement_count: 0,
            flags: 0,
            query_class: 4,
        };
        // SAFETY: `sql` is given with its length and read only during the call; a null target
        // database is allowed; `analysis` is as large as its first field says.
        let state = unsafe {
            (self.library.functions.classify_query_n)(
                self.handle(),
                sql.as_ptr().cast(),
                sql.len(),
                std::ptr::null(),
                0,
                &mut analysis,
            )
        };
        let class = match (state, analysis.query_class) {
            (0, 0) => StatementClass::ReadOnly,
            (0, 1 | 2) => StatementClass::Mutating,
            (0, 3) => StatementClass::Control,
            _ => StatementClass::Unknown,
        };
        (analysis.statement_count, class)
    }

    /// Runs a statement and waits for the whole result. For statements with small results.
    ///
    /// # Errors
    /// The engine's own text.
    pub fn query(
        &mut self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> Result<Chunk, ErrorText> {
        let handle = self.call(
            self.library.functions.query_with_params_n,
            sql,
            format,
            parameters,
        );
        Chunk::new(&self.library, handle)
    }

    /// Starts a `SELECT`; returns when its first block is ready, which for an aggregation is near
    /// its end.
    ///
    /// # Errors
    /// The engine's own text; for other statements than `SELECT` see [`is_not_streamable`].
    pub fn stream(
        &mut self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> Result<ResultStream<'_>, ErrorText> {
        let handle = self.call(
            self.library.functions.stream_query_with_params_n,
            sql,
            format,
            parameters,
        );
        let head = Chunk::new(&self.library, handle)?;
        Ok(ResultStream {
            connection: self,
            head,
            is_finished: false,
        })
    }

    /// Starts an `INSERT` whose rows follow in `format`; `sql` has neither `FORMAT` nor `VALUES`.
    ///
    /// # Errors
    /// The engine's own text.
    pub fn insert(
        &mut self,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> Result<InsertStream<'_>, ErrorText> {
        let handle = self.call(
            self.library.functions.stream_insert_with_params_n,
            sql,
            format,
            parameters,
        );
        let Some(handle) = NonNull::new(handle) else {
            return Err(ErrorText(
                "the engine gave no handle for the INSERT".to_owned(),
            ));
        };
        let stream = InsertStream {
            connection: self,
            handle,
        };
        match stream.error() {
            Some(message) => Err(ErrorText(message)),
            None => Ok(stream),
        }
    }

    fn call(
        &self,
        function: QueryWithParams,
        sql: &str,
        format: &str,
        parameters: &[Parameter],
    ) -> *mut c_void {
        let names: Vec<*const c_char> = parameters
            .iter()
            .map(|(name, _)| name.as_ptr().cast())
            .collect();
        let name_lengths: Vec<usize> = parameters.iter().map(|(name, _)| name.len()).collect();
        let values: Vec<*const c_char> = parameters
            .iter()
            .map(|(_, value)| value.as_ptr().cast())
            .collect();
        let value_lengths: Vec<usize> = parameters.iter().map(|(_, value)| value.len()).collect();
        // SAFETY: the connection is open; every text is given with its length and lives across the
        // call, which copies what it keeps; the four arrays hold `parameters.len()` entries each.
        unsafe {
            function(
                self.handle(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                names.as_ptr(),
                name_lengths.as_ptr(),
                values.as_ptr(),
                value_lengths.as_ptr(),
                parameters.len(),
            )
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the connection is open and its streams, which borrow it, are gone.
        unsafe { (self.library.functions.close_conn)(self.slot.as_ptr()) };
    }
}

/// A piece of a result: bytes in the requested format, and their cost.
pub struct Chunk {
    library: Arc<Library>,
    handle: NonNull<c_void>,
}

// SAFETY: a result is plain memory with one owner; it may be destroyed on another thread.
unsafe impl Send for Chunk {}

impl Chunk {
    /// Takes ownership of `handle`; returns the result or its error.
    fn new(library: &Arc<Library>, handle: ResultHandle) -> Result<Self, ErrorText> {
        let Some(handle) = NonNull::new(handle) else {
            return Err(ErrorText("the engine gave no result".to_owned()));
        };
        let chunk = Self {
            library: Arc::clone(library),
            handle,
        };
        // SAFETY: the handle is live; the text belongs to it and is copied at once.
        match unsafe { text((library.functions.result_error)(handle.as_ptr())) } {
            Some(message) => Err(ErrorText(message)),
            None => Ok(chunk),
        }
    }

    /// Rows of the result in this chunk.
    pub fn rows(&self) -> u64 {
        // SAFETY: the handle is live.
        unsafe { (self.library.functions.result_rows_read)(self.handle.as_ptr()) }
    }

    /// Rows and bytes read from storage for this chunk.
    pub fn read(&self) -> (u64, u64) {
        let functions = &self.library.functions;
        let handle = self.handle.as_ptr();
        // SAFETY: the handle is live.
        unsafe {
            (
                (functions.result_storage_rows_read)(handle),
                (functions.result_storage_bytes_read)(handle),
            )
        }
    }

    /// Rows and bytes written, views included.
    pub fn written(&self) -> (u64, u64) {
        let functions = &self.library.functions;
        let handle = self.handle.as_ptr();
        // SAFETY: the handle is live.
        unsafe {
            (
                (functions.result_rows_written)(handle),
                (functions.result_bytes_written)(handle),
            )
        }
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        let functions = &self.library.functions;
        let handle = self.handle.as_ptr();
        // SAFETY: the handle is live; the buffer belongs to it, never moves, and has the length the
        // engine says.
        unsafe {
            let (buffer, length) = (
                (functions.result_buffer)(handle),
                (functions.result_length)(handle),
            );
            if buffer.is_null() || length == 0 {
                &[]
            } else {
                std::slice::from_raw_parts(buffer.cast(), length)
            }
        }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: the handle is live and destroyed only here.
        unsafe { (self.library.functions.destroy_query_result)(self.handle.as_ptr()) };
    }
}

/// A running `SELECT`. Dropped before its end, it is cancelled.
pub struct ResultStream<'a> {
    connection: &'a mut Connection,
    head: Chunk,
    is_finished: bool,
}

impl ResultStream<'_> {
    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// The engine's own text; the stream is over then.
    pub fn fetch(&mut self) -> Result<Option<Chunk>, ErrorText> {
        if self.is_finished {
            return Ok(None);
        }
        let functions = &self.connection.library.functions;
        // SAFETY: connection and stream are live, and `&mut self` keeps this thread the only one to
        // use them.
        let handle = unsafe {
            (functions.stream_fetch_result)(self.connection.handle(), self.head.handle.as_ptr())
        };
        match Chunk::new(&self.connection.library, handle) {
            Ok(chunk) if chunk.as_ref().is_empty() => {
                self.is_finished = true;
                Ok(None)
            }
            Ok(chunk) => Ok(Some(chunk)),
            Err(error) => {
                self.is_finished = true;
                Err(error)
            }
        }
    }
}

impl Drop for ResultStream<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            let functions = &self.connection.library.functions;
            // SAFETY: connection and stream are live; the stream's handle is destroyed afterwards,
            // by `head`.
            unsafe {
                (functions.stream_cancel_query)(self.connection.handle(), self.head.handle.as_ptr())
            };
        }
    }
}

/// A running `INSERT`. Dropped before [`InsertStream::finish`], it is cancelled; blocks of rows the
/// engine had already written (1,048,449 rows or 256 MiB by default) stay, as in ClickHouse.
pub struct InsertStream<'a> {
    connection: &'a mut Connection,
    handle: NonNull<c_void>,
}

impl InsertStream<'_> {
    /// Appends bytes, cut anywhere. Waits while the engine has 16 unread pieces.
    ///
    /// # Errors
    /// The engine's own text; nothing more can be appended then.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), ErrorText> {
        let functions = &self.connection.library.functions;
        // SAFETY: the handle is live; the bytes are given with their length and copied by the
        // engine.
        let state = unsafe {
            (functions.stream_append)(self.handle.as_ptr(), bytes.as_ptr().cast(), bytes.len())
        };
        match state {
            0 => Ok(()),
            _ => {
                Err(ErrorText(self.error().unwrap_or_else(|| {
                    "the engine took no more rows".to_owned()
                })))
            }
        }
    }

    /// Ends the rows and commits them.
    ///
    /// # Errors
    /// The engine's own text.
    pub fn finish(self) -> Result<Chunk, ErrorText> {
        // SAFETY: the handle is live; afterwards it is only destroyed.
        let handle =
            unsafe { (self.connection.library.functions.stream_done)(self.handle.as_ptr()) };
        Chunk::new(&self.connection.library, handle)
    }

    fn error(&self) -> Option<String> {
        // SAFETY: the handle is live; the text belongs to it and is copied at once.
        unsafe {
            text((self.connection.library.functions.stream_insert_error)(
                self.handle.as_ptr(),
            ))
        }
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is live and destroyed only here; according to chdb.h this cancels an
        // unfinished stream.
        unsafe { (self.connection.library.functions.destroy_insert_stream)(self.handle.as_ptr()) };
    }
}

/// Copies a C text; `None` for null.
///
/// # Safety
/// `pointer` is null or points at a NUL-terminated text.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: as the caller promises.
    (!pointer.is_null()).then(|| {
        unsafe { CStr::from_ptr(pointer) }
            .to_string_lossy()
            .into_owned()
    })
}

/// Whether the engine refused to stream a statement, before running any of it. Such a statement
/// goes to [`Connection::query`].
pub fn is_not_streamable(error: &ErrorText) -> bool {
    error
        .0
        .starts_with("Code: 36. DB::Exception: Streaming query is not supported for query")
}
