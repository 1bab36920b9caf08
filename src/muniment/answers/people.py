"""People and workloads, with their keys and roles."""

from collections.abc import Sequence

from muniment.answers.view import State, View
from muniment.core.errors import PrincipalNotFound, UnknownSigner
from muniment.core.people.preferences import Preferences
from muniment.core.people.roles import EVERYWHERE, Role, may
from muniment.core.records import (
    GrantRecord,
    KeyRecord,
    PreferencesRecord,
    PrincipalRecord,
    RecoveryRecord,
    VouchRecord,
    Where,
)
from muniment.core.verbs.people import GetKey, GetPerson, GetPreferences, Person, StatedPreferences, WhoMay


def get_key(state: State, query: GetKey) -> KeyRecord:
    """Return a key.

    Raises:
        UnknownSigner: no principal has it.
    """
    key = state.view.projections.find(KeyRecord, (query.key_id,))
    if key is None:
        raise UnknownSigner(key_id=query.key_id)
    return key


def get_person(state: State, query: GetPerson) -> Person:
    """Return a principal.

    Raises:
        PrincipalNotFound: it does not exist.
    """
    record = find_principal(state.view, query.principal)
    held = Where("principal", "=", record.id), Where("ended", "=", None)
    grants = [
        grant
        for namespace in dict.fromkeys((EVERYWHERE, *query.namespaces))
        for grant in state.view.projections.select(GrantRecord, Where("namespace", "=", namespace), *held)
    ]
    return describe_person(state, record, sorted(grants, key=lambda grant: grant.index))


def get_preferences(state: State, query: GetPreferences) -> StatedPreferences:
    """Return the preferences of a principal."""
    record = find_preferences(state.view, query.principal)
    return StatedPreferences(record=record, text=None if record is None else state.find_text(record.text))


def who_may(state: State, query: WhoMay) -> tuple[Person, ...]:
    """List who holds a role that allows an act in a namespace, oldest principals first."""
    held: dict[str, list[GrantRecord]] = {}
    for namespace in dict.fromkeys((query.namespace, EVERYWHERE)):
        in_force = Where("namespace", "=", namespace), Where("ended", "=", None)
        for grant in state.view.projections.select(GrantRecord, *in_force):
            if may([Role(grant.role)], query.act):
                held.setdefault(grant.principal, []).append(grant)
    people = [
        (find_principal(state.view, principal), sorted(grants, key=lambda grant: grant.index))
        for principal, grants in held.items()
    ]
    return tuple(
        Person(record=record, name=state.find_text(record.profile), keys=(), grants=tuple(grants))
        for record, grants in sorted(people, key=lambda pair: pair[0].index)
    )


def find_principal(view: View, principal: str) -> PrincipalRecord:
    """Find a principal by id.

    Raises:
        PrincipalNotFound: it does not exist.
    """
    record = view.projections.find(PrincipalRecord, (principal,))
    if record is None:
        raise PrincipalNotFound(principal=principal)
    return record


def describe_person(state: State, record: PrincipalRecord, grants: Sequence[GrantRecord]) -> Person:
    """Put together what is known of a principal, given its roles."""
    keys = tuple(state.view.projections.select(KeyRecord, Where("principal", "=", record.id)))
    names = [(key.id, state.find_text(key.name)) for key in keys]
    return Person(
        record=record,
        name=state.find_text(record.profile),
        keys=keys,
        machines=tuple((key, name) for key, name in names if name is not None),
        grants=tuple(grants),
        vouches=tuple(state.view.projections.select(VouchRecord, Where("principal", "=", record.id))),
        recoveries=tuple(state.view.projections.select(RecoveryRecord, Where("principal", "=", record.id))),
    )


def find_preferences(view: View, principal: str) -> PreferencesRecord | None:
    """Find the newest preferences of a principal."""
    of_principal = Where("principal", "=", principal)
    records = view.projections.select(PreferencesRecord, of_principal, descending=True, limit=1)
    return records[0] if records else None


def read_preferences(view: View, principal: str) -> Preferences:
    """Read the preferences of a principal; those that were never set, or erased, have their defaults."""
    record = find_preferences(view, principal)
    text = None if record is None else view.payloads.find(record.text)
    return Preferences() if text is None else Preferences.read(text)


def roles_of(view: View, principal: str, namespace: str) -> frozenset[Role]:
    """Collect the roles that a principal holds now in a namespace."""
    return frozenset(Role(grant.role) for grant in list_grants_in(view, principal, namespace))


def list_grants_in(view: View, principal: str, namespace: str) -> list[GrantRecord]:
    """List the grants that a principal holds now in a namespace, and everywhere."""
    held = Where("principal", "=", principal), Where("ended", "=", None)
    return [
        grant
        for where in (namespace, EVERYWHERE)
        for grant in view.projections.select(GrantRecord, Where("namespace", "=", where), *held)
    ]


def list_grants(view: View, principal: str) -> Sequence[GrantRecord]:
    """List the grants that a principal holds now."""
    return view.projections.select(GrantRecord, Where("principal", "=", principal), Where("ended", "=", None))
