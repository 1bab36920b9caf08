"""The state of a replay: what the entries before one come to."""

import io
from functools import lru_cache
from typing import BinaryIO, Final

from muniment.answers.replay.records import ReplayedRecords
from muniment.answers.view import Documents
from muniment.core.bytes.revisions import MAX_MANIFEST_BYTES
from muniment.core.digests import Digest
from muniment.policies.documents import MAX_POLICY_BYTES
from muniment.signing.bundle import MAX_BUNDLE_BYTES

# Policies and claims are read again and again; most are small.
_KEPT: Final = 4_096
_LONGEST_BYTES: Final = max(MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_POLICY_BYTES)


class ReplayedView:
    """A view of the registry as of the last entry that was replayed."""

    # Lineage is found, not proven.
    lineage: None = None

    def __init__(self, documents: Documents) -> None:
        """Start before the first entry, with the documents that the entries name."""
        self.projections = ReplayedRecords()
        self.payloads = NoTexts()
        self.blobs = KeptDocuments(documents)


class NoTexts:
    """Typed texts, none of which matters: whether an entry is true never depends on one."""

    def find(self, digest: str) -> str | None:
        """Find nothing."""
        del digest
        return None


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
        # Its reader refuses one that is longer.
        with self._documents.open(digest) as file:
            return file.read(_LONGEST_BYTES + 1)
