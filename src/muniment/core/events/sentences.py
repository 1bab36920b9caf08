"""Events as sentences, for people who read them: in a view, in a chat, in a mail.

They have names of models and numbers of versions, and nothing that a person typed. Who did it is left out.
Whom it is about is there by the opaque id that the log has: a view puts their name in its place.
"""

from typing import Final, TypeAlias

from muniment.core.claims.attestations import kind_of
from muniment.core.claims.proposals import ProposalDecision
from muniment.core.counting import count
from muniment.core.events.bytes import QuotaSet, ReadsRecorded, ReadsSet
from muniment.core.events.catalog import CommentErased, CommentPosted, OwnerSet, TagSet
from muniment.core.events.claims import AttestationRecorded, ClaimWithdrawn, Deployed
from muniment.core.events.event import Event
from muniment.core.events.gates import (
    AliasMoved,
    AliasRemoved,
    EmergencyClosed,
    PolicyEnded,
    PolicySet,
    RequestClosed,
    RequestOpened,
    RequestReminded,
    TierSet,
)
from muniment.core.events.log import (
    ClockJumped,
    IndexSealed,
    NamespaceCreated,
    RegistryCreated,
    RegistryRestored,
    TimeConfirmed,
)
from muniment.core.events.people import (
    IssuerDistrusted,
    IssuerTrusted,
    KeyEnrolled,
    KeyRevoked,
    LoginLinked,
    PreferencesSet,
    PrincipalConfirmed,
    PrincipalErased,
    PrincipalRegistered,
    RecoveryBegun,
    RecoveryEnded,
    RoleGranted,
    RoleRevoked,
    TokenIssued,
    TokenRevoked,
)
from muniment.core.events.proposals import (
    ProposalDecided,
    ProposalOpened,
    ProposalReviewed,
    ProposalWithdrawn,
)
from muniment.core.events.upkeep import WebhookEnded, WebhookReplayed, WebhookSet
from muniment.core.events.versions import (
    DraftEnded,
    DraftSaved,
    RetentionSet,
    StatusSet,
    VersionPublished,
)
from muniment.core.people.roles import EVERYWHERE

_Catalog: TypeAlias = (
    VersionPublished | DraftSaved | DraftEnded | StatusSet | RetentionSet | TagSet | OwnerSet
)
_Gate: TypeAlias = AliasMoved | AliasRemoved | EmergencyClosed | PolicySet | PolicyEnded | TierSet
_Key: TypeAlias = KeyEnrolled | KeyRevoked | TokenIssued | TokenRevoked | LoginLinked | PreferencesSet
_Person: TypeAlias = (
    PrincipalRegistered
    | PrincipalConfirmed
    | PrincipalErased
    | RoleGranted
    | RoleRevoked
    | IssuerTrusted
    | IssuerDistrusted
)
_Proposal: TypeAlias = ProposalOpened | ProposalDecided | ProposalWithdrawn | ProposalReviewed
_Recovery: TypeAlias = RecoveryBegun | RecoveryEnded
_Registry: TypeAlias = (
    RegistryCreated | NamespaceCreated | IndexSealed | RegistryRestored | ClockJumped | TimeConfirmed
)
_Upkeep: TypeAlias = QuotaSet | ReadsSet | ReadsRecorded | WebhookSet | WebhookEnded | WebhookReplayed


def write_sentence(event: Event) -> str:  # noqa: C901, PLR0911 - one for each wing
    """Say in a sentence what happened, without a full stop.

    >>> from muniment.core.names import ModelName
    >>> from muniment.core.digests import Digest
    >>> tier = TierSet(name=ModelName("acme", "readmission"), tier="high", reason=Digest.of(b"why"))
    >>> write_sentence(tier)
    'acme/readmission is in the risk tier high'
    """
    if isinstance(event, _Gate):
        return _write_gate(event)
    if isinstance(event, _Proposal):
        return _write_proposal(event)
    if isinstance(event, RequestOpened | RequestReminded | RequestClosed):
        return _write_request(event)
    if isinstance(event, AttestationRecorded | ClaimWithdrawn | CommentPosted | CommentErased):
        return _write_claim(event)
    if isinstance(event, _Catalog):
        return _write_catalog(event)
    if isinstance(event, _Person):
        return _write_person(event)
    if isinstance(event, _Recovery):
        return _write_recovery(event)
    if isinstance(event, _Key):
        return _write_key(event)
    if isinstance(event, _Registry):
        return _write_registry(event)
    if isinstance(event, _Upkeep):
        return _write_upkeep(event)
    # The second subject is the most specific; the first is the namespace.
    return f"{event.subjects()[1].name}: {event.type}"


def _write_catalog(event: _Catalog) -> str:  # noqa: PLR0911 - one for each event
    match event:
        case VersionPublished():
            return f"{event.name}@{event.number} was published"
        case DraftSaved():
            return f"{event.name} has a new draft"
        case DraftEnded():
            return f"the draft of entry {event.draft} of {event.name} was {event.outcome}"
        case StatusSet():
            return f"{event.name}@{event.number} was {event.status}"
        case RetentionSet():
            hold = "under a legal hold, " if event.hold else ""
            return f"{event.name}@{event.number} is kept {hold}until {event.until or 'no set time'}"
        case TagSet():
            got = "lost" if event.value is None else "got"
            return f"{event.name}@{event.number} {got} the tag {event.tag}"
        case OwnerSet():
            return f"{event.name} has another owner"


def _write_gate(event: _Gate) -> str:  # noqa: PLR0911 - one for each event
    match event:
        case AliasMoved(emergency=emergency):
            past = ", past its gate, in an emergency" if emergency else ""
            return f"{event.alias} points at {event.name}@{event.number}{past}"
        case AliasRemoved():
            pointed = f"it pointed at {event.name}@{event.previous}"
            return f"{event.alias} of {event.name} was removed; {pointed}{_say_proposed(event)}"
        case EmergencyClosed():
            return f"the emergency of {event.name}@{event.number} at {event.alias} was closed"
        case PolicySet(policy=None):
            return f"{event.models}@{event.alias} is guarded, and has no policy yet{_say_proposed(event)}"
        case PolicySet():
            return f"a policy was set for {event.models}@{event.alias}{_say_proposed(event)}"
        case PolicyEnded():
            return f"the policy of {event.models}@{event.alias} ended{_say_proposed(event)}"
        case TierSet():
            return f"{event.name} is in the risk tier {event.tier}{_say_proposed(event)}"


def _say_proposed(event: PolicySet | PolicyEnded | TierSet | AliasRemoved) -> str:
    """Say that a change was approved before, or was not, in an emergency."""
    if event.proposal is None:
        return ""
    if event.proposal.due is None:
        return f", as proposed in entry {event.proposal.entry}"
    return f", past its protection, in an emergency (proposal {event.proposal.entry})"


def _write_proposal(event: _Proposal) -> str:
    match event:
        case ProposalOpened():
            return f"it is proposed to {event.change}"
        case ProposalDecided():
            return f"the proposal {event.proposal} of {event.namespace} {_DECIDED[event.decision]}"
        case ProposalWithdrawn():
            return f"the proposal {event.proposal} of {event.namespace} was withdrawn"
        case ProposalReviewed():
            return f"the emergency of the proposal {event.proposal} of {event.namespace} was closed"


_DECIDED: Final = {
    ProposalDecision.APPROVE: "was approved",
    ProposalDecision.REJECT: "was rejected",
    ProposalDecision.WITHDRAW: "lost a decision, which was withdrawn",
    ProposalDecision.BREAK_GLASS: "takes effect in an emergency",
}


def _write_request(event: RequestOpened | RequestReminded | RequestClosed) -> str:
    version = f"{event.name}@{event.number}"
    match event:
        case RequestOpened():
            return f"{version} is requested for {event.alias}"
        case RequestReminded():
            return f"{version} is requested again"
        case RequestClosed():
            return f"the request for {version} was {event.outcome}"


def _write_recovery(event: _Recovery) -> str:
    match event:
        case RecoveryBegun():
            return f"{event.principal} is let in anew, from {event.opens} on"
        case RecoveryEnded():
            return f"the recovery of {event.principal} (entry {event.recovery}) was {event.outcome}"


def _write_claim(event: AttestationRecorded | ClaimWithdrawn | CommentPosted | CommentErased) -> str:
    match event:
        case AttestationRecorded(deployment=Deployed() as said):
            return f"{event.name}@{said.number} is {said.state} at {said.target}"
        case AttestationRecorded():
            return f"{event.name} has a new {kind_of(event.predicate_type)}"
        case ClaimWithdrawn():
            return f"a claim about {event.name} was withdrawn"
        case CommentPosted():
            return f"{event.name}@{event.number} has a new comment"
        case CommentErased():
            return f"the comment of entry {event.comment} on {event.name}@{event.number} was erased"


def _write_person(event: _Person) -> str:  # noqa: PLR0911 - one for each event
    match event:
        case PrincipalRegistered():
            return f"{event.principal} was registered as a {event.kind}"
        case PrincipalConfirmed():
            return f"{event.principal} was confirmed to be who they are"
        case PrincipalErased():
            typed = ", and all that they typed" if event.typed else ""
            return f"the personal data of {event.principal} was erased{typed}"
        case RoleGranted():
            return f"{event.principal} is {event.role} {_write_place(event.namespace)}"
        case RoleRevoked():
            return f"{event.principal} is no longer {event.role} {_write_place(event.namespace)}"
        case IssuerTrusted():
            return f"workloads of {event.issuer} may sign in as {event.principal}"
        case IssuerDistrusted():
            return f"the rule of entry {event.rule} for workloads of {event.issuer} was removed"


def _write_key(event: _Key) -> str:
    match event:
        case KeyEnrolled():
            return f"a key was enrolled for {event.principal}"
        case KeyRevoked():
            return f"a key of {event.principal} was revoked as of entry {event.effective}"
        case TokenIssued():
            return f"a token was issued for {event.principal}, until {event.expires}"
        case TokenRevoked():
            return f"a token of {event.principal} was revoked"
        case LoginLinked():
            return f"a login was linked to {event.principal}"
        case PreferencesSet():
            return f"{event.principal} set preferences"


def _write_registry(event: _Registry) -> str:
    match event:
        case RegistryCreated():
            return f"the registry was created, with the log {event.origin}"
        case NamespaceCreated():
            return f"the namespace {event.namespace} was created"
        case IndexSealed():
            return f"the index over {count(event.size, 'entry')} was sealed"
        case RegistryRestored():
            return f"the registry was restored to its first {count(event.lost_after, 'entry')}"
        case ClockJumped():
            return f"the clock jumped; at the entry before, it said {event.before}"
        case TimeConfirmed():
            return f"the date {event.date} was confirmed, after the clock jumped at entry {event.jump}"


def _write_upkeep(event: _Upkeep) -> str:  # noqa: PLR0911 - one for each event
    match event:
        case QuotaSet(size_bytes=None):
            return f"{event.namespace} has no quota"
        case QuotaSet():
            return f"{event.namespace} may hold {count(event.size_bytes or 0, 'byte')}"
        case ReadsSet():
            keeps = "keeps a record of reads" if event.recording else "keeps no record of reads any more"
            return f"{event.namespace} {keeps}"
        case ReadsRecorded():
            return f"{count(event.reads, 'read')} in {event.namespace} on {event.day} were recorded"
        case WebhookSet():
            return f"{event.namespace} has a new webhook"
        case WebhookEnded():
            return f"webhook {event.webhook} of {event.namespace} has ended"
        case WebhookReplayed():
            what = "failed deliveries" if event.since is None else f"everything from entry {event.since} on"
            return f"webhook {event.webhook} of {event.namespace} sends {what} again"


def _write_place(namespace: str) -> str:
    return "everywhere" if namespace == EVERYWHERE else f"in {namespace}"
