//! Limits the size of a response: of its body, and of all bytes that it takes on the connection. A server can send
//! endless headers, endless chunk sizes or single bytes, which never become a body.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use aws_smithy_types::body::SdkBody;
use futures_util::{StreamExt, future, stream};
use http_body_util::{BodyExt, LengthLimitError, Limited, StreamBody};
use hyper::http::Extensions;
use hyper_util::client::legacy::connect::{CaptureConnection, Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connector::Stream;
use super::response_body;

/// The maximum size of a response, in bytes and as text. Attached to the request as an extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseLimit(usize, &'static str);

/// The maximum size of everything before the body, with 1xx responses.
const HEAD: usize = 64 << 10;

/// How many bytes the connection may take for each byte of the body. Small chunks have more framing than content.
const FRAMING: usize = 3;

impl ResponseLimit {
    /// The largest responses are credential reports, with about 2 MiB for the 5,000 users that an account has by
    /// default, and pages of 1,000 users, with 4 MiB if all paths and ARNs have the maximum length.
    pub(super) const ANY: Self = Self(6 << 20, "6 MiB");

    /// For errors and confirmed changes, which contain only a request ID, a code and a message.
    pub(super) const SHORT: Self = Self(64 << 10, "64 KiB");

    /// Returns the limit for an operation.
    pub(super) fn to(operation: &str) -> Self {
        if response_body::is_change(operation) {
            Self::SHORT
        } else {
            Self::ANY
        }
    }

    /// Makes reading the body fail once it exceeds the limit. The body is read into one buffer: the SDK keeps each frame,
    /// which takes 40 times the memory if a server sends single bytes.
    pub(super) fn limit(self, body: SdkBody) -> SdkBody {
        let Self(bytes, words) = self;
        let read = async move {
            let mut body = Limited::new(body, bytes);
            let mut whole = Vec::new();
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => whole.extend_from_slice(&frame.into_data().unwrap_or_default()),
                    Err(error) if error.is::<LengthLimitError>() => {
                        let reason = format!("the response is longer than {words}");
                        return Some(Err(io::Error::new(ErrorKind::FileTooLarge, reason).into()));
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
            SdkBody::from(whole).frame().await
        };
        let frame = stream::once(read).filter_map(future::ready);
        SdkBody::from_body_1_x(StreamBody::new(frame))
    }
}

/// How many bytes of the current response may still be read. Every response has the allowance of its connection as an
/// extension.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    /// Whether a part of the current response was read.
    pub(super) fn is_used_on(connection: &CaptureConnection) -> bool {
        let mut extensions = Extensions::new();
        if let Some(connected) = connection.connection_metadata().as_ref() {
            connected.get_extras(&mut extensions);
        }
        let allowance = extensions.get::<Self>();
        allowance.is_some_and(|allowance| allowance.0.load(Ordering::Relaxed) != HEAD)
    }

    /// Allows the body, once the head has been read.
    pub(super) fn allow_body(&self, limit: ResponseLimit) {
        self.0.store(FRAMING * limit.0 + HEAD, Ordering::Relaxed);
    }

    /// Allows everything before the body.
    fn allow_head(&self) {
        self.0.store(HEAD, Ordering::Relaxed);
    }

    /// Counts bytes that were read.
    ///
    /// # Errors
    ///
    /// They are too many.
    fn use_up(&self, count: usize) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed).checked_sub(count);
        self.0.store(left.unwrap_or_default(), Ordering::Relaxed);
        let too_long = || io::Error::new(ErrorKind::FileTooLarge, "the response is too long");
        left.map(drop).ok_or_else(too_long)
    }
}

/// A connection that limits each response, from the last byte of the request on.
pub(super) struct LimitedStream {
    stream: TokioIo<Stream>,
    allowance: Allowance,
    /// Whether a proxy receives the requests.
    is_proxied: bool,
}

impl LimitedStream {
    pub(super) fn new(stream: Stream, is_proxied: bool) -> Self {
        let limited = Self {
            stream: TokioIo::new(stream),
            allowance: Allowance::default(),
            is_proxied,
        };
        // A server that does not speak HTTP may be the first to send something.
        limited.allowance.allow_head();
        limited
    }
}

impl Connection for LimitedStream {
    fn connected(&self) -> Connected {
        let connected = self.stream.inner().connected();
        connected
            .proxy(self.is_proxied)
            .extra(self.allowance.clone())
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(self.allowance.use_up(buffer.filled().len() - before))
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.allowance.allow_head();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.allowance.allow_head();
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
