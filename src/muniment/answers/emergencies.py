"""Emergencies: who may move an alias past its gate, and what they sign."""

from collections.abc import Iterable

from muniment.answers.claims import authors_of, check_subject, read_revision
from muniment.answers.policies import find_policies
from muniment.answers.view import View
from muniment.answers.vouching import is_independent, is_workload, split_roles
from muniment.core.claims.attestations import EMERGENCY, Statement
from muniment.core.claims.emergencies import Emergency
from muniment.core.digests import Digest
from muniment.core.errors import (
    BreakGlassNotAllowed,
    NotAPerson,
    NotIndependent,
    OwnVersion,
    StaleApproval,
    WrongSubject,
)
from muniment.core.gates.policy import BreakGlassTerms, Mode
from muniment.core.gates.rules.people import Vouching
from muniment.core.names import Alias, ModelName
from muniment.core.records import MoveRecord, VersionRecord
from muniment.core.times import read_time, write_time


def find_terms(view: View, version: VersionRecord, alias: Alias, actor: str) -> list[BreakGlassTerms]:
    """Find the terms of every enforced policy for emergencies, all of which let the actor move the alias.

    Raises:
        BreakGlassNotAllowed: one does not, or the alias is not guarded.
    """
    reference = f"{version.name}@{version.number}"
    name = ModelName.parse(version.name)
    allowed: list[BreakGlassTerms] = []
    for _, policy in find_policies(view, name, alias):
        if policy is not None and policy.mode is not Mode.ENFORCE:
            continue
        terms = None if policy is None else policy.break_glass
        if terms is None:
            raise BreakGlassNotAllowed(
                reference=reference, alias=str(alias), reason="a policy does not allow it"
            )
        independent = policy is None or policy.vouching is Vouching.INDEPENDENT
        roles, _ = split_roles(view, actor, name.namespace, independent=independent)
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


def check_closer(view: View, move: MoveRecord, version: VersionRecord, actor: str, before: int) -> None:
    """Check that an emergency is for an actor to close, before an entry.

    Raises:
        OwnVersion: they made the move or the version.
        NotAPerson: they are a workload.
        NotIndependent: they are there on the word of who did, and a policy asks for somebody else.
    """
    concerned = {move.actor, *authors_of(view, version)}
    if actor in concerned:
        raise OwnVersion(reference=f"the emergency of {move.name}@{move.alias}", principal=actor)
    if is_workload(view, actor):
        raise NotAPerson(principal=actor)
    policies = find_policies(view, ModelName.parse(move.name), Alias(move.alias))
    takes_anybody = bool(policies) and all(
        policy is not None and policy.vouching is Vouching.ANY for _, policy in policies
    )
    if not takes_anybody and not is_independent(view, actor, concerned, before):
        raise NotIndependent(principal=actor, act="close this emergency")


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
