//! Sends responses, either complete or altered by a fault.

use crate::disruption::What;
use crate::reply::Reply;
use crate::transport::{self, Transport};
use std::fmt::Write;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How the client finds the end of a body.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length,
    Chunked,
}

/// Sends a complete response.
pub(crate) async fn send<T: AsyncWrite + Unpin>(stream: &mut T, reply: &Reply) -> io::Result<()> {
    let mut bytes = head(reply, Framing::Length);
    bytes.extend_from_slice(&reply.body);
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// Sends the response as the fault alters it. Returns the stream if the connection stays open.
pub(crate) async fn send_faulty<T: Transport>(
    mut stream: T,
    reply: &Reply,
    what: &What,
) -> io::Result<Option<T>> {
    match what {
        What::ResetOnAccept
        | What::ResetBeforeActing
        | What::ResetAfterActing
        | What::ActAfterReset(_)
        | What::LoseReplyAndStopListening => {
            transport::reset(&stream)?;
            return Ok(None);
        }
        What::SilenceOnAccept
        | What::SilenceBeforeActing
        | What::SilenceAfterActing
        | What::ActInSilence(_) => {
            transport::hold(stream).await?;
            return Ok(None);
        }
        What::CloseAfterActing => return Ok(None),
        What::TruncateHead => {
            let head = head(reply, Framing::Length);
            stream.write_all(&head[..head.len() / 2]).await?;
        }
        What::TruncateBody => {
            let mut bytes = head(reply, Framing::Length);
            bytes.extend_from_slice(&reply.body[..reply.body.len() / 2]);
            stream.write_all(&bytes).await?;
        }
        What::CutChunk => {
            let mut bytes = head(reply, Framing::Chunked);
            bytes.extend_from_slice(format!("{:x}\r\n", reply.body.len()).as_bytes());
            bytes.extend_from_slice(&reply.body[..reply.body.len() / 2]);
            stream.write_all(&bytes).await?;
        }
        What::NotHttp(bytes) => stream.write_all(bytes).await?,
        What::Stall(bytes) => {
            stream.write_all(bytes).await?;
            stream.flush().await?;
            transport::hold(stream).await?;
            return Ok(None);
        }
        What::EndlessBody => send_endlessly(&mut stream, reply).await?,
        What::Flood(start, unit) => {
            stream.write_all(start).await?;
            let units = unit.repeat(65_536 / unit.len());
            loop {
                stream.write_all(&units).await?;
            }
        }
        What::Drip {
            byte_every,
            is_head_whole,
        } => {
            let mut bytes = head(reply, Framing::Length);
            if *is_head_whole {
                stream.write_all(&std::mem::take(&mut bytes)).await?;
            }
            bytes.extend_from_slice(&reply.body);
            drip(&mut stream, &bytes, *byte_every).await?;
            return Ok(Some(stream));
        }
        What::ReplyTwice => {
            let mut bytes = head(reply, Framing::Length);
            bytes.extend_from_slice(&reply.body);
            // Use one write, so that both responses arrive before the client's next request.
            bytes.extend_from_within(..);
            stream.write_all(&bytes).await?;
            stream.flush().await?;
            return Ok(Some(stream));
        }
        What::ManyHeaders(_)
        | What::Reply { .. }
        | What::Error { .. }
        | What::Echo(_)
        | What::Delay(_)
        | What::ThenRename { .. } => {
            send(&mut stream, reply).await?;
            return Ok(Some(stream));
        }
    }
    stream.flush().await?;
    Ok(None)
}

async fn drip<T: Transport>(stream: &mut T, bytes: &[u8], pause: Duration) -> io::Result<()> {
    for byte in bytes {
        tokio::time::sleep(pause).await;
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
    }
    Ok(())
}

async fn send_endlessly<T: Transport>(stream: &mut T, reply: &Reply) -> io::Result<()> {
    let mut start = head(reply, Framing::Chunked);
    start.extend_from_slice(format!("{:x}\r\n", reply.body.len()).as_bytes());
    start.extend_from_slice(&reply.body);
    start.extend_from_slice(b"\r\n");
    stream.write_all(&start).await?;
    let chunk = format!("2000\r\n{:8192}\r\n", "");
    loop {
        stream.write_all(chunk.as_bytes()).await?;
    }
}

fn head(reply: &Reply, framing: Framing) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        let _in_memory = write!(head, "{name}: {value}\r\n");
    }
    let framed = |(name, _): &(String, String)| {
        name.eq_ignore_ascii_case("content-length")
            || name.eq_ignore_ascii_case("transfer-encoding")
    };
    match framing {
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::Length if reply.headers.iter().any(framed) => (),
        Framing::Length => {
            let _in_memory = write!(head, "Content-Length: {}\r\n", reply.body.len());
        }
    }
    head.push_str("\r\n");
    head.into_bytes()
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        409 => "Conflict",
        410 => "Gone",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
