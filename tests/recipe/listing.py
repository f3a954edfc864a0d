"""A fake AWS Organizations service that lists accounts in the given pages."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

DENIED = {"__type": "AccessDeniedException", "Message": "You don't have permissions to access this resource."}


@contextmanager
def serving(pages: list[list[dict]] | None) -> Iterator[tuple[str, set[str]]]:
    """The service's URL and the requested actions. Without pages, every request is denied."""
    requested: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            target = self.headers["X-Amz-Target"].rpartition(".")[2]
            requested.add(f"organizations:{target}")
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = (400, DENIED) if pages is None else (200, page(pages, int(given.get("NextToken", 0))))
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requested
        finally:
            server.shutdown()


def page(pages: list[list[dict]], number: int) -> dict:
    following = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
    return {"Accounts": pages[number], **following}
