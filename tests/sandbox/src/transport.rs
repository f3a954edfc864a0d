//! A connection with or without TLS, and its end by FIN or by RST.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A stream of bytes over a TCP socket.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// The socket under it.
    fn socket(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Makes the connection end by RST when it is dropped. Otherwise it ends by FIN, and TLS without a word.
pub(crate) fn reset(transport: &impl Transport) -> io::Result<()> {
    transport.socket().set_zero_linger()
}

/// Keeps the connection open without a word until the other side ends it.
pub(crate) async fn hold(mut transport: impl Transport) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while transport.read(&mut ignored).await? > 0 {}
    Ok(())
}
