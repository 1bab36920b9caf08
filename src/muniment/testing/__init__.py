"""Stores in memory, and checkers for stores and backends, for our tests and those of our users.

from muniment.testing import check_blob_store

def test_my_store():
    check_blob_store(MyBlobStore())
"""

from muniment.testing.bytes import MemoryBlobs
from muniment.testing.conformance import check_backend
from muniment.testing.lying import LIES, Lie, LyingBackend
from muniment.testing.memory import MemoryUnits, copy_memory, open_memory, open_over
from muniment.testing.stores import (
    check_blob_store,
    check_event_log,
    check_holdings,
    check_index,
    check_lineage,
    check_projections,
    check_shared_commits,
    check_staging,
    check_units,
)

__all__ = [
    "LIES",
    "Lie",
    "LyingBackend",
    "MemoryBlobs",
    "MemoryUnits",
    "check_backend",
    "check_blob_store",
    "check_event_log",
    "check_holdings",
    "check_index",
    "check_lineage",
    "check_projections",
    "check_shared_commits",
    "check_staging",
    "check_units",
    "copy_memory",
    "open_memory",
    "open_over",
]
