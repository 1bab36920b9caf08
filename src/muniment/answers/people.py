"""Keys and roles of people and workloads."""

from collections.abc import Sequence

from muniment.answers.view import State, View
from muniment.core.errors import UnknownSigner
from muniment.core.people.roles import EVERYWHERE, Role
from muniment.core.records import (
    GrantRecord,
    KeyRecord,
    Where,
)
from muniment.core.verbs.people import (
    GetKey,
)


def get_key(state: State, query: GetKey) -> KeyRecord:
    """Return a key.

    Raises:
        UnknownSigner: no principal has it.
    """
    key = state.view.projections.find(KeyRecord, (query.key_id,))
    if key is None:
        raise UnknownSigner(key_id=query.key_id)
    return key


def roles_of(view: View, principal: str, namespace: str) -> frozenset[Role]:
    """Collect the roles that a principal holds now in a namespace."""
    held = Where("principal", "=", principal), Where("ended", "=", None)
    return frozenset(
        Role(grant.role)
        for where in (namespace, EVERYWHERE)
        for grant in view.projections.select(GrantRecord, Where("namespace", "=", where), *held)
    )


def list_grants(view: View, principal: str) -> Sequence[GrantRecord]:
    """List the grants that a principal holds now."""
    return view.projections.select(GrantRecord, Where("principal", "=", principal), Where("ended", "=", None))
