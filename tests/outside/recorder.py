"""A server on loopback that says "deleted" to everyone and remembers what it was sent; asked to CONNECT, it
remembers the target and refuses. It hands out the credentials of a container too."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl

DELETED = b"""<DeleteAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">\
<ResponseMetadata><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ResponseMetadata>\
</DeleteAccessKeyResponse>"""
CONTAINER = b"""{"AccessKeyId": "ASIACONTAINERCONTAIN", "SecretAccessKey": "container", "Token": "token",\
 "Expiration": "2099-01-01T00:00:00Z"}"""
SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


class Recorder(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict[str, object]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def taken(self) -> list[dict[str, object]]:
        """What was seen since this was asked the last time."""
        seen, self.seen = self.seen, []
        return seen


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        scope = SCOPE.search(self.headers.get("Authorization", ""))
        self.server.seen.append(
            {
                "path": self.path,
                "host": self.headers["Host"].replace(self.server.url.removeprefix("http://"), "here"),
                "form": dict(parse_qsl(form, keep_blank_values=True)),
                "scope": scope.groupdict() if scope else None,
                "token": self.headers.get("X-Amz-Security-Token"),
                "type": self.headers.get("Content-Type", "").split(";")[0],
            }
        )
        self.answer(200, DELETED, "text/xml")

    def do_GET(self) -> None:
        self.answer(200, CONTAINER, "application/json")

    def do_CONNECT(self) -> None:
        self.server.seen.append({"connect": self.path})
        self.close_connection = True
        self.answer(502, b"", "text/plain")

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@contextmanager
def recording() -> Iterator[Recorder]:
    recorder = Recorder()
    Thread(target=recorder.serve_forever, daemon=True).start()
    try:
        yield recorder
    finally:
        recorder.shutdown()
        recorder.server_close()
