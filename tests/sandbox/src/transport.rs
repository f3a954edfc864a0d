//! A connection with or without TLS that ends with FIN or RST.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A byte stream over a TCP socket.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// The underlying socket.
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

/// Makes the connection end with RST when it is dropped. Otherwise it ends with FIN, and without a TLS alert.
pub(crate) fn reset(transport: &impl Transport) -> io::Result<()> {
    transport.socket().set_zero_linger()
}

/// Keeps the connection open silently until the client ends it.
pub(crate) async fn hold(mut transport: impl Transport) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while transport.read(&mut ignored).await? > 0 {}
    Ok(())
}
