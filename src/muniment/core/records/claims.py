"""Records of claims, and of what they say of deployments."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationRecord(Record):
    """A signed claim about a version, stored as a bundle under its digest.

    `withdrawn` is the entry of the claim by which its signer took it back (None: it stands).
    """

    table: ClassVar[str] = "attestations"
    key: ClassVar[tuple[str, ...]] = ("name", "revision", "digest")
    amendable: ClassVar[frozenset[str]] = frozenset({"withdrawn"})
    name: str
    revision: str
    digest: str
    predicate_type: str
    signer: str
    key_id: str
    recorded: str
    reason: str | None
    assurance: str = "key"
    withdrawn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord(Record):
    """What was said of a version at a target, until the entry `ended` (None: it still stands)."""

    table: ClassVar[str] = "deployments"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    name: str
    number: int
    target: str
    state: str
    loaded: str | None
    attestation: str
    signer: str
    recorded: str
    ended: int | None = None
