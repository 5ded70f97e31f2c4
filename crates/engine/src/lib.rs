//! The embedded ClickHouse: libchdb behind ClickHouse's HTTP interface, in a child process.
//!
//! Why a child process: the library is half a gigabyte of C++ that shares memory, signals and exit
//! with its process. In a process of its own, a crash costs a restart of about a second and no
//! beacon, and the collector stays small. Why HTTP: the collector needs one ClickHouse client for
//! the embedded engine and for a server, and engineers can use the clients they have.
//!
//! Parent side: [`supervise`]. Child side: `child` starts and ends the process, with `home` (data
//! folder), `fence` (sandbox), `parent_pipe` and `listener`. A request passes `serve` ▶
//! `browser_guard` ▶ `request` ▶ `upload`, `compress` ▶ `statement` ▶ `execute` ▶ `limits`,
//! `reader_filter` ▶ `libchdb` ▶ `formats` ▶ `answer`; a request that fails is answered with an
//! `exception`.
//!
//! # The served part of ClickHouse's HTTP interface
//! - `/ping`; `/` by GET (reads only) and POST; the statement in `?query=`, in the body, or in
//!   both, one after the other; `multipart/form-data` with `query` and `param_…`
//!   fields.
//! - `INSERT` with rows in every input format, inline or streamed; rows behind `VALUES` or
//!   `FORMAT`.
//! - `database`, `default_format`, `query_id`, `param_…`; every other argument is a setting of this
//!   request.
//! - Results in every output format; rows are streamed, documents (`JSON`, `Parquet`, `Pretty` …)
//!   are sent whole, up to 64 MiB before formatting.
//! - `compress=1` and `decompress=1` in ClickHouse's framing, LZ4 or none.
//! - Credentials by `X-ClickHouse-User`/`-Key`, Basic, or `user`/`password` in the URL.
//! - `X-ClickHouse-Query-Id`, `-Format`, `-Summary`, `-Exception-Code`, `-Exception-Tag`,
//!   `-Timezone`, `-Server-Display-Name`; the engine's own error text with the status of a
//!   ClickHouse server. An exception after the result has begun is written at its end between
//!   `__exception__` marks, and the connection is aborted.
//!
//! Requests must name this machine (`Host: 127.0.0.1`, `localhost`), so that web pages can't read
//! by DNS rebinding.
//!
//! Not served: sessions, roles, quotas, external tables, `INTO OUTFILE`, compression of the HTTP
//! body (`enable_http_compression` is ignored; on loopback it costs more than it saves), TLS. The
//! `query_id` is sent back but differs from the engine's own, and `log_comment` is reserved.
//!
//! # Authentication and permissions
//! [`COLLECTOR_USER`] with the secret that the parent generates may do everything. The user
//! `default` with the readers' token ([`credential`]) may read, within limits, under `readonly=1`
//! and the checks of `execute`. All other requests are refused. Requests that a browser marks as
//! coming from another page are refused even with the token.

mod access;
mod answer;
mod browser_guard;
mod child;
mod compress;
pub mod credential;
mod error;
mod exception;
mod execute;
mod fence;
mod formats;
mod home;
mod lexer;
mod libchdb;
mod library;
mod limits;
mod listener;
mod parent_pipe;
mod reader_filter;
mod request;
mod response_headers;
mod serve;
mod statement;
pub mod supervise;
mod target;
mod upload;

pub use access::COLLECTOR_USER;
#[cfg(debug_assertions)]
pub use child::Defence;
pub use child::{EngineOptions, run};
pub use error::EngineError;
pub use library::find_library;
pub use target::Target;
