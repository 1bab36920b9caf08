"""Move an alias: forward when the gate passes, back to an earlier holder that still passes it."""

from muniment.core.commands import MoveAlias, RollBackAlias
from muniment.core.errors import GateFailed, NothingToRollBack, PreconditionFailed
from muniment.core.events import EventType
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.policy import Verdict
from muniment.core.records import MoveRecord, VersionRecord
from muniment.core.roles import Act
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.describe import describe_move
from muniment.services.gate import judge_version, sign_verdict, verdict_event
from muniment.services.policies import find_policy
from muniment.services.resolve import find_move, resolve
from muniment.services.transaction import Outcome, Transaction


def move_alias(tx: Transaction, command: MoveAlias) -> Outcome:
    """Point an alias at a version; if it points there already, answer with that move.

    Raises:
        GateFailed: the alias has a policy and the version does not meet it.
        PreconditionFailed: it was moved since the caller looked.
    """
    name = command.reference.name
    tx.require(Act.MOVE_ALIAS, name.namespace)
    version = resolve(tx.unit, command.reference)
    present = find_move(tx.unit, name, command.alias)
    newest = -1 if present is None else present.index
    if command.expected not in {None, newest}:
        raise PreconditionFailed(what=f"{name}@{command.alias}")
    if present is not None and present.number == version.number:
        return Outcome(present.index, created=False)
    verdict = _judge(tx.unit, version, command.alias)
    if verdict is not None and not verdict.passed:
        raise _refusal(verdict)
    return _move(tx, command, version, present, verdict)


def roll_back_alias(tx: Transaction, command: RollBackAlias) -> Outcome:
    """Point an alias at the newest earlier holder that still meets the policy.

    Raises:
        NothingToRollBack: it has had no other holder.
        GateFailed: no earlier holder meets the policy now; the newest one's failures are listed.
    """
    tx.require(Act.MOVE_ALIAS, command.name.namespace)
    holders = _holders(tx.unit, command.name, command.alias)
    present = find_move(tx.unit, command.name, command.alias)
    refusals = []
    for number in reversed(holders[:-1]):
        version = resolve(tx.unit, Reference(command.name, number))
        verdict = _judge(tx.unit, version, command.alias)
        if verdict is None or verdict.passed:
            return _move(tx, command, version, present, verdict)
        refusals.append(_refusal(verdict))
    if refusals:
        raise refusals[0]
    raise NothingToRollBack(name=str(command.name), alias=str(command.alias))


def _holders(unit: Unit, name: ModelName, alias: Alias) -> list[int]:
    """List the versions that led to the present one: moving back to one forgets those after it."""
    moves = unit.projections.select(
        MoveRecord, Where("name", "=", str(name)), Where("alias", "=", str(alias))
    )
    holders: list[int] = []
    for move in moves:
        if move.number in holders:
            del holders[holders.index(move.number) :]
        holders.append(move.number)
    return holders


def _judge(unit: Unit, version: VersionRecord, alias: Alias) -> Verdict | None:
    policy = find_policy(unit, ModelName.parse(version.name), alias)
    return None if policy is None else judge_version(unit, version, policy)


def _refusal(verdict: Verdict) -> GateFailed:
    return GateFailed(reference=verdict.version, alias=verdict.alias, failures=verdict.failures)


def _move(
    tx: Transaction,
    command: MoveAlias | RollBackAlias,
    version: VersionRecord,
    present: MoveRecord | None,
    verdict: Verdict | None,
) -> Outcome:
    digest = None
    if verdict is not None:
        digest = sign_verdict(tx, version, command.alias, verdict)
        tx.record(EventType.ATTESTATION_RECORDED, verdict_event(tx, version, digest))
    index = tx.record(
        EventType.ALIAS_MOVED,
        {
            "name": version.name,
            "alias": str(command.alias),
            "number": version.number,
            "previous": None if present is None else present.number,
            "reason": tx.keep(command.reason),
            "verdict": None if digest is None else str(digest),
        },
    )
    previous = None if present is None else present.number
    describe_move(tx.unit, version.name, str(command.alias), version.number, previous)
    return Outcome(index)
