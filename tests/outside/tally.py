"""How many cases passed and failed."""

from collections.abc import Mapping


class Tally:
    """Counts cases, and prints each as it is settled."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def same(self, case: str, expected: Mapping[str, object], got: Mapping[str, object]) -> None:
        """A case passes when it got exactly what was expected."""
        differing = [name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name)]
        if not differing:
            self.passed += 1
            print(f"ok      {case}", flush=True)
            return
        self.failed += 1
        print(f"FAILED  {case}", flush=True)
        for name in sorted(differing):
            print(f"        {name}: expected {expected.get(name)!r}\n        {' ' * len(name)}       got {got.get(name)!r}")
