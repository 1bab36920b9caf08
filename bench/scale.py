"""Many versions in one registry, and how many a process can publish in a second."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import muniment
from measure import Row, median, quantile, time_each
from muniment.client.registry import Registry
from muniment.client.settings import Settings

_VERSIONS = 10_000
_MODELS = 100
_THREADS = 16
_LOOKUPS = 500


def run(directory: Path) -> list[Row]:
    """Publish, then look up."""
    settings = Settings.read(
        {"MUNIMENT_STATE": str(directory / "state"), "MUNIMENT_URL": str(directory / "registry")}
    )
    files = directory / "files"
    files.mkdir()
    with muniment.open(settings=settings) as registry:
        rate, syncs = _publish(registry, files)
        rows = [
            Row(
                f"durable publishes a second, SDK push of one small signed file, {_THREADS} threads",
                f"{rate:.0f}/s ({syncs:.0f} fdatasync/s alone)",
                ">= 500/s",
                rate >= 500,
            )
        ]
        for number in range(_MODELS):
            registry.promote(f"bench/model-{number}@1", "production")
        looks = {
            "show (resolve, describe, read the manifest)": lambda n: _show(registry, n),
            "list a page of 100 versions": lambda n: _page(registry, n),
            "resolve an alias, proven": lambda n: registry.version(f"bench/model-{n % _MODELS}@production"),
        }
        for name, look in looks.items():
            times = time_each(look, _LOOKUPS)
            found = f"p50 {median(times):.1f} ms, p99 {quantile(times, 0.99):.1f} ms"
            rows.append(Row(f"{name}, of {_VERSIONS:,} versions", found, "< 10 ms", median(times) < 10))
        started = time.perf_counter()
        size = registry.verify_log()
        rows.append(
            Row(
                f"verify a log of {size:,} entries from scratch",
                f"{time.perf_counter() - started:.1f} s",
                "",
                None,
            )
        )
    return rows


def _publish(registry: Registry, files: Path) -> tuple[float, float]:
    for number in range(_VERSIONS):
        (files / f"{number}.bin").write_bytes(f"weights {number}".encode())

    def push(number: int) -> None:
        registry.push(files / f"{number}.bin", f"bench/model-{number % _MODELS}")

    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        list(pool.map(push, range(_VERSIONS)))
    return _VERSIONS / (time.perf_counter() - started), _measure_syncs(files)


def _measure_syncs(directory: Path) -> float:
    """Count what the disk does alone: 4 KiB writes, each made durable."""
    count = 1000
    with (directory / "syncs").open("wb", buffering=0) as file:
        started = time.perf_counter()
        for _ in range(count):
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
        return count / (time.perf_counter() - started)


def _show(registry: Registry, number: int) -> None:
    version = registry.version(f"bench/model-{number % _MODELS}@{1 + number % (_VERSIONS // _MODELS)}")
    version.describe()
    version.revision()


def _page(registry: Registry, number: int) -> None:
    versions = registry.versions(f"bench/model-{number % _MODELS}")
    for _ in range(100):
        next(versions)
