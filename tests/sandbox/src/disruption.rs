//! The faults that can be injected into a connection or a response.

use std::borrow::Cow;
use std::time::Duration;

/// A fault in a connection or in the response to a request.
///
/// "Acts" means that a valid request takes effect before the fault happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Resets the connection before anything is read, even the TLS handshake.
    ResetOnAccept,
    /// Accepts the connection and never sends anything, not even a TLS handshake.
    SilenceOnAccept,
    /// Reads the request, then resets the connection.
    ResetBeforeActing,
    /// Acts, then resets the connection.
    ResetAfterActing,
    /// Resets the connection. The request takes effect after this delay.
    ActAfterReset(Duration),
    /// Acts, then closes the connection without sending a byte.
    CloseAfterActing,
    /// Acts, sends half of the response head, and closes the connection.
    TruncateHead,
    /// Acts, sends the head and half of the body, and closes the connection.
    TruncateBody,
    /// Acts, sends a chunked response, and closes the connection inside a chunk.
    CutChunk,
    /// Reads the request, and never responds.
    SilenceBeforeActing,
    /// Never responds. The request takes effect after this delay.
    ActInSilence(Duration),
    /// Acts, and never responds.
    SilenceAfterActing,
    /// Acts, then sends the response, or only its body, one byte at a time.
    Drip {
        /// The pause before each byte.
        byte_every: Duration,
        /// Whether the head is sent all at once.
        is_head_whole: bool,
    },
    /// Acts, then sends an endless body as fast as the client reads it.
    EndlessBody,
    /// Acts, then sends the response with this many extra headers.
    ManyHeaders(usize),
    /// Sends these bytes instead of a response, and closes the connection.
    NotHttp(Vec<u8>),
    /// Sends these bytes instead of a response, and nothing else.
    Stall(Vec<u8>),
    /// Sends the first bytes instead of a response, and then repeats the second as fast as the client reads them.
    Flood(Vec<u8>, Vec<u8>),
    /// Sends this response. Adds a `Content-Length` unless a header gives the length of the body. Replaces
    /// `<RequestId>r</RequestId>` in the body with a new request ID each time.
    Reply {
        status: u16,
        /// Its headers. Only `Content-Length` is added, and `Date` if it is missing.
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        /// Whether and when the request takes effect.
        act: Act,
    },
    /// Sends an error in IAM's format. The request does not take effect.
    Error {
        status: u16,
        /// `ServiceFailure`, for example.
        code: Cow<'static, str>,
        message: Cow<'static, str>,
    },
    /// Repeats the request in the response. The request does not take effect.
    Echo(Echo),
    /// Delays the response. Also applies the next fault that matches the request.
    Delay(Duration),
    /// Acts, stops listening so that new connections are refused, and resets the connection.
    LoseReplyAndStopListening,
    /// Acts, renames a user, and responds normally.
    ThenRename { name: String, to: String },
    /// Acts and sends the response twice. The connection stays open.
    ReplyTwice,
}

/// Whether a request takes effect if its response is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Yes, before the response is sent.
    Before,
    /// Yes, this long after the response is sent.
    Later(Duration),
    /// No.
    Never,
}

/// How a response repeats the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// The canonical request, in an error message.
    Canonical,
    /// Every header, in a page and in a response header.
    Page,
    /// Every header and the body, in an error of a JSON service.
    Json,
}

impl What {
    /// An error in IAM's format. The request does not take effect.
    #[must_use]
    pub fn error(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Error {
            status,
            code: code.into(),
            message: message.into(),
        }
    }

    /// A response with this content type and body, such as a captive portal's page. The request does not take effect.
    #[must_use]
    pub fn page(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self::Reply {
            status,
            headers,
            body: body.into(),
            act: Act::Never,
        }
    }

    /// A response without a content type or body. The request does not take effect.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            act: Act::Never,
        }
    }

    /// A redirect. The request does not take effect.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        let headers = vec![("Location".to_owned(), location.to_owned())];
        Self::Reply {
            status,
            headers,
            body: Vec::new(),
            act: Act::Never,
        }
    }

    /// The variant's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ResetOnAccept => "ResetOnAccept",
            Self::SilenceOnAccept => "SilenceOnAccept",
            Self::ResetBeforeActing => "ResetBeforeActing",
            Self::ResetAfterActing => "ResetAfterActing",
            Self::ActAfterReset(_) => "ActAfterReset",
            Self::CloseAfterActing => "CloseAfterActing",
            Self::TruncateHead => "TruncateHead",
            Self::TruncateBody => "TruncateBody",
            Self::CutChunk => "CutChunk",
            Self::SilenceBeforeActing => "SilenceBeforeActing",
            Self::ActInSilence(_) => "ActInSilence",
            Self::SilenceAfterActing => "SilenceAfterActing",
            Self::Drip { .. } => "Drip",
            Self::EndlessBody => "EndlessBody",
            Self::ManyHeaders(_) => "ManyHeaders",
            Self::NotHttp(_) => "NotHttp",
            Self::Stall(_) => "Stall",
            Self::Flood(..) => "Flood",
            Self::Reply { .. } => "Reply",
            Self::Error { .. } => "Error",
            Self::Echo(_) => "Echo",
            Self::Delay(_) => "Delay",
            Self::LoseReplyAndStopListening => "LoseReplyAndStopListening",
            Self::ThenRename { .. } => "ThenRename",
            Self::ReplyTwice => "ReplyTwice",
        }
    }

    /// Whether the fault happens to a connection, before any request.
    pub(crate) const fn is_on_accept(&self) -> bool {
        matches!(self, Self::ResetOnAccept | Self::SilenceOnAccept)
    }

    pub(crate) const fn act(&self) -> Act {
        match self {
            Self::ResetOnAccept
            | Self::SilenceOnAccept
            | Self::ResetBeforeActing
            | Self::SilenceBeforeActing
            | Self::NotHttp(_)
            | Self::Stall(_)
            | Self::Flood(..)
            | Self::Error { .. }
            | Self::Echo(_) => Act::Never,
            Self::Reply { act, .. } => *act,
            Self::ActAfterReset(later) | Self::ActInSilence(later) => Act::Later(*later),
            Self::ResetAfterActing
            | Self::CloseAfterActing
            | Self::TruncateHead
            | Self::TruncateBody
            | Self::CutChunk
            | Self::SilenceAfterActing
            | Self::Drip { .. }
            | Self::EndlessBody
            | Self::ManyHeaders(_)
            | Self::Delay(_)
            | Self::ThenRename { .. }
            | Self::LoseReplyAndStopListening
            | Self::ReplyTwice => Act::Before,
        }
    }
}
