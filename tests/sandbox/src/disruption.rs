//! What can be made to go wrong with a connection or a reply.

use std::borrow::Cow;
use std::time::Duration;

/// Something that goes wrong with a connection or with the answer to a request.
///
/// "Acts" means that the request is carried out (if it is valid) before things go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The connection is reset before anything is read from it, TLS included.
    ResetOnAccept,
    /// The connection is accepted, and nothing ever comes; TLS included.
    SilenceOnAccept,
    /// The request is read, and the connection reset.
    ResetBeforeActing,
    /// Acts, then the connection is reset.
    ResetAfterActing,
    /// The connection is reset, and the request is carried out so much later.
    ActAfterReset(Duration),
    /// Acts, then the connection is closed without a byte.
    CloseAfterActing,
    /// Acts, sends half of the reply's head, and closes.
    TruncateHead,
    /// Acts, sends the head and half of the body, and closes.
    TruncateBody,
    /// Acts, sends the reply in chunks, and closes inside a chunk.
    CutChunk,
    /// The request is read, and nothing ever comes.
    SilenceBeforeActing,
    /// Nothing ever comes, and the request is carried out so much later.
    ActInSilence(Duration),
    /// Acts, and nothing ever comes.
    SilenceAfterActing,
    /// Acts, then sends the reply, or only its body, one byte at a time.
    Drip {
        /// The pause before each byte.
        byte_every: Duration,
        /// Whether the head comes as a whole.
        is_head_whole: bool,
    },
    /// Acts, then sends a body that never ends, as fast as it is read.
    EndlessBody,
    /// Acts, then sends the reply with so many more headers.
    ManyHeaders(usize),
    /// These bytes are sent instead of a reply, and the connection is closed.
    NotHttp(Vec<u8>),
    /// These bytes are sent instead of a reply, and nothing more ever comes.
    Stall(Vec<u8>),
    /// The first bytes are sent instead of a reply, and then the others without end, as fast as they are read.
    Flood(Vec<u8>, Vec<u8>),
    /// This reply is sent. A `Content-Length` is added unless a header says how long the body is.
    /// `<RequestId>r</RequestId>` in the body gets a new request ID each time.
    Reply {
        /// Its status.
        status: u16,
        /// Its headers; no other is added but `Content-Length`, and `Date` unless it is among them.
        headers: Vec<(String, String)>,
        /// Its body.
        body: Vec<u8>,
        /// Whether the request is carried out.
        act: Act,
    },
    /// An error in IAM's own form is sent; the request is not carried out.
    Error {
        /// The HTTP status.
        status: u16,
        /// `ServiceFailure`, say.
        code: Cow<'static, str>,
        /// The message.
        message: Cow<'static, str>,
    },
    /// The request is repeated in the reply, and not carried out.
    Echo(Echo),
    /// The reply comes so much later. Goes together with the next fault that matches the request.
    Delay(Duration),
    /// Acts, stops listening, so that who connects again is refused, and resets the connection.
    LoseReplyAndStopListening,
    /// Acts and answers as usual; after that, a user has another name.
    ThenRename { name: String, to: String },
    /// Acts and sends the reply twice; the connection stays open.
    ReplyTwice,
}

/// Whether a request whose reply is replaced is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// It is, before the reply is sent.
    Before,
    /// It is, so much after the reply is sent.
    Later(Duration),
    /// It is not.
    Never,
}

/// How a reply repeats the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// What is signed, in an error's message.
    Canonical,
    /// Every header, in a page and in a header of its own.
    Page,
    /// Every header and the body, in an error of a service that speaks JSON.
    Json,
}

impl What {
    /// An error in IAM's own form, not acting.
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

    /// A reply with this content type and body, not acting: a captive portal's page, say.
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

    /// A reply without content type or body, not acting.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            act: Act::Never,
        }
    }

    /// A redirect, not acting.
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

    /// Whether it happens to a connection, before any request.
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
