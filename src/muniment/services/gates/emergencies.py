"""Emergencies: an alias moves past its gate, and somebody else must review that (break-glass)."""

from muniment.answers.claims import find_same
from muniment.answers.emergencies import check_closer, check_emergency, due_of, find_terms
from muniment.answers.gates import judge_gate
from muniment.answers.resolve import find_move, resolve
from muniment.answers.statuses import check_in_service
from muniment.core.errors import (
    NotPermitted,
    RequestNotFound,
    StatementReused,
)
from muniment.core.events import EmergencyClosed
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import need_reason
from muniment.core.people.roles import Act
from muniment.core.records import MoveRecord, ProposalRecord
from muniment.core.verbs.gates import BreakGlass, CloseEmergency
from muniment.services.bytes.custody import take
from muniment.services.claims.recording import record_claim
from muniment.services.claims.signers import verify_sent
from muniment.services.gates.moves import record_move
from muniment.services.gates.proposals import review_proposal
from muniment.services.transaction import Outcome, Transaction


def break_glass(tx: Transaction, command: BreakGlass) -> Outcome:
    """Point an alias at a version past its gate, with a signed reason; somebody else must close it.

    Raises:
        BreakGlassNotAllowed: a policy does not let the actor do it, or the alias is not guarded.
        NotPermitted: the actor's credential does not cover moving aliases.
        VersionWithdrawn: the version is retired, revoked or purged, which no emergency overrides.
        WrongSubject, StaleApproval: the signed statement is about something else.
        ReasonNeeded: the reason is blank.
        StatementReused: the signed statement already moved the alias once.
    """
    name = command.reference.name
    tx.require(Act.READ, name.namespace)
    # The policy says who may, but the credential must also cover moving aliases.
    if not tx.caller.reaches(Act.MOVE_ALIAS, name.namespace):
        raise NotPermitted(principal=tx.actor, act=str(Act.MOVE_ALIAS), namespace=name.namespace)
    version = resolve(tx.unit, command.reference)
    check_in_service(tx.unit, version)
    need_reason(command.reason, f"moving {name}@{command.alias} past its gate")
    terms = find_terms(tx.unit, version, command.alias, tx.actor)
    take(tx, name.namespace, [command.attestation])
    signer, statement = verify_sent(tx, command.attestation)
    check_emergency(tx.unit, version, command.alias, statement, tx.registry, command.reason.digest)
    used = find_same(tx.unit, version, signer, statement)
    if used is not None:
        raise StatementReused(entry=used.index)
    record_claim(tx, version, signer, statement, command.attestation, command.reason)
    judged = judge_gate(tx.unit, version, command.alias, tx.moment) or []
    due = due_of(terms, tx.time)
    return record_move(tx, command, version, find_move(tx.unit, name, command.alias), judged, due=due)


def close_emergency(tx: Transaction, command: CloseEmergency) -> Outcome:
    """Close an emergency, of a move or of a proposal, with the result of a review by somebody else.

    Raises:
        RequestNotFound: no open emergency has that entry.
        OwnVersion, NotAPerson, NotIndependent, NotYoursToDecide: it is not for the actor to close.
        ReasonNeeded: there is no reason.
    """
    proposal = tx.unit.projections.find(ProposalRecord, (command.emergency,))
    if proposal is not None and proposal.is_unreviewed:
        return review_proposal(tx, proposal, need_reason(command.reason, "closing an emergency"))
    move = tx.unit.projections.find(MoveRecord, (command.emergency,))
    if move is None or move.number is None or not move.emergency or move.closed is not None:
        raise RequestNotFound(entry=command.emergency, kind="emergency")
    name = ModelName.parse(move.name)
    tx.require(Act.APPROVE, name.namespace)
    version = resolve(tx.unit, Reference(name, move.number))
    check_closer(tx.unit, move, version, tx.actor, tx.unit.log.size())
    reason = need_reason(command.reason, "closing an emergency")
    event = EmergencyClosed(
        name=name,
        alias=Alias(move.alias),
        number=move.number,
        previous=move.previous,
        move=move.index,
        reason=tx.keep(reason),
    )
    return Outcome(tx.record(event))
