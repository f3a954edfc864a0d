"""The outside check: the same deletions on independent servers, and the same requests as the AWS CLI and boto3, what the AWS
CLI makes of the alias, the skeleton and a cached session, and roles and root users of other accounts. With --replay, also the
settings that were recorded with AWS CLI version 2.

Prints a line per case and ends with `N passed, M failed`; the exit status is 1 unless all passed.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import alias
import compatibility
import deletion
import document
import mfa
import organization
import replay
import scope
import sensitivity
import wire
from program import Program
from server import MINISTACK, MOTO, serving
from tally import Tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True, help="the iam-del-key to check")
    parser.add_argument(
        "--update",
        action="store_true",
        default=bool(os.environ.get("UPDATE")),
        help="write man/settings.md, check nothing else",
    )
    parser.add_argument(
        "--replay",
        type=int,
        default=0,
        metavar="N",
        help="also replay every Nth setting that was recorded with AWS CLI version 2, and all pairs of sources",
    )
    given = parser.parse_args()
    binary = given.binary.resolve(strict=True)
    tally = Tally()
    with tempfile.TemporaryDirectory() as scratch:
        if given.update:
            document.update(compatibility.everything(binary, Path(scratch)))
            return 0
        for server in (MOTO, MINISTACK):
            with serving(server, Path(scratch)) as url:
                deletion.check(tally, server.name, url, Program(binary, Path(scratch)))
                scope.check(tally, server.name, url, Program(binary, Path(scratch)))
        wire.check(tally, binary, Path(scratch))
        ran = compatibility.check(tally, binary, Path(scratch))
        alias.check(tally, binary, Path(scratch))
        mfa.check(tally, binary, Path(scratch))
        organization.check(tally, binary, Path(scratch))
        sensitivity.check(tally, binary, Path(scratch))
        if given.replay:
            replay.check(tally, binary, Path(scratch), given.replay)
            document.check(tally, ran)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
