"""Commands: what can be asked to change. Each is done whole or not at all, and returns a receipt."""

from dataclasses import dataclass
from typing import TypeAlias

from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.names import Alias, Kind, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Scope
from muniment.core.people.roles import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishVersion:
    """Publish a stored manifest as the next version, with the claims that come with it.

    `number` asks for that very number; None takes the next one. Publishing bytes that the model
    already has answers with the version that exists. `kind` says what the first version makes of the
    name, a model or a dataset; None is a model, and for later versions what the name is.
    """

    name: ModelName
    manifest: Digest
    number: int | None = None
    attestations: tuple[Digest, ...] = ()
    message: Payload | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveDraft:
    """Keep a stored manifest, with the claims that are to come with it, as a draft."""

    name: ModelName
    manifest: Digest
    attestations: tuple[Digest, ...] = ()
    message: Payload | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardDraft:
    """End a draft, by its entry; its files go, but for those that something else needs."""

    draft: int
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAttestation:
    """Record a stored bundle as a claim about a version."""

    reference: Reference
    bundle: Digest
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAlias:
    """Point an alias at a version; a guarded alias moves only if its policy is met.

    `expected` is the entry of the move that the caller takes for the newest; -1 for none yet.
    """

    reference: Reference
    alias: Alias
    reason: Payload | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackAlias:
    """Point an alias back at the version that it held before the present one."""

    name: ModelName
    alias: Alias
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlass:
    """Point an alias at a version past its gate, in an emergency; somebody else has to close it.

    `attestation` is a stored bundle: the caller's signed word that it is an emergency, and why.
    """

    reference: Reference
    alias: Alias
    attestation: Digest
    reason: Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseEmergency:
    """Close an emergency, by the entry of its move, and say what came of it."""

    emergency: int
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """Ask those who may approve to look at a version for an alias; again, as a reminder."""

    reference: Reference
    alias: Alias
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseRequest:
    """Take a request back, by its entry."""

    request: int
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostComment:
    """Say something of a version or, with `about`, of a request or an emergency move, by its entry."""

    reference: Reference
    text: Payload
    about: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseComment:
    """Let the text of a comment, by its entry, go for good."""

    comment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPolicy:
    """Put a stored policy document in force for an alias of a model, or of all models of a namespace.

    `attestation` is a stored bundle: the caller's signed word that it is so. Without a policy the alias is
    guarded by nothing that could be met, until there is one.
    """

    models: Models
    alias: Alias
    policy: Digest | None
    attestation: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTier:
    """Put a model into a risk tier; policies can be for some tiers only."""

    name: ModelName
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """Deprecate, retire or revoke a version, or take that back (`published`)."""

    reference: Reference
    status: Status
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRetention:
    """Keep a version until a time at least (None: no later than it is kept already), or hold it."""

    reference: Reference
    until: str | None
    hold: bool
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeVersion:
    """Let the bytes of a version go for good; its record, its digests and a signed tombstone stay."""

    reference: Reference
    reason: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePrincipal:
    """Forget a principal's name and what their logins, keys and tokens are called.

    With `typed`, also all that they ever typed: reasons, messages, comments, tags.
    """

    principal: str
    typed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPrincipal:
    """Register a person or workload under an erasable name, with a first key (PEM) if there is one."""

    name: Payload
    public_key: bytes | None = None
    expires: str | None = None
    workload: bool = False


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTag:
    """Put a tag on a version; a value of None takes it away."""

    reference: Reference
    key: str
    value: Payload | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueToken:
    """Let a token authenticate a principal. Whoever makes the token keeps it: only its id is sent.

    `token` is the sha256 of the token's text, in hex. `once` makes it good for one `BeginSession`.
    """

    principal: str
    token: str
    name: Payload
    scopes: tuple[Scope, ...]
    expires: str
    once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    """End a token."""

    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginSession:
    """Sign in on a machine: enrol its key (PEM) and let its token in, for whoever calls.

    An invitation that was shown is used up by it.
    """

    public_key: bytes
    token: str
    name: Payload
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolPasskey:
    """Enrol a passkey for whoever calls with an invitation, which is used up by it.

    `public_key` is its line. The caller MUST have verified that it was made for that invitation.
    """

    public_key: bytes
    name: Payload


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustIssuer:
    """Let workloads in whose identity token comes from an issuer and has these claims."""

    issuer: str
    claims: tuple[tuple[str, str], ...]
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrustIssuer:
    """End a rule that `TrustIssuer` made, by its entry of the log."""

    rule: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuota:
    """Bound what a namespace may hold, in bytes; None lifts the bound."""

    namespace: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWebhook:
    """Send the events of a namespace to an address, signed; no `events` for all of them.

    `target` is JSON with `url` and `secret` (`whsec_` and base64); whoever sets it keeps the secret.
    """

    namespace: str
    target: Payload
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndWebhook:
    """Send nothing more; its address and secret are forgotten."""

    webhook: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayWebhook:
    """Send again what could not be delivered or, with `since`, everything from an entry on."""

    webhook: int
    since: int | None = None


Command: TypeAlias = (
    PublishVersion
    | SaveDraft
    | DiscardDraft
    | RecordAttestation
    | MoveAlias
    | RollBackAlias
    | BreakGlass
    | CloseEmergency
    | OpenRequest
    | CloseRequest
    | PostComment
    | EraseComment
    | SetPolicy
    | SetTier
    | SetStatus
    | SetRetention
    | PurgeVersion
    | ErasePrincipal
    | RegisterPrincipal
    | EnrolKey
    | RevokeKey
    | GrantRole
    | RevokeRole
    | SetTag
    | IssueToken
    | RevokeToken
    | BeginSession
    | EnrolPasskey
    | TrustIssuer
    | DistrustIssuer
    | SetQuota
    | SetWebhook
    | EndWebhook
    | ReplayWebhook
)
