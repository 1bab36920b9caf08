"""Push small files with several threads of the SDK, and write the rate per second.

    python bench/push.py registry drafts report 0 300

pushes files numbered from 0 to 299 to a registry, as `drafts` or as `versions`, and writes the rate into
the file `report`. It runs on the Muniment of its environment, so it imports only the SDK.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import muniment
from measure import measure_rate

MODELS = 50


def main() -> None:
    """Write the files, then push them; only the pushes are measured."""
    location, kind, report, start, count = sys.argv[1:]
    numbers = range(int(start), int(start) + int(count))
    with tempfile.TemporaryDirectory() as name, muniment.open(location, create=True) as registry:
        directory = Path(name)
        for number in numbers:
            (directory / str(number)).write_bytes(f"{kind} {number}".encode())
        push: Callable[[Path, str], object] = registry.drafts.save if kind == "drafts" else registry.push
        rate = measure_rate(
            numbers, lambda number: push(directory / str(number), f"bench/model-{number % MODELS}")
        )
    Path(report).write_text(str(rate))


if __name__ == "__main__":
    main()
