"""Claims: attestations about versions, and the deployments that they report."""

from dataclasses import dataclass
from typing import Final

from muniment.core.digests import Digest
from muniment.core.errors import NamespaceNotFound
from muniment.core.events import AttestationRecorded, ClaimWithdrawn, Entry
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Act
from muniment.core.records import DeploymentRecord
from muniment.core.verbs.verb import (
    Ask,
    At,
    Change,
    Command,
    Name,
    PageQuery,
    Question,
    Verb,
    Within,
    digest_of,
    says,
)
from muniment.core.verbs.versions import DescribeVersion

_RECORDED: Final = (AttestationRecorded, ClaimWithdrawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttestation(Command):
    """Record a stored bundle as a claim about a version. The sender must have signed it.

    A claim of kind `withdrawal` withdraws another claim by the same signer.
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

    @property
    def is_exact(self) -> bool:
        """Whether it names its version as entries about claims do: by digest."""
        return isinstance(self.reference.selector, Digest)

    def is_done_by(self, entry: Entry) -> bool:
        """The bundle was recorded as the actor's claim about this revision, or withdrawal of another."""
        ours = {"signer": entry.actor, "reason": digest_of(self.reason)}
        return self.was_done_by(entry) and any(says(entry, kind, **ours) for kind in _RECORDED)

    def was_done_by(self, entry: Entry) -> bool:
        """The bundle is on record as a claim about this revision, for any reason."""
        about = {"name": self.reference.name, "revision": self.reference.selector, "attestation": self.bundle}
        return any(says(entry, kind, **about) for kind in _RECORDED)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The claim was not withdrawn since."""
        claims = ask(DescribeVersion(reference=self.reference)).attestations
        return any(claim.index == entry.index and claim.withdrawn is None for claim in claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeployments(PageQuery[DeploymentRecord]):
    """List which versions of a namespace serve where, in the order of the log.

    `name` limits them to a model, `target` to a place. `history` includes deployments that have ended.
    """

    declared = Question(
        "/namespaces/{namespace}/deployments", Within("namespace", NamespaceNotFound), proven=True
    )
    namespace: Name
    name: ModelName | None = None
    target: Name = ""
    at: At = None
    history: bool = False


VERBS: Final[tuple[type[Verb], ...]] = (RecordAttestation, ListDeployments)
