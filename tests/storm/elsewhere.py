"""The same check with an independent server and independent faults: moto behind microburst, both from PyPI."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config

import peer
import truth
from ours import LIMITS
from place import ALONE, HANGS, write
from server import MOTO, Server, serving
from truth import Named

THREADS = 8
# The first rule that matches and is drawn applies. Only responses to deletions are corrupted: a corrupted list would be false
# information that a client could not detect, and TLS prevents it in practice.
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
# Starts microburst as its own command does, but with a seed.
MICROBURST = "import random, sys; random.seed(int(sys.argv.pop(1))); from microburst.cli import main; sys.exit(main())"
NOBODYS = 50


@contextmanager
def place(seed: int) -> Iterator[tuple[str, str]]:
    """The URLs of moto and of microburst in front of it."""
    with tempfile.TemporaryDirectory() as scratch, serving(MOTO, Path(scratch)) as moto:
        rules = Path(scratch) / "rules.yml"
        # JSON is YAML.
        rules.write_text(json.dumps({"rules": RULES}))
        command = [sys.executable, "-c", MICROBURST, str(seed), "--upstream", moto, "--port", "{port}", "--config", str(rules)]
        with serving(Server("microburst", command, {}), Path(scratch)) as burst:
            yield moto, burst


def client(url: str):
    # moto does not check these credentials.
    keys = {"aws_access_key_id": "AKIAQQQQQQQQQQQQQQQQ", "aws_secret_access_key": "none"}
    return boto3.client("iam", endpoint_url=url, region_name="us-east-1", config=Config(max_pool_connections=THREADS), **keys)


def administrator(iam) -> dict[str, str]:
    """Variables with a key in the same account. The tool cannot look up keys with credentials of another account."""
    iam.create_user(UserName="administrator")
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def plant(iam, count: int) -> list[Named]:
    def user(number: int) -> Named:
        name = f"user-{number:06}"
        iam.create_user(UserName=name)
        return Named(iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"], name, is_theirs=True)

    with ThreadPoolExecutor(THREADS) as pool:
        named = list(pool.map(user, range(count)))
    return named + [Named(key.id[:14] + "ZZ" + key.id[16:], key.user, is_theirs=False) for key in named[::NOBODYS]]


def remaining_keys(iam, named: list[Named]) -> truth.Keys:
    def keys(user: str) -> list[dict]:
        return iam.list_access_keys(UserName=user)["AccessKeyMetadata"]

    with ThreadPoolExecutor(THREADS) as pool:
        lists = pool.map(keys, sorted({key.user for key in named}))
    return {key["AccessKeyId"]: key["Status"] for keys in lists for key in keys}


def run(binaries: Path, keys: int, jobs: int, seeds: int) -> int:
    peer.prepare()
    programs = {peer.OURS: [binaries / "iam-del-key", "--jobs", str(jobs), *LIMITS, "--from"]} | peer.PROGRAMS
    counted = {name: peer.Errors() for name in programs}
    false = []
    for seed in range(1, seeds + 1):
        for name, command in programs.items():
            with place(seed) as (moto, burst), tempfile.TemporaryDirectory() as scratch:
                iam, file = client(moto), Path(scratch) / "list.csv"
                environment, named = ALONE | {"AWS_ENDPOINT_URL": burst, **administrator(iam)}, plant(iam, keys)
                write(named, file)
                before = remaining_keys(iam, named)
                is_ours = name == peer.OURS
                words = [*command, file] + ([] if is_ours else [str(jobs)])
                ended = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=HANGS)
                rows = truth.rows_of(ended.stdout)
                after = remaining_keys(iam, named)
            if is_ours:
                false += truth.judge("delete", named, rows, before, after).false
            counted[name] += peer.errors(named, rows, before, after)
            print(f"{name}, seed {seed}", file=sys.stderr)
    peer.table(counted)
    print("".join(f"{text}\n" for text in false), end="", file=sys.stderr)
    return 1 if false else 0
