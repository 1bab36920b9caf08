"""Reproductions: what came of rebuilding a version from its record; only what was replayed is claimed.

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
    """A file of the version, and what was rebuilt of it; None if nothing was."""

    path: str
    outcome: FileOutcome
    recorded: Digest
    rebuilt: Digest | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltMetric:
    """A metric that was computed again with the rebuilt model; None where it is not a number."""

    dataset: Digest
    metric: str
    recorded: float | None
    rebuilt: float | None
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltEnvironment:
    """The environment that was made.

    Attributes:
        packages: how many, and `hashes`: how many of those were checked against a recorded hash.
        provided: what was taken from this machine.
    """

    python: str
    tool: str
    packages: int
    hashes: int
    provided: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedSandbox:
    """The sandbox that the command ran in: whether it had a network, and could write all files."""

    kind: str
    network: bool
    files: bool
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction(Predicate):
    """What a reproduction says.

    Attributes:
        provenance: the digest of the claim that was replayed.
        not_replayed: what of the record was left out, in words.
        byproducts: what is kept beside it, as in-toto resource descriptors.
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
