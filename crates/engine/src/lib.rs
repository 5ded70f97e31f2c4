//! The embedded ClickHouse: libchdb behind ClickHouse's HTTP interface, in a child process.
//!
//! Why a child: the library is half a gigabyte of C++ that shares its process's memory, signals and
//! end. In a process of its own a crash of it costs a restart of about a second and no beacon, and
//! the collector stays small. Why HTTP: the collector has one ClickHouse client whatever is behind
//! it, and engineers use the clients they have.
//!
//! Parent side: [`supervise`]. Child side, in the order of a request: `serve` ▶ `request` ▶
//! `upload`, `compress` ▶ `statement` ▶ `limits` ▶ `execute` ▶ `libchdb` ▶ `formats` ▶ `answer`;
//! `fault` is what goes wrong on the way, `home` the data folder, `fence` what the process can
//! reach.
//!
//! # What of ClickHouse's HTTP interface is served
//! - `/ping`; `/` by GET (reads only) and POST; the statement in `?query=`, in the body, or begun
//!   in the one and continued in the other; `multipart/form-data` with `query` and `param_…`
//!   fields.
//! - `INSERT` with rows in every input format, inline or streamed; rows behind `VALUES` or
//!   `FORMAT`.
//! - `database`, `default_format`, `query_id`, `param_…`, every other argument as a setting of this
//!   request alone.
//! - Results in every output format; rows are streamed, documents (`JSON`, `Parquet`, `Pretty` …)
//!   come whole, up to 64 MiB before formatting.
//! - `compress=1` and `decompress=1` in ClickHouse's framing, LZ4 or none.
//! - Credentials by `X-ClickHouse-User`/`-Key`, Basic, or `user`/`password` in the URL.
//! - `X-ClickHouse-Query-Id`, `-Format`, `-Summary`, `-Exception-Code`, `-Exception-Tag`,
//!   `-Timezone`, `-Server-Display-Name`; the engine's own error text with a fitting status; an
//!   exception after the result has begun is written at its end between `__exception__` marks, and
//!   the connection breaks off.
//!
//! Requests must name this machine (`Host: 127.0.0.1`, `localhost`), so that no web page can read
//! by DNS rebinding.
//!
//! Not served: sessions, roles, quotas, external tables, `INTO OUTFILE`, compression of the HTTP
//! body (`enable_http_compression` is ignored; on loopback it costs more than it saves), TLS. The
//! `query_id` is sent back but not the engine's own, and `log_comment` is the engine's.
//!
//! # Who may what
//! [`COLLECTOR_USER`] with the secret that the parent makes may do everything. The user `default`
//! with the readers' token ([`credential`]) reads, with limits, under `readonly=1` and what
//! `execute` adds to it. Nobody else does anything. Requests that a browser marks as coming from
//! another page are refused, with the token too.

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
