"""The bodies of requests, and what they mean. Answers are the records and queries of `core`, as JSON."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from muniment.core import commands as c
from muniment.core.canonical import JsonObject, holds_nul
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.names import Alias, Kind, ModelName, Models, Reference
from muniment.core.payloads import MAX_TEXT_CHARACTERS, Payload
from muniment.core.people.callers import parse_scopes
from muniment.core.people.roles import Role

T = TypeVar("T")

MAX_DOCUMENTS = 1000
MAX_ATTESTATIONS = 1000
MAX_PARTS = 1000

Hash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Pem = Annotated[str, StringConstraints(max_length=16_384)]
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=16_384)]
Time = Annotated[str, StringConstraints(max_length=40)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Entry = Annotated[int, Field(ge=-1, le=2**53)]


class Page(BaseModel, Generic[T]):
    """A page of a list: `next` is what to ask with for the one after it; null at the end."""

    items: list[T]
    next: str | None


class Body(BaseModel):
    """A body: it holds what it says and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_nul(cls, document: object) -> object:
        if holds_nul(document):
            message = "a text has a NUL"
            raise ValueError(message)
        return document


class Text(Body):
    """What somebody typed, with the salt (hex or a UUID) that keeps its digest from being guessed."""

    salt: Annotated[str, StringConstraints(min_length=16, max_length=100)]
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARACTERS)]

    def read(self) -> Payload:
        """Give the payload."""
        return Payload(salt=self.salt, text=self.text)


class Publication(Body):
    """A stored manifest to publish as the next version, with stored claims about it."""

    manifest: Hash
    number: Annotated[int, Field(ge=1, le=10**18)] | None = None
    attestations: Annotated[list[Hash], Field(max_length=MAX_ATTESTATIONS)] = []
    message: Text | None = None
    kind: Kind | None = None

    def read(self, name: ModelName) -> c.PublishVersion:
        """Give the command."""
        return c.PublishVersion(
            name=name,
            manifest=Digest.parse(self.manifest),
            number=self.number,
            attestations=tuple(Digest.parse(digest) for digest in self.attestations),
            message=_read(self.message),
            kind=self.kind,
        )


class DraftBody(Body):
    """A stored manifest to keep as a draft, with the stored claims that are to come with it."""

    manifest: Hash
    attestations: Annotated[list[Hash], Field(max_length=MAX_ATTESTATIONS)] = []
    message: Text | None = None
    kind: Kind | None = None

    def read(self, name: ModelName) -> c.SaveDraft:
        """Give the command."""
        return c.SaveDraft(
            name=name,
            manifest=Digest.parse(self.manifest),
            attestations=tuple(Digest.parse(digest) for digest in self.attestations),
            message=_read(self.message),
            kind=self.kind,
        )


class Claim(Body):
    """A stored bundle to record as a claim about a version."""

    bundle: Hash
    reason: Text | None = None

    def read(self, reference: Reference) -> c.RecordAttestation:
        """Give the command."""
        return c.RecordAttestation(
            reference=reference, bundle=Digest.parse(self.bundle), reason=_read(self.reason)
        )


class Target(Body):
    """Where an alias is to point: a number, an alias, `latest` or a digest of the same model."""

    version: Short
    reason: Text | None = None

    def read(self, name: ModelName, alias: Alias, expected: int | None) -> c.MoveAlias:
        """Give the command."""
        reference = Reference.parse(f"{name}@{self.version}")
        return c.MoveAlias(reference=reference, alias=alias, reason=_read(self.reason), expected=expected)


class Reason(Body):
    """Why."""

    reason: Text | None = None

    def read(self) -> Payload | None:
        """Give the payload."""
        return _read(self.reason)


class Rules(Body):
    """A stored policy document to put in force, and the stored bundle that signs for it.

    Without a policy the alias is guarded by nothing that could be met, until there is one.
    """

    policy: Hash | None
    attestation: Hash | None = None

    def read(self, models: Models, alias: Alias) -> c.SetPolicy:
        """Give the command."""
        return c.SetPolicy(
            models=models,
            alias=alias,
            policy=None if self.policy is None else Digest.parse(self.policy),
            attestation=None if self.attestation is None else Digest.parse(self.attestation),
        )


class Tier(Body):
    """A risk tier."""

    tier: Short


class NewStatus(Body):
    """What became of a version, and why."""

    status: Status
    reason: Text | None = None

    def read(self, reference: Reference) -> c.SetStatus:
        """Give the command."""
        return c.SetStatus(reference=reference, status=self.status, reason=_read(self.reason))


class Retention(Body):
    """How long a version is kept, and whether a legal hold lies on it, and why."""

    until: Time | None = None
    hold: bool = False
    reason: Text | None = None

    def read(self, reference: Reference) -> c.SetRetention:
        """Give the command."""
        return c.SetRetention(
            reference=reference, until=self.until, hold=self.hold, reason=_read(self.reason)
        )


class Emergency(Body):
    """A version to point an alias at past its gate, the stored bundle that signs for it, and why."""

    version: Short
    attestation: Hash
    reason: Text

    def read(self, name: ModelName, alias: Alias) -> c.BreakGlass:
        """Give the command."""
        return c.BreakGlass(
            reference=Reference.parse(f"{name}@{self.version}"),
            alias=alias,
            attestation=Digest.parse(self.attestation),
            reason=self.reason.read(),
        )


class Wish(Body):
    """An alias that a version is wanted for, and why."""

    alias: Short
    reason: Text | None = None

    def read(self, reference: Reference) -> c.OpenRequest:
        """Give the command."""
        return c.OpenRequest(reference=reference, alias=Alias(self.alias), reason=_read(self.reason))


class Remark(Body):
    """What somebody says, and the entry of the request or emergency that it is about, if it is."""

    text: Text
    about: Annotated[int, Field(ge=0, le=2**53)] | None = None

    def read(self, reference: Reference) -> c.PostComment:
        """Give the command."""
        return c.PostComment(reference=reference, text=self.text.read(), about=self.about)


class NewWebhook(Body):
    """Where to send events: JSON with `url` and `secret`, salted; and which events, none for all."""

    target: Text
    events: Annotated[list[Short], Field(max_length=100)] = []


class Replay(Body):
    """From which entry on everything is to be sent again; null for what could not be delivered only."""

    since: Annotated[int, Field(ge=0, le=2**53)] | None = None


class Erasure(Body):
    """Whom to forget; with `typed`, also all that they ever typed."""

    principal: Short
    typed: bool = False


class Tag(Body):
    """The text of a tag."""

    value: Text


class Newcomer(Body):
    """A person or workload to register."""

    name: Text
    public_key: Pem | None = None
    expires: Time | None = None
    workload: bool = False

    def read(self) -> c.RegisterPrincipal:
        """Give the command."""
        return c.RegisterPrincipal(
            name=self.name.read(),
            public_key=None if self.public_key is None else self.public_key.encode(),
            expires=self.expires,
            workload=self.workload,
        )


class NewKey(Body):
    """A public key (PEM) to add to a principal."""

    principal: Short
    public_key: Pem
    expires: Time | None = None

    def read(self) -> c.EnrolKey:
        """Give the command."""
        key = self.public_key.encode()
        return c.EnrolKey(principal=self.principal, public_key=key, expires=self.expires)


class Grant(Body):
    """A role for a principal in a namespace, or everywhere (`*`)."""

    principal: Short
    role: Role
    namespace: Short

    def read(self) -> c.GrantRole:
        """Give the command."""
        return c.GrantRole(principal=self.principal, role=self.role, namespace=self.namespace)


class NewToken(Body):
    """A token to let in: its id is the sha256 of its text, which stays with whoever made it."""

    principal: Short
    token: TokenId
    name: Text
    scopes: Annotated[list[Short], Field(max_length=100)] = []
    expires: Time
    once: bool = False

    def read(self) -> c.IssueToken:
        """Give the command."""
        return c.IssueToken(
            principal=self.principal,
            token=self.token,
            name=self.name.read(),
            scopes=tuple(sorted(parse_scopes(self.scopes))),
            expires=self.expires,
            once=self.once,
        )


class NewSession(Body):
    """A machine to sign in on: its key (PEM), and the id of the token that it will show."""

    public_key: Pem
    token: TokenId
    name: Text
    expires: Time

    def read(self) -> c.BeginSession:
        """Give the command."""
        return c.BeginSession(
            public_key=self.public_key.encode(),
            token=self.token,
            name=self.name.read(),
            expires=self.expires,
        )


class NewPasskey(Body):
    """A passkey as the browser made it (W3C WebAuthn, RegistrationResponseJSON), and its name."""

    id: Base64Url
    client_data: Base64Url
    attestation: Base64Url
    name: Text

    def credential(self) -> JsonObject:
        """Give the registration as the WebAuthn library reads it."""
        response = {"clientDataJSON": self.client_data, "attestationObject": self.attestation}
        return {"id": self.id, "rawId": self.id, "type": "public-key", "response": response}


class WorkloadSession(NewSession):
    """A workload to sign in: as a machine, with the identity token (a JWT) that its platform gave it."""

    identity: Annotated[str, StringConstraints(max_length=16_384)]


class NewIssuer(Body):
    """A rule that lets workloads in: an issuer, the claims that it has to make, and whom they act as."""

    issuer: Short
    claims: Annotated[dict[Short, Short], Field(min_length=1, max_length=20)]
    principal: Short

    def read(self) -> c.TrustIssuer:
        """Give the command."""
        claims = tuple(sorted(self.claims.items()))
        return c.TrustIssuer(issuer=self.issuer, claims=claims, principal=self.principal)


class Quota(Body):
    """What a namespace may hold, in bytes; null for no bound."""

    size_bytes: Annotated[int, Field(ge=0, le=2**53)] | None


class Documents(Body):
    """Small blobs, in base64."""

    documents: Annotated[list[Base64Bytes], Field(max_length=MAX_DOCUMENTS)]


class Digests(Body):
    """The digests of stored blobs, in the order in which they came."""

    digests: list[Hash]


class NewUpload(Body):
    """A blob to send: its size and its digest, if they are known. Without a size it is sent here."""

    size_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None
    digest: Hash | None = None


class Transfer(Body):
    """An upload: how far it is, and how its bytes travel.

    It comes in as many requests as its sender likes; `size_bytes` is null until one of them says that it is
    complete, if it was not announced. `method` says how it travels:

    * `patch`: send them to `url` here. That is always possible.
    * `link`: leave them at `place`, a path of this machine, if you may write there.
    * `put`: send them to `url`, a store, with `headers`.
    * `parts`: send parts of `part_bytes` to the store, each with a ticket of its own: POST to `url`.

    Of what you did not send here say that it is there: POST to `/uploads/ID/arrival`. What came in parts
    is read then, and is here once it has a digest (`Upload-Complete: ?1`).
    """

    id: str
    size_bytes: int | None
    offset: int
    digest: Hash | None = None
    method: str = "patch"
    url: str
    headers: dict[str, str] = {}
    part_bytes: int = 0
    place: str = ""


class WantedPart(Body):
    """A part to send to the store: its number, from 1 on, and the digest of its bytes."""

    number: Annotated[int, Field(ge=1, le=10_000)]
    digest: Hash


class WantedParts(Body):
    """Parts to send."""

    parts: Annotated[list[WantedPart], Field(max_length=MAX_PARTS)]


class PartTicket(Body):
    """A part to be sent: PUT it to `url`, a store, with `headers`."""

    number: int
    url: str
    headers: dict[str, str]


class PartTickets(Body):
    """Parts to be sent."""

    parts: list[PartTicket]


class Arrival(Body):
    """What went to the store; of an upload in parts, the digest of each, in order."""

    digests: Annotated[list[Hash], Field(max_length=10_000)] = []


class SentPart(Body):
    """A part that is in the store."""

    number: int
    size_bytes: int


class SentParts(Body):
    """The parts that are in the store."""

    parts: list[SentPart]


class About(Body):
    """Who answers, and how one signs in."""

    version: str
    origin: str
    verifier: str
    login: str | None
    hash_first: bool


def encode(answer: object) -> bytes:
    """Write an answer as JSON; bytes are base64."""
    return msgspec.json.encode(answer)


def encode_page(items: Sequence[object], following: object) -> bytes:
    """Write a page."""
    return msgspec.json.encode({"items": items, "next": None if following is None else str(following)})


def _read(text: Text | None) -> Payload | None:
    return None if text is None else text.read()
