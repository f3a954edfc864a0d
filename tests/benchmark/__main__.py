"""Measures iam-del-key beside its peers, and prints Markdown."""

import argparse
import subprocess
import sys

import many
import one


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="how often each program runs (default: 30)")
    parser.add_argument("--many", action="store_true", help="many keys instead of one: takes some ten minutes")
    arguments = parser.parse_args()
    try:
        one.prepare()
        if arguments.many:
            many.run()
        else:
            one.run(arguments.rounds)
    except (one.Failed, subprocess.CalledProcessError) as error:
        sys.exit(f"tests/bench: {error}")


if __name__ == "__main__":
    main()
