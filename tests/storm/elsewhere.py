"""The same at another server behind another's faults: moto, and microburst in front of it, both from PyPI."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config

import peer
import truth
from ours import HANGS, LIMITS
from place import write
from truth import Named

READY_WITHIN = 60
THREADS = 8
BESIDE_PYTHON = Path(sys.executable).parent
# The first that matches and draws its lot happens. A whole list with other letters in it would be a lie that nothing on the way
# tells under TLS, so only deletions are answered with those.
RULES = [
    {"probability": 0.05, "reset": True},
    {"probability": 0.06, "response": {"abort_frac": 0.0}},
    {"probability": 0.06, "response": {"abort_frac": 0.5}},
    {"probability": 0.06, "response": {"truncate_frac": 0.5}},
    {"probability": 0.05, "operation": "DeleteAccessKey", "response": {"corrupt_bytes": 16}},
    {"probability": 0.04, "error": {"code": "Throttling", "status": 400, "message": "Rate exceeded"}},
    {"probability": 0.04, "error": {"code": "ServiceFailure", "status": 500}},
    {"probability": 0.05, "latency": {"min": 50, "max": 300}},
    {"probability": 0.005, "timeout_ms": 1500},
]
# As its own command starts it, but with a seed.
MICROBURST = "import random, sys; random.seed(int(sys.argv.pop(1))); from microburst.cli import main; sys.exit(main())"
NOBODYS = 50


def environment(url: str, signer: dict) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": signer["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": signer["SecretAccessKey"],
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": "/nonexistent",
        "PATH": os.defpath,
    }


@contextmanager
def serving(command: list, port: int) -> Iterator[str]:
    """A server on loopback, while it is needed."""
    process = subprocess.Popen(command, env={"PATH": os.defpath, "HOME": "/nonexistent"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} does not serve") from None
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def place(seed: int) -> Iterator[tuple[str, str]]:
    """The URLs of moto, and of microburst in front of it."""
    port, front = free_port(), free_port()
    with tempfile.TemporaryDirectory() as scratch:
        rules = Path(scratch) / "rules.yml"
        # JSON is YAML.
        rules.write_text(json.dumps({"rules": RULES}))
        with serving([BESIDE_PYTHON / "moto_server", "-H", "127.0.0.1", "-p", str(port)], port) as moto:
            command = [sys.executable, "-c", MICROBURST, str(seed), "--upstream", moto, "--port", str(front), "--config", str(rules)]
            with serving(command, front) as burst:
                yield moto, burst


def client(url: str):
    # Nobody checks them.
    keys = {"aws_access_key_id": "AKIAQQQQQQQQQQQQQQQQ", "aws_secret_access_key": "none"}
    return boto3.client("iam", endpoint_url=url, region_name="us-east-1", config=Config(max_pool_connections=THREADS), **keys)


def administrator(iam) -> dict:
    """A key of the same account: of another's, the tool says that it cannot look there."""
    iam.create_user(UserName="administrator")
    return iam.create_access_key(UserName="administrator")["AccessKey"]


def plant(iam, count: int) -> list[Named]:
    def user(number: int) -> Named:
        name = f"user-{number:06}"
        iam.create_user(UserName=name)
        return Named(iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"], name, is_theirs=True)

    with ThreadPoolExecutor(THREADS) as pool:
        named = list(pool.map(user, range(count)))
    return named + [Named(key.id[:14] + "ZZ" + key.id[16:], key.user, is_theirs=False) for key in named[::NOBODYS]]


def standing(iam, named: list[Named]) -> truth.Keys:
    def keys(user: str) -> list[dict]:
        return iam.list_access_keys(UserName=user)["AccessKeyMetadata"]

    with ThreadPoolExecutor(THREADS) as pool:
        lists = pool.map(keys, sorted({key.user for key in named}))
    return {key["AccessKeyId"]: key["Status"] for keys in lists for key in keys}


def run(binaries: Path, keys: int, jobs: int, seeds: int) -> int:
    peer.prepare()
    programs = {peer.OURS: [binaries / "iam-del-key", "--jobs", str(jobs), *LIMITS, "--from"]} | peer.PROGRAMS
    counted = {name: peer.Said() for name in programs}
    false = []
    for seed in range(1, seeds + 1):
        for name, command in programs.items():
            with place(seed) as (moto, burst), tempfile.TemporaryDirectory() as scratch:
                iam, file = client(moto), Path(scratch) / "list.csv"
                signer, named = administrator(iam), plant(iam, keys)
                write(named, file)
                before = standing(iam, named)
                is_ours = name == peer.OURS
                words = [*command, file] + ([] if is_ours else [str(jobs)])
                ended = subprocess.run(words, env=environment(burst, signer), capture_output=True, text=True, timeout=HANGS)
                rows = truth.rows_of(ended.stdout)
                after = standing(iam, named)
            if is_ours:
                false += truth.judge("delete", named, rows, before, after).false
            counted[name] += peer.said(named, rows, before, after)
            print(f"{name}, seed {seed}", file=sys.stderr)
    peer.table(counted)
    print("".join(f"{text}\n" for text in false), end="", file=sys.stderr)
    return 1 if false else 0
