"""Answers about people and workloads."""

from muniment.answers.folding import Past
from muniment.answers.pages import bound, past_of, select_page
from muniment.answers.people import get_person
from muniment.answers.view import State
from muniment.core.errors import PrincipalNotFound
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.records import GrantRecord, IssuerRecord, PrincipalRecord, TokenRecord, Where
from muniment.core.verbs.people import (
    FindPerson,
    GetPerson,
    GetSelf,
    ListIssuers,
    ListPeople,
    ListTokens,
    Person,
    Token,
)
from muniment.services.past import PastView, list_lasting, within
from muniment.services.people.principals import get_principal
from muniment.services.people.reading import Reading


def get_self(reading: Reading, _query: GetSelf) -> Person:
    """Return the caller's own principal.

    Raises:
        NotIdentified: the caller has no principal.
    """
    return _describe(reading, get_principal(reading.unit, reading.sight.principal), None)


def find_person(reading: Reading, query: FindPerson) -> Person:
    """Find a principal that the caller may find.

    Raises:
        PrincipalNotFound: there is none.
    """
    record, known = get_principal(reading.unit, query.principal), reading.sight.acquaintances()
    if known is not None and record.id not in known:
        raise PrincipalNotFound(principal=query.principal)
    return _describe(reading, record, past_of(query))


def list_people(reading: Reading, query: ListPeople) -> tuple[Person, ...]:
    """List the principals that the caller may find."""
    past, known = past_of(query), reading.sight.acquaintances()
    conditions = within(reading.unit, past)
    if known is None:
        records = select_page(reading.unit, query, PrincipalRecord, *conditions)
    else:
        conditions.append(Where("index", ">", query.after))
        found = (reading.unit.projections.find(PrincipalRecord, (one,)) for one in known)
        met = (one for one in found if one is not None and all(where.holds(one) for where in conditions))
        records = sorted(met, key=lambda one: one.index)[: bound(query.limit)]
    return tuple(_describe(reading, record, past) for record in records)


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
    records = list_lasting(reading.unit, past_of(query), TokenRecord, Where("principal", "=", principal))
    return tuple(Token(record=record, label=reading.find_text(record.label)) for record in records)


def list_issuers(reading: Reading, query: ListIssuers) -> tuple[IssuerRecord, ...]:
    """List the trust rules for workloads."""
    return tuple(list_lasting(reading.unit, past_of(query), IssuerRecord))


def _describe(reading: Reading, record: PrincipalRecord, past: Past | None) -> Person:
    """Describe a principal, with the roles that the caller may see."""
    grants = list_lasting(reading.unit, past, GrantRecord, Where("principal", "=", record.id))
    seen = {grant.namespace for grant in grants if reading.sight.sees(grant.namespace)} - {EVERYWHERE}
    view = reading.unit if past is None else PastView(reading.unit, past)
    state = State(view=view, registry=reading.registry, time=reading.time)
    return get_person(state, GetPerson(principal=record.id, namespaces=tuple(sorted(seen))))
