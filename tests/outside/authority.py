"""Two certificate authorities for one run: one that signs the certificate of the loopback cloud, and an unrelated one."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Every host that a program may connect to, with wildcards for labels that vary.
HOSTS = [
    "localhost",
    "*.amazonaws.com",
    "*.us-gov.amazonaws.com",
    "iam.cn-north-1.amazonaws.com.cn",
    "iam.global.api.aws",
    "iam.us-iso-east-1.c2s.ic.gov",
    "iam.us-isob-east-1.sc2s.sgov.gov",
    *(f"sts.{region}.amazonaws.com" for region in ("us-east-1", "eu-west-1", "ap-south-1")),
]


class Authority(NamedTuple):
    """PEM files with the trusted authorities, and the certificate and key of the server."""

    right: Path
    wrong: Path
    server: ssl.SSLContext


def made(folder: Path, hosts: Sequence[str] = HOSTS) -> Authority:
    key, name = ec.generate_private_key(ec.SECP256R1()), named("right")
    right = certificate(name, name, key, key)
    write(folder / "right.pem", right)
    stranger = ec.generate_private_key(ec.SECP256R1())
    write(folder / "wrong.pem", certificate(named("wrong"), named("wrong"), stranger, stranger))
    own = ec.generate_private_key(ec.SECP256R1())
    write(folder / "server.pem", certificate(named("server"), name, own, key, hosts=hosts))
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    return Authority(folder / "right.pem", folder / "wrong.pem", server)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())


def write(path: Path, found: x509.Certificate) -> None:
    path.write_bytes(found.public_bytes(serialization.Encoding.PEM))
