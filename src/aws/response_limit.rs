//! Limits the size of a response: of its body, and of all bytes that it takes on the connection. A server can send
//! endless headers, endless chunk sizes or single bytes, which never become a body.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_smithy_types::body::SdkBody;
use futures_util::{StreamExt, future, stream};
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::StatusCode;
use hyper::http::Extensions;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connector::Stream;
use super::late::{Late, within};
use super::response_body;
use crate::error::Operation;
use crate::lock::lock;

/// The maximum size of a response, in bytes and as text. Attached to the request as an extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseLimit(usize, &'static str);

/// The maximum size of everything before the body, with 1xx responses.
const HEAD: usize = 64 << 10;

/// The length of a status line up to the byte after the status.
const STATUS: usize = "HTTP/1.1 200 ".len();

/// How many bytes the connection may take for each byte of the body. Small chunks have more framing than content.
const FRAMING: usize = 3;

impl ResponseLimit {
    /// The largest responses are credential reports, with about 2 MiB for the 5,000 users that an account has by
    /// default, and pages of 1,000 users, with 4 MiB if all paths and ARNs have the maximum length.
    const LONG: Self = Self(6 << 20, "6 MiB");

    /// For everything else: errors, confirmed changes, and credentials.
    pub(super) const SHORT: Self = Self(64 << 10, "64 KiB");

    /// Returns the limit for an operation.
    pub(super) fn to(operation: Operation) -> Self {
        if response_body::is_list(operation) || operation.name() == "GetCredentialReport" {
            Self::LONG
        } else {
            Self::SHORT
        }
    }

    /// Makes reading the body fail once it exceeds the limit, or if it pauses for `longest_pause`. The body is read into
    /// one buffer: the SDK keeps each frame, which takes 40 times the memory if a server sends single bytes.
    pub(super) fn limit(self, body: SdkBody, longest_pause: Option<Duration>) -> SdkBody {
        let Self(bytes, words) = self;
        let read = async move {
            let mut body = Limited::new(body, bytes);
            let mut whole = Vec::new();
            loop {
                let frame = async { body.frame().await.transpose() };
                match within(longest_pause, Instant::now(), Late::Rest, frame).await {
                    Ok(Some(frame)) => {
                        whole.extend_from_slice(&frame.into_data().unwrap_or_default());
                    }
                    Ok(None) => return SdkBody::from(whole).frame().await,
                    Err(error) if error.is::<LengthLimitError>() => {
                        let reason = format!("the response is longer than {words}");
                        return Some(Err(io::Error::new(ErrorKind::FileTooLarge, reason).into()));
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
        };
        let frame = stream::once(read).filter_map(future::ready);
        SdkBody::from_body_1_x(StreamBody::new(frame))
    }
}

/// What was read of the current response. Every response has that of its connection as an extension.
pub(super) type SharedReading = Arc<Mutex<Reading>>;

#[derive(Debug)]
pub(super) struct Reading {
    /// How many bytes may still be read.
    left: usize,
    /// The first bytes, enough for the status.
    start: Vec<u8>,
}

/// Whether a part of the current response on a connection was read.
pub(super) fn has_begun(connection: &CaptureConnection) -> bool {
    !start(connection).is_empty()
}

/// Returns the first bytes that were read of the current response on a connection.
pub(super) fn start(connection: &CaptureConnection) -> Vec<u8> {
    let mut extensions = Extensions::new();
    if let Some(connected) = connection.connection_metadata().as_ref() {
        connected.get_extras(&mut extensions);
    }
    let reading = extensions.get::<SharedReading>();
    reading.map_or_else(Vec::new, |reading| lock(reading).start.clone())
}

impl Reading {
    /// Whether a part of the current response was read.
    pub(super) fn began(&self) -> bool {
        !self.start.is_empty()
    }

    /// Returns the status, even if the rest of the head is invalid.
    pub(super) fn status(&self) -> Option<StatusCode> {
        let after_version = self.start.strip_prefix(b"HTTP/1.")?.get(2..)?;
        let (status, end) = after_version.split_at_checked(3)?;
        let is_whole = matches!(end, [b' ' | b'\r' | b'\n']);
        StatusCode::from_bytes(status).ok().filter(|_| is_whole)
    }

    /// Allows the body, once the head has been read.
    pub(super) fn allow_body(&mut self, limit: ResponseLimit) {
        self.left = FRAMING * limit.0 + HEAD;
    }

    /// Allows everything before the body of the next response.
    fn allow_head(&mut self) {
        self.left = HEAD;
        self.start.clear();
    }

    /// Counts bytes that were read.
    ///
    /// # Errors
    ///
    /// They are too many.
    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        let missing = STATUS.saturating_sub(self.start.len());
        let start = &bytes[..missing.min(bytes.len())];
        self.start.extend_from_slice(start);
        let left = self.left.checked_sub(bytes.len());
        self.left = left.unwrap_or_default();
        let too_long = || io::Error::new(ErrorKind::FileTooLarge, "the response is too long");
        left.map(drop).ok_or_else(too_long)
    }
}

/// A connection that limits each response, from the last byte of the request on.
pub(super) struct LimitedStream<S = Stream> {
    stream: TokioIo<S>,
    pub(super) reading: SharedReading,
    /// Whether a proxy receives the requests.
    is_proxied: bool,
}

impl<S> LimitedStream<S> {
    pub(super) fn new(stream: S, is_proxied: bool) -> Self {
        // A server that does not speak HTTP may be the first to send something.
        let reading = Reading {
            left: HEAD,
            start: Vec::new(),
        };
        Self {
            stream: TokioIo::new(stream),
            reading: Arc::new(Mutex::new(reading)),
            is_proxied,
        }
    }

    /// Returns the connection without a limit.
    pub(super) fn into_inner(self) -> S {
        self.stream.into_inner()
    }
}

impl Connection for LimitedStream {
    fn connected(&self) -> Connected {
        let connected = self.stream.inner().connected();
        connected
            .proxy(self.is_proxied)
            .extra(Arc::clone(&self.reading))
    }
}

impl<S: Read + Unpin> AsyncRead for LimitedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(lock(&self.reading).add(&buffer.filled()[before..]))
    }
}

impl<S: Write + Unpin> AsyncWrite for LimitedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        lock(&self.reading).allow_head();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
