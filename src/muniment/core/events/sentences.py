"""Events as sentences, for people who read them elsewhere: in a chat, in a mail.

They have names of models and numbers of versions, and nothing that a person typed. Who did it is left out: in
the log a person is an opaque id, and their name is erasable.
"""

from muniment.core.claims.attestations import kind_of
from muniment.core.events.catalog import CommentPosted, OwnerSet, TagSet
from muniment.core.events.claims import AttestationRecorded, ClaimWithdrawn, Deployed
from muniment.core.events.event import Event
from muniment.core.events.gates import (
    AliasMoved,
    AliasRemoved,
    EmergencyClosed,
    PolicySet,
    RequestClosed,
    RequestOpened,
    RequestReminded,
    TierSet,
)
from muniment.core.events.people import RecoveryBegun, RecoveryEnded
from muniment.core.events.versions import StatusSet, VersionPublished


def write_sentence(event: Event) -> str:
    """Say in a sentence what happened, without a full stop.

    >>> from muniment.core.names import ModelName
    >>> write_sentence(TierSet(name=ModelName("acme", "readmission"), tier="high"))
    'acme/readmission is in the risk tier high'
    """
    match event:
        case AliasMoved() | AliasRemoved() | EmergencyClosed() | PolicySet() | TierSet():
            return _write_gate(event)
        case RequestOpened() | RequestReminded() | RequestClosed():
            return _write_request(event)
        case AttestationRecorded() | ClaimWithdrawn():
            return _write_claim(event)
        case RecoveryBegun() | RecoveryEnded():
            return _write_recovery(event)
        case VersionPublished() | StatusSet() | CommentPosted() | TagSet() | OwnerSet():
            return _write_catalog(event)
        case _:
            # The second subject is the most specific; the first is the namespace.
            return f"{event.subjects()[1].name}: {event.type}"


def _write_catalog(event: VersionPublished | StatusSet | CommentPosted | TagSet | OwnerSet) -> str:
    match event:
        case VersionPublished():
            return f"{event.name}@{event.number} was published"
        case StatusSet():
            return f"{event.name}@{event.number} was {event.status}"
        case CommentPosted():
            return f"{event.name}@{event.number} has a new comment"
        case TagSet():
            return (
                f"{event.name}@{event.number} {'lost' if event.value is None else 'got'} the tag {event.tag}"
            )
        case OwnerSet():
            return f"{event.name} has another owner"


def _write_gate(event: AliasMoved | AliasRemoved | EmergencyClosed | PolicySet | TierSet) -> str:
    match event:
        case AliasMoved(emergency=emergency):
            past = ", past its gate, in an emergency" if emergency else ""
            return f"{event.alias} points at {event.name}@{event.number}{past}"
        case AliasRemoved():
            return f"{event.alias} of {event.name} was removed; it pointed at {event.name}@{event.previous}"
        case EmergencyClosed():
            return f"the emergency of {event.name}@{event.number} at {event.alias} was closed"
        case PolicySet(policy=None):
            return f"{event.models}@{event.alias} is guarded, and has no policy yet"
        case PolicySet():
            return f"a policy was set for {event.models}@{event.alias}"
        case TierSet():
            return f"{event.name} is in the risk tier {event.tier}"


def _write_request(event: RequestOpened | RequestReminded | RequestClosed) -> str:
    version = f"{event.name}@{event.number}"
    match event:
        case RequestOpened():
            return f"{version} is requested for {event.alias}"
        case RequestReminded():
            return f"{version} is requested again"
        case RequestClosed():
            return f"the request for {version} was {event.outcome}"


def _write_recovery(event: RecoveryBegun | RecoveryEnded) -> str:
    match event:
        case RecoveryBegun():
            return f"somebody lets {event.principal} in anew, from {event.opens} on"
        case RecoveryEnded():
            return f"the recovery of {event.principal} was {event.outcome} (entry {event.recovery})"


def _write_claim(event: AttestationRecorded | ClaimWithdrawn) -> str:
    match event:
        case AttestationRecorded(deployment=Deployed() as said):
            return f"{event.name}@{said.number} is {said.state} at {said.target}"
        case AttestationRecorded():
            return f"{event.name} has a new {kind_of(event.predicate_type)}"
        case ClaimWithdrawn():
            return f"a claim about {event.name} was withdrawn"
