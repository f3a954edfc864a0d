"""Finds the secret that signed a request, by computing AWS Signature Version 4 with each candidate."""

import hmac
import re
from collections.abc import Iterable
from email.message import Message
from hashlib import sha256
from urllib.parse import quote, urlsplit

AUTHORIZATION = re.compile(
    r"Credential=(?P<key>[^/]+)/(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request), *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>\w+)"
)
NONE_FITS = "UNKNOWN"


def secret(method: str, target: str, headers: Message, body: bytes, secrets: Iterable[str]) -> str | None:
    """The secret that produces this signature, or None if the request is not signed."""
    given = AUTHORIZATION.search(headers.get("Authorization", ""))
    if not given:
        return None
    texts = [to_sign(method, path, headers, body, given) for path in paths(target)]
    for one in secrets:
        key = signing_key(one, given)
        if any(sign(key, text).hex() == given["signature"] for text in texts):
            return one
    return NONE_FITS


def paths(target: str) -> set[str]:
    """The forms of the path to try. A signer may encode the path again."""
    path = urlsplit(target).path or "/"
    return {path, quote(path)}


def to_sign(method: str, path: str, headers: Message, body: bytes, given: re.Match[str]) -> bytes:
    names = given["headers"].split(";")
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    request = f"{method}\n{path}\n\n{lines}\n{given['headers']}\n{sha256(body).hexdigest()}"
    digest = sha256(request.encode("latin-1")).hexdigest()
    return f"AWS4-HMAC-SHA256\n{headers.get('X-Amz-Date')}\n{given['scope']}\n{digest}".encode()


def signing_key(one: str, given: re.Match[str]) -> bytes:
    key = f"AWS4{one}".encode()
    for part in (given["day"], given["region"], given["service"], "aws4_request"):
        key = sign(key, part.encode())
    return key


def sign(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
