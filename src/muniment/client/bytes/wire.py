"""The server's answers about uploads.

A client takes no address from them: the paths of an upload follow from its id, and a signed ticket says where
else its bytes may go.
"""

from typing import Annotated, TypeAlias, TypeVar

import msgspec

from muniment.client.connection.transport import API, Transport
from muniment.core.errors import RegistryUnreachable

T = TypeVar("T")

_Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z-]{1,64}$")]


class Transfer(msgspec.Struct):
    """An upload: its progress, and how to send its bytes."""

    id: _Id
    size_bytes: int
    offset: int
    digest: str | None
    method: str
    ticket: str = ""
    part_bytes: int = 0
    place: str = ""

    @property
    def path(self) -> str:
        """The path of the upload at the server."""
        return f"{API}/uploads/{self.id}"


class Part(msgspec.Struct):
    """A part of an upload: one that the store has, or a ticket to send it."""

    number: int
    size_bytes: int = 0
    ticket: str = ""


class Parts(msgspec.Struct):
    """Parts of an upload."""

    parts: list[Part]


class About(msgspec.Struct):
    """What a client must know about a server before sending."""

    hash_first: bool = False


def read_answer(transport: Transport, answer: bytes, form: type[T]) -> T:
    """Read an answer of a server.

    Raises:
        RegistryUnreachable: it has another form.
    """
    try:
        return msgspec.json.decode(answer, type=form)
    except msgspec.MsgspecError as error:
        reason = f"the answer is invalid ({error})"
        raise RegistryUnreachable(location=transport.location, reason=reason) from error
