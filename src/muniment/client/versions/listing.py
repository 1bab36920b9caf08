"""Lists of models and versions, with what people want to know of each."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple

from muniment.client.proofs.checking import read_claims, read_revision
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import list_namespaces, read_all, search_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.claims.attestations import APPROVAL, CARD, EVALUATION, PROVENANCE, WAIVER, Attestation
from muniment.core.claims.cards import Card
from muniment.core.claims.provenance import Provenance
from muniment.core.errors import InvalidName, MunimentError, NotFound, Unavailable
from muniment.core.names import ModelName, Reference
from muniment.core.records import ModelRecord, VersionRecord
from muniment.core.verbs.catalog import ListModels, ListOwners, SearchVersions
from muniment.core.verbs.gates import ListMoves
from muniment.core.verbs.versions import DescribeVersion, GetVersion, ListVersions, VersionDetail
from muniment.views.metrics import find_headline
from muniment.views.model import ModelSummary, VersionSummary, view_models, view_versions
from muniment.views.standing import name_standing
from muniment.views.training import find_commit
from muniment.views.view import View

_TOLD: Final = (APPROVAL, CARD, EVALUATION, PROVENANCE, WAIVER)


class Claims(NamedTuple):
    """The claims about a version that a list is about, and why they cannot be read."""

    read: list[Attestation]
    fault: str = ""


def show_list(backend: TrustedBackend, query: str, limit: int, at: str | None = None) -> View:
    """Show models by the beginning of their names, the versions of a model, or search results.

    Raises:
        InvalidQuery: a condition breaks the grammar.
    """
    if set(query) & set("=<>~") or " " in query.strip():
        found = list(islice(search_all(backend, query, at), limit + 1))
        for record in found[:limit]:
            backend.check_record(record, SearchVersions(text=query, at=at))
        return show_versions(backend, query, found[:limit], at, found=True, rest=len(found) > limit)
    if "/" in query:
        with suppress(NotFound, InvalidName):
            return show_log(backend, ModelName.parse(query), limit, at)
    return show_models(backend, query, limit, at)


def show_models(backend: TrustedBackend, prefix: str, limit: int, at: str | None = None) -> View:
    """Show the models whose names start with a prefix, by name, at most `limit`."""
    found = list(islice(_list_models(backend, prefix, at), limit + 1))
    models = [_summarise_model(backend, model, at) for model in found[:limit]]
    names = find_names(backend, [model.owner for model in models if model.owner is not None], at)
    rest = len(found) > limit
    return view_models(prefix, models, names, backend.time(), found="/" not in prefix, rest=rest)


def show_log(backend: TrustedBackend, name: ModelName, limit: int, at: str | None = None) -> View:
    """Show the versions of a model, newest first, at most `limit`.

    Raises:
        ModelNotFound: there is no such model.
    """
    found = backend.ask(ListVersions(name=name, limit=limit + 1, at=at))
    return show_versions(backend, str(name), found[:limit], at, rest=len(found) > limit)


def show_versions(  # noqa: PLR0913 - what it shows, and how whole it is
    backend: TrustedBackend,
    title: str,
    records: Sequence[VersionRecord],
    at: str | None = None,
    *,
    found: bool = False,
    rest: bool = False,
) -> View:
    """Show versions, in their order."""
    versions = [summarise(backend, record, at) for record in records]
    names = find_names(backend, {record.author for record in records}, at)
    return view_versions(title, versions, names, backend.time(), found=found, rest=rest)


def summarise(backend: TrustedBackend, record: VersionRecord, at: str | None = None) -> VersionSummary:
    """Say in a line what a version is."""
    return _summarise(backend, record, *_read(backend, record, at))


def _summarise(
    backend: TrustedBackend, record: VersionRecord, detail: VersionDetail, claims: Claims
) -> VersionSummary:
    provenance = [claim for claim in claims.read if claim.predicate_type == PROVENANCE]
    standing = name_standing(detail, claims.read, f"{record.name}@{record.number}", backend.time())
    unread = f"its claims cannot be read: {claims.fault}" if claims.fault else ""
    return VersionSummary(
        record=record,
        message=detail.message,
        aliases=detail.aliases,
        commit=find_commit(Provenance(provenance[-1].predicate)) if provenance else "",
        headline=find_headline(claims.read),
        standing="; ".join(filter(None, (standing, unread))),
    )


def _list_models(backend: TrustedBackend, prefix: str, at: str | None) -> Iterator[ModelRecord]:
    for namespace in list_namespaces(backend, prefix, at):
        models = read_all(backend, ListModels(namespace=namespace, at=at))
        yield from sorted(
            (model for model in models if model.name.startswith(prefix)), key=lambda model: model.name
        )


def _summarise_model(backend: TrustedBackend, model: ModelRecord, at: str | None) -> ModelSummary:
    name = ModelName.parse(model.name)
    newest = backend.ask(GetVersion(reference=Reference(name, model.latest), at=at))
    detail, claims = _read(backend, newest, at)
    summary = _summarise(backend, newest, detail, claims)
    held = {move.record.alias: move.record.number for move in read_all(backend, ListMoves(name=name, at=at))}
    owners = list(read_all(backend, ListOwners(name=name, at=at)))
    return ModelSummary(
        record=model,
        owner=owners[-1].owner if owners else None,
        aliases={alias: number for alias, number in held.items() if number is not None},
        newest=summary,
        description=_describe(claims.read) or summary.message or "",
    )


def _read(backend: TrustedBackend, record: VersionRecord, at: str | None) -> tuple[VersionDetail, Claims]:
    """Read what a list says of a version; one whose claims cannot be relied on says why."""
    reference = Reference(ModelName.parse(record.name), record.number)
    detail = backend.ask(DescribeVersion(reference=reference, at=at))
    if not any(claim.predicate_type in _TOLD for claim in detail.attestations):
        return detail, Claims([])
    try:
        return detail, Claims(read_claims(backend, record, read_revision(backend, record), *_TOLD, at=at))
    except Unavailable:
        raise
    except MunimentError as error:
        return detail, Claims([], error.code)


def _describe(claims: Iterable[Attestation]) -> str:
    cards = [Card.read(claim.predicate) for claim in claims if claim.predicate_type == CARD]
    return cards[-1].title or cards[-1].intended_use if cards else ""
