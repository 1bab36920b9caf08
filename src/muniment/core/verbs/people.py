"""People and workloads: their keys, roles and tokens, and how they sign in."""

from dataclasses import dataclass
from typing import Annotated, Final

from muniment.core.digests import Digest
from muniment.core.events import (
    Entry,
    IssuerDistrusted,
    IssuerTrusted,
    KeyEnrolled,
    KeyRevoked,
    PreferencesSet,
    PrincipalConfirmed,
    PrincipalErased,
    PrincipalRegistered,
    RecoveryEnded,
    RecoveryOutcome,
    RoleGranted,
    RoleRevoked,
    TokenIssued,
    TokenRevoked,
)
from muniment.core.payloads import Payload
from muniment.core.people.callers import Scope
from muniment.core.people.roles import EVERYWHERE, Act, Role
from muniment.core.records import (
    GrantRecord,
    IssuerRecord,
    KeyRecord,
    PreferencesRecord,
    PrincipalRecord,
    RecoveryRecord,
    TokenRecord,
    VouchRecord,
)
from muniment.core.times import read_time, write_time
from muniment.core.verbs.verb import (
    Ask,
    At,
    Bounds,
    Change,
    Command,
    ListQuery,
    May,
    Members,
    Name,
    Own,
    PageQuery,
    Query,
    Question,
    Time,
    Verb,
    Who,
    digest_of,
    says,
)

TokenId = Annotated[str, Bounds(pattern=r"^[0-9a-f]{64}$")]
Claims = Annotated[tuple[tuple[str, str], ...], Bounds(least=1, most=20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A principal, its name (None once erased), its keys and roles.

    `machines` pairs the ids of keys with the names of the machines where they were enrolled. `vouches` say on
    whose word they are who they are, and `recoveries` who let them in anew.
    """

    record: PrincipalRecord
    name: str | None
    keys: tuple[KeyRecord, ...]
    grants: tuple[GrantRecord, ...]
    machines: tuple[tuple[str, str], ...] = ()
    vouches: tuple[VouchRecord, ...] = ()
    recoveries: tuple[RecoveryRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and its label (None once erased)."""

    record: TokenRecord
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPreferences:
    """The preferences of a principal: their record, if they set any, and the text (None once erased)."""

    record: PreferencesRecord | None
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPrincipal(Command):
    """Register a person or workload under an erasable name, optionally with a first key (PEM)."""

    declared = Change("POST", "/principals", May(Act.ENROL, EVERYWHERE))
    name: Payload
    public_key: bytes | None = None
    expires: Time | None = None
    workload: bool = False

    def is_done_by(self, entry: Entry) -> bool:
        """A person or workload was registered under the name."""
        kind = "workload" if self.workload else "person"
        return says(entry, PrincipalRegistered, kind=kind, profile=self.name.digest)

    def holds(self, entry: Entry, ask: Ask) -> bool:
        """Without a key, none was enrolled."""
        event = entry.event
        if self.public_key is not None or not isinstance(event, PrincipalRegistered):
            return True
        return ask(GetPerson(principal=event.principal)).keys == ()

    def rest(self, entry: Entry) -> Command | None:
        """The key was enrolled for whom the entry registers."""
        event = entry.event
        if self.public_key is None or not isinstance(event, PrincipalRegistered):
            return None
        return EnrolKey(principal=event.principal, public_key=self.public_key, expires=self.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePrincipal(Command):
    """Erase a principal's name and the names of their logins, keys and tokens.

    With `typed`, also erase everything that they typed: reasons, messages, comments and tags.
    """

    declared = Change("POST", "/principals/erasures", May(Act.ERASE, EVERYWHERE))
    principal: str
    typed: bool = False

    def is_done_by(self, entry: Entry) -> bool:
        """The principal was erased, and what they typed or not."""
        return says(entry, PrincipalErased, principal=self.principal, typed=self.typed)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPrincipal(Command):
    """Confirm, as another admin, that a principal is who they are.

    Approvals by somebody for whom an author of a version vouched count once an admin has confirmed the person
    for whom no author vouched; likewise roles that somebody gave themselves, and what a workload publishes.
    """

    declared = Change("POST", "/principals/confirmations", May(Act.ENROL, EVERYWHERE))
    principal: str
    reason: Payload | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The principal was confirmed."""
        return says(entry, PrincipalConfirmed, principal=self.principal, reason=digest_of(self.reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveRecovery(Command):
    """Let a recovery, by its entry, be used at once."""

    declared = Change(
        "POST",
        "/recoveries/{recovery}/approvals",
        f"those who may {Act.ENROL} everywhere, for whom neither its author nor the person vouches",
    )
    recovery: int

    def is_done_by(self, entry: Entry) -> bool:
        """This recovery was approved."""
        return says(entry, RecoveryEnded, recovery=self.recovery, outcome=RecoveryOutcome.APPROVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRecovery(Command):
    """Cancel a recovery, by its entry, before it can be used."""

    declared = Change(
        "POST",
        "/recoveries/{recovery}/cancellations",
        f"the person whom it is for, and those who may {Act.ENROL} everywhere",
    )
    recovery: int

    def is_done_by(self, entry: Entry) -> bool:
        """This recovery was cancelled."""
        return says(entry, RecoveryEnded, recovery=self.recovery, outcome=RecoveryOutcome.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolKey(Command):
    """Add a public key (PEM) to a principal.

    For somebody else who has a key already, it is a recovery.
    """

    declared = Change("POST", "/keys", May(Act.ENROL, EVERYWHERE), idempotent=True)
    principal: str
    public_key: bytes
    expires: Time | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The key was enrolled for the principal until it expires, on our word."""
        return self.was_done_by(entry) and says(entry, KeyEnrolled, voucher=entry.actor)

    def was_done_by(self, entry: Entry) -> bool:
        """The key was enrolled for the principal until it expires, on anybody's word."""
        key = {"public_key": self.public_key.decode(), "key": Digest.of(self.public_key).hex}
        return says(entry, KeyEnrolled, principal=self.principal, expires=_exact(self.expires), **key)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The key was not revoked since."""
        key = ask(GetKey(key_id=Digest.of(self.public_key).hex))
        return key.index == entry.index and key.revoked is None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey(Command):
    """Revoke a key: its signatures recorded from entry `effective` on no longer count.

    Null means from now on. An earlier entry also voids what a thief may have signed since then.
    """

    declared = Change(
        "DELETE", "/keys/{key_id}", f"the owner of the key, and those who may {Act.ENROL} everywhere"
    )
    key_id: Name
    effective: int | None = None

    def is_done_by(self, entry: Entry) -> bool:
        """The key is revoked from the entry on; without one, or with a later one, from this entry on."""
        effective = entry.index if self.effective is None else min(self.effective, entry.index)
        return says(entry, KeyRevoked, key=self.key_id, effective=effective)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRole(Command):
    """Grant a role in a namespace, or everywhere (`*`)."""

    declared = Change("POST", "/grants", May(Act.GRANT, "namespace"), idempotent=True)
    principal: str
    role: Role
    namespace: str

    def is_done_by(self, entry: Entry) -> bool:
        """The principal holds the role there."""
        return says(entry, RoleGranted, principal=self.principal, role=self.role, namespace=self.namespace)

    def stands(self, entry: Entry, ask: Ask) -> bool:
        """The role was not revoked since."""
        namespaces = () if self.namespace == EVERYWHERE else (self.namespace,)
        person = ask(GetPerson(principal=self.principal, namespaces=namespaces))
        return any(grant.index == entry.index for grant in person.grants)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRole(Command):
    """End a grant."""

    declared = Change("DELETE", "/grants", May(Act.GRANT, "namespace"))
    principal: str
    role: Role
    namespace: str

    def is_done_by(self, entry: Entry) -> bool:
        """The principal no longer holds the role there."""
        return says(entry, RoleRevoked, principal=self.principal, role=self.role, namespace=self.namespace)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken(Command):
    """Let a token authenticate a principal. Its maker keeps the token and sends only its id.

    `token` is the sha256 of the token's text, in hex. `once` limits it to one `BeginSession`: an invitation,
    which is a recovery if it is for somebody else who has a key already.
    """

    declared = Change(
        "POST", "/tokens", f"everybody for themselves; for others, those who may {Act.ENROL} everywhere"
    )
    principal: str
    token: TokenId
    name: Payload
    scopes: Annotated[tuple[Scope, ...], Bounds(most=100)] = ()
    expires: Time
    once: bool = False

    def is_done_by(self, entry: Entry) -> bool:
        """The token authenticates the principal, with these limits."""
        limits = {
            "scopes": tuple(sorted(set(self.scopes))),
            "expires": _exact(self.expires),
            "once": self.once,
        }
        token = {"token": self.token, "label": self.name.digest, "key": None, "voucher": entry.actor}
        return says(entry, TokenIssued, principal=self.principal, **token, **limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken(Command):
    """End a token, by its id."""

    declared = Change(
        "DELETE",
        "/tokens/{token}",
        f"the owner of the token, and those who may {Act.ENROL} everywhere",
        idempotent=True,
    )
    token: Name

    def is_done_by(self, entry: Entry) -> bool:
        """The token has ended."""
        return says(entry, TokenRevoked, token=self.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPreferences(Command):
    """Set your own preferences, which replace those before and are erased with you.

    Their text is a JSON object: `follows` are names of models, `email` an address, and `mail` whether mail
    is sent there.
    """

    declared = Change("PUT", "/principals/{principal}/preferences", "the principal itself")
    principal: Name
    preferences: Payload

    def is_done_by(self, entry: Entry) -> bool:
        """The principal has these preferences."""
        digest = self.preferences.digest
        return says(entry, PreferencesSet, principal=self.principal, preferences=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSession(Command):
    """Sign the caller in on a machine: enrol its key (PEM) and issue its token.

    This uses up the caller's invitation.
    """

    declared = Change("POST", "/sessions", "everybody with an invitation")
    public_key: bytes
    token: TokenId
    name: Payload
    expires: Time

    def is_done_by(self, entry: Entry) -> bool:
        """The token authenticates the caller with the key, limited only by its expiry."""
        key = Digest.of(self.public_key).hex
        token = {"token": self.token, "label": self.name.digest, "key": key}
        limits = {"scopes": (), "expires": _exact(self.expires), "once": False}
        return says(entry, TokenIssued, principal=entry.actor, **token, **limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustIssuer(Command):
    """Let workloads sign in whose identity token comes from an issuer and has these claims.

    `person_claim` names the claim that says who started a job: an author of what the job publishes.
    """

    declared = Change("POST", "/issuers", May(Act.ENROL, EVERYWHERE))
    issuer: str
    claims: Claims
    principal: str
    person_claim: Annotated[str | None, Bounds(most=100)] = None

    def is_done_by(self, entry: Entry) -> bool:
        """Workloads with these claims act as the principal."""
        claims = {"claims": dict(self.claims), "person_claim": self.person_claim}
        return says(entry, IssuerTrusted, principal=self.principal, issuer=self.issuer, **claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrustIssuer(Command):
    """End a trust rule, by its entry."""

    declared = Change("DELETE", "/issuers/{rule}", May(Act.ENROL, EVERYWHERE))
    rule: int

    def is_done_by(self, entry: Entry) -> bool:
        """This rule has ended."""
        return says(entry, IssuerDistrusted, rule=self.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSelf(Query[Person]):
    """Get the caller's own principal."""

    declared = Question("/me", Who.CALLER)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPerson(Query[Person]):
    """Find a principal by id or by its present name, with the roles that the caller may see.

    Callers find those who have or had a role where they may read, and everybody if they may grant roles.
    """

    declared = Question("/principals/find", Who.MEMBER)
    principal: str
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPerson(Query[Person]):
    """Get a principal by id, with its keys, and its roles everywhere and in some namespaces."""

    declared = Question("/principals/{principal}", Members("namespaces", own="principal"), proven=True)
    principal: Name
    namespaces: tuple[str, ...] = ()
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPeople(PageQuery[Person]):
    """List the principals that the caller may find, oldest first, with the roles that the caller may see."""

    declared = Question("/principals", Who.MEMBER)
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetKey(Query[KeyRecord]):
    """Get a key by its id."""

    declared = Question("/keys/{key_id}", Who.MEMBER, proven=True)
    key_id: Name
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetPreferences(Query[StatedPreferences]):
    """Get your own preferences."""

    declared = Question("/principals/{principal}/preferences", Own("principal"), proven=True)
    principal: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTokens(ListQuery[Token]):
    """List a principal's tokens that were not revoked; null lists your own."""

    declared = Question("/tokens", Who.CALLER)
    principal: str | None = None
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIssuers(ListQuery[IssuerRecord]):
    """List the trust rules for workloads."""

    declared = Question("/issuers", May(Act.READ, EVERYWHERE))
    at: At = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoMay(ListQuery[Person]):
    """List who may do an act in a namespace, and by which grants."""

    declared = Question("/permissions", May(Act.READ, "namespace"), proven=True)
    act: Act
    namespace: str
    at: At = None


VERBS: Final[tuple[type[Verb], ...]] = (
    GetSelf,
    RegisterPrincipal,
    ListPeople,
    FindPerson,
    GetPerson,
    ErasePrincipal,
    ConfirmPrincipal,
    ApproveRecovery,
    CancelRecovery,
    EnrolKey,
    GetKey,
    RevokeKey,
    GrantRole,
    RevokeRole,
    WhoMay,
    IssueToken,
    ListTokens,
    RevokeToken,
    SetPreferences,
    GetPreferences,
    BeginSession,
    TrustIssuer,
    ListIssuers,
    DistrustIssuer,
)


def _exact(time: str | None) -> str | None:
    """Write a time as events do."""
    return None if time is None else write_time(read_time(time))
