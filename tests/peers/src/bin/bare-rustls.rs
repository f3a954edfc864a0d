//! The minimum work for a request over TLS: loads the system's root certificates, connects, sends one unsigned POST to IAM
//! and reads the error response. Uses no SDK, runtime or HTTP client.
//!
//! Usage: `bare-rustls HOST PORT`

use std::error::Error;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let host = arguments.next().ok_or("HOST is missing")?;
    let port: u16 = arguments.next().ok_or("PORT is missing")?.parse()?;
    let socket = TcpStream::connect((host.as_str(), port))?;
    socket.set_nodelay(true)?;
    let connection = ClientConnection::new(Arc::new(configuration()?), host.clone().try_into()?)?;
    let mut stream = StreamOwned::new(connection, socket);
    stream.write_all(request(&host).as_bytes())?;
    let reply = read_reply(&mut stream)?;
    if reply.contains("<Code>MissingAuthenticationToken</Code>") {
        Ok(())
    } else {
        Err(format!("expected MissingAuthenticationToken, got: {reply}").into())
    }
}

/// Reads up to the end of an IAM error response.
fn read_reply(stream: &mut impl Read) -> Result<String, Box<dyn Error>> {
    let mut reply = Vec::new();
    let mut buffer = [0; 4096];
    while !reply.trim_ascii_end().ends_with(b"</ErrorResponse>") {
        match stream.read(&mut buffer)? {
            0 => break,
            length => reply.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(String::from_utf8(reply)?)
}

fn configuration() -> Result<ClientConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        roots.add(certificate)?;
    }
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn request(host: &str) -> String {
    let body = "Action=DeleteAccessKey&Version=2010-05-08";
    format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
