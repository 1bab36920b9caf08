"""Records of people and workloads."""

from dataclasses import dataclass
from typing import ClassVar

from muniment.core.records.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalRecord(Record):
    """A person or workload; `profile` is the digest of an erasable payload that holds the name."""

    table: ClassVar[str] = "principals"
    key: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    kind: str
    profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord(Record):
    """A public key of a principal; `revoked` is the entry from which on it no longer counts.

    `assurance` says how its owner was known, and `voucher` on whose word; `name` is the digest of a payload
    that names the machine. `starter` is the person who started the job that made it, if its platform said so.
    """

    table: ClassVar[str] = "keys"
    key: ClassVar[tuple[str, ...]] = ("id",)
    amendable: ClassVar[frozenset[str]] = frozenset({"revoked"})
    id: str
    principal: str
    public_key: str
    enrolled: str
    assurance: str = "key"
    name: str | None = None
    expires: str | None = None
    revoked: int | None = None
    voucher: str
    starter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VouchRecord(Record):
    """Somebody vouched for a principal (`core.people.vouching`); the registry, for an identity provider."""

    table: ClassVar[str] = "vouches"
    key: ClassVar[tuple[str, ...]] = ("index",)
    principal: str
    kind: str
    voucher: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRecord(Record):
    """`actor` lets a person in anew who has been here before; `credential` is the id of the token or key.

    It cannot be used before `opens`, unless another admin approves it. `outcome` says whether one did, or
    whether it was cancelled, with the entry `ended`.
    """

    table: ClassVar[str] = "recoveries"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"outcome", "ended"})
    principal: str
    credential: str
    actor: str
    begun: str
    opens: str
    outcome: str | None = None
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRecord(Record):
    """A role of a principal in a namespace, given by `grantor`, until the entry `ended` (None: it holds)."""

    table: ClassVar[str] = "grants"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    principal: str
    namespace: str
    role: str
    grantor: str
    ended: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord(Record):
    """A token, by the sha256 of its text; `label` is the digest of a payload that says what it is for.

    `voucher` and `starter` are as those of a key.
    """

    table: ClassVar[str] = "tokens"
    key: ClassVar[tuple[str, ...]] = ("id",)
    amendable: ClassVar[frozenset[str]] = frozenset({"revoked"})
    id: str
    principal: str
    label: str | None
    scopes: str
    issued: str
    expires: str
    once: int
    voucher: str
    starter: str | None = None
    revoked: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesRecord(Record):
    """The preferences of a principal; `text` is the digest of an erasable payload. The newest count."""

    table: ClassVar[str] = "preferences"
    key: ClassVar[tuple[str, ...]] = ("index",)
    principal: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerRecord(Record):
    """A rule that lets workloads in, written by `author`; `claims` is a JSON object of texts.

    `person_claim` names the claim that says who started the job.
    """

    table: ClassVar[str] = "issuers"
    key: ClassVar[tuple[str, ...]] = ("index",)
    amendable: ClassVar[frozenset[str]] = frozenset({"ended"})
    issuer: str
    claims: str
    principal: str
    author: str
    person_claim: str | None = None
    ended: int | None = None
