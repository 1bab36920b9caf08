"""Measure a registry with many versions, and the rate of publishing."""

import os
import time
from pathlib import Path

import muniment
from measure import THREADS, Row, measure_rate, median, quantile, time_each
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.bytes.revisions import File, Revision
from muniment.core.names import ModelName
from muniment.core.verbs.versions import PublishVersion
from muniment.server.embedded import open_directory
from muniment.signing.content import sign_content

_VERSIONS = 10_000
_MODELS = 100
_PUBLISHES = 2_000
_LOOKUPS = 500


def run(directory: Path) -> list[Row]:
    """Publish many versions, then query them."""
    location = {"MUNIMENT_STATE": str(directory / "state"), "MUNIMENT_URL": str(directory / "registry")}
    settings = Settings.read(location)
    files = directory / "files"
    files.mkdir()
    rows = [_publish(directory / "publish", files)]
    with muniment.open(settings=settings, create=True) as registry:
        rate = _push(registry, files)
        rows.append(
            Row(f"whole SDK pushes a second of one small file, {THREADS} threads", f"{rate:.0f}/s", "", None)
        )
        for number in range(_MODELS):
            registry.promote(f"bench/model-{number}@1", "production")
        looks = {
            "show (resolve, describe, read the manifest)": lambda n: _show(registry, n),
            "list a page of 100 versions": lambda n: _page(registry, n),
            "resolve an alias, proven": lambda n: registry.version(f"bench/model-{n % _MODELS}@production"),
        }
        for name, look in looks.items():
            times = time_each(look, _LOOKUPS)
            measured = f"p50 {median(times):.1f} ms, p99 {quantile(times, 0.99):.1f} ms"
            rows.append(Row(f"{name}, of {_VERSIONS:,} versions", measured, "< 10 ms", median(times) < 10))
        started = time.perf_counter()
        audit = registry.audit()
        assert audit.fault is None, audit.fault
        took_s = time.perf_counter() - started
        rows.append(Row(f"audit a log of {audit.size:,} entries, with claims", f"{took_s:.1f} s", "", None))
    return rows


def _publish(directory: Path, files: Path) -> Row:
    """Publish stored, signed versions in turn; each is durable and proven on return."""
    embedded = open_directory(directory, create=True)
    backend, identity = embedded.backend, embedded.identity
    assert identity is not None
    commands = []
    for number in range(_PUBLISHES):
        name, data = ModelName("bench", f"model-{number % 20}"), f"weights {number}".encode()
        file = File(path="w.bin", digest=backend.add_documents([data])[0], size_bytes=len(data))
        revision = Revision.of([file])
        signature = sign_content(revision, str(name), identity).encode()
        _, manifest, claim = backend.add_documents([revision.config(), revision.manifest(), signature])
        commands.append(PublishVersion(name=name, manifest=manifest, attestations=(claim,)))
    syncs = _measure_syncs(files)
    started = time.perf_counter()
    for command in commands:
        backend.execute(command)
    rate = _PUBLISHES / (time.perf_counter() - started)
    backend.close()
    what = "durable publishes a second, each with a verified signature and a receipt with proof, one thread"
    return Row(what, f"{rate:.0f}/s ({syncs:.0f} fdatasync/s alone)", ">= 500/s", rate >= 500)


def _push(registry: Registry, files: Path) -> float:
    for number in range(_VERSIONS):
        (files / f"{number}.bin").write_bytes(f"weights {number}".encode())

    def push(number: int) -> None:
        registry.push(files / f"{number}.bin", f"bench/model-{number % _MODELS}")

    return measure_rate(range(_VERSIONS), push)


def _measure_syncs(directory: Path) -> float:
    """Measure the rate of the disk alone: durable writes of 4 KiB."""
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
