"""Issuers: platforms that are trusted to identify workloads, like PyPI's trusted publishers."""

from collections.abc import Mapping

from muniment.core import canonical
from muniment.core.addresses import find_fault
from muniment.core.errors import InvalidOption, IssuerNotFound, LoginRefused, PrincipalNotFound
from muniment.core.events import IssuerDistrusted, IssuerTrusted
from muniment.core.people.callers import Assurance, Caller
from muniment.core.records import IssuerRecord, Where
from muniment.core.verbs.people import DistrustIssuer, TrustIssuer
from muniment.ports.unit import Unit
from muniment.services.people.logins import find_person
from muniment.services.people.principals import get_principal
from muniment.services.transaction import Outcome, Transaction


def trust_issuer(tx: Transaction, command: TrustIssuer) -> Outcome:
    """Add a rule that trusts workloads. The principal's grants decide what they may do.

    Raises:
        InvalidOption: the rule has no claims, so it would trust every workload of the issuer, or the issuer's
            address may not be called.
    """
    principal = get_principal(tx.unit, command.principal)
    if not command.claims or "" in dict(command.claims).values():
        raise InvalidOption(option="claims", reason="must be one or more, and none may be empty")
    fault = find_fault(command.issuer, tx.allowed, secure=True)
    if fault:
        raise InvalidOption(option="issuer", reason=fault)
    event = IssuerTrusted(
        issuer=command.issuer,
        claims=dict(command.claims),
        principal=principal.id,
        person_claim=command.person_claim,
    )
    return Outcome(tx.record(event))


def distrust_issuer(tx: Transaction, command: DistrustIssuer) -> Outcome:
    """End a rule.

    Raises:
        IssuerNotFound: it does not exist, or has ended.
    """
    record = tx.unit.projections.find(IssuerRecord, (command.rule,))
    if record is None or record.ended is not None:
        raise IssuerNotFound(rule=command.rule)
    return Outcome(tx.record(IssuerDistrusted(issuer=record.issuer, rule=command.rule)))


def list_rules(unit: Unit, issuer: str | None = None) -> tuple[IssuerRecord, ...]:
    """List the active rules of one issuer, or all."""
    condition = [] if issuer is None else [Where("issuer", "=", issuer)]
    return tuple(unit.projections.select(IssuerRecord, *condition, Where("ended", "=", None)))


def match_workload(unit: Unit, issuer: str, claims: Mapping[str, object]) -> Caller:
    """Identify a workload by its claims, which the caller MUST have verified.

    Raises:
        LoginRefused: no rule, or more than one principal, matches; or a rule asks who started the job, and it
            is nobody here.
    """
    rules = [
        rule
        for rule in list_rules(unit, issuer)
        if all(claims.get(name) == value for name, value in canonical.decode(rule.claims.encode()).items())
    ]
    if len({rule.principal for rule in rules}) != 1:
        matching = "more than one rule" if rules else "no rule"
        raise LoginRefused(reason=f"{matching} matches the claims of this workload")
    starters = [_get_starter(unit, issuer, claims, rule.person_claim) for rule in rules if rule.person_claim]
    return Caller(
        principal=rules[0].principal,
        scopes=frozenset(),
        token=None,
        assurance=Assurance.WORKLOAD,
        voucher=rules[0].author,
        starter=starters[0] if starters else None,
    )


def _get_starter(unit: Unit, issuer: str, claims: Mapping[str, object], claim: str) -> str:
    """Get the person whom a claim names, by their login at the issuer or by their name here."""
    value = str(claims.get(claim, ""))
    known = find_person(unit, issuer, value)
    if known is not None:
        return known
    try:
        return get_principal(unit, value).id
    except PrincipalNotFound as error:
        reason = f"the rule asks who started the job, and nobody here has the name {value!r} ({claim})"
        raise LoginRefused(reason=reason) from error
