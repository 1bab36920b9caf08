"""Answer questions, each from one consistent state."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from muniment.core import queries as q
from muniment.core.errors import NotIdentified, UnknownSigner, VersionNotFound
from muniment.core.policy import Verdict
from muniment.core.records import (
    AttestationRecord,
    GrantRecord,
    KeyRecord,
    ModelRecord,
    MoveRecord,
    PolicyRecord,
    PrincipalRecord,
    VersionRecord,
)
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.gate import judge_version
from muniment.services.policies import get_policy
from muniment.services.proofs import identify, prove, prove_growth
from muniment.services.resolve import find_move, horizon, resolve
from muniment.services.transaction import get_principal
from muniment.signing.notes import NoteSigner

A = TypeVar("A")

MAX_PAGE: Final = 1000
_LAST_CHARACTER: Final = "\U0010ffff"


def answer(unit: Unit, signer: NoteSigner, actor: str | None, query: q.Query[A]) -> A:
    """Answer a question of a principal (None: one whose key is not enrolled)."""
    match query:
        case q.GetLogIdentity():
            found: object = identify(signer)
        case q.GetGrowth():
            found = prove_growth(unit, signer, query.size, query.until)
        case q.GetProof():
            found = prove(unit, signer, query.index)
        case q.GetSelf():
            if actor is None:
                raise NotIdentified
            found = _describe(unit, get_principal(unit, actor))
        case _:
            found = _ANSWERS[type(query)](unit, query)
    # The table pairs each query with a function that returns what the query's type promises.
    return found  # type: ignore[return-value]


def _get_leaves(unit: Unit, query: q.GetLeaves) -> tuple[bytes, ...]:
    return tuple(unit.log.read(query.start, min(query.limit, MAX_PAGE)))


def _get_version(unit: Unit, query: q.GetVersion) -> VersionRecord:
    return resolve(unit, query.reference, query.at)


def _describe_version(unit: Unit, query: q.DescribeVersion) -> q.VersionDetail:
    until = horizon(unit, query.at)
    version = resolve(unit, query.reference, query.at)
    claims = unit.projections.select(
        AttestationRecord,
        Where("name", "=", version.name),
        Where("revision", "=", version.revision),
        *until,
    )
    moves = unit.projections.select(MoveRecord, Where("name", "=", version.name), *until)
    held = {move.alias: move.number for move in moves}
    return q.VersionDetail(
        record=version,
        aliases=tuple(sorted(alias for alias, number in held.items() if number == version.number)),
        attestations=tuple(claims),
        message=_find_text(unit, version.message),
    )


def _list_models(unit: Unit, query: q.ListModels) -> tuple[ModelRecord, ...]:
    start = Where("name", ">", query.after) if query.after else Where("name", ">=", query.prefix)
    end = Where("name", "<", query.prefix + _LAST_CHARACTER)
    limit = min(query.limit, MAX_PAGE)
    return tuple(unit.projections.select(ModelRecord, start, end, order="name", limit=limit))


def _list_versions(unit: Unit, query: q.ListVersions) -> tuple[VersionRecord, ...]:
    before = [] if query.before is None else [Where("number", "<", query.before)]
    return tuple(
        unit.projections.select(
            VersionRecord,
            Where("name", "=", str(query.name)),
            *before,
            order="number",
            descending=True,
            limit=min(query.limit, MAX_PAGE),
        )
    )


def _list_moves(unit: Unit, query: q.ListMoves) -> tuple[q.Move, ...]:
    which = [] if query.alias is None else [Where("alias", "=", str(query.alias))]
    moves = unit.projections.select(
        MoveRecord, Where("name", "=", str(query.name)), *which, *horizon(unit, query.at)
    )
    return tuple(q.Move(record=move, reason=_find_text(unit, move.reason)) for move in moves)


def _get_policy(unit: Unit, query: q.GetPolicy) -> PolicyRecord:
    return get_policy(unit, query.name, query.alias)


def _judge_gate(unit: Unit, query: q.JudgeGate) -> Verdict:
    policy = get_policy(unit, query.reference.name, query.alias)
    return judge_version(unit, resolve(unit, query.reference), policy)


def _get_key(unit: Unit, query: q.GetKey) -> KeyRecord:
    key = unit.projections.find(KeyRecord, (query.key_id,))
    if key is None:
        raise UnknownSigner(key_id=query.key_id)
    return key


def _get_move(unit: Unit, query: q.GetMove) -> MoveRecord:
    move = find_move(unit, query.name, query.alias, horizon(unit, query.at))
    if move is None:
        raise VersionNotFound(reference=f"{query.name}@{query.alias}")
    return move


def _get_person(unit: Unit, query: q.GetPerson) -> q.Person:
    return _describe(unit, get_principal(unit, query.principal))


def _list_people(unit: Unit, _query: q.ListPeople) -> tuple[q.Person, ...]:
    return tuple(_describe(unit, record) for record in unit.projections.select(PrincipalRecord))


def _describe(unit: Unit, record: PrincipalRecord) -> q.Person:
    whose = Where("principal", "=", record.id)
    return q.Person(
        record=record,
        name=_find_text(unit, record.profile),
        keys=tuple(unit.projections.select(KeyRecord, whose)),
        grants=tuple(unit.projections.select(GrantRecord, whose, Where("ended", "=", None))),
    )


def _find_text(unit: Unit, digest: str | None) -> str | None:
    return None if digest is None else unit.payloads.find(digest)


# Each function takes the query that it is listed under.
_ANSWERS: Final[Mapping[type, Callable[..., object]]] = {
    q.GetLeaves: _get_leaves,
    q.GetVersion: _get_version,
    q.DescribeVersion: _describe_version,
    q.ListModels: _list_models,
    q.ListVersions: _list_versions,
    q.ListMoves: _list_moves,
    q.GetPolicy: _get_policy,
    q.JudgeGate: _judge_gate,
    q.GetKey: _get_key,
    q.GetMove: _get_move,
    q.GetPerson: _get_person,
    q.ListPeople: _list_people,
}
