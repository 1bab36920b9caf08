"""The state of a replay: what the entries before one come to."""

import io
from functools import lru_cache
from typing import BinaryIO, Final

from muniment.answers.replay.records import ReplayedRecords
from muniment.answers.view import Documents
from muniment.core.digests import Digest

# Policies and claims are read again and again; most are small.
_KEPT: Final = 4_096


class ReplayedView:
    """A view of the registry as of the last entry that was replayed."""

    # Lineage is found, not proven.
    lineage: None = None

    def __init__(self, documents: Documents) -> None:
        """Start before the first entry, with the documents that the entries name."""
        self.projections = ReplayedRecords()
        self.payloads = NoTexts()
        self.log = ReplayedTimes()
        self.blobs = KeptDocuments(documents)


class NoTexts:
    """Typed texts, none of which matters: whether an entry is true never depends on one."""

    def find(self, digest: str) -> str | None:
        """Find nothing."""
        del digest
        return None


class ReplayedTimes:
    """The log as a clock, as of the last entry that was replayed."""

    def __init__(self) -> None:
        """Start before the first entry."""
        self._size = 0
        self._time = ""

    def move(self, size: int, time: str) -> None:
        """Move to the entry that makes the log this long, at its time."""
        self._size, self._time = size, time

    def size(self) -> int:
        """Count the leaves."""
        return self._size

    def last_time(self) -> str:
        """Return the time of the last entry."""
        return self._time

    def count_until(self, time: str) -> int:
        """Count the leaves until a time; a replay asks only about its present."""
        return self._size if time >= self._time else 0


class KeptDocuments:
    """Documents, of which the last ones are kept in memory; who reads one checks its digest."""

    def __init__(self, documents: Documents) -> None:
        """Read from other documents."""
        self._documents = documents
        self._read = lru_cache(_KEPT)(self._read_whole)

    def open(self, digest: Digest) -> BinaryIO:
        """Open a blob. Raises as the other documents."""
        return io.BytesIO(self._read(digest))

    def _read_whole(self, digest: Digest) -> bytes:
        with self._documents.open(digest) as file:
            return file.read()
