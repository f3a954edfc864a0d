"""The files of `man/recipes`, run exactly as they are in sandboxes that allow only what their policies name.

Prints a line per case and ends with `N passed, M failed`; the exit status is 1 unless all passed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "outside"))

import account
import incident
import rotation
import sweep
import workflow
from bench import Bench
from tally import Tally

CHECKS = [
    rotation.on_github,
    rotation.on_github_in_trouble,
    rotation.on_gitlab,
    sweep.nightly,
    sweep.used_since,
    incident.leaked,
    account.listed,
    account.scripts,
    account.in_moto,
    account.matrix,
    account.states,
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, required=True, help="the folder of iam-del-key and iam-sandbox")
    binaries = parser.parse_args().binaries.resolve(strict=True)
    tally = Tally()
    workflow.every(tally.same)
    for check in CHECKS:
        with tempfile.TemporaryDirectory() as folder:
            check(Bench(binaries, Path(folder)), tally.same)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 0 if tally.passed and not tally.failed else 1


if __name__ == "__main__":
    sys.exit(main())
