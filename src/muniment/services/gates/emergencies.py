"""Emergencies: an alias moves past its gate, and somebody else must review that (break-glass)."""

from muniment.answers.cases import Moment
from muniment.answers.claims import authors_of, check_subject, find_same, read_revision
from muniment.answers.gates import judge_gate
from muniment.answers.people import roles_of
from muniment.answers.policies import find_policies
from muniment.answers.resolve import find_move, resolve
from muniment.answers.statuses import check_in_service
from muniment.core.claims.attestations import EMERGENCY, Statement
from muniment.core.claims.emergencies import Emergency
from muniment.core.digests import Digest
from muniment.core.errors import (
    BreakGlassNotAllowed,
    NotPermitted,
    OwnVersion,
    RequestNotFound,
    StaleApproval,
    StatementReused,
    WrongSubject,
)
from muniment.core.events import EmergencyClosed
from muniment.core.gates.policy import BreakGlassTerms, Mode
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import need_reason
from muniment.core.people.roles import Act
from muniment.core.records import MoveRecord, VersionRecord
from muniment.core.times import read_time, write_time
from muniment.core.verbs.gates import BreakGlass, CloseEmergency
from muniment.services.bytes.custody import take
from muniment.services.claims.recording import record_claim
from muniment.services.claims.signers import verify_sent
from muniment.services.gates.moves import record_move
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
    terms = _find_terms(tx, version, command.alias)
    take(tx, name.namespace, [command.attestation])
    signer, statement = verify_sent(tx, command.attestation)
    _check_emergency(tx, version, command, statement)
    used = find_same(tx.unit, version, signer, statement)
    if used is not None:
        raise StatementReused(entry=used.index)
    record_claim(tx, version, signer, statement, command.attestation, command.reason)
    judged = judge_gate(tx.unit, version, command.alias, Moment(tx.registry, tx.time)) or []
    due = write_time(read_time(tx.time) + min(term.close_within for term in terms))
    return record_move(tx, command, version, find_move(tx.unit, name, command.alias), judged, due=due)


def close_emergency(tx: Transaction, command: CloseEmergency) -> Outcome:
    """Close an emergency with the result of a review by somebody else.

    Raises:
        RequestNotFound: no open emergency has that entry.
        OwnVersion: the actor made the move or the version.
        ReasonNeeded: there is no reason.
    """
    move = tx.unit.projections.find(MoveRecord, (command.emergency,))
    if move is None or move.number is None or not move.emergency or move.closed is not None:
        raise RequestNotFound(entry=command.emergency, kind="emergency")
    name = ModelName.parse(move.name)
    tx.require(Act.APPROVE, name.namespace)
    version = resolve(tx.unit, Reference(name, move.number))
    if tx.actor in {move.actor, *authors_of(tx.unit, version)}:
        raise OwnVersion(reference=f"the emergency of {move.name}@{move.alias}", principal=tx.actor)
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


def _find_terms(tx: Transaction, version: VersionRecord, alias: Alias) -> list[BreakGlassTerms]:
    """Find the terms of every enforced policy for emergencies. Raises like `break_glass`."""
    reference = f"{version.name}@{version.number}"
    name = ModelName.parse(version.name)
    roles = roles_of(tx.unit, tx.actor, name.namespace)
    allowed: list[BreakGlassTerms] = []
    for _, policy in find_policies(tx.unit, name, alias):
        if policy is not None and policy.mode is not Mode.ENFORCE:
            continue
        terms = None if policy is None else policy.break_glass
        if terms is None:
            raise BreakGlassNotAllowed(
                reference=reference, alias=str(alias), reason="a policy does not allow it"
            )
        if not roles & terms.roles:
            asked = " or ".join(sorted(terms.roles))
            raise BreakGlassNotAllowed(
                reference=reference, alias=str(alias), reason=f"it needs the role {asked}"
            )
        allowed.append(terms)
    if not allowed:
        raise BreakGlassNotAllowed(
            reference=reference, alias=str(alias), reason="the alias is not guarded, so promote it"
        )
    return allowed


def _check_emergency(
    tx: Transaction, version: VersionRecord, command: BreakGlass, statement: Statement
) -> None:
    reference = f"{version.name}@{version.number}"
    check_subject(statement, version, read_revision(tx.unit, Digest.parse(version.revision)))
    signed = Emergency.read(statement.predicate) if statement.predicate_type == EMERGENCY else None
    wanted = (reference, command.alias, tx.registry)
    if signed is None or (signed.version, signed.alias, signed.registry) != wanted:
        raise WrongSubject(reference=reference, subject=str(command.attestation))
    if signed.reason != command.reason.digest:
        raise StaleApproval(reference=reference, what="reason")
