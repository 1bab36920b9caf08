"""Conditional requests (RFC 9110 13): does the caller have the answer, and which record do they expect?

>>> is_match('W/"7", "8"', '"7"')
True
"""

from starlette.requests import Request

from muniment.core.errors import InvalidBody

_MOST_DIGITS = 18


def is_match(header: str | None, tag: str) -> bool:
    """Return whether an If-Match or If-None-Match header names an entity tag (weak comparison)."""
    if header is None:
        return False
    names = [name.strip().removeprefix("W/") for name in header.split(",")]
    return "*" in names or tag in names


def has_already(request: Request, tag: str) -> bool:
    """Return whether the caller has the answer with an entity tag, so that 304 suffices (RFC 9110 13.1.2)."""
    return is_match(request.headers.get("if-none-match"), tag)


def tag_of_entry(index: int) -> str:
    """Return the entity tag of a record, which is the entry that made it."""
    return f'"{index}"'


def expected_entry(request: Request) -> int | None:
    """Read the entry that the caller takes for the newest from If-Match; `If-None-Match: *` means none.

    Raises:
        InvalidBody: the tag is not from this registry.
    """
    if request.headers.get("if-none-match", "").strip() == "*":
        return -1
    header = request.headers.get("if-match")
    if header is None:
        return None
    text = header.strip().strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise InvalidBody(reason="If-Match is not an entity tag of this registry")
    return int(text)
