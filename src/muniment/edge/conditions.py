"""Conditional requests (RFC 9110 13): whether the caller has it already, and what they take for the newest.

>>> is_match('W/"7", "8"', '"7"')
True
"""

from starlette.requests import Request

from muniment.core.errors import InvalidBody

_MOST_DIGITS = 18


def is_match(header: str | None, tag: str) -> bool:
    """Say whether an If-Match or If-None-Match header names an entity tag (weak comparison)."""
    if header is None:
        return False
    names = [name.strip().removeprefix("W/") for name in header.split(",")]
    return "*" in names or tag in names


def has_already(request: Request, tag: str) -> bool:
    """Say whether the caller has what bears an entity tag, and is to be sent 304 (RFC 9110 13.1.2)."""
    return is_match(request.headers.get("if-none-match"), tag)


def tag_of_entry(index: int) -> str:
    """Give the entity tag of a record: the entry that made it."""
    return f'"{index}"'


def expected_entry(request: Request) -> int | None:
    """Read which entry the caller takes for the newest: If-Match names it, If-None-Match: * means none.

    Raises:
        InvalidBody: it is not a tag that we gave.
    """
    if request.headers.get("if-none-match", "").strip() == "*":
        return -1
    header = request.headers.get("if-match")
    if header is None:
        return None
    text = header.strip().strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise InvalidBody(reason="If-Match is not a tag of this registry")
    return int(text)
