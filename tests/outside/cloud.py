"""A cloud on loopback that one program talks to: IAM, STS, the SSO portal, a container's and an instance's metadata,
and a proxy in front of AWS's own hosts, whose TLS it ends. It remembers what it was sent, in words without ports."""

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from recorder import DELETED, SCOPE

EXPIRES = "2099-01-01T00:00:00Z"
FAILURE = b"""<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Receiver</Type>\
<Code>ServiceFailure</Code><Message>no</Message></Error><RequestId>x</RequestId></ErrorResponse>"""
ASSUMED = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>\
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>role</SecretAccessKey><SessionToken>{token}</SessionToken>\
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROAX:me</AssumedRoleId>\
<Arn>arn:aws:sts::123456789012:assumed-role/x/me</Arn></AssumedRoleUser></{action}Result></{action}Response>"""


def key(name: str) -> str:
    """An access key ID that says whose it is."""
    return "AKIA" + name.upper().ljust(16, "0")


def owner(access_key_id: str) -> str:
    """Whose access key ID that is."""
    name = access_key_id[4:].rstrip("0").lower()
    return f"role {name.removeprefix('role')}" if name.startswith("role") else name


class Cloud(ThreadingHTTPServer):
    """`second` is another proxy of the same cloud."""

    daemon_threads = True

    def __init__(self, server: ssl.SSLContext, faults: frozenset[str], first: "Cloud | None" = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = server
        self.faults = faults
        self.name = "the second proxy" if first else "the proxy"
        self.seen: list[dict[str, object]] = first.seen if first else []
        self.tries = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """A program may hang up when it likes."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Cloud
    tunnel: str | None = None

    def do_CONNECT(self) -> None:
        host = self.path.removesuffix(":443")
        self.connected = {"connect": host, "by": self.server.name}
        self.server.seen.append(self.connected)
        self.send_response(200)
        self.end_headers()
        try:
            tls = self.server.tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            self.close_connection = True
            return
        self.tunnel = host
        self.connection, self.rfile, self.wfile = tls, tls.makefile("rb"), tls.makefile("wb", 0)
        self.close_connection = False

    def do_PUT(self) -> None:
        if "no token" in self.server.faults:
            self.answer(403, b"")
        elif "once" in self.server.faults and not self.server.tries:
            self.server.tries += 1
            self.answer(500, b"")
        else:
            self.answer(200, b"token", ("x-aws-ec2-metadata-token-ttl-seconds", "21600"))

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if "/federation/credentials" in path:
            self.asked("SSO", sent=self.headers["x-amz-sso_bearer_token"])
            role = {
                "accessKeyId": key("sso"),
                "secretAccessKey": "sso",
                "sessionToken": "sso",
                "expiration": 4070908800000,
            }
            self.answer(200, json.dumps({"roleCredentials": role}).encode())
        elif "/meta-data/" not in path:
            self.asked("container", sent=self.headers["Authorization"])
            self.answer(200, given("container"))
        elif "-extended" in path:
            self.answer(404, b"")
        else:
            self.asked("instance", sent=None if self.headers["x-aws-ec2-metadata-token"] else "no token")
            self.answer(200, given("instance") if path.endswith("/role") else b"role")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = dict(parse_qsl(body, keep_blank_values=True))
        scope = SCOPE.search(self.headers.get("Authorization", ""))
        action = form.pop("Action", self.path)
        if not form.get("RoleSessionName", "me").startswith("me"):
            form["RoleSessionName"] = "made up"
        self.record(
            {
                "action": action,
                **self.place(),
                "form": form,
                **(scope.groupdict() if scope else {}),
                "token": self.headers.get("X-Amz-Security-Token"),
                "type": self.headers.get("Content-Type", "").split(";")[0],
                "trace": self.headers.get("X-Amzn-Trace-Id"),
            }
        )
        if action.startswith("AssumeRole"):
            role = form["RoleArn"].rpartition("/")[2]
            answer = ASSUMED.format(action=action, key=key(f"ROLE{role}"), token=role)
            self.answer(200, answer.encode(), ("Content-Type", "text/xml"))
        else:
            fails = "fails" in self.server.faults
            self.answer(503 if fails else 200, FAILURE if fails else DELETED, ("Content-Type", "text/xml"))

    def place(self) -> dict[str, object]:
        """Where the program meant the request to go, and by which proxy."""
        url = urlsplit(self.path)
        here = re.compile(r"127\.0\.0\.1:\d+|localhost:\d+")
        if self.tunnel:
            return {"at": here.sub("here", self.tunnel) + url.path.rstrip("/"), "by": self.server.name}
        if url.netloc:
            return {"at": here.sub("here", f"http://{url.netloc}") + url.path.rstrip("/"), "by": self.server.name}
        return {"at": here.sub("here", self.headers["Host"]) + url.path.rstrip("/"), "by": None}

    def asked(self, whom: str, sent: str | None) -> None:
        asked = {"asks": whom, "sent": sent, **({"by": self.server.name} if urlsplit(self.path).netloc else {})}
        if asked not in self.server.seen:
            self.record(asked)

    def record(self, event: dict[str, object]) -> None:
        connected = getattr(self, "connected", None)
        self.server.seen[:] = [seen for seen in self.server.seen if seen is not connected]
        self.server.seen.append(event)

    def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def given(whose: str) -> bytes:
    """Credentials as metadata services give them."""
    names = {"AccessKeyId": key(whose), "SecretAccessKey": whose, "Token": whose, "Expiration": EXPIRES}
    return json.dumps({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2020-01-01T00:00:00Z", **names}).encode()


@contextmanager
def clouds(server: ssl.SSLContext, faults: frozenset[str]) -> Iterator[tuple[Cloud, Cloud]]:
    first = Cloud(server, faults)
    second = Cloud(server, faults, first)
    for cloud in (first, second):
        Thread(target=cloud.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield first, second
    finally:
        for cloud in (first, second):
            cloud.shutdown()
            cloud.server_close()
