"""What a server says of uploads."""

import msgspec


class Transfer(msgspec.Struct):
    """An upload: how far it has come, and how its bytes travel."""

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
    """A part of an upload: one that is in the store, or where to send it."""

    number: int
    size_bytes: int = 0
    url: str = ""
    headers: dict[str, str] = {}


class Parts(msgspec.Struct):
    """Parts of an upload."""

    parts: list[Part]


class About(msgspec.Struct):
    """What a client has to know of a server before it sends."""

    hash_first: bool = False
