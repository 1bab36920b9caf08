"""Measure: the cost of child processes as the operating system reports it, in turn with their peers."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

THREADS = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """The cost of a child process: CPU and wall-clock seconds, peak memory in MB."""

    cpu_s: float
    wall_s: float
    peak_mb: float


@dataclass(frozen=True)
class Row:
    """A line of the report."""

    what: str
    measured: str
    budget: str
    met: bool | None


def run_child(command: Sequence[str], environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end, and return its cost; earlier writes are flushed first."""
    os.sync()
    started = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment or dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    errors = child.stderr.read() if child.stderr else b""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command} failed: {errors.decode()}")
    wall = time.perf_counter() - started
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def compare_children(one: Sequence[str], other: Sequence[str], runs: int) -> tuple[list[Cost], list[Cost]]:
    """Run two commands alternately, after one warm-up each."""
    pairs = measure_pairs(lambda: run_child(one), lambda: run_child(other), runs)
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def measure_pairs(one: Callable[[], T], other: Callable[[], T], count: int) -> list[tuple[T, T]]:
    """Measure two things alternately, after one warm-up each.

    They take turns in going first, so neither always starts in the other's wake.
    """
    one(), other()
    pairs = []
    for number in range(count):
        if number % 2:
            second = other()
            pairs.append((one(), second))
        else:
            pairs.append((one(), other()))
    return pairs


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def time_each(act: Callable[[int], object], count: int) -> list[float]:
    """Call `act(n)` for each n below `count`; return the milliseconds of each call."""
    times = []
    for number in range(count):
        started = time.perf_counter()
        act(number)
        times.append((time.perf_counter() - started) * 1000)
    return times


def measure_rate(items: Sequence[T], act: Callable[[T], object]) -> float:
    """Act on items with several threads; return the rate per second."""
    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(act, items))
    return len(items) / (time.perf_counter() - started)


def describe_machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )
