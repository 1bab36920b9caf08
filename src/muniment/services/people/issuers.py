"""Issuers: whose word we take for who a workload is, as PyPI's trusted publishers do."""

from collections.abc import Mapping

from muniment.core import canonical
from muniment.core.errors import InvalidDocument, IssuerNotFound, LoginRefused
from muniment.core.events import IssuerDistrusted, IssuerTrusted
from muniment.core.people.callers import Assurance, Caller
from muniment.core.records import IssuerRecord
from muniment.core.verbs.people import DistrustIssuer, TrustIssuer
from muniment.ports.projections import Where
from muniment.ports.unit import Unit
from muniment.services.people.principals import get_principal
from muniment.services.transaction import Outcome, Transaction


def trust_issuer(tx: Transaction, command: TrustIssuer) -> Outcome:
    """Let workloads in by a rule. The principal's own grants say what they may do.

    Raises:
        InvalidDocument: a rule without claims would let everybody of that issuer in.
    """
    principal = get_principal(tx.unit, command.principal)
    if not command.claims or "" in dict(command.claims).values():
        raise InvalidDocument(reason="a rule names at least one claim, and no empty one")
    if not command.issuer.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise InvalidDocument(reason="an issuer is an https:// address")
    claims = dict(command.claims)
    return Outcome(tx.record(IssuerTrusted(issuer=command.issuer, claims=claims, principal=principal.id)))


def distrust_issuer(tx: Transaction, command: DistrustIssuer) -> Outcome:
    """End a rule.

    Raises:
        IssuerNotFound: there is none, or it has ended.
    """
    record = tx.unit.projections.find(IssuerRecord, (command.rule,))
    if record is None or record.ended is not None:
        raise IssuerNotFound(rule=command.rule)
    return Outcome(tx.record(IssuerDistrusted(issuer=record.issuer, rule=command.rule)))


def list_rules(unit: Unit, issuer: str | None = None) -> tuple[IssuerRecord, ...]:
    """List the rules that stand, of one issuer or all."""
    which = [] if issuer is None else [Where("issuer", "=", issuer)]
    return tuple(unit.projections.select(IssuerRecord, *which, Where("ended", "=", None)))


def match_workload(unit: Unit, issuer: str, claims: Mapping[str, object]) -> Caller:
    """Say who a workload is, by claims that the caller of this MUST have verified.

    Raises:
        LoginRefused: no rule, or more than one principal, matches.
    """
    principals = {
        rule.principal
        for rule in list_rules(unit, issuer)
        if all(claims.get(name) == value for name, value in canonical.decode(rule.claims.encode()).items())
    }
    if len(principals) != 1:
        known = "more than one rule" if principals else "no rule"
        raise LoginRefused(reason=f"{known} matches the claims of this workload")
    return Caller(principal=principals.pop(), scopes=frozenset(), token=None, assurance=Assurance.WORKLOAD)
