"""Emergencies: an alias moves past its gate, and somebody else has to look at that (break-glass)."""

from muniment.core.claims.attestations import EMERGENCY, Statement
from muniment.core.claims.emergencies import Emergency
from muniment.core.digests import Digest
from muniment.core.errors import (
    BreakGlassNotAllowed,
    NotPermitted,
    OwnVersion,
    ReasonNeeded,
    RequestNotFound,
    StaleApproval,
    WrongSubject,
)
from muniment.core.events import EmergencyClosed
from muniment.core.gates.policy import BreakGlassTerms, Mode
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.people.roles import Act
from muniment.core.records import MoveRecord, VersionRecord
from muniment.core.times import read_time, write_time
from muniment.core.verbs.gates import BreakGlass, CloseEmergency
from muniment.services.bytes.custody import take
from muniment.services.catalog.resolve import find_move, resolve
from muniment.services.catalog.statuses import check_in_service
from muniment.services.claims.recording import record_claim
from muniment.services.claims.relying import authors_of, check_subject, read_revision
from muniment.services.claims.signers import verify_sent
from muniment.services.gates.cases import Moment
from muniment.services.gates.gate import judge_gate
from muniment.services.gates.moves import record_move
from muniment.services.gates.policies import find_policies
from muniment.services.transaction import Outcome, Transaction, roles_of


def break_glass(tx: Transaction, command: BreakGlass) -> Outcome:
    """Point an alias at a version past its gate: signed, with a reason, and to be closed by somebody else.

    Raises:
        BreakGlassNotAllowed: a policy does not let the actor; or the alias is not guarded at all.
        NotPermitted: the actor's credential is not good for moving aliases.
        VersionWithdrawn: the version is retired, revoked or purged: that is for nobody to move past.
        WrongSubject, StaleApproval: what was signed is about something else.
    """
    name = command.reference.name
    tx.require(Act.READ, name.namespace)
    # Who may is for the policy to say; a credential that moves no alias does not move one so, either.
    if not tx.caller.reaches(Act.MOVE_ALIAS, name.namespace):
        raise NotPermitted(principal=tx.actor, act=str(Act.MOVE_ALIAS), namespace=name.namespace)
    version = resolve(tx.unit, command.reference)
    check_in_service(tx.unit, version)
    terms = _find_terms(tx, version, command.alias)
    take(tx, name.namespace, [command.attestation])
    signer, statement = verify_sent(tx, command.attestation)
    _check_emergency(tx, version, command, statement)
    record_claim(tx, version, signer, statement, command.attestation, command.reason)
    judged = judge_gate(tx.unit, version, command.alias, Moment(tx.registry, tx.time)) or []
    due = write_time(read_time(tx.time) + min(one.close_within for one in terms))
    return record_move(tx, command, version, find_move(tx.unit, name, command.alias), judged, due=due)


def close_emergency(tx: Transaction, command: CloseEmergency) -> Outcome:
    """Close an emergency: somebody else than who made the move looked at it, and says what came of it.

    Raises:
        RequestNotFound: no emergency of that entry is open.
        OwnVersion: the actor made the move, or the version.
    """
    move = tx.unit.projections.find(MoveRecord, (command.emergency,))
    if move is None or move.number is None or not move.emergency or move.closed is not None:
        raise RequestNotFound(entry=command.emergency, kind="emergency")
    name = ModelName.parse(move.name)
    tx.require(Act.APPROVE, name.namespace)
    version = resolve(tx.unit, Reference(name, move.number))
    if tx.actor in {move.actor, *authors_of(tx.unit, version)}:
        raise OwnVersion(reference=f"the emergency of {move.name}@{move.alias}", principal=tx.actor)
    if command.reason is None:
        raise ReasonNeeded(what="closing an emergency")
    event = EmergencyClosed(
        name=name,
        alias=Alias(move.alias),
        number=move.number,
        move=move.index,
        reason=tx.keep(command.reason),
    )
    return Outcome(tx.record(event))


def _find_terms(tx: Transaction, version: VersionRecord, alias: Alias) -> list[BreakGlassTerms]:
    """Find what every enforced policy says of emergencies. Raises as `break_glass`."""
    reference = f"{version.name}@{version.number}"
    name = ModelName.parse(version.name)
    roles = roles_of(tx.unit, tx.actor, name.namespace)
    found: list[BreakGlassTerms] = []
    for _, policy in find_policies(tx.unit, name, alias):
        if policy is not None and policy.mode is not Mode.ENFORCE:
            continue
        terms = None if policy is None else policy.break_glass
        if terms is None:
            raise BreakGlassNotAllowed(
                reference=reference, alias=str(alias), reason="a policy has no way past"
            )
        if not roles & terms.roles:
            asked = " or ".join(sorted(terms.roles))
            raise BreakGlassNotAllowed(reference=reference, alias=str(alias), reason=f"you are no {asked}")
        found.append(terms)
    if not found:
        raise BreakGlassNotAllowed(reference=reference, alias=str(alias), reason="nothing guards it: promote")
    return found


def _check_emergency(
    tx: Transaction, version: VersionRecord, command: BreakGlass, statement: Statement
) -> None:
    reference = f"{version.name}@{version.number}"
    check_subject(statement, version, read_revision(tx.unit, Digest.parse(version.revision)))
    said = Emergency.read(statement.predicate) if statement.predicate_type == EMERGENCY else None
    wanted = (reference, command.alias, tx.registry)
    if said is None or (said.version, said.alias, said.registry) != wanted:
        raise WrongSubject(reference=reference, subject=str(command.attestation))
    if said.reason != command.reason.digest:
        raise StaleApproval(reference=reference, what="reason")
