"""Answer questions, each from one consistent state, and only with what the caller may see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from muniment.core import queries as q
from muniment.core.errors import (
    EventNotFound,
    ModelNotFound,
    MunimentError,
    PolicyNotFound,
    TierNotFound,
    UnknownSigner,
    VersionNotFound,
)
from muniment.core.gates.policy import Gate
from muniment.core.names import check_part
from muniment.core.people.callers import Caller
from muniment.core.people.roles import EVERYWHERE, Role, may
from muniment.core.receipts import Proof
from muniment.core.records import (
    AttestationRecord,
    GrantRecord,
    IssuerRecord,
    KeyRecord,
    ModelRecord,
    MoveRecord,
    PolicyRecord,
    PrincipalRecord,
    TierRecord,
    TokenRecord,
    VersionRecord,
)
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.bytes.custody import check_readable, find_quota
from muniment.services.catalog.comments import list_comments
from muniment.services.catalog.lineage import trace
from muniment.services.catalog.resolve import find_move, resolve
from muniment.services.catalog.search import search_versions
from muniment.services.catalog.statuses import find_status
from muniment.services.catalog.tags import list_tags
from muniment.services.claims.deployments import list_deployments
from muniment.services.gates.cases import Bar, Moment
from muniment.services.gates.gate import gate_of, judge_bar, judge_gate
from muniment.services.gates.inbox import read_inbox
from muniment.services.gates.policies import find_tier, get_policies, load_policy
from muniment.services.gates.requests import list_requests
from muniment.services.log.pages import bound, end_of, horizon, select_page
from muniment.services.log.proofs import identify, prove, prove_growth
from muniment.services.people.issuers import list_rules
from muniment.services.people.rights import Sight, get_principal
from muniment.services.upkeep.webhooks import list_webhooks
from muniment.services.versions.drafts import list_drafts
from muniment.services.versions.lifecycle import find_retention
from muniment.signing.notes import NoteSigner

A = TypeVar("A")

_LAST_CHARACTER: Final = "\U0010ffff"


def answer(unit: Unit, signer: NoteSigner, caller: Caller, query: q.Query[A], now: str) -> A:
    """Answer a question of a caller, at a time. What it may not see is not there.

    Raises:
        NotFound: what was asked for is not there, or not for this caller.
        NotPermitted: the whole log, or who others are, asked by somebody who may not know.
    """
    sight = Sight(unit, caller)
    match query:
        case q.GetLogIdentity():
            found: object = identify(signer)
        case q.GetGrowth():
            found = prove_growth(unit, signer, query.size, query.until)
        case q.GetProof():
            found = _get_proof(unit, signer, sight, query)
        case q.GetSelf():
            found = _describe(unit, get_principal(unit, sight.principal))
        case q.ListModels():
            found = _list_models(unit, query, sight.namespaces())
        case q.SearchVersions():
            found = search_versions(unit, caller, query)
        case q.GetLineage() | q.ListDeployments():
            sight.check_anything()
            found = _WITHIN[type(query)](unit, query, sight.namespaces())
        case q.JudgeGate() | q.GetInbox() | q.ListWebhooks():
            # Never before the newest entry, whatever the clock says.
            moment = Moment(str(signer.verifier), max(now, unit.log.last_time()))
            found = _NOW[type(query)](unit, sight, query, moment)
        case q.ListTokens():
            found = _list_tokens(unit, sight, query)
        case _:
            _check_sight(sight, query)
            found = _ANSWERS[type(query)](unit, query)
    # The table pairs each query with a function that returns what the query's type promises.
    return found  # type: ignore[return-value]


def _check_sight(sight: Sight, query: q.Query[object]) -> None:
    """Refuse what the caller may not see, in the words that are used if it is not there."""
    if isinstance(query, q.GetLeaves | q.ListIssuers):
        sight.check_everything()
    elif type(query) in _ABSENT:
        namespace, refusal = _ABSENT[type(query)](query)
        if not sight.sees(namespace):
            raise refusal
    else:
        sight.check_anything()


def _absent_version(
    query: q.GetVersion | q.DescribeVersion | q.ListTags | q.ListComments,
) -> tuple[str, MunimentError]:
    return query.reference.name.namespace, VersionNotFound(reference=str(query.reference))


def _absent_move(query: q.GetMove) -> tuple[str, MunimentError]:
    return query.name.namespace, VersionNotFound(reference=f"{query.name}@{query.alias}")


def _absent_model(
    query: q.GetModel | q.ListVersions | q.ListDrafts | q.ListMoves | q.GetTier | q.ListRequests,
) -> tuple[str, MunimentError]:
    return query.name.namespace, ModelNotFound(name=str(query.name))


def _absent_policy(query: q.GetPolicies) -> tuple[str, MunimentError]:
    return query.name.namespace, PolicyNotFound(name=str(query.name), alias=str(query.alias))


def _absent_gate(query: q.JudgeGate) -> tuple[str, MunimentError]:
    name = query.reference.name
    return name.namespace, PolicyNotFound(name=str(name), alias=str(query.alias))


def _absent_namespace(query: q.GetUsage | q.ListPolicies) -> tuple[str, MunimentError]:
    return query.namespace, ModelNotFound(name=query.namespace)


def _get_proof(unit: Unit, signer: NoteSigner, sight: Sight, query: q.GetProof) -> Proof:
    proof = prove(unit, signer, query.index)
    namespace = proof.entry.namespace
    if namespace is None:
        sight.check_anything()
    elif not sight.sees(namespace):
        raise EventNotFound(index=query.index)
    return proof


def _get_leaves(unit: Unit, query: q.GetLeaves) -> tuple[bytes, ...]:
    return tuple(unit.log.read(max(0, query.start), bound(query.limit)))


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
    status = find_status(unit, version, until)
    return q.VersionDetail(
        record=version,
        aliases=tuple(sorted(alias for alias, number in held.items() if number == version.number)),
        attestations=tuple(claims),
        message=_find_text(unit, version.message),
        status=status,
        status_reason=None if status is None else _find_text(unit, status.reason),
        retention=find_retention(unit, version, until),
        emergencies=tuple(
            move for move in moves if move.number == version.number and move.emergency and move.closed is None
        ),
        superseded=_find_superseding(moves, version.number),
    )


def _find_superseding(moves: Sequence[MoveRecord], number: int) -> tuple[MoveRecord, ...]:
    """Pick the moves that took aliases away from a version that has not got them back."""
    taken: dict[str, MoveRecord] = {}
    for move in moves:
        if move.number == number:
            taken.pop(move.alias, None)
        elif move.previous == number:
            taken[move.alias] = move
    return tuple(taken.values())


def _list_models(
    unit: Unit, query: q.ListModels, namespaces: frozenset[str] | None
) -> tuple[ModelRecord, ...]:
    limit, until = bound(query.limit), horizon(unit, query.at)
    ranges = [("", _LAST_CHARACTER)] if namespaces is None else [(f"{n}/", f"{n}0") for n in namespaces]
    found: list[ModelRecord] = []
    for low, high in ranges:
        start = Where("name", ">", max(query.after, low)) if query.after >= low else Where("name", ">=", low)
        prefix = Where("name", ">=", query.prefix)
        end = Where("name", "<", min(high, query.prefix + _LAST_CHARACTER))
        found += unit.projections.select(ModelRecord, start, prefix, end, *until, order="name", limit=limit)
    page = sorted(found, key=lambda model: model.name)[:limit]
    return tuple(_as_of(unit, model, until) for model in page)


def _get_model(unit: Unit, query: q.GetModel) -> ModelRecord:
    until = horizon(unit, query.at)
    models = unit.projections.select(ModelRecord, Where("name", "=", str(query.name)), *until, limit=1)
    if not models:
        raise ModelNotFound(name=str(query.name))
    return _as_of(unit, models[0], until)


def _as_of(unit: Unit, model: ModelRecord, until: tuple[Where, ...]) -> ModelRecord:
    """Give a model with the version that was its latest then."""
    if not until:
        return model
    versions = unit.projections.select(
        VersionRecord,
        Where("name", "=", model.name),
        *until,
        order="number",
        descending=True,
        limit=1,
    )
    return replace(model, latest=versions[0].number)


def _list_versions(unit: Unit, query: q.ListVersions) -> tuple[VersionRecord, ...]:
    _get_model(unit, q.GetModel(name=query.name))
    before = [] if query.before is None else [Where("number", "<", query.before)]
    return tuple(
        unit.projections.select(
            VersionRecord,
            Where("name", "=", str(query.name)),
            *before,
            *horizon(unit, query.at),
            order="number",
            descending=True,
            limit=bound(query.limit),
        )
    )


def _list_moves(unit: Unit, query: q.ListMoves) -> tuple[q.Move, ...]:
    which = [] if query.alias is None else [Where("alias", "=", str(query.alias))]
    name = Where("name", "=", str(query.name))
    moves = select_page(unit, query, MoveRecord, name, *which, *horizon(unit, query.at))
    _get_model(unit, q.GetModel(name=query.name))
    return tuple(q.Move(record=move, reason=_find_text(unit, move.reason)) for move in moves)


def _get_policies(unit: Unit, query: q.GetPolicies) -> tuple[PolicyRecord, ...]:
    return tuple(get_policies(unit, query.name, query.alias, horizon(unit, query.at)))


def _list_policies(unit: Unit, query: q.ListPolicies) -> tuple[PolicyRecord, ...]:
    low, high = Where("models", ">=", f"{query.namespace}/"), Where("models", "<", f"{query.namespace}0")
    return tuple(select_page(unit, query, PolicyRecord, low, high))


def _get_tier(unit: Unit, query: q.GetTier) -> TierRecord:
    tier = find_tier(unit, query.name)
    if tier is None:
        raise TierNotFound(name=str(query.name))
    return tier


def _read_inbox(unit: Unit, sight: Sight, _query: q.GetInbox, moment: Moment) -> tuple[q.Item, ...]:
    return read_inbox(unit, sight, moment.time)


def _list_webhooks(unit: Unit, sight: Sight, query: q.ListWebhooks, _moment: Moment) -> tuple[q.Webhook, ...]:
    return list_webhooks(unit, sight, query)


def _judge_gate(unit: Unit, sight: Sight, query: q.JudgeGate, moment: Moment) -> Gate:
    _check_sight(sight, query)
    version = resolve(unit, query.reference)
    if query.policy is not None:
        check_readable(unit, sight.caller, query.policy)
        digest = str(query.policy)
        bar = Bar(query.alias, load_policy(unit, digest), digest)
        judged = [judge_bar(unit, version, bar, moment)]
    else:
        found = judge_gate(unit, version, query.alias, moment)
        if found is None:
            raise PolicyNotFound(name=version.name, alias=str(query.alias))
        judged = found
    return gate_of(version, query.alias, judged)


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


def _list_people(unit: Unit, query: q.ListPeople) -> tuple[q.Person, ...]:
    return tuple(_describe(unit, record) for record in select_page(unit, query, PrincipalRecord))


def _describe(unit: Unit, record: PrincipalRecord) -> q.Person:
    whose = Where("principal", "=", record.id)
    keys = tuple(unit.projections.select(KeyRecord, whose))
    names = [(key.id, _find_text(unit, key.name)) for key in keys]
    return q.Person(
        record=record,
        name=_find_text(unit, record.profile),
        keys=keys,
        machines=tuple((key, name) for key, name in names if name is not None),
        grants=tuple(unit.projections.select(GrantRecord, whose, Where("ended", "=", None))),
    )


def _list_tokens(unit: Unit, sight: Sight, query: q.ListTokens) -> tuple[q.Token, ...]:
    principal = sight.principal
    if query.principal is not None:
        principal = get_principal(unit, query.principal).id
        if principal != sight.principal:
            sight.check_everything()
    records = unit.projections.select(
        TokenRecord, Where("principal", "=", principal), Where("revoked", "=", None)
    )
    return tuple(q.Token(record=record, label=_find_text(unit, record.label)) for record in records)


def _list_issuers(unit: Unit, _query: q.ListIssuers) -> tuple[IssuerRecord, ...]:
    return list_rules(unit)


def _who_may(unit: Unit, query: q.WhoMay) -> tuple[q.Person, ...]:
    """Say who holds a role that allows an act, at the end of the log or as it was at a time."""
    until = horizon(unit, query.at)
    end = end_of(unit, query.at)
    grants = [
        grant
        for grant in unit.projections.select(GrantRecord, *until)
        if grant.namespace in {query.namespace, EVERYWHERE}
        and may([Role(grant.role)], query.act)
        and (grant.ended is None or grant.ended >= end)
    ]
    people = [
        (record, [grant for grant in grants if grant.principal == record.id])
        for record in unit.projections.select(PrincipalRecord, *until)
    ]
    return tuple(
        q.Person(record=record, name=_find_text(unit, record.profile), keys=(), grants=tuple(held))
        for record, held in people
        if held
    )


def _get_usage(unit: Unit, query: q.GetUsage) -> q.Usage:
    check_part(query.namespace, "namespace")
    return q.Usage(
        namespace=query.namespace,
        size_bytes=unit.holdings.measure(query.namespace),
        quota_bytes=find_quota(unit, query.namespace),
    )


def _list_tags(unit: Unit, query: q.ListTags) -> tuple[tuple[str, str], ...]:
    version = resolve(unit, query.reference, query.at)
    return tuple(list_tags(unit, version, horizon(unit, query.at)).items())


def _find_text(unit: Unit, digest: str | None) -> str | None:
    return None if digest is None else unit.payloads.find(digest)


# Each function takes the query that it is listed under.
_ANSWERS: Final[Mapping[type, Callable[..., object]]] = {
    q.GetLeaves: _get_leaves,
    q.GetVersion: _get_version,
    q.DescribeVersion: _describe_version,
    q.ListModels: _list_models,
    q.ListVersions: _list_versions,
    q.ListDrafts: list_drafts,
    q.ListMoves: _list_moves,
    q.GetPolicies: _get_policies,
    q.ListPolicies: _list_policies,
    q.GetTier: _get_tier,
    q.ListRequests: list_requests,
    q.ListComments: list_comments,
    q.GetKey: _get_key,
    q.GetMove: _get_move,
    q.GetPerson: _get_person,
    q.ListPeople: _list_people,
    q.GetModel: _get_model,
    q.ListIssuers: _list_issuers,
    q.WhoMay: _who_may,
    q.GetUsage: _get_usage,
    q.ListTags: _list_tags,
}

# Those whose answer depends on who asks, or when.
_NOW: Final[Mapping[type, Callable[..., object]]] = {
    q.JudgeGate: _judge_gate,
    q.GetInbox: _read_inbox,
    q.ListWebhooks: _list_webhooks,
}

# Those that are answered as far as the caller sees, whatever they are about.
_WITHIN: Final[Mapping[type, Callable[..., object]]] = {
    q.GetLineage: trace,
    q.ListDeployments: list_deployments,
}

# What a caller learns of a namespace that it may not read: the same as of one that is not there.
_ABSENT: Final[Mapping[type, Callable[..., tuple[str, MunimentError]]]] = {
    q.GetVersion: _absent_version,
    q.DescribeVersion: _absent_version,
    q.ListTags: _absent_version,
    q.GetMove: _absent_move,
    q.GetModel: _absent_model,
    q.ListVersions: _absent_model,
    q.ListDrafts: _absent_model,
    q.ListMoves: _absent_model,
    q.GetPolicies: _absent_policy,
    q.ListPolicies: _absent_namespace,
    q.GetTier: _absent_model,
    q.ListRequests: _absent_model,
    q.ListComments: _absent_version,
    q.JudgeGate: _absent_gate,
    q.GetUsage: _absent_namespace,
}
