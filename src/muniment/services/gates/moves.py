"""Move an alias: forward when the gate passes, back to an earlier holder that still passes it."""

from muniment.answers.gates import Judged, gate_of, judge_gate
from muniment.answers.policies import find_policies
from muniment.answers.proposals import change_of, check_unprotected
from muniment.answers.resolve import find_move, resolve
from muniment.answers.statuses import check_in_service
from muniment.core.errors import (
    GateFailed,
    MunimentError,
    NothingToRollBack,
    PreconditionFailed,
    VersionNotFound,
    VersionWithdrawn,
)
from muniment.core.events import AliasMoved, AliasRemoved
from muniment.core.gates.holders import list_earlier_holders
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import check_reason, need_reason
from muniment.core.people.roles import Act
from muniment.core.records import MoveRecord, VersionRecord, Where
from muniment.core.verbs.gates import (
    BreakGlass,
    MoveAlias,
    RemoveAlias,
    RollBackAlias,
)
from muniment.ports.unit import Unit
from muniment.services.catalog.attributes import describe_move, describe_removal
from muniment.services.gates.gate import record_verdict
from muniment.services.gates.requests import close_met
from muniment.services.transaction import Outcome, Transaction


def move_alias(tx: Transaction, command: MoveAlias) -> Outcome:
    """Point an alias at a version; if it already points there, return that move.

    Raises:
        GateFailed: the alias is guarded and the version does not meet its policies.
        VersionWithdrawn: the version is retired, revoked or purged.
        PreconditionFailed: the alias has moved since the caller looked.
    """
    name = command.reference.name
    version = resolve(tx.unit, command.reference)
    present = find_move(tx.unit, name, command.alias)
    newest = -1 if present is None else present.index
    if command.expected not in {None, newest}:
        raise PreconditionFailed(what=f"{name}@{command.alias}")
    check_in_service(tx.unit, version)
    if present is not None and present.number == version.number:
        return Outcome(present.index, created=False)
    judged = judge_gate(tx.unit, version, command.alias, tx.moment)
    _check_passed(version, command.alias, judged)
    return record_move(tx, command, version, present, judged or [])


def roll_back_alias(tx: Transaction, command: RollBackAlias) -> Outcome:
    """Point an alias at the newest earlier holder that still meets the policy.

    Raises:
        NothingToRollBack: there is no earlier holder.
        GateFailed: no earlier holder meets the policies now; the newest one's failures are listed.
    """
    present = find_move(tx.unit, command.name, command.alias)
    refusals: list[MunimentError] = []
    for number in _list_earlier_holders(tx.unit, command.name, command.alias):
        version = resolve(tx.unit, Reference(command.name, number))
        try:
            check_in_service(tx.unit, version)
            judged = judge_gate(tx.unit, version, command.alias, tx.moment)
            _check_passed(version, command.alias, judged)
        except (GateFailed, VersionWithdrawn) as refusal:
            refusals.append(refusal)
        else:
            return record_move(tx, command, version, present, judged or [])
    if refusals:
        raise refusals[0]
    raise NothingToRollBack(name=str(command.name), alias=str(command.alias))


def remove_alias(tx: Transaction, command: RemoveAlias) -> Outcome:
    """Remove an alias. If it is guarded, its name stays guarded.

    Raises:
        VersionNotFound: the alias points nowhere.
        NotPermitted: the actor may not move the alias or, if it is guarded, may not set its policy.
        ReasonNeeded: there is no reason.
        ChangeNeedsApproval: a protected policy guards it.
    """
    name = command.name
    is_guarded = bool(find_policies(tx.unit, name, command.alias))
    tx.require(Act.SET_POLICY if is_guarded else Act.MOVE_ALIAS, name.namespace)
    present = find_move(tx.unit, name, command.alias)
    if present is None or present.number is None:
        raise VersionNotFound(reference=f"{name}@{command.alias}")
    reason = need_reason(command.reason, f"removing {name}@{command.alias}")
    event = AliasRemoved(name=name, alias=command.alias, previous=present.number, reason=tx.keep(reason))
    check_unprotected(tx.unit, change_of(event))
    index = tx.record(event)
    describe_removal(tx.unit, event, index)
    return Outcome(index)


def _list_earlier_holders(unit: Unit, name: ModelName, alias: Alias) -> list[int]:
    moves = unit.projections.select(
        MoveRecord, Where("name", "=", str(name)), Where("alias", "=", str(alias))
    )
    return list_earlier_holders(move.number for move in moves)


def _check_passed(version: VersionRecord, alias: Alias, judged: list[Judged] | None) -> None:
    gate = None if judged is None else gate_of(version, alias, judged)
    if gate is not None and not gate.passed:
        raise GateFailed(reference=gate.version, alias=gate.alias, failures=gate.failures)


def record_move(  # noqa: PLR0913 - the data of a move
    tx: Transaction,
    command: MoveAlias | RollBackAlias | BreakGlass,
    version: VersionRecord,
    present: MoveRecord | None,
    judged: list[Judged],
    *,
    due: str | None = None,
) -> Outcome:
    """Record a move with its verdicts; with `due`, it is an emergency to be closed by then.

    Raises:
        ReasonNeeded: the reason is blank.
    """
    check_reason(command.reason, f"moving {version.name}@{command.alias}")
    verdicts = [record_verdict(tx, version, verdict, case) for verdict, case in judged if case is not None]
    event = AliasMoved(
        name=ModelName.parse(version.name),
        alias=command.alias,
        number=version.number,
        previous=None if present is None else present.number,
        reason=tx.keep(command.reason),
        verdicts=tuple(verdicts),
        emergency=due is not None,
        due=due,
    )
    index = tx.record(event)
    close_met(tx, version, str(command.alias))
    describe_move(tx.unit, event, index)
    return Outcome(index)
