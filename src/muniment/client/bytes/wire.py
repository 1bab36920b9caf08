"""The server's answers about uploads."""

import msgspec


class Transfer(msgspec.Struct):
    """An upload: its progress, and how to send its bytes."""

    id: str
    size_bytes: int
    offset: int
    digest: str | None
    method: str
    url: str
    headers: dict[str, str]
    part_bytes: int = 0
    place: str = ""


class Part(msgspec.Struct):
    """A part of an upload: one that the store has, or where to send it."""

    number: int
    size_bytes: int = 0
    url: str = ""
    headers: dict[str, str] = {}


class Parts(msgspec.Struct):
    """Parts of an upload."""

    parts: list[Part]


class About(msgspec.Struct):
    """What a client must know about a server before sending."""

    hash_first: bool = False
