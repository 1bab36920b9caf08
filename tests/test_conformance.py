"""Every store and backend does what its port says."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.backend import Backend
from muniment.ports.blobs import BlobStore
from muniment.ports.staging import Stretch
from muniment.ports.unit import Units
from muniment.server.embedded import open_directory
from muniment.signing.keys import Identity
from muniment.stores.blobs.local import LocalBlobs
from muniment.stores.blobs.objects import ObjectBlobs, ObjectStaging, open_store
from muniment.stores.blobs.staging import LocalStaging
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import (
    MemoryBlobs,
    MemoryUnits,
    check_backend,
    check_blob_store,
    check_event_log,
    check_holdings,
    check_index,
    check_lineage,
    check_projections,
    check_shared_commits,
    check_staging,
    check_units,
    open_memory,
)
from muniment.testing.live import run_server

CHECKS = [
    check_event_log,
    check_holdings,
    check_index,
    check_lineage,
    check_projections,
    check_shared_commits,
    check_units,
]


def memory_units(_directory: Path) -> Units:
    return MemoryUnits(MemoryBlobs())


def sqlite_units(directory: Path) -> Units:
    return open_sqlite(directory / "registry.db", LocalBlobs.create(directory))


def memory_blobs(_directory: Path) -> BlobStore:
    return MemoryBlobs()


@pytest.mark.slow
@pytest.mark.parametrize(
    "check",
    CHECKS,
)
def test_units_of_work_on_postgresql(check: Callable[[Units], None], database: str) -> None:
    """PostgreSQL keeps the contract of the log, the projections and transactions."""
    units = open_postgresql(database, MemoryBlobs())
    check(units)
    units.close()


@pytest.mark.slow
def test_blobs_in_s3(bucket: str) -> None:
    """An S3 server keeps the contract of a blob store."""
    check_blob_store(ObjectBlobs(open_store(bucket), bucket))


@pytest.mark.slow
def test_staging_in_s3(bucket: str) -> None:
    """An S3 server keeps the contract of staged uploads."""
    store = open_store(bucket)
    check_staging(ObjectStaging(store, bucket), ObjectBlobs(store, bucket))


def test_staging_in_a_directory(tmp_path: Path) -> None:
    """A directory keeps the contract of staged uploads."""
    blobs = LocalBlobs.create(tmp_path)
    staging = LocalStaging(tmp_path)
    check_staging(staging, blobs)
    assert not staging.take_over("04", [Stretch(0, "aa"), Stretch(5, "bb")], 5), (
        "the first five bytes are gone"
    )


@pytest.mark.parametrize("make", [memory_units, sqlite_units])
@pytest.mark.parametrize(
    "check",
    CHECKS,
)
def test_units_of_work(make: Callable[[Path], Units], check: Callable[[Units], None], tmp_path: Path) -> None:
    """Each embedded database keeps the contract of the log, the projections and transactions."""
    units = make(tmp_path)
    check(units)
    units.close()


@pytest.mark.parametrize("make", [memory_blobs, LocalBlobs.create])
def test_blob_stores(make: Callable[[Path], BlobStore], tmp_path: Path) -> None:
    """Each embedded blob store keeps the contract of a blob store."""
    check_blob_store(make(tmp_path))


def test_backend_in_memory() -> None:
    """The services over stores in memory keep the contract of a backend."""
    check_backend(open_memory())


@pytest.mark.slow
def test_backend_over_http(tmp_path: Path) -> None:
    """A server on SQLite and a directory keeps the contract of a backend over HTTP."""
    with run_server(tmp_path) as server:
        check_backend(server.open_as)


@pytest.mark.slow
def test_backend_over_http_on_postgresql_and_s3(tmp_path: Path, scaled: Mapping[str, str]) -> None:
    """A server on PostgreSQL and S3 keeps the contract of a backend over HTTP."""
    with run_server(tmp_path, scaled) as server:
        check_backend(server.open_as)


def test_backend_embedded(tmp_path: Path) -> None:
    """SQLite and a directory keep the contract of a backend, and the client checks every receipt."""
    opened: list[Backend] = []

    def open_as(identity: Identity) -> Backend:
        embedded = open_directory(tmp_path / "registry", identity=identity, create=True)
        backend = TrustedBackend(embedded.backend, DirectoryMemory(tmp_path / "state", "here"), "here")
        opened.append(backend)
        return backend

    check_backend(open_as)
    for backend in opened:
        backend.close()
