"""Contents: which versions a blob is part of, without reading every manifest."""

from collections.abc import Collection
from typing import Protocol

from muniment.core.digests import Digest


class Contents(Protocol):
    """The blobs of versions (manifest, config, files), inside one unit of work."""

    def add(self, version: int, namespace: str, digests: Collection[Digest]) -> None:
        """Record the blobs of a version, which is named by its entry."""

    def find(self, digest: Digest, namespace: str, after: int, limit: int) -> list[int]:
        """List the versions of a namespace that contain a blob: their entries after `after`, in order."""

    def clear(self) -> None:
        """Delete everything."""
