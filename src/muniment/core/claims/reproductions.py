"""Reproductions: the results of rebuilding a version; they claim only what was replayed.

The predicate is `https://muniment.dev/reproduction/v1`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from muniment.core.claims.attestations import REPRODUCTION
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest


class Fidelity(StrEnum):
    """How close a rebuild came, each closer than the one before."""

    FAILED = "failed"
    WITHIN_TOLERANCE = "within-tolerance"
    BIT_IDENTICAL = "bit-identical"


class FileOutcome(StrEnum):
    """How a rebuilt file compares with the recorded one."""

    IDENTICAL = "identical"
    WITHIN_TOLERANCE = "within-tolerance"
    DIFFERS = "differs"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltFile:
    """A file of the version and its rebuilt digest; None if it was not rebuilt."""

    path: str
    outcome: FileOutcome
    recorded: Digest
    rebuilt: Digest | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltMetric:
    """A metric that was computed again with the rebuilt model; None if it is not a number."""

    dataset: Digest
    metric: str
    recorded: float | None
    rebuilt: float | None
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltEnvironment:
    """The rebuilt environment.

    Attributes:
        packages: the number of packages; `hashes` of them were checked against a recorded hash.
        provided: the packages taken from the machine.
    """

    python: str
    tool: str
    packages: int
    hashes: int
    provided: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedSandbox:
    """The sandbox of the command: whether it had a network, and could write all files."""

    kind: str
    network: bool
    files: bool
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction(Predicate):
    """The content of a reproduction.

    Attributes:
        provenance: the digest of the claim that was replayed.
        not_replayed: the parts of the record that were left out, in words.
        byproducts: the blobs that accompany it, as in-toto resource descriptors.
    """

    type: ClassVar[str] = REPRODUCTION
    verdict: Fidelity
    provenance: Digest
    tolerance: float
    command: tuple[str, ...]
    exit_code: int
    environment: RebuiltEnvironment
    sandbox: UsedSandbox
    files: tuple[RebuiltFile, ...]
    metrics: tuple[RebuiltMetric, ...]
    not_replayed: tuple[str, ...]
    byproducts: tuple[Mapping[str, object], ...]
    started: str
    finished: str
