//! The tests' HTTP/1.1 client: hyper, one connection per request, behind blocking calls.
//!
//! [`send`], [`get`] and [`post`] make a whole request. [`begin`] sends a body in pieces, or only
//! part of it. [`raw`] sends bytes that no client library would send.

use std::future::Future;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{LazyLock, mpsc};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;

/// The `User-Agent` of a browser, so that beacons do not count as a bot's.
pub const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";

/// Maximum number of body pieces that wait for the connection.
const PIECES_MAX: usize = 4;

/// Runs the connections. Callers submit work and wait for it, so tests may call inside and outside
/// their own runtime.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
});

fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    RUNTIME.spawn(async move {
        let _ = done.send(work.await);
    });
    result.recv().expect("the task did not panic")
}

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as text, with invalid UTF-8 replaced.
    pub body: String,
    /// The body as received, decoded from chunks.
    pub bytes: Vec<u8>,
    /// False if the connection ended before the body.
    pub is_whole: bool,
}

impl Answer {
    fn new<'a>(
        status: u16,
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        bytes: Vec<u8>,
        is_whole: bool,
    ) -> Self {
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value).into_owned();
            (name.to_ascii_lowercase(), value)
        });
        Self {
            status,
            headers: headers.collect(),
            body: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
            is_whole,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Sends a POST with a browser's headers. `headers` replace those with the same name.
pub fn post(address: SocketAddr, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    send(address, "POST", path, body, headers)
}

/// Sends any method, with a body and a browser's headers.
pub fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: impl AsRef<[u8]>,
    headers: &[(&str, &str)],
) -> Answer {
    let defaults = [("User-Agent", AGENT), ("Content-Type", "text/plain")];
    let mut all: Vec<(&str, &str)> = defaults.to_vec();
    all.retain(|(name, _)| !has(headers, name));
    all.extend(headers);
    let body = body.as_ref();
    let mut upload = begin(address, method, path, &all, Some(body.len()));
    upload.write(body);
    upload.finish()
}

/// Sends a GET without a browser's headers.
pub fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    begin(address, "GET", path, headers, Some(0)).finish()
}

fn has(headers: &[(&str, &str)], name: &str) -> bool {
    headers
        .iter()
        .any(|(given, _)| given.eq_ignore_ascii_case(name))
}

/// A request whose body is written piece by piece. Dropping it before [`Upload::finish`] closes the
/// connection in the middle of the body.
pub struct Upload {
    pieces: Option<Sender<Bytes>>,
    response: Option<JoinHandle<hyper::Result<Response<Incoming>>>>,
    connection: Option<JoinHandle<hyper::Result<()>>>,
}

/// Connects and sends the head of a request. `length` is the value of `Content-Length`. Without it
/// the body is sent in chunks.
pub fn begin(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    length: Option<usize>,
) -> Upload {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in [("Host", "127.0.0.1"), ("Connection", "close")] {
        if !has(headers, name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(length) = length {
        request = request.header("Content-Length", length);
    }
    let (pieces, received) = tokio::sync::mpsc::channel::<Bytes>(PIECES_MAX);
    let body = stream::unfold(received, async |mut received| {
        let piece = received.recv().await?;
        Some((Ok::<_, std::io::Error>(Frame::data(piece)), received))
    });
    let request = request
        .body(StreamBody::new(Box::pin(body)))
        .expect("a request that HTTP allows");
    let (mut sender, connection) = wait(async move {
        let stream = tokio::net::TcpStream::connect(address).await?;
        let parts = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        parts.map_err(std::io::Error::other)
    })
    .expect("a connection");
    Upload {
        pieces: Some(pieces),
        connection: Some(RUNTIME.spawn(connection)),
        response: Some(RUNTIME.spawn(async move { sender.send_request(request).await })),
    }
}

impl Upload {
    /// Sends a piece of the body. The server may have answered and closed already. The piece is
    /// lost then, and only the answer matters.
    pub fn write(&mut self, piece: impl AsRef<[u8]>) {
        let piece = Bytes::copy_from_slice(piece.as_ref());
        if let Some(pieces) = self.pieces.clone()
            && !piece.is_empty()
        {
            let _ = wait(async move { pieces.send(piece).await });
        }
    }

    /// Ends the body and reads the whole answer.
    pub fn finish(self) -> Answer {
        self.try_finish().expect("an answer")
    }

    /// Ends the body and reads the whole answer, or returns the error.
    pub fn try_finish(mut self) -> hyper::Result<Answer> {
        self.pieces = None;
        let response = self.response.take().expect("finish is called once");
        wait(async move {
            let response = timeout(PATIENCE, response)
                .await
                .expect("an answer in time")
                .expect("no panic")?;
            let (head, mut body) = response.into_parts();
            let (mut bytes, mut is_whole) = (Vec::new(), true);
            while let Some(frame) = timeout(PATIENCE, body.frame())
                .await
                .expect("a body in time")
            {
                match frame {
                    Ok(frame) => bytes.extend(frame.into_data().unwrap_or_default()),
                    Err(_) => {
                        is_whole = false;
                        break;
                    }
                }
            }
            let headers = head
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes()));
            Ok(Answer::new(head.status.as_u16(), headers, bytes, is_whole))
        })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Abort the connection before the end of the body is sent.
        if let Some(connection) = self.connection.take() {
            connection.abort();
            let _ = wait(connection);
        }
    }
}

/// Sends raw bytes and reads until the server closes. The body is not decoded.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // A server that refuses early may close before it has read all bytes.
    let _ = stream.write_all(bytes);
    let mut received = Vec::new();
    if let Err(error) = stream.read_to_end(&mut received)
        && received.is_empty()
    {
        return Err(error);
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(&received).map_err(std::io::Error::other)?;
    let (httparse::Status::Complete(head), Some(status)) = (parsed, response.code) else {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    };
    let headers = response
        .headers
        .iter()
        .map(|header| (header.name, header.value));
    Ok(Answer::new(
        status,
        headers,
        received[head..].to_vec(),
        true,
    ))
}
