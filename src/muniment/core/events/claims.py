"""Events of claims."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.claims.deployments import State
from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event, text
from muniment.core.events.subjects import Subject, SubjectKind, of_claims, of_entry, of_namespace
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
        return (*about, target, *([] if said.previous is None else [of_entry(said.previous)]))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the claim. Of each model and target the newest deployment stands: it ends the one before it."""
        claim = Put(
            AttestationRecord(
                index=entry.index,
                name=str(self.name),
                revision=str(self.revision),
                digest=str(self.attestation),
                predicate_type=self.predicate_type,
                signer=self.signer,
                key_id=self.key,
                recorded=entry.time,
                reason=text(self.reason),
                assurance=str(self.assurance),
            )
        )
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
            recorded=entry.time,
        )


def _end(deployment: int, entry: Entry) -> Change:
    return Amend(DeploymentRecord, (deployment,), {"ended": entry.index})
