"""The bodies of requests, and how answers are written: records and answers of `core`, as JSON.

The bodies of commands follow from their declarations (`protocols.native.verbs`); those that stand here are of
the routes that are no verbs.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from muniment.core import payloads
from muniment.core.canonical import JsonObject, holds_nul
from muniment.core.verbs.people import BeginSession

MAX_DOCUMENTS = 1000
MAX_PARTS = 1000

Hash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Pem = Annotated[str, StringConstraints(max_length=16_384)]
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=16_384)]
Time = Annotated[str, StringConstraints(max_length=40)]


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


class Payload(Body):
    """What somebody typed, with the salt (hex or a UUID) that keeps its digest from being guessed."""

    salt: Annotated[str, StringConstraints(min_length=16, max_length=100)]
    text: Annotated[str, StringConstraints(max_length=payloads.MAX_TEXT_CHARACTERS)]

    def read(self) -> payloads.Payload:
        """Give the payload."""
        return payloads.Payload(salt=self.salt, text=self.text)


class EnrolPasskey(Body):
    """A passkey as the browser made it (W3C WebAuthn, RegistrationResponseJSON), and its name."""

    id: Base64Url
    client_data: Base64Url
    attestation: Base64Url
    name: Payload

    def credential(self) -> JsonObject:
        """Give the registration as the WebAuthn library reads it."""
        response = {"clientDataJSON": self.client_data, "attestationObject": self.attestation}
        return {"id": self.id, "rawId": self.id, "type": "public-key", "response": response}


class BeginWorkloadSession(Body):
    """A workload to sign in: as a machine, with the identity token (a JWT) that its platform gave it."""

    public_key: Pem
    token: TokenId
    name: Payload
    expires: Time
    identity: Annotated[str, StringConstraints(max_length=16_384)]

    def read(self) -> BeginSession:
        """Give the command."""
        return BeginSession(
            public_key=self.public_key.encode(),
            token=self.token,
            name=self.name.read(),
            expires=self.expires,
        )


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
