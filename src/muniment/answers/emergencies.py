"""Emergencies: who may move an alias past its gate, and what they sign."""

from collections.abc import Iterable

from muniment.answers.claims import check_subject, read_revision
from muniment.answers.people import roles_of
from muniment.answers.policies import find_policies
from muniment.answers.view import View
from muniment.core.claims.attestations import EMERGENCY, Statement
from muniment.core.claims.emergencies import Emergency
from muniment.core.digests import Digest
from muniment.core.errors import BreakGlassNotAllowed, StaleApproval, WrongSubject
from muniment.core.gates.policy import BreakGlassTerms, Mode
from muniment.core.names import Alias, ModelName
from muniment.core.records import VersionRecord
from muniment.core.times import read_time, write_time


def find_terms(view: View, version: VersionRecord, alias: Alias, actor: str) -> list[BreakGlassTerms]:
    """Find the terms of every enforced policy for emergencies, all of which let the actor move the alias.

    Raises:
        BreakGlassNotAllowed: one does not, or the alias is not guarded.
    """
    reference = f"{version.name}@{version.number}"
    name = ModelName.parse(version.name)
    roles = roles_of(view, actor, name.namespace)
    allowed: list[BreakGlassTerms] = []
    for _, policy in find_policies(view, name, alias):
        if policy is not None and policy.mode is not Mode.ENFORCE:
            continue
        terms = None if policy is None else policy.break_glass
        if terms is None:
            raise BreakGlassNotAllowed(
                reference=reference, alias=str(alias), reason="a policy does not allow it"
            )
        if not roles & terms.roles:
            asked = " or ".join(sorted(terms.roles))
            raise BreakGlassNotAllowed(
                reference=reference, alias=str(alias), reason=f"it needs the role {asked}"
            )
        allowed.append(terms)
    if not allowed:
        raise BreakGlassNotAllowed(
            reference=reference, alias=str(alias), reason="the alias is not guarded, so promote it"
        )
    return allowed


def due_of(terms: Iterable[BreakGlassTerms], time: str) -> str:
    """Return the time by which somebody else must close an emergency of a time."""
    return write_time(read_time(time) + min(one.close_within for one in terms))


def check_emergency(  # noqa: PLR0913, PLR0917 - what it has to be about
    view: View,
    version: VersionRecord,
    alias: Alias,
    statement: Statement,
    registry: str,
    reason: Digest | None,
) -> None:
    """Check that a statement is about moving an alias to a version past its gate, here and for a reason.

    Raises:
        WrongSubject, StaleApproval: it is about something else.
    """
    reference = f"{version.name}@{version.number}"
    check_subject(statement, version, read_revision(view, Digest.parse(version.revision)))
    signed = Emergency.read(statement.predicate) if statement.predicate_type == EMERGENCY else None
    wanted = (reference, alias, registry)
    if signed is None or (signed.version, signed.alias, signed.registry) != wanted:
        raise WrongSubject(reference=reference, subject=statement.predicate_type)
    if signed.reason != reason:
        raise StaleApproval(reference=reference, what="reason")
