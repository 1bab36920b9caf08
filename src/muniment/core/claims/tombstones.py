"""Tombstones: the registry's signed statement that it deleted the bytes of a version, and which bytes.

The predicate is `https://muniment.dev/tombstone/v1`.
"""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import TOMBSTONE
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneFile:
    """A file of the version; `size` is in bytes."""

    path: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone(Predicate):
    """The content of a tombstone.

    Attributes:
        version: `namespace/model@number`.
        actor: the id of the principal who purged it.
        reason: the digest of the payload with the reason.
    """

    type: ClassVar[str] = TOMBSTONE
    version: str
    files: tuple[GoneFile, ...]
    actor: str
    reason: Digest
    time: str
