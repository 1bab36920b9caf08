"""Events of claims."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.attestations import WITHDRAWAL
from muniment.core.claims.deployments import State
from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event, text
from muniment.core.events.subjects import Subject, SubjectKind, of_claims, of_namespace
from muniment.core.names import ModelName
from muniment.core.people.callers import Assurance
from muniment.core.records import Amend, AttestationRecord, Change, DeploymentRecord, Put


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What a deployment claim says of a version; `previous` is the entry of the one that it ends."""

    number: int
    target: str
    state: State
    loaded: Digest | None
    previous: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationRecorded(Event):
    """A claim about a revision was verified and is on record.

    Attributes:
        attestation: the digest of its bundle.
        signer: the principal whose key signed it.
        reason: the digest of a payload that says why.
        deployment: what it says, if it is a deployment.
    """

    type: ClassVar[str] = "attestation.recorded"
    name: ModelName
    revision: Digest
    attestation: Digest
    predicate_type: str
    signer: str
    key: str
    assurance: Assurance
    reason: Digest | None = None
    deployment: Deployed | None = None

    def subjects(self) -> tuple[Subject, ...]:
        """The claims about the revision, and the target of a deployment."""
        about = (of_namespace(self.name.namespace), of_claims(self.name, self.revision))
        said = self.deployment
        if said is None:
            return about
        target = Subject(SubjectKind.TARGET, f"{self.name.namespace}/{said.target}")
        return (*about, target, Subject(SubjectKind.DEPLOYMENTS, self.name.namespace))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the claim. Of each model and target the newest deployment stands: it ends the one before it."""
        claim = _add(self, entry)
        said = self.deployment
        if said is None:
            return [claim]
        ended = [] if said.previous is None else [_end(said.previous, entry)]
        return [claim, Put(self._deploy(said, entry)), *ended]

    def _deploy(self, said: Deployed, entry: Entry) -> DeploymentRecord:
        return DeploymentRecord(
            index=entry.index,
            name=str(self.name),
            number=said.number,
            target=said.target,
            state=str(said.state),
            loaded=text(said.loaded),
            attestation=str(self.attestation),
            signer=self.signer,
            recorded=entry.when,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimWithdrawn(Event):
    """The signer of a claim took it back, by another claim that was verified and is on record.

    Attributes:
        claim: the digest of the claim that is withdrawn, and `entry`, which recorded it.
        attestation: the digest of the withdrawal's bundle.
        signer: the principal who signed both.
        reason: the digest of a payload that says why.
    """

    type: ClassVar[str] = "claim.withdrawn"
    predicate_type: ClassVar[str] = WITHDRAWAL
    name: ModelName
    revision: Digest
    claim: Digest
    entry: int
    attestation: Digest
    signer: str
    key: str
    assurance: Assurance
    reason: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The claims about the revision."""
        return (
            of_namespace(self.name.namespace),
            of_claims(self.name, self.revision),
        )

    def fold(self, entry: Entry) -> list[Change]:
        """Add the withdrawal, and mark the claim."""
        key = (str(self.name), str(self.revision), str(self.claim))
        return [_add(self, entry), Amend(AttestationRecord, key, {"withdrawn": entry.index})]


def _add(claim: AttestationRecorded | ClaimWithdrawn, entry: Entry) -> Change:
    return Put(
        AttestationRecord(
            index=entry.index,
            name=str(claim.name),
            revision=str(claim.revision),
            digest=str(claim.attestation),
            predicate_type=claim.predicate_type,
            signer=claim.signer,
            key_id=claim.key,
            recorded=entry.when,
            reason=text(claim.reason),
            assurance=str(claim.assurance),
        )
    )


def _end(deployment: int, entry: Entry) -> Change:
    return Amend(DeploymentRecord, (deployment,), {"ended": entry.index})
