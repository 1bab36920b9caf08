"""What the view of a version is made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from muniment.core.bytes.revisions import Revision
from muniment.core.claims.attestations import Attestation
from muniment.core.gates.policy import Gate
from muniment.core.records import AttestationRecord, DeploymentRecord, PolicyRecord, VersionRecord
from muniment.core.verbs.catalog import Comment
from muniment.core.verbs.gates import Move, Request
from muniment.core.verbs.versions import VersionDetail
from muniment.views.metrics import Rival


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionMaterial:
    """What the view of a version is made from, all of it proven or verified.

    Attributes:
        claims: the claims that stand, oldest first.
        withdrawn: what withdrew the others, by their entries.
        moves: the moves of all aliases of the model, oldest first.
        gates: the judgement of each guarded alias that points elsewhere.
        faults: why approvals do not count, by the digests of their claims.
        rivals: the versions that aliases hold, other than this.
        policies: the policies in force for the aliases of the model.
        first: the metrics that the policies ask for.
        newer: the versions of the model that came later, newest first, and their messages.
        names: the names of people, by their ids.
    """

    detail: VersionDetail
    revision: Revision
    claims: tuple[Attestation, ...]
    withdrawn: Mapping[int, AttestationRecord]
    owner: str | None
    tier: str | None
    tags: Mapping[str, str]
    moves: tuple[Move, ...]
    requests: tuple[Request, ...]
    comments: tuple[Comment, ...]
    gates: tuple[Gate, ...]
    faults: Mapping[str, str]
    rivals: tuple[Rival, ...]
    policies: tuple[PolicyRecord, ...]
    first: tuple[str, ...]
    deployments: tuple[DeploymentRecord, ...]
    newer: tuple[VersionRecord, ...]
    names: Mapping[str, str]

    @property
    def record(self) -> VersionRecord:
        """The record of the version."""
        return self.detail.record

    @property
    def reference(self) -> str:
        """The reference that names it for ever."""
        return f"{self.record.name}@{self.record.number}"

    def of_type(self, predicate_type: str) -> list[Attestation]:
        """List the claims of a type that stand, oldest first."""
        return [claim for claim in self.claims if claim.predicate_type == predicate_type]

    def newest(self, predicate_type: str) -> Attestation | None:
        """Return the newest claim of a type that stands."""
        return next(reversed(self.of_type(predicate_type)), None)
