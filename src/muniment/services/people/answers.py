"""Answers about people and workloads."""

from muniment.answers.pages import end_of, horizon, select_page
from muniment.core.people.roles import EVERYWHERE, Act, Role, may
from muniment.core.records import GrantRecord, IssuerRecord, KeyRecord, PrincipalRecord, TokenRecord, Where
from muniment.core.verbs.people import (
    GetPerson,
    GetSelf,
    ListIssuers,
    ListPeople,
    ListTokens,
    Person,
    Token,
    WhoMay,
)
from muniment.services.people.issuers import list_rules
from muniment.services.people.principals import get_principal
from muniment.services.people.reading import Reading


def get_self(reading: Reading, _query: GetSelf) -> Person:
    """Return the caller's own principal.

    Raises:
        NotIdentified: the caller has no principal.
    """
    return _describe(reading, get_principal(reading.unit, reading.sight.principal))


def get_person(reading: Reading, query: GetPerson) -> Person:
    """Find a principal. Raises like `get_principal`."""
    return _describe(reading, get_principal(reading.unit, query.principal))


def list_people(reading: Reading, query: ListPeople) -> tuple[Person, ...]:
    """List principals."""
    return tuple(_describe(reading, record) for record in select_page(reading.unit, query, PrincipalRecord))


def list_tokens(reading: Reading, query: ListTokens) -> tuple[Token, ...]:
    """List the tokens of the caller or, for those who may read everywhere, of others.

    Raises:
        NotPermitted: the tokens belong to somebody else.
    """
    principal = reading.sight.principal
    if query.principal is not None:
        principal = get_principal(reading.unit, query.principal).id
        if principal != reading.sight.principal:
            reading.sight.check_may(Act.READ, EVERYWHERE)
    records = reading.unit.projections.select(
        TokenRecord, Where("principal", "=", principal), Where("revoked", "=", None)
    )
    return tuple(Token(record=record, label=reading.find_text(record.label)) for record in records)


def list_issuers(reading: Reading, _query: ListIssuers) -> tuple[IssuerRecord, ...]:
    """List the trust rules for workloads."""
    return list_rules(reading.unit)


def who_may(reading: Reading, query: WhoMay) -> tuple[Person, ...]:
    """List who holds a role that allows an act, now or at a time."""
    unit = reading.unit
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
        Person(record=record, name=reading.find_text(record.profile), keys=(), grants=tuple(held))
        for record, held in people
        if held
    )


def _describe(reading: Reading, record: PrincipalRecord) -> Person:
    projections, owned = reading.unit.projections, Where("principal", "=", record.id)
    keys = tuple(projections.select(KeyRecord, owned))
    names = [(key.id, reading.find_text(key.name)) for key in keys]
    return Person(
        record=record,
        name=reading.find_text(record.profile),
        keys=keys,
        machines=tuple((key, name) for key, name in names if name is not None),
        grants=tuple(projections.select(GrantRecord, owned, Where("ended", "=", None))),
    )
