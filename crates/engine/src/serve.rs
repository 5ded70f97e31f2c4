//! The HTTP service of the child: ClickHouse's interface on loopback in front of [`Engine`]. The
//! crate's documentation lists the served part.
//!
//! Async; statements run on blocking threads behind bounded channels, so that memory is bounded for
//! any result or `INSERT`, and a slow client slows its statement instead of filling memory.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::access::{Access, COLLECTOR_USER, Secrets};
use super::answer::{Answer, PIECE_BYTES_MAX, Running, State, lost};
use super::browser_guard::{is_for_loopback, is_from_here};
use super::compress::{Decompressor, compress};
use super::credential::{CHALLENGE_HEADER, PROOF_HEADER, READER_USER, proof};
use super::exception::Exception;
use super::execute::{Engine, Event, Job, Progress, Rows};
use super::request::Query;
use super::response_headers::{content_type, summary};
use super::statement::{self, Kind};
use super::target::DISPLAY_NAME;
use super::upload::Upload;

/// Bound on concurrent statements of the collector, which needs few: inserts, the dashboard's
/// batches, migrations.
pub const COLLECTOR_STATEMENTS_MAX: usize = 16;
/// Bound on concurrent statements of readers, apart from the collector's, so that readers never
/// take the collector's permits.
pub const READER_STATEMENTS_MAX: usize = 8;
/// How long a statement may take to arrive; it takes no permit before.
const STATEMENT_PATIENCE: Duration = Duration::from_secs(60);
/// Bound on pieces between engine and client; a piece is about 1 MB.
const PIECES_MAX: usize = 4;
/// A result of up to this size is complete before the answer begins, so that status and summary are
/// final.
const HELD_BYTES_MAX: usize = 256 << 10;
/// Bound on a client's query id, which is sent back; longer ids are cut.
const QUERY_ID_BYTES_MAX: usize = 256;

/// State shared by all connections.
pub struct Service {
    engine: Arc<Engine>,
    secrets: Secrets,
    answers_readers: bool,
    /// The address it listens on.
    address: SocketAddr,
    collectors: Arc<Semaphore>,
    readers: Arc<Semaphore>,
}

impl Service {
    /// A service that authenticates the collector and readers by these passwords.
    pub fn new(
        engine: Arc<Engine>,
        secrets: Secrets,
        answers_readers: bool,
        address: SocketAddr,
    ) -> Self {
        Self {
            engine,
            secrets,
            answers_readers,
            address,
            collectors: Arc::new(Semaphore::new(COLLECTOR_STATEMENTS_MAX)),
            readers: Arc::new(Semaphore::new(READER_STATEMENTS_MAX)),
        }
    }

    /// Waits until no statement runs.
    pub async fn idle(&self) {
        // The semaphores are never closed, so neither wait can fail.
        let _ = self
            .collectors
            .acquire_many(COLLECTOR_STATEMENTS_MAX as u32)
            .await;
        let _ = self
            .readers
            .acquire_many(READER_STATEMENTS_MAX as u32)
            .await;
    }

    /// Answers one request; never fails, because an exception is an answer too.
    pub async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Infallible> {
        let proof = self.proof(&request);
        let path = request.uri().path();
        let plain = |status: StatusCode, text: &'static str| {
            Response::builder()
                .status(status)
                .body(Answer::whole(text.into()))
        };
        let response = match (request.method(), path) {
            (_, _) if !is_from_here(&request) => plain(
                StatusCode::FORBIDDEN,
                "Requests of web pages are not answered here.\n",
            ),
            (&Method::GET | &Method::HEAD, "/ping" | "/replicas_status") => {
                plain(StatusCode::OK, "Ok.\n")
            }
            (_, _) if !is_for_loopback(&request) => plain(
                StatusCode::FORBIDDEN,
                "Ask for 127.0.0.1 or localhost; other names are not served.\n",
            ),
            (&Method::GET | &Method::POST, "/" | "/query") => Ok(self.statement(request).await),
            (_, "/" | "/query" | "/ping" | "/replicas_status") => plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "Use GET to read, POST for everything.\n",
            ),
            _ => plain(
                StatusCode::NOT_FOUND,
                "There is nothing here; queries go to /, ping to /ping.\n",
            ),
        };
        let mut response = response.expect("a status and a static text make a response");
        let headers = response.headers_mut();
        headers.insert(
            "X-ClickHouse-Server-Display-Name",
            HeaderValue::from_static(DISPLAY_NAME),
        );
        headers.insert("X-ClickHouse-Timezone", HeaderValue::from_static("UTC"));
        if let Some(proof) = proof {
            headers.insert(PROOF_HEADER, proof);
        }
        // Even if a page of another origin gets an answer, it can't run or read it.
        headers.insert(
            "X-Content-Type-Options",
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            "Cross-Origin-Resource-Policy",
            HeaderValue::from_static("same-origin"),
        );
        Ok(response)
    }

    /// Proves to a client, before it sends the token, that this is the engine and not another
    /// program on its port.
    fn proof(&self, request: &Request<Incoming>) -> Option<HeaderValue> {
        let challenge = request.headers().get(CHALLENGE_HEADER)?;
        let token = self.secrets.readers.as_ref()?;
        HeaderValue::try_from(proof(token, self.address, challenge.as_bytes())).ok()
    }

    async fn statement(&self, request: Request<Incoming>) -> Response<Answer> {
        let is_get = request.method() == Method::GET;
        let (head, body) = request.into_parts();
        let query = Query::parse(is_get, head.uri.query().unwrap_or_default(), &head.headers);
        let query_id = match &query {
            Ok(query) => query.query_id.clone(),
            Err(_) => None,
        };
        let mut upload = Upload {
            body,
            decompressor: None,
        };
        let result = match query {
            Ok(query) => self.execute(query, &mut upload).await,
            Err(exception) => Err(exception),
        };
        let mut response = match result {
            Ok(response) => response,
            Err(exception) => {
                upload.drain().await;
                self.failed(&exception)
            }
        };
        let query_id = query_id
            .map(|id| id.chars().take(QUERY_ID_BYTES_MAX).collect())
            .unwrap_or_else(random_id);
        if let Ok(value) = HeaderValue::from_str(&query_id) {
            response
                .headers_mut()
                .insert("X-ClickHouse-Query-Id", value);
        }
        response
    }

    fn failed(&self, exception: &Exception) -> Response<Answer> {
        let mut response =
            Response::new(Answer::whole(exception.body(self.engine.version()).into()));
        *response.status_mut() =
            StatusCode::from_u16(exception.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(
            "X-ClickHouse-Exception-Code",
            HeaderValue::from(exception.code),
        );
        headers.insert(
            "Content-Type",
            HeaderValue::from_static("text/plain; charset=UTF-8"),
        );
        response
    }

    fn access(&self, query: &Query) -> Result<Access, Exception> {
        let password = query.password.as_deref().unwrap_or_default();
        let user = match query.user.as_deref().unwrap_or_default() {
            "" => READER_USER,
            user => user,
        };
        let (access, secret) = match user {
            COLLECTOR_USER => (Access::Collector, Some(&self.secrets.collector)),
            READER_USER => (Access::Reader, self.secrets.readers.as_ref()),
            _ => (Access::Reader, None),
        };
        if secret.is_some_and(|secret| is_same(password, secret)) {
            if access == Access::Reader && !self.answers_readers {
                return Err(Exception::new(
                    497,
                    "ACCESS_DENIED",
                    "Readers are refused, because this system can't keep the engine from files and networks (Landlock of Linux 5.19 and seccomp are needed); to answer them anyway, set engine.readers_without_fence = true",
                ));
            }
            return Ok(access);
        }
        Err(Exception::new(
            516,
            "AUTHENTICATION_FAILED",
            &format!(
                "{user}: Authentication failed: password is incorrect, or there is no user with such name; `sillage sql --print-url` prints a URL with the password"
            ),
        ))
    }

    async fn execute(
        &self,
        mut query: Query,
        upload: &mut Upload,
    ) -> Result<Response<Answer>, Exception> {
        let access = self.access(&query)?;
        if query.decompress {
            upload.decompressor = Some(Decompressor::default());
        }
        let text = tokio::time::timeout(STATEMENT_PATIENCE, upload.read_statement(&mut query))
            .await
            .map_err(|_| {
                Exception::new(
                    209,
                    "SOCKET_TIMEOUT",
                    "The statement was not received in time",
                )
            })??;
        let (places, count) = match access {
            Access::Collector => (&self.collectors, COLLECTOR_STATEMENTS_MAX),
            Access::Reader => (&self.readers, READER_STATEMENTS_MAX),
        };
        let place = Arc::clone(places).try_acquire_owned().map_err(|_| {
            Exception::new(
                202,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
                &format!("Too many simultaneous queries. Maximum: {count}"),
            )
        })?;
        let default_format = query
            .default_format
            .clone()
            .unwrap_or_else(|| "TabSeparated".to_owned());
        match statement::kind(&text) {
            Kind::FromInfile => Err(Exception::new(
                48,
                "NOT_IMPLEMENTED",
                "INSERT FROM INFILE has to be resolved by the client; send the file as the request's body",
            )),
            Kind::Insert(insert) => {
                let (sql, format) = (insert.head.to_owned(), insert.format.to_owned());
                let rows = text.slice(insert.rows_at..);
                self.insert(access, query, sql, format, rows, upload, place)
                    .await
            }
            Kind::Other => {
                let sql = String::from_utf8(text.into()).map_err(|_| {
                    Exception::new(
                        62,
                        "SYNTAX_ERROR",
                        "Syntax error: the statement is not UTF-8",
                    )
                })?;
                if sql.trim().is_empty() {
                    return Err(Exception::new(
                        62,
                        "SYNTAX_ERROR",
                        "Syntax error: Empty query",
                    ));
                }
                self.select(access, query, sql, default_format, place).await
            }
        }
    }

    async fn select(
        &self,
        access: Access,
        query: Query,
        sql: String,
        default_format: String,
        place: OwnedSemaphorePermit,
    ) -> Result<Response<Answer>, Exception> {
        let format = statement::output_format(&sql)
            .unwrap_or(&default_format)
            .to_owned();
        let is_compressed = query.compress;
        let mut running = self.start(
            Job {
                access,
                id: self.engine.next_id(),
                query,
                sql,
                format: default_format,
                rows: None,
            },
            place,
        );
        let mut held = VecDeque::new();
        let mut held_bytes = 0;
        let mut progress = Progress::default();
        let mut is_ended = false;
        while held_bytes < HELD_BYTES_MAX && !is_ended {
            match running.next().await {
                Event::Data(bytes, so_far) => {
                    held_bytes += bytes.len();
                    held.push_back(bytes);
                    progress = so_far;
                }
                Event::End(total) => (progress, is_ended) = (total, true),
                Event::Failed(exception) => return Err(exception),
            }
        }
        let tag = random_id().replace('-', "")[..16].to_owned();
        let answer = if is_ended && held_bytes <= HELD_BYTES_MAX {
            let whole: Bytes = match held.len() {
                0 | 1 => held.pop_front().unwrap_or_default(),
                _ => held.iter().flatten().copied().collect(),
            };
            Answer::whole(if is_compressed {
                compress(&whole)
            } else {
                whole
            })
        } else {
            let running = (!is_ended).then_some(running);
            Answer(State::Streaming {
                held,
                running,
                is_compressed,
                tag: tag.clone(),
                version: self.engine.version().to_owned(),
            })
        };
        let mut response = Response::new(answer);
        let headers = response.headers_mut();
        headers.insert(
            "Content-Type",
            HeaderValue::from_static(content_type(&format)),
        );
        for (name, value) in [
            ("X-ClickHouse-Format", &format),
            ("X-ClickHouse-Exception-Tag", &tag),
            ("X-ClickHouse-Summary", &summary(&progress)),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        Ok(response)
    }

    #[allow(clippy::too_many_arguments)] // unrelated values; a struct would only rename the list
    async fn insert(
        &self,
        access: Access,
        query: Query,
        sql: String,
        format: String,
        first: Bytes,
        upload: &mut Upload,
        place: OwnedSemaphorePermit,
    ) -> Result<Response<Answer>, Exception> {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        let job = Job {
            access,
            id: self.engine.next_id(),
            query,
            sql,
            format,
            rows: Some(receiver),
        };
        let mut running = self.start(job, place);
        let mut next = Some(first);
        // Ends with the last row, or as soon as the engine refuses the rows. A disconnected client
        // drops this future.
        let refused = loop {
            let Some(piece) = next else {
                // Fails only if the engine has refused the rows; its last event says why.
                let _ = sender.send(Rows::End).await;
                break None;
            };
            if !piece.is_empty() && !send_rows(&sender, piece).await {
                break None;
            }
            tokio::select! {
                biased;
                event = running.next() => break Some(event),
                piece = upload.next() => next = piece?,
            }
        };
        drop(sender);
        let last = match refused {
            Some(event) => event,
            None => running.next().await,
        };
        let progress = match last {
            Event::End(progress) => progress,
            Event::Failed(exception) => return Err(exception),
            Event::Data(..) => return Err(lost()),
        };
        let mut response = Response::new(Answer::whole(Bytes::new()));
        if let Ok(value) = HeaderValue::from_str(&summary(&progress)) {
            response.headers_mut().insert("X-ClickHouse-Summary", value);
        }
        Ok(response)
    }

    /// Runs a job on a thread of its own. The permit is released when the thread ends, not when the
    /// answer does.
    fn start(&self, job: Job, place: OwnedSemaphorePermit) -> Running {
        let (sender, events) = mpsc::channel(PIECES_MAX);
        let is_done = Arc::new(AtomicBool::new(false));
        let running = Running {
            events,
            engine: Arc::clone(&self.engine),
            id: job.id,
            is_done: Arc::clone(&is_done),
        };
        let engine = Arc::clone(&self.engine);
        tokio::task::spawn_blocking(move || {
            engine.run(job, &sender);
            is_done.store(true, Ordering::Release);
            drop(place);
        });
        running
    }
}

/// Sends rows in bounded pieces. Returns whether the engine still accepts them.
async fn send_rows(sender: &mpsc::Sender<Rows>, mut rows: Bytes) -> bool {
    while !rows.is_empty() {
        let piece = rows.split_to(rows.len().min(PIECE_BYTES_MAX));
        if sender.send(Rows::Piece(piece)).await.is_err() {
            return false;
        }
    }
    true
}

/// Compares in constant time, so that timing does not reveal where two texts differ.
fn is_same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |differs, (a, b)| differs | (a ^ b))
            == 0
}

fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    // Without random numbers the id repeats, which only confuses a log. Secrets are generated
    // elsewhere, with an error.
    let _ = getrandom::fill(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
