"""Runs the tool on many keys in storms of random faults, and compares each reported result with the state of the server.

The seed determines the faults: the sandbox resets connections before and after requests take effect, and truncates, replaces,
delays and throttles responses. With --adverse, requests also take effect late, lists lag, users are renamed and reads are denied,
in every mode of the tool. Prints Markdown. If any reported result is false, prints it and exits with status 1. Fails if the tool
writes a secret anywhere.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "process"))

import adverse
import elsewhere
import ours
import peer
import truth
from truth import Verdict

# The scenarios, which the seeds take in turn. Killed runs are resumed.
SCENARIOS = {
    "delete": lambda storm: ours.one_run(storm, "delete"),
    "delete --ignore-missing": lambda storm: ours.one_run(storm, "delete", "--ignore-missing"),
    "deactivate": lambda storm: ours.one_run(storm, "deactivate", "--deactivate"),
    "reactivate": lambda storm: ours.one_run(storm, "reactivate", "--reactivate", "--yes"),
    "delete --older-than 1d, killed": ours.killed_and_finished,
    "deactivate and reactivate, killed": ours.undone,
    "delete, killed": ours.killed_and_resumed,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/storm", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, required=True, help="the folder with iam-del-key and iam-sandbox")
    parser.add_argument("--seeds", type=int, default=20, help="number of storms (default: 20)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--keys", type=int, help="number of keys in each storm (default: 10000); in adverse storms, number of users (default: 60)")
    parser.add_argument("--jobs", type=int, help="number of concurrent jobs (default: 32; adverse storms also use 1)")
    parser.add_argument("--percent", type=int, default=30, help="percentage of requests with faults (default: 30)")
    parser.add_argument("--adverse", action="store_true", help="run storms in which requests take effect late, lists lag, users are renamed and reads are denied")
    parser.add_argument("--modes", help="run only these modes of adverse storms, by number, such as 0,3")
    parser.add_argument("--debug", action="store_true", help="run the tool with --debug, to also search its log for secrets")
    parser.add_argument("--peers", action="store_true", help="compare the tool with boto3 and the plain SDK in the same storms")
    parser.add_argument("--moto", action="store_true", help="compare the same programs on moto behind microburst; the seed does not determine the faults")
    arguments = parser.parse_args()
    binaries = arguments.binaries.resolve(strict=True)
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    more = ["--debug"] if arguments.debug else []
    if arguments.adverse:
        modes = range(len(adverse.MODES)) if arguments.modes is None else map(int, arguments.modes.split(","))
        return adverse.run(binaries, seeds, arguments.keys or 60, arguments.jobs, list(modes), more)
    keys, jobs = arguments.keys or 10_000, arguments.jobs or 32
    storms = [
        ours.Storm(binaries, seed, arguments.percent, keys, jobs, more)
        for seed in seeds
    ]
    if arguments.moto:
        return elsewhere.run(binaries, keys, jobs, arguments.seeds)
    if arguments.peers:
        return compare_with_peers(storms)
    return by_seed(storms)


def by_seed(storms: list[ours.Storm]) -> int:
    print("| seed | run | keys | done | gone before | not changed | unknown | false statements |\n|---:|---|---:|---:|---:|---:|---:|---:|")
    false, total = [], Counter()
    for storm in storms:
        name, scenario = list(SCENARIOS.items())[(storm.seed - 1) % len(SCENARIOS)]
        verdict = scenario(storm)
        line(storm.seed, name, verdict)
        false += [f"seed {storm.seed}: {text}" for text in verdict.false]
        total += verdict.outcomes
    line("all", "", Verdict(total, false))
    print("".join(f"{text}\n" for text in false), end="", file=sys.stderr)
    return 1 if false else 0


def line(seed: object, scenario: str, verdict: Verdict) -> None:
    counted = verdict.outcomes
    cells = [
        seed,
        scenario,
        f"{counted.total():,}",
        f"{sum(counted[done] for done in truth.DONE.values()):,}",
        counted["Missing"],
        sum(counted[outcome] for outcome in truth.UNCHANGED),
        counted["Unknown"],
        len(verdict.false),
    ]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def compare_with_peers(storms: list[ours.Storm]) -> int:
    peer.prepare()
    counted = {}
    for name in (peer.OURS, *peer.PROGRAMS):
        counted[name] = peer.Errors()
        for storm in storms:
            counted[name] += peer.run(storm, name)
            print(f"{name}, seed {storm.seed}", file=sys.stderr)
    peer.table(counted)
    _, *wrong, _ = counted[peer.OURS]
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())
