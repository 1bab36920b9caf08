"""Authority: what the actor of an event must be allowed to do, in the state before its entry.

The registry checks a command before it does it, by the declaration of the command (`core.verbs`). Who replays
the log knows the event, and not the command; this table says the same of events.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from muniment.answers.emergencies import check_closer
from muniment.answers.people import roles_of
from muniment.answers.policies import find_policies
from muniment.answers.proposals import change_of, check_reviewer, check_unprotected, find_proposal
from muniment.answers.recoveries import check_approver
from muniment.answers.resolve import find_move, resolve
from muniment.answers.statuses import status_of
from muniment.answers.view import View
from muniment.core import events
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import APPROVAL, EMERGENCY, SCAN, TOMBSTONE, VERDICT
from muniment.core.errors import NotPermitted
from muniment.core.events import Entry, Event, RequestOutcome
from muniment.core.names import Alias, Reference
from muniment.core.people.callers import REGISTRY
from muniment.core.people.roles import EVERYWHERE, Act, may
from muniment.core.records import (
    AttestationRecord,
    CommentRecord,
    DraftRecord,
    GrantRecord,
    ModelRecord,
    MoveRecord,
    PrincipalRecord,
    RecoveryRecord,
    RequestRecord,
)

# The registry itself and the founder.
_FOUNDING: Final = 2
# What the registry claims in the course of what somebody else does, or on its own.
OWN_CLAIMS: Final = frozenset({SCAN, TOMBSTONE, VERDICT})


class Takes(NamedTuple):
    """An act that the actor must be allowed to do in the namespace of the event, or everywhere."""

    act: Act
    everywhere: bool = False


Credential: TypeAlias = events.KeyEnrolled | events.KeyRevoked | events.TokenIssued | events.TokenRevoked
# Gets the state before an entry, the entry, and its event, which is of the type of the row; returns what it
# takes, or None if it takes no role.
Rule: TypeAlias = Callable[..., Takes | None]


def check_authority(view: View, entry: Entry) -> None:
    """Check that the actor of an entry was allowed to do what it says, in the state before it.

    Raises:
        NotPermitted: no role of the actor allowed it.
        OwnVersion, NotIndependent: the actor reviews what they made, or is not the one to approve.
    """
    if view.projections.find(PrincipalRecord, (entry.actor,)) is None and not is_founding(view, entry):
        raise NotPermitted(principal=entry.actor, act="act before it is registered", namespace=EVERYWHERE)
    takes = find_takes(view, entry)
    if takes is None:
        return
    namespace = EVERYWHERE if takes.everywhere else (entry.namespace or EVERYWHERE)
    if not may(roles_of(view, entry.actor, namespace), takes.act) and not is_founding(view, entry):
        raise NotPermitted(principal=entry.actor, act=str(takes.act), namespace=namespace)


def find_takes(view: View, entry: Entry) -> Takes | None:
    """Find what the event of an entry takes; None if it takes no role. Raises as `check_authority`."""
    rule = AUTHORITY[type(entry.event)]
    return rule if isinstance(rule, Takes) else rule(view, entry, entry.event)


def act_of_claim(predicate_type: str) -> Act:
    """Return the act that making a claim of a type takes."""
    return Act.APPROVE if predicate_type == APPROVAL else Act.ATTEST


def act_of_status(before: Status, after: Status) -> Act:
    """Return the act that a change of status takes: the right to revoke includes that to reverse it."""
    if after is Status.PURGED:
        return Act.PURGE
    return Act.REVOKE if Status.REVOKED in {before, after} else Act.RETIRE


def is_founding(view: View, entry: Entry) -> bool:
    """Return whether the registry is being founded: nobody holds a role yet."""
    return entry.namespace is None and not view.projections.select(GrantRecord, limit=1)


def _refuse(entry: Entry, act: str) -> NotPermitted:
    return NotPermitted(principal=entry.actor, act=act, namespace=entry.namespace or EVERYWHERE)


def _registry_alone(
    _view: View,
    entry: Entry,
    _event: events.IndexSealed | events.RegistryRestored | events.ClockJumped | events.LoginLinked,
) -> None:
    if entry.actor != REGISTRY:
        raise _refuse(entry, "act as the registry")


def _found(_view: View, entry: Entry, _event: events.RegistryCreated) -> None:
    if entry.index:
        raise _refuse(entry, "create the registry a second time")


def _create_namespace(view: View, entry: Entry, _event: events.NamespaceCreated) -> None:
    """A namespace is created by the first event in it, for which nobody can have a role there yet."""
    if not roles_of(view, entry.actor, EVERYWHERE):
        raise _refuse(entry, "create a namespace")


def _admit_person(_view: View, entry: Entry, _event: events.PrincipalRegistered) -> Takes | None:
    """The registry itself admits people whom an identity provider identifies."""
    return None if entry.actor == REGISTRY else Takes(Act.ENROL, everywhere=True)


def _grant_role(view: View, entry: Entry, _event: events.RoleGranted) -> Takes | None:
    """The registry itself gives the founder their roles, before anybody else is registered."""
    if entry.actor != REGISTRY:
        return Takes(Act.GRANT)
    if len(view.projections.select(PrincipalRecord, limit=3)) > _FOUNDING:
        raise _refuse(entry, "give roles as the registry")
    return None


def _confirm(_view: View, entry: Entry, event: events.PrincipalConfirmed) -> Takes:
    if entry.actor == event.principal:
        raise _refuse(entry, "confirm themselves")
    return Takes(Act.ENROL, everywhere=True)


def _begin_recovery(_view: View, entry: Entry, event: events.RecoveryBegun) -> Takes:
    if entry.actor == event.principal:
        raise _refuse(entry, "let themselves in anew")
    return Takes(Act.ENROL, everywhere=True)


def _end_recovery(view: View, entry: Entry, event: events.RecoveryEnded) -> Takes | None:
    if event.outcome is events.RecoveryOutcome.APPROVED:
        recovery = view.projections.find(RecoveryRecord, (event.recovery,))
        if recovery is None:
            raise _refuse(entry, "approve a recovery that nobody began")
        check_approver(view, recovery, entry.actor, entry.index)
        return Takes(Act.ENROL, everywhere=True)
    return None if entry.actor == event.principal else Takes(Act.ENROL, everywhere=True)


def _own_credential(_view: View, entry: Entry, event: Credential) -> Takes | None:
    return None if entry.actor == event.principal else Takes(Act.ENROL, everywhere=True)


def _own_preferences(_view: View, entry: Entry, event: events.PreferencesSet) -> None:
    if entry.actor != event.principal:
        raise _refuse(entry, "set somebody else's preferences")


def _issue_token(view: View, entry: Entry, event: events.TokenIssued) -> Takes | None:
    return None if entry.actor == REGISTRY else _own_credential(view, entry, event)


def _record_reads(_view: View, entry: Entry, _event: events.ReadsRecorded) -> Takes | None:
    """The registry itself records the reads of each day."""
    return None if entry.actor == REGISTRY else Takes(Act.RECORD_READS)


def _end_draft(view: View, entry: Entry, event: events.DraftEnded) -> Takes:
    draft = view.projections.find(DraftRecord, (event.draft,))
    own = event.outcome is events.DraftOutcome.PUBLISHED or (draft and draft.author == entry.actor)
    return Takes(Act.PUBLISH if own else Act.PURGE)


def _set_status(view: View, _entry: Entry, event: events.StatusSet) -> Takes:
    version = resolve(view, Reference(event.name, event.number))
    return Takes(act_of_status(status_of(view, version), event.status))


def _record_claim(_view: View, entry: Entry, event: events.AttestationRecorded) -> Takes | None:
    if event.signer == REGISTRY:
        if event.predicate_type not in OWN_CLAIMS:
            raise _refuse(entry, "claim this as the registry")
        # The registry scans by itself. What a move or a purge takes is checked with its own entry.
        return None if entry.actor == REGISTRY else Takes(Act.READ)
    if event.predicate_type == VERDICT:
        raise _refuse(entry, "sign a verdict")
    # The policies of the alias say who may move it in an emergency.
    return Takes(Act.READ if event.predicate_type == EMERGENCY else act_of_claim(event.predicate_type))


def _withdraw_claim(view: View, _entry: Entry, event: events.ClaimWithdrawn) -> Takes:
    key = (str(event.name), str(event.revision), str(event.claim))
    claim = view.projections.find(AttestationRecord, key)
    return Takes(act_of_claim("" if claim is None else claim.predicate_type))


def _move_alias(_view: View, _entry: Entry, event: events.AliasMoved) -> Takes:
    # As for the claim of an emergency.
    return Takes(Act.READ if event.emergency else Act.MOVE_ALIAS)


def _change_policy(
    view: View, _entry: Entry, event: events.PolicySet | events.PolicyEnded | events.TierSet
) -> Takes:
    """What was proposed takes those who approved it, which the replay checks with the proposal."""
    if event.proposal is not None:
        return Takes(Act.READ)
    check_unprotected(view, change_of(event))
    return Takes(Act.SET_POLICY)


def _remove_alias(view: View, _entry: Entry, event: events.AliasRemoved) -> Takes:
    if event.proposal is not None:
        return Takes(Act.READ)
    check_unprotected(view, change_of(event))
    is_guarded = bool(find_policies(view, event.name, event.alias))
    return Takes(Act.SET_POLICY if is_guarded else Act.MOVE_ALIAS)


def _close_emergency(view: View, entry: Entry, event: events.EmergencyClosed) -> Takes:
    move = view.projections.find(MoveRecord, (event.move,))
    version = resolve(view, Reference(event.name, event.number))
    if move is None:
        raise _refuse(entry, "close an emergency that is none")
    check_closer(view, move, version, entry.actor, entry.index)
    return Takes(Act.APPROVE)


def _decide_proposal(view: View, entry: Entry, event: events.ProposalDecided) -> Takes:
    """Whether it is for them to decide is checked with what they signed."""
    if find_proposal(view, event.namespace, event.proposal) is None:
        raise _refuse(entry, "decide about a proposal that nobody made")
    return Takes(Act.READ)


def _withdraw_proposal(view: View, entry: Entry, event: events.ProposalWithdrawn) -> None:
    record = find_proposal(view, event.namespace, event.proposal)
    if record is None or record.proposer != entry.actor:
        raise _refuse(entry, "withdraw somebody else's proposal")


def _review_proposal(view: View, entry: Entry, event: events.ProposalReviewed) -> Takes:
    record = find_proposal(view, event.namespace, event.proposal)
    if record is None or not record.is_unreviewed:
        raise _refuse(entry, "close an emergency that is none")
    check_reviewer(view, record, entry.actor)
    return Takes(Act.APPROVE)


def _remind(view: View, entry: Entry, event: events.RequestReminded) -> Takes:
    _check_requester(view, entry, event.request)
    return Takes(Act.COMMENT)


def _close_request(view: View, entry: Entry, event: events.RequestClosed) -> Takes:
    """Requesters withdraw a request; who moves the alias meets it, and approvers reject it."""
    if event.outcome is RequestOutcome.WITHDRAWN:
        _check_requester(view, entry, event.request)
        return Takes(Act.COMMENT)
    if event.outcome is RequestOutcome.REJECTED:
        return Takes(Act.APPROVE)
    request = view.projections.find(RequestRecord, (event.request,))
    move = None if request is None else find_move(view, event.name, Alias(request.alias))
    if move is None or (move.actor, move.number) != (entry.actor, event.number):
        raise _refuse(entry, "meet a request without moving its alias")
    return Takes(Act.READ)


def _check_requester(view: View, entry: Entry, request: int) -> None:
    record = view.projections.find(RequestRecord, (request,))
    if record is None or record.requester != entry.actor:
        raise _refuse(entry, "act on somebody else's request")


def _set_owner(view: View, entry: Entry, event: events.OwnerSet) -> Takes:
    model = view.projections.find(ModelRecord, (str(event.name),))
    is_own = model is not None and model.owner == entry.actor
    return Takes(Act.READ if is_own else Act.ASSIGN)


def _erase_comment(view: View, entry: Entry, event: events.CommentErased) -> Takes:
    comment = view.projections.find(CommentRecord, (event.comment,))
    is_own = comment is not None and comment.author == entry.actor
    return Takes(Act.COMMENT if is_own else Act.ERASE)


AUTHORITY: Final[Mapping[type[Event], Takes | Rule]] = {
    events.RegistryCreated: _found,
    events.NamespaceCreated: _create_namespace,
    events.IndexSealed: _registry_alone,
    events.RegistryRestored: _registry_alone,
    events.ClockJumped: _registry_alone,
    events.TimeConfirmed: Takes(Act.CONFIRM_TIME, everywhere=True),
    events.PrincipalRegistered: _admit_person,
    events.PrincipalConfirmed: _confirm,
    events.PrincipalErased: Takes(Act.ERASE, everywhere=True),
    events.RecoveryBegun: _begin_recovery,
    events.RecoveryEnded: _end_recovery,
    events.KeyEnrolled: _own_credential,
    events.KeyRevoked: _own_credential,
    events.RoleGranted: _grant_role,
    events.RoleRevoked: Takes(Act.GRANT),
    events.LoginLinked: _registry_alone,
    events.TokenIssued: _issue_token,
    events.TokenRevoked: _own_credential,
    events.PreferencesSet: _own_preferences,
    events.IssuerTrusted: Takes(Act.ENROL, everywhere=True),
    events.IssuerDistrusted: Takes(Act.ENROL, everywhere=True),
    events.QuotaSet: Takes(Act.ENROL, everywhere=True),
    events.ReadsSet: Takes(Act.RECORD_READS),
    events.ReadsRecorded: _record_reads,
    events.VersionPublished: Takes(Act.PUBLISH),
    events.DraftSaved: Takes(Act.PUBLISH),
    events.DraftEnded: _end_draft,
    events.StatusSet: _set_status,
    events.RetentionSet: Takes(Act.RETAIN),
    events.AttestationRecorded: _record_claim,
    events.ClaimWithdrawn: _withdraw_claim,
    events.PolicySet: _change_policy,
    events.PolicyEnded: _change_policy,
    events.TierSet: _change_policy,
    events.ProposalOpened: Takes(Act.SET_POLICY),
    events.ProposalDecided: _decide_proposal,
    events.ProposalWithdrawn: _withdraw_proposal,
    events.ProposalReviewed: _review_proposal,
    events.AliasMoved: _move_alias,
    events.AliasRemoved: _remove_alias,
    events.EmergencyClosed: _close_emergency,
    events.RequestOpened: Takes(Act.COMMENT),
    events.RequestReminded: _remind,
    events.RequestClosed: _close_request,
    events.OwnerSet: _set_owner,
    events.TagSet: Takes(Act.PUBLISH),
    events.CommentPosted: Takes(Act.COMMENT),
    events.CommentErased: _erase_comment,
    events.WebhookSet: Takes(Act.HOOK),
    events.WebhookEnded: Takes(Act.HOOK),
    events.WebhookReplayed: Takes(Act.HOOK),
}
