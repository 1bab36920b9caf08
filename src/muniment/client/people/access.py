"""Tokens, invitations, trusted issuers and quotas: `registry.access`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from muniment.client.proofs.naming import find_names
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import RecordUnproven
from muniment.core.payloads import Payload
from muniment.core.people.callers import parse_scopes
from muniment.core.people.roles import Act
from muniment.core.people.tokens import PREFIX, id_of, make_token
from muniment.core.receipts import Receipt
from muniment.core.records import IssuerRecord
from muniment.core.times import write_time
from muniment.core.verbs.bytes import GetUsage, SetQuota, Usage
from muniment.core.verbs.people import (
    DistrustIssuer,
    IssueToken,
    ListIssuers,
    ListTokens,
    RevokeToken,
    Token,
    TrustIssuer,
    WhoMay,
)
from muniment.core.verbs.people import (
    Person as Principal,
)
from muniment.views.principals import view_issuers, view_people, view_tokens
from muniment.views.values import Person
from muniment.views.view import View


class Issued(NamedTuple):
    """A new token: its text, which cannot be shown again, and the receipt."""

    text: str
    receipt: Receipt


class Access:
    """The access of people and workloads to a registry."""

    def __init__(self, backend: TrustedBackend) -> None:
        """Use a backend."""
        self._backend = backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Access of {self._backend.location}>"

    def issue(
        self,
        name: str,
        *,
        principal: str | None = None,
        scopes: Sequence[str] = (),
        days: float = 90,
        once: bool = False,
    ) -> Issued:
        """Make a token locally and register it: for oneself, for a workload, or as an invitation (`once`).

        Raises:
            NotPermitted: it is for another person and not an invitation.
        """
        text = make_token()
        command = IssueToken(
            principal=principal or self._backend.principal,
            token=id_of(text),
            name=Payload.of(name),
            scopes=tuple(sorted(parse_scopes(scopes))),
            expires=write_time(self._backend.clock() + timedelta(days=days)),
            once=once,
        )
        return Issued(text, self._backend.execute(command))

    def tokens(self, principal: str | None = None, *, at: str | None = None) -> Sequence[Token]:
        """List the tokens of the caller, or of another principal, that were not revoked now or at a time.

        Each is proven to be on record as theirs. That it was not revoked, and its name, are the registry's
        word, and there may be more.
        """
        tokens = self._backend.ask(ListTokens(principal=principal, at=self._backend.past(at)))
        owner = (
            self._backend.principal if principal is None else self._backend.find_person(principal).record.id
        )
        for token in tokens:
            if token.record.principal != owner:
                raise RecordUnproven(record=f"tokens[{token.record.id}]", index=token.record.index)
        return tokens

    def view_tokens(self, principal: str | None = None, *, at: str | None = None) -> View:
        """Show the tokens of the caller, or of another principal, as `muniment token list` does."""
        tokens = self.tokens(principal, at=at)
        owner = self._backend.find_person(principal or self._backend.principal)
        return view_tokens(Person(owner.record.id, owner.name), tokens, self._backend.time())

    def revoke(self, token: str) -> Receipt:
        """Revoke a token, by its id or its text."""
        return self._backend.execute(RevokeToken(token=id_of(token) if token.startswith(PREFIX) else token))

    def trust(
        self, issuer: str, claims: Mapping[str, str], principal: str, *, person_claim: str | None = None
    ) -> Receipt:
        """Trust workloads whose identity token is from an issuer and has these claims.

        `person_claim` names the claim that says who started a job, such as `actor`: by their login at the
        issuer, or by their name here. They are an author of what the job publishes.
        """
        rule = TrustIssuer(
            issuer=issuer,
            claims=tuple(sorted(claims.items())),
            principal=principal,
            person_claim=person_claim,
        )
        return self._backend.execute(rule)

    def distrust(self, rule: int) -> Receipt:
        """End such a trust, by its entry."""
        return self._backend.execute(DistrustIssuer(rule=rule))

    def issuers(self, *, at: str | None = None) -> Sequence[IssuerRecord]:
        """List the trusted issuers, now or at a time, with the claims that each requires.

        Each is proven to be on record. That its rule has not ended is the registry's word, and there may be
        more.
        """
        return self._backend.ask(ListIssuers(at=self._backend.past(at)))

    def view_issuers(self, *, at: str | None = None) -> View:
        """Show the trusted issuers, as `muniment trust list` does."""
        rules = self.issuers(at=at)
        names = find_names(
            self._backend,
            {who for rule in rules for who in (rule.principal, rule.author)},
            self._backend.past(at),
        )
        return view_issuers(rules, names, self._backend.time())

    def who_may(self, act: Act | str, namespace: str, *, at: str | None = None) -> Sequence[Principal]:
        """List who may do an act in a namespace, now or at a time, with the grants that allow it."""
        query = WhoMay(act=Act(act), namespace=namespace, at=self._backend.past(at))
        return self._backend.ask(query)

    def view_who_may(self, act: Act | str, namespace: str, *, at: str | None = None) -> View:
        """Show who may do an act in a namespace, and by which roles, as `muniment user may` does."""
        people = self.who_may(act, namespace, at=at)
        grant = f"muniment role grant PRINCIPAL ROLE {namespace}"
        empty = f"nobody may {act} in {namespace}: {grant} lets somebody"
        title = f"Who may {act} in {namespace}"
        return view_people(title, people, self._backend.time(), empty=empty, found=False)

    def usage(self, namespace: str) -> Usage:
        """Return how much a namespace holds, and its quota, as the registry says."""
        return self._backend.ask(GetUsage(namespace=namespace))

    def set_quota(self, namespace: str, size_bytes: int | None) -> Receipt:
        """Limit how much a namespace may hold; None removes the limit."""
        return self._backend.execute(SetQuota(namespace=namespace, size_bytes=size_bytes))
