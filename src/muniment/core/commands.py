"""Commands: what can be asked to change. Each is done whole or not at all, and returns a receipt."""

from dataclasses import dataclass
from typing import TypeAlias

from muniment.core.digests import Digest
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishVersion:
    """Publish a stored manifest as the next version, with the claims that come with it.

    `number` asks for that very number; None takes the next one. Publishing bytes that the model
    already has answers with the version that exists.
    """

    name: ModelName
    manifest: Digest
    number: int | None = None
    attestations: tuple[Digest, ...] = ()
    message: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttestation:
    """Record a stored bundle as a claim about a version."""

    reference: Reference
    bundle: Digest
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAlias:
    """Point an alias at a version; a guarded alias moves only if its policy is met."""

    reference: Reference
    alias: Alias
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackAlias:
    """Point an alias back at the version that it held before the present one."""

    name: ModelName
    alias: Alias
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPolicy:
    """Put a stored policy document in force for an alias of a model."""

    name: ModelName
    alias: Alias
    policy: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPrincipal:
    """Register a person or workload under an erasable name, with a first key (PEM)."""

    name: Payload
    public_key: bytes
    expires: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolKey:
    """Add a public key (PEM) to a principal."""

    principal: str
    public_key: bytes
    expires: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeKey:
    """Revoke a key: what the log recorded from entry `effective` on no longer counts.

    None means from now on. An earlier entry disowns what a thief may have signed since.
    """

    key_id: str
    effective: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRole:
    """Grant a role in a namespace, or everywhere (`*`)."""

    principal: str
    role: Role
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeRole:
    """End a grant."""

    principal: str
    role: Role
    namespace: str


Command: TypeAlias = (
    PublishVersion
    | RecordAttestation
    | MoveAlias
    | RollBackAlias
    | SetPolicy
    | RegisterPrincipal
    | EnrolKey
    | RevokeKey
    | GrantRole
    | RevokeRole
)
