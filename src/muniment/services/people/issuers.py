"""Issuers: platforms that are trusted to identify workloads, like PyPI's trusted publishers."""

from collections.abc import Mapping

from muniment.core import canonical
from muniment.core.addresses import find_fault
from muniment.core.errors import InvalidOption, IssuerNotFound, LoginRefused
from muniment.core.events import IssuerDistrusted, IssuerTrusted
from muniment.core.people.callers import Assurance, Caller
from muniment.core.records import IssuerRecord, Where
from muniment.core.verbs.people import DistrustIssuer, TrustIssuer
from muniment.ports.unit import Unit
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
    claims = dict(command.claims)
    return Outcome(tx.record(IssuerTrusted(issuer=command.issuer, claims=claims, principal=principal.id)))


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
        LoginRefused: no rule, or more than one principal, matches.
    """
    principals = {
        rule.principal
        for rule in list_rules(unit, issuer)
        if all(claims.get(name) == value for name, value in canonical.decode(rule.claims.encode()).items())
    }
    if len(principals) != 1:
        rules = "more than one rule" if principals else "no rule"
        raise LoginRefused(reason=f"{rules} matches the claims of this workload")
    return Caller(principal=principals.pop(), scopes=frozenset(), token=None, assurance=Assurance.WORKLOAD)
