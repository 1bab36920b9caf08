"""For our tests and those of our users: stores in memory, and checkers that hold for every store.

from muniment.testing import check_blob_store

def test_my_store():
    check_blob_store(MyBlobStore())
"""

from muniment.testing.backends import check_backend
from muniment.testing.memory import MemoryBlobs, MemoryUnits, open_memory, open_over
from muniment.testing.stores import (
    check_blob_store,
    check_event_log,
    check_holdings,
    check_lineage,
    check_projections,
    check_shared_commits,
    check_staging,
    check_units,
)

__all__ = [
    "MemoryBlobs",
    "MemoryUnits",
    "check_backend",
    "check_blob_store",
    "check_event_log",
    "check_holdings",
    "check_lineage",
    "check_projections",
    "check_shared_commits",
    "check_staging",
    "check_units",
    "open_memory",
    "open_over",
]
