//! Roles that require an external ID or an MFA code.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use iam_sandbox::{Sandbox, sign};

const SERIAL: &str = "arn:aws:iam::123456789012:mfa/admin";

/// Sends `AssumeRole` with additional parameters, and returns the whole response.
fn assume(sandbox: &Sandbox, more: &[(&str, &str)]) -> String {
    let address = sandbox.address();
    let mut params = vec![
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::123456789012:role/path/Guarded"),
        ("RoleSessionName", "me"),
    ];
    params.extend(more);
    let mut stream = TcpStream::connect(address).expect("a connection");
    let request = sign::post(&sandbox.admin(), &address.to_string(), &params);
    stream.write_all(&request).expect("the request is sent");
    stream.shutdown(Shutdown::Write).expect("an open socket");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply
}

#[test]
fn a_code_works_once_and_only_with_its_device() {
    let sandbox = Sandbox::builder()
        .mfa("Guarded")
        .mfa_device(SERIAL, &["755224"])
        .start();
    assert!(assume(&sandbox, &[]).contains("not authorized to perform: sts:AssumeRole"));
    let with = |serial, code| assume(&sandbox, &[("SerialNumber", serial), ("TokenCode", code)]);
    assert!(with("GAHT12345678", "755224").contains("verify your MFA serial number"));
    assert!(with(SERIAL, "287082").contains("invalid MFA one time pass code"));
    assert!(with(SERIAL, "12345").contains("greater than or equal to 6"));
    assert!(with(SERIAL, "755224").contains("assumed-role/Guarded/me"));
    assert!(with(SERIAL, "755224").contains("invalid MFA one time pass code"));
    assert!(assume(&sandbox, &[("SerialNumber", SERIAL)]).contains("must provide both"));
}

#[test]
fn an_external_id_is_compared() {
    let sandbox = Sandbox::builder().external_id("Guarded", "unique").start();
    for more in [&[][..], &[("ExternalId", "Unique")]] {
        assert!(assume(&sandbox, more).contains("not authorized to perform: sts:AssumeRole"));
    }
    assert!(assume(&sandbox, &[("ExternalId", "unique")]).contains("assumed-role/Guarded/me"));
}
