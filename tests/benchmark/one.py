"""Compares iam-del-key with other programs that delete an access key.

Each program runs as a whole process and deletes an existing key in a sandbox on loopback, over HTTPS with the system's root
certificates. Prints Markdown: medians, their ratios to those of iam-del-key, and each limit with the measured value.
A slow run does not fail the benchmark, but a wrong result does.
"""

import json
import os
import platform
import random
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "target"
PEERS = ROOT / "tests/peers"
METER = TARGET / "peers/release/meter"
PLAIN_SDK = TARGET / "peers/release/plain-sdk"
BARE_RUSTLS = TARGET / "peers/release/bare-rustls"
VENV = TARGET / "venv"
PYTHON = VENV / "bin/python"
AWS = VENV / "bin/aws"

REGION = "us-east-1"
# The sandbox must end and print its summary within this many seconds.
ENDS_WITHIN = 60
MEGABYTE = 1_000_000
SYSTEM_ROOTS = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
]
# Commands that iam-del-key answers without any request, and their exit statuses.
ANSWERS = {"--help": 0, "--version": 0, "--access-key-id short": 2}


class Failed(Exception):
    """A program did not do its job, or a requirement is missing."""


class Key(NamedTuple):
    user: str
    id: str


class Server(NamedTuple):
    """A sandbox, and the keys to delete."""

    process: subprocess.Popen
    url: str
    signer: str
    secret: str
    account: str
    bundle: Path
    keys: list[Key]

    def for_sdk(self, trust: str) -> dict[str, str]:
        """The environment variables that an AWS SDK needs. `trust` is the variable for its root certificates."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            # The AWS CLI version 1 and boto3 read this one.
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.signer,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            trust: str(self.bundle),
        }

    def end(self) -> dict:
        """Ends the sandbox. Returns its summary: the requests, and the remaining keys."""
        # If the summary was already printed, another process sent the signal, and the summary is too early.
        if select.select([self.process.stdout], [], [], 0)[0]:
            raise Failed("another process ended the sandbox during the run")
        self.process.terminate()
        summary, _ = self.process.communicate(timeout=ENDS_WITHIN)
        return json.loads(summary)

    def check_deleted(self) -> None:
        """Ends the sandbox, and checks that none of these keys remain."""
        left = {key["AccessKeyId"] for key in self.end()["keys"]} & {key.id for key in self.keys}
        if left:
            raise Failed(f"{len(left)} of {len(self.keys)} keys remain")


class Program(NamedTuple):
    name: str
    command: Callable[[Key], list]
    environment: dict[str, str]
    deletes: bool = True


class Run(NamedTuple):
    """Wall and CPU seconds, and bytes of peak resident memory."""

    wall: float
    cpu: float
    peak: float


class Limit(NamedTuple):
    what: str
    most: float
    measured: float
    show: Callable[[float], str]


def programs(bench: "Bench", server: Server) -> list[Program]:
    python, rust = server.for_sdk("AWS_CA_BUNDLE"), server.for_sdk("SSL_CERT_FILE")
    host, port = server.url.removeprefix("https://").split(":")
    bare = {"SSL_CERT_FILE": str(server.bundle)}
    plain_sdk, bare_rustls = bench.installed(PLAIN_SDK), bench.installed(BARE_RUSTLS)
    return [
        *(Program(name, lambda key, build=build: [build, *options(key)], python) for name, build in bench.builds.items()),
        Program("aws", lambda key: [AWS, "iam", "delete-access-key", *options(key)], python),
        Program("boto3", lambda key: [PYTHON, PEERS / "boto3-delete.py", *key], python),
        Program("curl", lambda key: curl(server, key), {}),
        Program("plain-sdk", lambda key: [plain_sdk, *key], rust),
        Program("bare-rustls", lambda _: [bare_rustls, host, port], bare, deletes=False),
    ]


def options(key: Key) -> list[str]:
    return ["--access-key-id", key.id, "--user-name", key.user]


def curl(server: Server, key: Key) -> list:
    signature = ["--aws-sigv4", f"aws:amz:{REGION}:iam", "--user", f"{server.signer}:{server.secret}"]
    form = f"Action=DeleteAccessKey&Version=2010-05-08&AccessKeyId={key.id}&UserName={key.user}"
    return ["curl", "--silent", "--show-error", "--fail", "--cacert", server.bundle, *signature, "--data", form, server.url]


class Bench:
    """The environment of the runs: the measured builds, an empty home folder, and a file for the output."""

    def __init__(self, folder: Path, binaries: Path, other: Path | None):
        self.folder = folder
        self.binaries = binaries
        self.ours = self.installed(binaries / "iam-del-key")
        self.builds = {"iam-del-key": self.ours}
        if other:
            self.builds["the other build"] = Path(shutil.copy2(other, folder / "other"))
        self.home = folder / "home"
        self.home.mkdir()
        self.printed = folder / "printed"

    def installed(self, file: Path) -> Path:
        """Copies a program, as an installation does. A file fresh from the linker is fragmented in the page cache and loads more
        slowly."""
        return Path(shutil.copy2(file, self.folder / file.name))

    @contextmanager
    def sandbox(self, *options: str) -> Iterator[Server]:
        command = [self.binaries / "iam-sandbox", "serve", "--https", "--summary", *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                description = json.loads(process.stdout.readline() or "{}")
                if not description:
                    raise Failed("the sandbox did not start")
                bundle = self.folder / f"roots-{process.pid}.pem"
                bundle.write_text(system_roots() + Path(description["ca"]).read_text())
                keys = [Key(key["UserName"], key["AccessKeyId"]) for key in description["keys"]]
                yield Server(process, description["url"], description["access_key_id"], description["secret_access_key"], description["account"], bundle, keys)
            finally:
                if process.poll() is None:
                    process.terminate()
                    # The sandbox would fail if nobody read its summary.
                    process.communicate()

    def environment(self, needed: dict[str, str]) -> dict[str, str]:
        return {"HOME": str(self.home), "PATH": os.defpath, **needed}

    def run(self, command: list, needed: dict[str, str], status: int = 0) -> Run:
        metered = json.loads(output([METER, self.printed, *command], env=self.environment(needed)))
        if metered.pop("status") != status:
            raise Failed(f"{Path(command[0]).name} did not do its job: {self.printed.read_text()}")
        return Run(**metered)

    def requests(self) -> int:
        """The number of requests to IAM that the last run reported with `-v`."""
        return int(re.search(r"(\d+) requests to IAM", self.printed.read_text())[1])

    def keys(self, server: Server) -> set[Key]:
        """All keys in the sandbox except the one that signs."""
        listed = output([PYTHON, PEERS / "boto3-keys.py"], env=self.environment(server.for_sdk("AWS_CA_BUNDLE")))
        keys = {Key(*line.split()) for line in listed.splitlines()}
        return {key for key in keys if key.id != server.signer}

    def delete(self, contest: list[Program], keys: list[Key], rounds: int) -> dict[str, Run]:
        """Runs the programs in turn, so that other load on the machine affects all of them. Changes the order each round, so that
        no program always runs after the same one."""
        runs = {program.name: [] for program in contest}
        for number in range(rounds + 1):
            progress(f"round {number} of {rounds}" if number else "warming up")
            for program in random.Random(number).sample(contest, len(contest)):
                key = keys.pop() if program.deletes else None
                runs[program.name].append(self.run(program.command(key), program.environment))
        return medians(runs)

    def answer(self, rounds: int) -> dict[str, Run]:
        runs = {}
        for _ in range(rounds + 1):
            for name, build in self.builds.items():
                for arguments, status in ANSWERS.items():
                    what = f"`{arguments}`" if build == self.ours else f"`{arguments}`, {name}"
                    runs.setdefault(what, []).append(self.run([build, *arguments.split()], {}, status))
        return medians(runs)


def medians(runs: dict[str, list[Run]]) -> dict[str, Run]:
    """The medians of each program's runs, without the first run, which is a warm-up."""
    return {name: Run(*map(median, zip(*taken[1:]))) for name, taken in runs.items()}


def measure(bench: Bench, server: Server, rounds: int) -> tuple[dict[str, Run], dict[str, Run]]:
    contest = programs(bench, server)
    before = bench.keys(server)
    needed = sum(program.deletes for program in contest) * (rounds + 1)
    chosen = sorted(before)[:needed]
    deletions = bench.delete(contest, list(chosen), rounds)
    if bench.keys(server) != before - set(chosen):
        raise Failed("the remaining keys on the server are not the expected ones")
    return deletions, bench.answer(rounds)


def system_roots() -> str:
    for file in map(Path, SYSTEM_ROOTS):
        if file.exists():
            return file.read_text()
    raise Failed("the system has no bundle of root certificates; please install ca-certificates")


def report(builds: dict[str, Path], deletions: dict[str, Run], answers: dict[str, Run], server: Server, rounds: int) -> None:
    roots = server.bundle.read_text().count("BEGIN CERTIFICATE")
    print(f"One deletion over loopback HTTPS with {roots} root certificates. Each figure is the median of {rounds} runs. The programs run")
    print("in turn, in a different order each round. The ratio compares a program with iam-del-key. bare-rustls, the floor, sends")
    print("one unsigned request over TLS and gets status 403. Every other run deleted a key, which was verified on the server.\n")
    ours = deletions["iam-del-key"]
    table(
        ["program", "wall", "ratio", "CPU", "ratio", "peak memory", "ratio"],
        ([name, *figures(run, ours)] for name, run in deletions.items()),
    )
    table(
        ["iam-del-key", "wall", "CPU", "peak memory"],
        ([what, ms(run.wall), ms(run.cpu), mb(run.peak)] for what, run in answers.items()),
    )
    sizes = {**builds, PLAIN_SDK.name: PLAIN_SDK}
    table(["binary, stripped", "size"], ([name, mb(file.stat().st_size)] for name, file in sizes.items()))
    table(
        ["limit", "at most", "measured", ""],
        ([it.what, it.show(it.most), it.show(it.measured), verdict(it)] for it in limits(builds, deletions, answers)),
    )
    print(f"{processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, {date.today()}.")
    print(", ".join(versions(builds["iam-del-key"])) + ".")


def table(head: list[str], rows: Iterator[list[str]]) -> None:
    print(f"| {' | '.join(head)} |")
    print(f"|---|{'---:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()


def figures(run: Run, ours: Run) -> list[str]:
    ratios = [f"{theirs / own:.2f}" for theirs, own in zip(run, ours)]
    return [ms(run.wall), ratios[0], ms(run.cpu), ratios[1], mb(run.peak), ratios[2]]


def limits(builds: dict[str, Path], deletions: dict[str, Run], answers: dict[str, Run]) -> list[Limit]:
    ours = deletions["iam-del-key"]
    wall = {name: ours.wall / run.wall for name, run in deletions.items()}
    return [
        Limit("one deletion, compared with `aws`", 1 / 100, wall["aws"], fraction),
        Limit("one deletion, compared with curl", 1 / 6, wall["curl"], fraction),
        Limit("one deletion, compared with bare-rustls", 1.4, wall["bare-rustls"], "{:.2f}".format),
        *(Limit(f"`{arguments}`", 0.002, answers[f"`{arguments}`"].wall, ms) for arguments in ANSWERS),
        Limit("peak memory, one deletion", 12 * MEGABYTE, ours.peak, mb),
        *(Limit(f"binary, stripped ({name})", 8 * MEGABYTE, file.stat().st_size, mb) for name, file in builds.items()),
    ]


def verdict(limit: Limit) -> str:
    return "met" if limit.measured <= limit.most else "missed"


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def mb(size: float) -> str:
    return f"{size / MEGABYTE:.2f} MB"


def fraction(share: float) -> str:
    return f"1/{1 / share:.1f}"


def processor() -> str:
    with suppress(OSError):
        model = re.search(r"^model name\s*: (.*)", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if model:
            return model[1]
    return platform.machine()


def versions(binary: Path) -> list[str]:
    return [
        output([binary, "--version"]),
        output([AWS, "--version"]),
        output([PYTHON, "-c", "import boto3; print('boto3', boto3.__version__)"]),
        " ".join(output(["curl", "--version"]).split()[:2]),
        *(f"{crate} {locked(crate)}" for crate in ("aws-sdk-iam", "rustls")),
        output(["rustc", "--version"], cwd=ROOT),
    ]


def locked(crate: str) -> str:
    # The SDK's default features also include an older rustls. The newest version comes last.
    return re.findall(rf'name = "{crate}"\nversion = "(.*)"', (PEERS / "Cargo.lock").read_text())[-1]


def progress(text: str) -> None:
    print(f"tests/bench: {text}", file=sys.stderr)


def output(command: list, **more) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **more).stdout.strip()


def built() -> Path:
    """Builds iam-del-key as for a release, which is static on Linux, and iam-sandbox. Returns their folder."""
    static = f"{platform.machine()}-unknown-linux-musl"
    target = ["--target", static] if platform.system() == "Linux" else []
    # Build each separately. Otherwise cargo would unify the features of shared dependencies.
    build(ROOT, TARGET, "--package", "iam-del-key", *target)
    build(ROOT, TARGET, "--package", "iam-sandbox")
    both = TARGET / "bench"
    both.mkdir(exist_ok=True)
    shutil.copy2(TARGET.joinpath(*target[1:], "release/iam-del-key"), both)
    shutil.copy2(TARGET / "release/iam-sandbox", both)
    return both


def prepare_meter() -> None:
    build(PEERS, TARGET / "peers", "--package", METER.name)


def prepare_peers() -> None:
    prepare_meter()
    check_curl()
    if not AWS.exists():
        progress("installing the AWS CLI and boto3")
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        requirements = (ROOT / "tests/requirements.txt").read_text().splitlines()
        peers = [line for line in requirements if line.startswith(("awscli", "boto3"))]
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", *peers], check=True)
    build(PEERS, TARGET / "peers")


def check_curl() -> None:
    if not shutil.which("curl"):
        raise Failed("curl is missing; please install it")
    version = tuple(map(int, re.search(r"(\d+)\.(\d+)", output(["curl", "--version"])).groups()))
    if version < (7, 75):
        raise Failed("this version of curl does not support --aws-sigv4; please install 7.75 or later")


def build(folder: Path, target: Path, *which: str) -> None:
    progress(f"building {which[-1] if which else 'the peers'}")
    subprocess.run(["cargo", "build", "--release", "--locked", "--target-dir", target, *which], cwd=folder, check=True)


def run(binaries: Path, other: Path | None, rounds: int) -> None:
    """Measures one deletion in each of these rounds."""
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), binaries, other)
        with bench.sandbox("--keys", str(6 * (rounds + 1))) as server:
            deletions, answers = measure(bench, server, rounds)
        report(bench.builds, deletions, answers, server, rounds)
