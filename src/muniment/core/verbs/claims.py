"""Claims: attestations about versions, and the deployments that they report."""

from dataclasses import dataclass
from typing import Final

from muniment.core.digests import Digest
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import DeploymentRecord
from muniment.core.verbs.verb import At, Change, Command, Name, PageQuery, Question, Verb, Who


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttestation(Command):
    """Record a stored bundle as a claim about a version. The sender must have signed it.

    A claim of kind `withdrawal` takes back another claim that the sender signed.
    """

    declared = Change(
        "POST",
        "/models/{namespace}/{model}/versions/{version}/attestations",
        f"those who may {Act.ATTEST} in the namespace; for approvals, those who may {Act.APPROVE}",
        idempotent=True,
    )
    reference: Reference
    bundle: Digest
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeployments(PageQuery[DeploymentRecord]):
    """List which versions serve where, in the order of the log; with `at`, as of that time.

    `history` includes deployments that have ended.
    """

    declared = Question("/deployments", Who.MEMBER)
    name: ModelName | None = None
    target: Name = ""
    at: At = None
    history: bool = False


VERBS: Final[tuple[type[Verb], ...]] = (RecordAttestation, ListDeployments)
