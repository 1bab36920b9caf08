"""Events of people and workloads: their keys, roles, logins and tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from muniment.core import canonical
from muniment.core.digests import Digest
from muniment.core.events.event import Entry, Event, text
from muniment.core.events.subjects import (
    REGISTRY,
    Subject,
    SubjectKind,
    of_namespace,
    of_principal,
    of_roles,
    of_vouches,
)
from muniment.core.people.callers import Assurance, Scope
from muniment.core.people.roles import Role
from muniment.core.people.vouching import VouchKind
from muniment.core.records import (
    Amend,
    Change,
    GrantRecord,
    IssuerRecord,
    KeyRecord,
    PreferencesRecord,
    PrincipalRecord,
    Put,
    RecoveryRecord,
    TokenRecord,
    VouchRecord,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalRegistered(Event):
    """A person or workload got an opaque id; `profile` is the digest of a payload with the name."""

    type: ClassVar[str] = "principal.registered"
    principal: str
    kind: str
    profile: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The principal, and who vouches for it."""
        return (REGISTRY, of_principal(self.principal), of_vouches(self.principal))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the principal, for whom the actor vouches."""
        profile = text(self.profile)
        record = PrincipalRecord(index=entry.index, id=self.principal, kind=self.kind, profile=profile)
        return [Put(record), _vouch(entry, self.principal, self.kind, entry.actor)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalConfirmed(Event):
    """An admin confirmed that a principal is who they are; `reason` is the digest of a payload.

    It is the actor's word for all that others vouched for before, and for the roles that the principal gave
    themselves.
    """

    type: ClassVar[str] = "principal.confirmed"
    principal: str
    reason: Digest | None

    def subjects(self) -> tuple[Subject, ...]:
        """The principal, and who vouches for it."""
        return (REGISTRY, of_principal(self.principal), of_vouches(self.principal))

    def fold(self, entry: Entry) -> list[Change]:
        """Have the actor vouch."""
        return [_vouch(entry, self.principal, VouchKind.CONFIRMATION, entry.actor)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalErased(Event):
    """Payloads of a principal were erased, also what they `typed` or not; the log still holds the digests."""

    type: ClassVar[str] = "principal.erased"
    principal: str
    typed: bool
    payloads: int

    def subjects(self) -> tuple[Subject, ...]:
        """The principal."""
        return (REGISTRY, of_principal(self.principal))

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Change no record: they hold only digests."""
        return []


class RecoveryOutcome(StrEnum):
    """The end of a recovery before it opens by itself."""

    APPROVED = "approved"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryBegun(Event):
    """An admin lets a person in anew who has been here before; the next entries make the credential.

    Attributes:
        credential: the id of the invitation or key.
        opens: from when on it can be used (RFC 3339), unless another admin approves it earlier.
    """

    type: ClassVar[str] = "recovery.begun"
    principal: str
    credential: str
    opens: str

    def subjects(self) -> tuple[Subject, ...]:
        """The principal, and who vouches for it."""
        return (REGISTRY, of_principal(self.principal), of_vouches(self.principal))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the recovery."""
        recovery = RecoveryRecord(
            index=entry.index,
            principal=self.principal,
            credential=self.credential,
            actor=entry.actor,
            begun=entry.when,
            opens=self.opens,
        )
        return [Put(recovery)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryEnded(Event):
    """A recovery, by its entry, was approved by another admin, or cancelled."""

    type: ClassVar[str] = "recovery.ended"
    principal: str
    recovery: int
    outcome: RecoveryOutcome

    def subjects(self) -> tuple[Subject, ...]:
        """The principal, and who vouches for it."""
        return (REGISTRY, of_principal(self.principal), of_vouches(self.principal))

    def fold(self, entry: Entry) -> list[Change]:
        """End the recovery."""
        return [Amend(RecoveryRecord, (self.recovery,), {"outcome": str(self.outcome), "ended": entry.index})]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEnrolled(Event):
    """A principal got a public key.

    Attributes:
        key: its id.
        public_key: PEM.
        assurance: how its owner was identified.
        name: the digest of a payload that names the machine.
        expires: when it expires (RFC 3339).
        voucher: on whose word it is the principal's: who enrolled it, invited them or wrote the rule by which
            the workload signed in; the registry, if an identity provider said so.
        starter: the person who started the job that made it, if its platform said so.
    """

    type: ClassVar[str] = "key.enrolled"
    principal: str
    key: str
    algorithm: str
    public_key: str
    assurance: Assurance
    name: Digest | None
    expires: str | None
    voucher: str
    starter: str | None

    @property
    def is_vouched(self) -> bool:
        """Whether somebody vouched for this very key; jobs sign in by a rule, for which somebody did."""
        return self.assurance is not Assurance.WORKLOAD

    def subjects(self) -> tuple[Subject, ...]:
        """The key, the principal, and who vouches for it."""
        vouches = (of_vouches(self.principal),) if self.is_vouched else ()
        return (REGISTRY, Subject(SubjectKind.KEY, self.key), of_principal(self.principal), *vouches)

    def fold(self, entry: Entry) -> list[Change]:
        """Add the key."""
        vouches = [_vouch(entry, self.principal, VouchKind.KEY, self.voucher)] if self.is_vouched else []
        key = KeyRecord(
            index=entry.index,
            id=self.key,
            principal=self.principal,
            public_key=self.public_key,
            enrolled=entry.when,
            assurance=str(self.assurance),
            name=text(self.name),
            expires=self.expires,
            voucher=self.voucher,
            starter=self.starter,
        )
        return [Put(key), *vouches]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked(Event):
    """Signatures that the log recorded from the entry `effective` on no longer count."""

    type: ClassVar[str] = "key.revoked"
    principal: str
    key: str
    effective: int

    def subjects(self) -> tuple[Subject, ...]:
        """The key, and the principal."""
        return (REGISTRY, Subject(SubjectKind.KEY, self.key), of_principal(self.principal))

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Revoke the key, as of the entry that it names."""
        return [Amend(KeyRecord, (self.key,), {"revoked": self.effective})]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGranted(Event):
    """A principal holds a role in a namespace, or everywhere (`*`)."""

    type: ClassVar[str] = "role.granted"
    principal: str
    namespace: str
    role: Role

    def subjects(self) -> tuple[Subject, ...]:
        """The roles of the principal there, and all those that are held there."""
        return _of_grant(self.namespace, self.principal)

    def fold(self, entry: Entry) -> list[Change]:
        """Add the grant."""
        grant = GrantRecord(
            index=entry.index,
            principal=self.principal,
            namespace=self.namespace,
            role=str(self.role),
            grantor=entry.actor,
        )
        return [Put(grant)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRevoked(Event):
    """A grant, by its entry, has ended."""

    type: ClassVar[str] = "role.revoked"
    principal: str
    namespace: str
    role: Role
    grant: int

    def subjects(self) -> tuple[Subject, ...]:
        """The roles of the principal there, and all those that are held there."""
        return _of_grant(self.namespace, self.principal)

    def fold(self, entry: Entry) -> list[Change]:
        """End the grant."""
        return [Amend(GrantRecord, (self.grant,), {"ended": entry.index})]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginLinked(Event):
    """A login of an identity provider was linked to a principal; `login` is the digest of a payload."""

    type: ClassVar[str] = "login.linked"
    principal: str
    login: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The principal."""
        return (REGISTRY, of_principal(self.principal))

    def fold(self, entry: Entry) -> list[Change]:  # noqa: ARG002 - as every event
        """Make no record: a login is looked up by the payload."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued(Event):
    """A token authenticates a principal.

    Attributes:
        token: the sha256 of its text, in hex.
        label: the digest of a payload with its purpose.
        scopes: what it may be used for; without any, everything that the principal may do.
        expires: when it expires (RFC 3339).
        once: whether it is an invitation.
        key: the id of the key of the machine whose session it is; None if it stands alone.
        voucher: on whose word who holds it is the principal, as for a key; the owner, if it is theirs.
        starter: the person who started the job that uses it, if its platform said so.
    """

    type: ClassVar[str] = "token.issued"
    principal: str
    token: str
    label: Digest
    scopes: tuple[Scope, ...]
    expires: str
    once: bool
    key: str | None
    voucher: str
    starter: str | None

    @property
    def is_vouched(self) -> bool:
        """Whether somebody else made it who may still hold it; a session says it with its key."""
        return self.key is None and not self.once and self.voucher != self.principal

    def subjects(self) -> tuple[Subject, ...]:
        """The tokens of the principal, and who vouches for it."""
        vouches = (of_vouches(self.principal),) if self.is_vouched else ()
        return (REGISTRY, Subject(SubjectKind.TOKENS, self.principal), *vouches)

    def fold(self, entry: Entry) -> list[Change]:
        """Add the token."""
        vouches = [_vouch(entry, self.principal, VouchKind.TOKEN, self.voucher)] if self.is_vouched else []
        token = TokenRecord(
            index=entry.index,
            id=self.token,
            principal=self.principal,
            label=str(self.label),
            scopes=" ".join(map(str, self.scopes)),
            issued=entry.when,
            expires=self.expires,
            once=int(self.once),
            voucher=self.voucher,
            starter=self.starter,
        )
        return [Put(token), *vouches]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Event):
    """A token ended, or an invitation was used up."""

    type: ClassVar[str] = "token.revoked"
    principal: str
    token: str

    def subjects(self) -> tuple[Subject, ...]:
        """The tokens of the principal."""
        return (REGISTRY, Subject(SubjectKind.TOKENS, self.principal))

    def fold(self, entry: Entry) -> list[Change]:
        """End the token."""
        return [Amend(TokenRecord, (self.token,), {"revoked": entry.index})]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesSet(Event):
    """A principal set their preferences; `preferences` is the digest of a payload, which they can erase."""

    type: ClassVar[str] = "preferences.set"
    principal: str
    preferences: Digest

    def subjects(self) -> tuple[Subject, ...]:
        """The preferences of the principal."""
        return (REGISTRY, Subject(SubjectKind.PREFERENCES, self.principal))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the preferences; the newest count."""
        digest = str(self.preferences)
        return [Put(PreferencesRecord(index=entry.index, principal=self.principal, text=digest))]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerTrusted(Event):
    """Workloads with these claims from an issuer act as a principal.

    `person_claim` names the claim that says who started the job.
    """

    type: ClassVar[str] = "issuer.trusted"
    issuer: str
    claims: Mapping[str, str]
    principal: str
    person_claim: str | None

    def subjects(self) -> tuple[Subject, ...]:
        """The issuer, and who vouches for the principal."""
        return (REGISTRY, Subject(SubjectKind.ISSUER, self.issuer), of_vouches(self.principal))

    def fold(self, entry: Entry) -> list[Change]:
        """Add the rule, for which the actor vouches."""
        rule = IssuerRecord(
            index=entry.index,
            issuer=self.issuer,
            claims=canonical.encode(self.claims).decode(),
            principal=self.principal,
            author=entry.actor,
            person_claim=self.person_claim,
        )
        return [Put(rule), _vouch(entry, self.principal, VouchKind.RULE, entry.actor)]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerDistrusted(Event):
    """A trust rule, by its entry, has ended."""

    type: ClassVar[str] = "issuer.distrusted"
    issuer: str
    rule: int

    def subjects(self) -> tuple[Subject, ...]:
        """The issuer."""
        return (REGISTRY, Subject(SubjectKind.ISSUER, self.issuer))

    def fold(self, entry: Entry) -> list[Change]:
        """End the rule."""
        return [Amend(IssuerRecord, (self.rule,), {"ended": entry.index})]


def _vouch(entry: Entry, principal: str, kind: str, voucher: str) -> Put:
    """Have somebody vouch for a principal."""
    return Put(VouchRecord(index=entry.index, principal=principal, kind=kind, voucher=voucher))


def _of_grant(namespace: str, principal: str) -> tuple[Subject, ...]:
    """Name the subjects of a grant."""
    grants = Subject(SubjectKind.GRANTS, namespace)
    return (of_namespace(namespace), of_roles(namespace, principal), grants)
