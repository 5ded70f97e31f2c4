//! A request's body: read in pieces, decompressed if asked for, and split into the statement and
//! the rows after it.
//!
//! Async. Buffers a statement of at most 1 MiB, or one piece of rows.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::compress::Decompressor;
use super::exception::Exception;
use super::request::Query;
use super::statement::{self, Kind};

/// Longest statement, without the rows of an `INSERT`. ClickHouse's own `max_query_size` is a
/// quarter of it.
const STATEMENT_BYTES_MAX: usize = 1 << 20;
/// Once this much was received, the text is checked for an `INSERT`, whose rows must begin within
/// it.
const INSERT_HEAD_BYTES_MAX: usize = 256 << 10;
/// How much of a refused body is read so that the client sees the answer.
const DRAINED_BYTES_MAX: usize = 16 << 20;

/// A request's body.
pub struct Upload {
    pub body: Incoming,
    /// For `decompress=1`.
    pub decompressor: Option<Decompressor>,
}

impl Upload {
    /// The next bytes; `None` at the end. Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Exception> {
        loop {
            if let Some(decompressor) = &mut self.decompressor
                && let Some(block) = decompressor
                    .next_block()
                    .map_err(|error| Exception::from_message(&error.to_string()))?
            {
                return Ok(Some(block));
            }
            let Some(frame) = self.body.frame().await else {
                let Some(decompressor) = &self.decompressor else {
                    return Ok(None);
                };
                decompressor
                    .finish()
                    .map_err(|error| Exception::from_message(&error.to_string()))?;
                return Ok(None);
            };
            let frame = frame.map_err(|_| {
                Exception::new(210, "NETWORK_ERROR", "The request's body ended early")
            })?;
            let Ok(received) = frame.into_data() else {
                continue;
            };
            match &mut self.decompressor {
                Some(decompressor) => decompressor.push(&received),
                None => return Ok(Some(received)),
            }
        }
    }

    /// The statement from URL and body: the whole of it, or the bytes received so far of an
    /// `INSERT` with rows.
    pub async fn read_statement(&mut self, query: &mut Query) -> Result<Bytes, Exception> {
        if let Some(boundary) = query.boundary.take() {
            let form = self
                .read_up_to(BytesMut::new(), STATEMENT_BYTES_MAX, |_| false)
                .await?;
            query.take_form(&form, &boundary)?;
            return Ok(std::mem::take(&mut query.sql).into());
        }
        let mut text = BytesMut::from(query.sql.trim_end().as_bytes());
        if let Kind::Insert(insert) = statement::kind(&text)
            && insert.is_complete
        {
            return Ok(text.freeze());
        }
        if !text.is_empty() {
            text.extend_from_slice(b"\n");
        }
        // An INSERT is recognised once enough of it was received.
        let is_insert = |text: &[u8]| {
            text.len() >= INSERT_HEAD_BYTES_MAX && matches!(statement::kind(text), Kind::Insert(_))
        };
        self.read_up_to(text, STATEMENT_BYTES_MAX, is_insert)
            .await
            .map(BytesMut::freeze)
    }

    async fn read_up_to(
        &mut self,
        mut text: BytesMut,
        bytes_max: usize,
        is_enough: impl Fn(&[u8]) -> bool,
    ) -> Result<BytesMut, Exception> {
        while let Some(bytes) = self.next().await? {
            text.extend_from_slice(&bytes);
            if is_enough(&text) {
                break;
            }
            if text.len() > bytes_max {
                return Err(Exception::new(
                    307,
                    "TOO_MANY_BYTES",
                    &format!("Max query size exceeded: at most {bytes_max} bytes"),
                ));
            }
        }
        Ok(text)
    }

    /// Reads and drops the rest of the body, up to a bound, so that the client reads the answer.
    pub async fn drain(&mut self) {
        let mut drained = 0;
        let all = async {
            while let Some(Ok(frame)) = self.body.frame().await {
                drained += frame.data_ref().map_or(0, Bytes::len);
                if drained > DRAINED_BYTES_MAX {
                    break;
                }
            }
        };
        // A timeout ends the draining, which is all that is needed.
        let _ = tokio::time::timeout(Duration::from_secs(2), all).await;
    }
}
