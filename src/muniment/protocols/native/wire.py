"""The bodies of requests and answers as JSON.

The bodies of commands are made from their declarations (`protocols.native.verbs`); this module has those of
the other routes.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from muniment.core import payloads
from muniment.core.basis import MOST_KNOWN, Known
from muniment.core.canonical import JsonObject, holds_nul
from muniment.core.errors import InvalidBody
from muniment.core.verbs.people import BeginSession
from muniment.core.verbs.wire import KNOWN

MAX_DOCUMENTS = 1000
MAX_PARTS = 1000

Hash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
TokenId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Pem = Annotated[str, StringConstraints(max_length=16_384)]
Base64Url = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=16_384)]
Time = Annotated[str, StringConstraints(max_length=40)]


class Body(BaseModel):
    """A body, which refuses unknown members."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_nul(cls, document: object) -> object:
        if holds_nul(document):
            message = "a text contains NUL"
            raise ValueError(message)
        return document


class Payload(Body):
    """A text that a person typed, with a salt (hex or a UUID) against guessing it from its digest."""

    salt: Annotated[str, StringConstraints(min_length=16, max_length=100)]
    text: Annotated[str, StringConstraints(max_length=payloads.MAX_TEXT_CHARACTERS)]

    def read(self) -> payloads.Payload:
        """Read the payload."""
        return payloads.Payload(salt=self.salt, text=self.text)


class EnrolPasskey(Body):
    """A passkey from a browser (W3C WebAuthn, RegistrationResponseJSON), and its name."""

    id: Base64Url
    client_data: Base64Url
    attestation: Base64Url
    name: Payload

    def credential(self) -> JsonObject:
        """Return the registration in the form of the WebAuthn library."""
        response = {"clientDataJSON": self.client_data, "attestationObject": self.attestation}
        return {"id": self.id, "rawId": self.id, "type": "public-key", "response": response}


class BeginWorkloadSession(Body):
    """A workload to sign in, with the identity token (a JWT) from its platform."""

    public_key: Pem
    token: TokenId
    name: Payload
    expires: Time
    identity: Annotated[str, StringConstraints(max_length=16_384)]

    def read(self) -> BeginSession:
        """Read the command."""
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
    """The digests of the stored blobs, in the order of the request."""

    digests: list[Hash]


class NewUpload(Body):
    """A blob to send, with its size and digest if they are known. Without a size, send it here."""

    size_bytes: Annotated[int, Field(ge=0, le=2**53)] | None = None
    digest: Hash | None = None


class Transfer(Body):
    """An upload: its progress, and how to send its bytes.

    It may take any number of requests. Without an announced size, `size_bytes` is null until it is complete.
    `method` says how to send it:

    * `patch`: PATCH `url` here. This always works.
    * `link`: leave the bytes at `place`, a path on this machine, if you may write there.
    * `put`: PUT to `url` at the store, with `headers`; `ticket` has both, in a note that the log signed.
    * `parts`: POST to `url` for a ticket for each part of `part_bytes`, and PUT the parts to the store.

    After all but `patch`, POST to `/uploads/ID/arrival`. The registry then reads an upload in parts, which is
    complete once it has a digest (`Upload-Complete: ?1`).
    """

    id: str
    size_bytes: int | None
    offset: int
    digest: Hash | None = None
    method: str = "patch"
    url: str
    headers: dict[str, str] = {}
    ticket: str = ""
    part_bytes: int = 0
    place: str = ""


class WantedPart(Body):
    """A part to send to the store: its number, from 1, and the digest of its bytes."""

    number: Annotated[int, Field(ge=1, le=10_000)]
    digest: Hash


class WantedParts(Body):
    """Parts to send."""

    parts: Annotated[list[WantedPart], Field(max_length=MAX_PARTS)]


class PartTicket(Body):
    """Where to PUT a part: `url` at the store, with `headers`; `ticket` has both, signed by the log."""

    number: int
    url: str
    headers: dict[str, str]
    ticket: str


class PartTickets(Body):
    """Where to PUT the parts."""

    parts: list[PartTicket]


class Arrival(Body):
    """The arrival of an upload at the store; for parts, the digest of each, in order."""

    digests: Annotated[list[Hash], Field(max_length=10_000)] = []


class SentPart(Body):
    """A part that the store has."""

    number: int
    size_bytes: int


class SentParts(Body):
    """The parts that the store has."""

    parts: list[SentPart]


class About(Body):
    """The registry, and how to sign in."""

    version: str
    origin: str
    verifier: str
    login: str | None
    hash_first: bool


def read_known(text: str) -> list[Known]:
    """Read the lists that a client knows, from the header `KNOWN`.

    Raises:
        InvalidBody: it is not a list of [kind, name, entry], or is too long.
    """
    try:
        known = msgspec.json.decode(text, type=list[Known])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InvalidBody(reason=f"{KNOWN}: expected a list of [kind, name, entry]") from error
    if len(known) > MOST_KNOWN:
        raise InvalidBody(reason=f"{KNOWN}: expected at most {MOST_KNOWN} lists, got {len(known)}")
    return known


def encode(answer: object) -> bytes:
    """Write an answer as JSON; bytes are base64."""
    return msgspec.json.encode(answer)


def encode_page(items: Sequence[object], following: object) -> bytes:
    """Write a page."""
    return msgspec.json.encode({"items": items, "next": None if following is None else str(following)})
