//! Reads HTTP/1.1 requests from a stream, with or without chunked bodies, and parses their parameters.

use std::io::{self, Error, ErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

const MAX_HEADERS: usize = 100;
const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A request as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The raw path and query. A request to a proxy has a whole URL.
    pub(crate) target: String,
    /// The headers in order, with lowercase names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the connection ends after the response.
    pub(crate) closing: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    /// The parameters of the query, followed by those of the form in the body.
    pub(crate) fn params(&self) -> Params {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs =
            [query.as_bytes(), &self.body].map(|text| form_urlencoded::parse(text).into_owned());
        Params {
            pairs: pairs.into_iter().flatten().collect(),
        }
    }
}

/// Form parameters, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    pub(crate) pairs: Vec<(String, String)>,
}

impl Params {
    #[cfg(test)]
    pub(crate) fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            pairs: pairs.collect(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads the next request with its body. Returns `None` if the stream ends before a request starts.
///
/// `buffer` keeps the bytes that were read but not used from one call to the next. An invalid request is an error of
/// kind `InvalidData`.
pub(crate) async fn read<T>(stream: &mut T, buffer: &mut Vec<u8>) -> io::Result<Option<Request>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let Some(mut request) = read_head(stream, buffer).await? else {
        return Ok(None);
    };
    let chunked = request
        .header("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    if request
        .header("expect")
        .is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue"))
    {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if chunked {
        request.body = read_chunks(stream, buffer).await?;
    } else if let Some(length) = request.header("content-length") {
        let length = length
            .parse()
            .ok()
            .filter(|&length| length <= MAX_BODY)
            .ok_or(ErrorKind::InvalidData)?;
        fill(stream, buffer, length).await?;
        request.body = buffer.drain(..length).collect();
    }
    Ok(Some(request))
}

async fn read_head<T: AsyncRead + Unpin>(
    stream: &mut T,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    loop {
        if let Some((request, used)) = parse_head(buffer)? {
            buffer.drain(..used);
            return Ok(Some(request));
        }
        if buffer.len() > MAX_HEAD {
            return Err(ErrorKind::InvalidData.into());
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(ErrorKind::UnexpectedEof.into())
            };
        }
    }
}

/// A request without its body, and the length of its head. Returns `None` if the head is incomplete.
fn parse_head(bytes: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let invalid = |error| Error::new(ErrorKind::InvalidData, error);
    let httparse::Status::Complete(used) = head.parse(bytes).map_err(invalid)? else {
        return Ok(None);
    };
    let mut request = Request {
        method: head.method.unwrap_or_default().to_owned(),
        target: head.path.unwrap_or_default().to_owned(),
        ..Request::default()
    };
    for header in head.headers.iter() {
        request.headers.push((
            header.name.to_ascii_lowercase(),
            String::from_utf8_lossy(header.value).into_owned(),
        ));
    }
    let asked_to_close = request
        .header("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    request.closing = asked_to_close || head.version == Some(0);
    Ok(Some((request, used)))
}

async fn read_chunks<T: AsyncRead + Unpin>(
    stream: &mut T,
    buffer: &mut Vec<u8>,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (start, length) = loop {
            match httparse::parse_chunk_size(buffer) {
                Ok(httparse::Status::Complete((start, length))) => break (start, length),
                Ok(httparse::Status::Partial) => fill(stream, buffer, buffer.len() + 1).await?,
                Err(_) => return Err(ErrorKind::InvalidData.into()),
            }
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| body.len() + length <= MAX_BODY);
        let length = length.ok_or(ErrorKind::InvalidData)?;
        // A line break follows each chunk, even the last, empty one. Trailers are not supported.
        fill(stream, buffer, start + length + 2).await?;
        body.extend_from_slice(&buffer[start..start + length]);
        buffer.drain(..start + length + 2);
        if length == 0 {
            return Ok(body);
        }
    }
}

/// Reads until the buffer has at least `length` bytes.
async fn fill<T: AsyncRead + Unpin>(
    stream: &mut T,
    buffer: &mut Vec<u8>,
    length: usize,
) -> io::Result<()> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}
