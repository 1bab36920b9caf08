"""Who may come in and how far: tokens, invitations, workloads, quotas. `registry.access`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from muniment.client.connection.tokens import PREFIX, id_of, make_token
from muniment.client.people.principals import write_payload
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.people.callers import parse_scopes
from muniment.core.people.roles import Act
from muniment.core.receipts import Receipt
from muniment.core.records import IssuerRecord
from muniment.core.times import write_time
from muniment.core.verbs.bytes import GetUsage, SetQuota, Usage
from muniment.core.verbs.people import (
    DistrustIssuer,
    GetSelf,
    IssueToken,
    ListIssuers,
    ListTokens,
    Person,
    RevokeToken,
    Token,
    TrustIssuer,
    WhoMay,
)


class Issued(NamedTuple):
    """A token that was just made: its text, which nobody can be shown again, and the receipt."""

    text: str
    receipt: Receipt


class Access:
    """Tokens and the rules by which people and workloads come in."""

    def __init__(self, backend: TrustedBackend) -> None:
        """Stand on a backend."""
        self._backend = backend

    def issue(
        self,
        name: str,
        *,
        principal: str | None = None,
        scopes: Sequence[str] = (),
        days: float = 90,
        once: bool = False,
    ) -> Issued:
        """Make a token, here, and let it in: for oneself, for a workload, or (`once`) as an invitation.

        Raises:
            NotPermitted: it is for another person and no invitation.
        """
        text = make_token()
        command = IssueToken(
            principal=principal or self._backend.ask(GetSelf()).record.id,
            token=id_of(text),
            name=write_payload(name),
            scopes=tuple(sorted(parse_scopes(scopes))),
            expires=write_time(self._backend.clock() + timedelta(days=days)),
            once=once,
        )
        return Issued(text, self._backend.execute(command))

    def tokens(self, principal: str | None = None) -> Sequence[Token]:
        """List one's own tokens that still count, or another's."""
        return self._backend.ask(ListTokens(principal=principal))

    def revoke(self, token: str) -> Receipt:
        """End a token, by its id or by its text."""
        return self._backend.execute(RevokeToken(token=id_of(token) if token.startswith(PREFIX) else token))

    def trust(self, issuer: str, claims: Mapping[str, str], principal: str) -> Receipt:
        """Let workloads in: those whose identity token is from an issuer and has these claims."""
        rule = TrustIssuer(issuer=issuer, claims=tuple(sorted(claims.items())), principal=principal)
        return self._backend.execute(rule)

    def distrust(self, rule: int) -> Receipt:
        """End such a rule, by its entry of the log."""
        return self._backend.execute(DistrustIssuer(rule=rule))

    def issuers(self) -> Sequence[IssuerRecord]:
        """List such rules."""
        return self._backend.ask(ListIssuers())

    def who_may(self, act: Act | str, namespace: str, *, at: str | None = None) -> Sequence[Person]:
        """List who may do something in a namespace, now or at a time, with the grants that say so."""
        return self._backend.ask(WhoMay(act=Act(act), namespace=namespace, at=at))

    def usage(self, namespace: str) -> Usage:
        """Say what a namespace holds, and may hold."""
        return self._backend.ask(GetUsage(namespace=namespace))

    def set_quota(self, namespace: str, size_bytes: int | None) -> Receipt:
        """Bound what a namespace may hold; None lifts the bound."""
        return self._backend.execute(SetQuota(namespace=namespace, size_bytes=size_bytes))
