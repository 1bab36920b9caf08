"""Suggestions for what a person types: the names, aliases and numbers that begin like it.

They are as the registry says, unproven, since each is asked for again when it is used.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from muniment.client.proofs.paging import find_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.names import EVERY, ModelName, check_part
from muniment.core.verbs.catalog import ListModels, ListNamespaces
from muniment.core.verbs.gates import ListMoves, ListPolicies
from muniment.core.verbs.versions import ListVersions

_MOST: Final = 500
_LATEST: Final = "latest"


def suggest_namespaces(backend: TrustedBackend, begin: str) -> list[str]:
    """Suggest namespaces."""
    found = (record.name for record in find_all(backend, ListNamespaces()))
    return sorted(name for name in found if name.startswith(begin))


def suggest_models(backend: TrustedBackend, begin: str) -> list[str]:
    """Suggest names of models."""
    namespace, slash, _ = begin.partition("/")
    if slash:
        check_part(namespace, "namespace")
    namespaces = [namespace] if slash else suggest_namespaces(backend, namespace)
    found = (
        model.name
        for namespace in namespaces
        for model in find_all(backend, ListModels(namespace=namespace))
        if model.name.startswith(begin)
    )
    return sorted(islice(found, _MOST))


def suggest_aliases(backend: TrustedBackend, name: str, begin: str = "") -> list[str]:
    """Suggest the aliases of a model: those that point at a version, and those that a policy guards."""
    model = ModelName.parse(name)
    scopes = {str(model), f"{model.namespace}/{EVERY}"}
    policies = find_all(backend, ListPolicies(namespace=model.namespace))
    # The newest of a scope counts, and may be its end.
    newest = {(one.record.models, one.record.alias): one.record for one in policies}
    guarded = {one.alias for one in newest.values() if one.models in scopes and not one.ended}
    found = {*_find_held(backend, model), *guarded}
    return sorted(alias for alias in found if alias.startswith(begin))


def _find_held(backend: TrustedBackend, name: ModelName) -> list[str]:
    """Find the aliases that point at versions of a model."""
    moves = find_all(backend, ListMoves(name=name))
    held = {move.record.alias: move.record.number for move in moves}
    return sorted(alias for alias, number in held.items() if number is not None)


def suggest_references(backend: TrustedBackend, begin: str) -> list[str]:
    """Suggest models and, behind the name of one and an @, its aliases and versions, newest first."""
    name, at, selector = begin.partition("@")
    if not at:
        return suggest_models(backend, begin)
    return [f"{name}@{one}" for one in _suggest_selectors(backend, name) if one.startswith(selector)]


def _suggest_selectors(backend: TrustedBackend, name: str) -> Iterator[str]:
    yield from _find_held(backend, ModelName.parse(name))
    yield _LATEST
    versions = backend.ask_unproven(ListVersions(name=ModelName.parse(name), limit=_MOST))
    yield from (str(version.number) for version in versions)
