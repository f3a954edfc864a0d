"""Compares iam-del-key with other programs, and prints Markdown."""

import argparse
import subprocess
import sys
from pathlib import Path

import growth
import many
import one
import soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench", description=__doc__)
    parser.add_argument("--binaries", type=Path, help="the folder with iam-del-key and iam-sandbox (default: build both)")
    parser.add_argument("--beside", type=Path, metavar="BINARY", help="also measure this build of iam-del-key in the same rounds")
    parser.add_argument("--rounds", type=int, default=30, help="number of runs of each program (default: 30)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--many", action="store_true", help="measure many keys instead of one, which takes about ten minutes")
    what.add_argument(
        "--soak",
        type=int,
        nargs="?",
        const=600,
        metavar="SECONDS",
        help="measure one long run at a steady rate, and report whether its memory grows (default: 600)",
    )
    what.add_argument(
        "--growth",
        type=int,
        nargs="?",
        const=growth.LARGEST,
        metavar="KEYS",
        help="measure each mode at 1, 10, 100 and so on up to KEYS keys, and fail if requests, output or memory grow faster (default: 100000)",
    )
    arguments = parser.parse_args()
    try:
        binaries = arguments.binaries.resolve(strict=True) if arguments.binaries else one.built()
        if arguments.soak is not None:
            soak.run(binaries, arguments.soak)
            return
        if arguments.growth is not None:
            one.prepare_meter()
            growth.run(binaries, arguments.growth)
            return
        one.prepare_peers()
        if arguments.many:
            many.run(binaries, arguments.beside)
        else:
            one.run(binaries, arguments.beside, arguments.rounds)
    except (one.Failed, subprocess.CalledProcessError) as error:
        sys.exit(f"tests/bench: {error}")


if __name__ == "__main__":
    main()
