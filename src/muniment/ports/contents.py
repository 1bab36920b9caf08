"""Contents: which versions a blob is part of, so that nobody has to read every manifest to know."""

from collections.abc import Collection
from typing import Protocol

from muniment.core.digests import Digest


class Contents(Protocol):
    """What versions consist of (manifest, config, files), inside one unit of work."""

    def add(self, version: int, namespace: str, digests: Collection[Digest]) -> None:
        """Note what a version of a namespace, named by its entry, consists of."""

    def find(self, digest: Digest, namespace: str, after: int, limit: int) -> list[int]:
        """List the versions of a namespace that a blob is part of: their entries, in order, after one."""

    def clear(self) -> None:
        """Forget all."""
