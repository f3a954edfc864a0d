"""A fake cloud on loopback for one program: IAM, STS, the SSO portal, the services that refresh tokens, container and instance
metadata, and a proxy that terminates TLS for AWS's own hosts. It records each request, without ports, and which of the known
secrets signed it."""

import json
import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from signature import secret

DELETED = b"""<DeleteAccessKeyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">\
<ResponseMetadata><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ResponseMetadata>\
</DeleteAccessKeyResponse>"""
EXPIRES = "2099-01-01T00:00:00Z"
FAILURE = b"""<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Receiver</Type>\
<Code>ServiceFailure</Code><Message>no</Message></Error><RequestId>%s</RequestId></ErrorResponse>"""
ASSUMED = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>\
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>role</SecretAccessKey><SessionToken>{role}</SessionToken>\
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROAX:{session}</AssumedRoleId>\
<Arn>{place}:assumed-role/{role}/{session}</Arn></AssumedRoleUser></{action}Result><ResponseMetadata>\
<RequestId>{request}</RequestId></ResponseMetadata></{action}Response>"""


DENIED = b"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>\
<Code>AccessDenied</Code><Message>no</Message></Error><RequestId>x</RequestId></ErrorResponse>"""
SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
XML, JSON = ("Content-Type", "text/xml"), ("Content-Type", "application/json")
# Generated session names end with a time or a random number.
MADE_UP = re.compile(r"(botocore-session|assume-role|web-identity-token|iam-del-key).*")


def key(name: str) -> str:
    """An access key ID that contains the name of its owner."""
    return "AKIA" + re.sub("[^A-Z0-9]", "X", name.upper()).ljust(16, "0")


def owner(access_key_id: str) -> str:
    """The name of the owner of an access key ID."""
    name = access_key_id[4:].rstrip("0").lower()
    if name.startswith("sso"):
        return "sso"
    return f"role {name.removeprefix('role')}" if name.startswith("role") else name


class Cloud(ThreadingHTTPServer):
    """A fake cloud. If `first` is set, this is another address of that cloud."""

    daemon_threads = True

    def __init__(
        self,
        server: ssl.SSLContext,
        faults: frozenset[str],
        first: "Cloud | None" = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
        secrets: Iterable[str] = (),
    ) -> None:
        super().__init__(address, Handler)
        self.tls = server
        self.faults = faults
        self.name = "the second proxy" if first else "the proxy"
        self.seen: list[dict[str, object]] = first.seen if first else []
        self.secrets = secrets
        self.tries = 0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Ignores errors, because a program may close the connection at any time."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
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
            self.federate()
        elif "/meta-data/" not in path:
            self.asked("container", sent=self.headers["Authorization"], at=self.place()["at"], path=self.path)
            self.answer(200, given("container"))
        elif "-extended" in path:
            self.answer(404, b"")
        elif "/placement/" in path:
            self.place_instance(path)
        else:
            self.record_instance()
            self.answer(200, given("instance") if path.endswith("/role") else b"role")

    def place_instance(self, path: str) -> None:
        """Answers with the availability zone, or with the region, which is the zone without its letter. The recordings include
        this request only if the zone is the made-up `role`."""
        zone = next((fault.removeprefix("az:") for fault in self.server.faults if fault.startswith("az:")), None)
        if zone is None:
            self.record_instance()
        found = zone or "role"
        self.answer(200, (found[:-1] if path.rstrip("/").endswith("region") else found).encode())

    def record_instance(self) -> None:
        here = str(self.place()["at"]).partition("/")[0]
        self.asked("instance", sent=None if self.headers["x-aws-ec2-metadata-token"] else "no token", at=here)

    def federate(self) -> None:
        """The SSO portal: returns credentials for a role in an account. The key ID contains both."""
        asked = dict(parse_qsl(urlsplit(self.path).query))
        account, role = asked.get("account_id", ""), asked.get("role_name", "")
        token = self.headers["x-amz-sso_bearer_token"]
        self.asked("SSO", sent=token, account=account, role=role, at=self.place()["at"])
        if "sso401" in self.server.faults:
            self.answer(401, b'{"message": "no"}', ("x-amzn-errortype", "UnauthorizedException"))
            return
        found = {
            "accessKeyId": key(f"sso{account[-2:]}"),
            "secretAccessKey": "sso",
            "sessionToken": "sso",
            "expiration": 4070908800000,
        }
        self.answer(200, json.dumps({"roleCredentials": found}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if urlsplit(self.path).path.endswith("/token"):
            self.refresh(json.loads(body))
        else:
            self.act(body)

    def refresh(self, form: dict[str, str]) -> None:
        """The services that refresh the tokens of SSO and login sessions."""
        signs = "DPoP" in self.headers
        self.asked("token", form=form, at=self.place()["at"], dpop=signs)
        if "oidcfail" in self.server.faults:
            refused = {"error": "invalid_grant", "error_description": "no"}
            self.answer(400, json.dumps(refused).encode(), JSON, ("x-amzn-errortype", "InvalidGrantException"))
            return
        login = {"accessKeyId": key("relogin"), "secretAccessKey": "relogin", "sessionToken": "relogin"}
        fresh = {"tokenType": "aws_sigv4" if signs else "Bearer", "expiresIn": 900, "refreshToken": "r2"}
        fresh["accessToken"] = login if signs else "refreshed"
        self.answer(200, json.dumps(fresh).encode(), JSON)

    def act(self, body: bytes) -> None:
        """IAM and STS."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        scope = SCOPE.search(self.headers.get("Authorization", ""))
        action = form.pop("Action", self.path)
        session = form.get("RoleSessionName", "")
        if MADE_UP.fullmatch(session):
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
                "secret": secret("POST", self.path, self.headers, body, self.server.secrets),
            }
        )
        if not action.startswith("AssumeRole"):
            fails = "fails" in self.server.faults
            failure = FAILURE % uuid4().hex.encode()
            self.answer(503 if fails else 200, failure if fails else DELETED, XML)
        elif "stsdenied" in self.server.faults:
            self.answer(403, DENIED, XML)
        else:
            self.answer(200, assumed(action, form["RoleArn"], session).encode(), XML)

    def place(self) -> dict[str, object]:
        """The intended destination of the request, and the proxy that it used."""
        url = urlsplit(self.path)
        here = re.compile(r"127\.0\.0\.1:\d+|localhost:\d+")
        if self.tunnel:
            return {"at": here.sub("here", self.tunnel) + url.path.rstrip("/"), "by": self.server.name}
        if url.netloc:
            return {"at": here.sub("here", f"http://{url.netloc}") + url.path.rstrip("/"), "by": self.server.name}
        return {"at": here.sub("here", self.headers["Host"]) + url.path.rstrip("/"), "by": None}

    def asked(self, whom: str, **what: object) -> None:
        asked = {"asks": whom, **what, **({"by": self.server.name} if urlsplit(self.path).netloc else {})}
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
        """Prints nothing."""


def assumed(action: str, arn: str, session: str) -> str:
    """A session of the role with this ARN, as STS returns it, without the path."""
    place, role = arn.partition(":role/")[0].replace(":iam:", ":sts:"), arn.rpartition("/")[2]
    given = {"place": place, "role": role, "session": session, "key": key(f"ROLE{role}"), "request": uuid4().hex}
    return ASSUMED.format(action=action, **given)


def given(whose: str) -> bytes:
    """Credentials in the format of metadata services."""
    names = {"AccessKeyId": key(whose), "SecretAccessKey": whose, "Token": whose, "Expiration": EXPIRES}
    return json.dumps({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2020-01-01T00:00:00Z", **names}).encode()


@contextmanager
def clouds(
    server: ssl.SSLContext,
    faults: frozenset[str],
    secrets: Iterable[str] = (),
    addresses: Iterable[tuple[str, int]] = (),
) -> Iterator[tuple[Cloud, Cloud]]:
    """Starts a cloud, its second proxy, and the same cloud at each of these addresses."""
    first = Cloud(server, faults, secrets=secrets)
    second = Cloud(server, faults, first, secrets=secrets)
    everywhere = [first, second, *(Cloud(server, faults, first, address, secrets) for address in addresses)]
    for cloud in everywhere:
        Thread(target=cloud.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True).start()
    try:
        yield first, second
    finally:
        for cloud in everywhere:
            cloud.shutdown()
            cloud.server_close()
