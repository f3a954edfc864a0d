"""The credentials of a task's role, which ECS provides to the task's container."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from sandbox import Sandbox


def session(sandbox: Sandbox) -> dict[str, str]:
    """A session of the role. Uses the one action that needs no permission."""
    config = Config(signature_version=UNSIGNED, proxies={})
    client = boto3.client("sts", "us-east-1", endpoint_url=sandbox.description["url"], config=config)
    role = f"arn:aws:iam::{sandbox.description['account']}:role/task"
    got = client.assume_role_with_web_identity(RoleArn=role, RoleSessionName="task", WebIdentityToken="token")
    given = got["Credentials"]
    return {
        "AccessKeyId": given["AccessKeyId"],
        "SecretAccessKey": given["SecretAccessKey"],
        "Token": given["SessionToken"],
        "Expiration": given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@contextmanager
def credentials(sandbox: Sandbox) -> Iterator[str]:
    """The URL of the credentials."""
    text = json.dumps(session(sandbox)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Prints nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
