"""Answers about people and workloads."""

from muniment.answers.pages import select_page
from muniment.answers.people import describe_person, list_grants
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import IssuerRecord, PrincipalRecord, TokenRecord, Where
from muniment.core.verbs.people import (
    FindPerson,
    GetSelf,
    ListIssuers,
    ListPeople,
    ListTokens,
    Person,
    Token,
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


def find_person(reading: Reading, query: FindPerson) -> Person:
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


def _describe(reading: Reading, record: PrincipalRecord) -> Person:
    return describe_person(reading, record, list_grants(reading.unit, record.id))
