"""Canonical JSON for what we hash ourselves: events, manifests, configs.

The bytes follow RFC 8785 for the values that are allowed here: objects with ASCII keys, arrays, text,
booleans, null and integers up to 2^53-1. Floats are refused, because the standard library does not write
their shortest form; `muniment.signing.statements` encodes claims that hold floats.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn, TypeAlias

from muniment.core.errors import InvalidDocument

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = Mapping[str, Json]

# RFC 8785 3.2.2.3, I-JSON: the integers that every reader represents exactly.
MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 64
_DOUBLE_DIGITS: Final = 309


def encode(value: Json) -> bytes:
    """Write a value as canonical JSON.

    Raises:
        InvalidDocument: it has a float, a non-ASCII key, a lone surrogate or too large an integer.
    """
    _check(value, 0)
    try:
        return _ENCODER.encode(value).encode()
    except UnicodeEncodeError as error:
        raise InvalidDocument(reason="a lone surrogate is not text") from error


def decode(data: bytes) -> dict[str, Json]:
    """Read a JSON object, strictly: each number is a finite double, each text valid Unicode.

    No duplicate key, no byte order mark, bounded depth.

    Raises:
        InvalidDocument: it is anything else.
    """
    if not data.strip():
        raise InvalidDocument(reason="it is empty")
    try:
        value = _DECODER.decode(data.decode("utf-8"))
        # Only an escape can hold a lone surrogate.
        if b"\\u" in data:
            _ENCODER.encode(value).encode()
    except UnicodeDecodeError as error:
        raise InvalidDocument(reason="it is not UTF-8") from error
    except UnicodeEncodeError as error:
        raise InvalidDocument(reason="a lone surrogate is not text") from error
    except json.JSONDecodeError as error:
        raise InvalidDocument(reason=_locate(error)) from error
    except RecursionError as error:
        raise InvalidDocument(reason="nested too deeply") from error
    if not isinstance(value, dict):
        raise InvalidDocument(reason="expected an object")
    # With fewer brackets it cannot be nested too deeply.
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        _check_depth(value, 0)
    return value


def object_in(value: Json) -> JsonObject:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects_in(value: Json) -> list[JsonObject]:
    """List the objects in an array; anything else has none."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def holds_nul(value: object) -> bool:
    """Return whether a text in a document has a NUL, which some databases refuse."""
    match value:
        case str():
            return "\0" in value
        case Mapping():
            return any(holds_nul(key) or holds_nul(item) for key, item in value.items())
        case list() | tuple():
            return any(map(holds_nul, value))
        case _:
            return False


def _check(value: Json, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidDocument(reason="nested too deeply")
    if value is None or isinstance(value, str):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise InvalidDocument(reason="an integer is larger than 2^53-1")
        return
    # Most items are text: a call for each would cost more than the rest.
    for item in _list_items(value):
        if type(item) is not str:
            _check(item, depth + 1)


def _list_items(value: Json) -> Iterable[Json]:
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, Mapping):
        raise InvalidDocument(reason=f"{type(value).__name__} is not allowed here")
    for key in value:
        if not isinstance(key, str) or not key.isascii():  # type: ignore[redundant-expr] # callers may not be typed
            raise InvalidDocument(reason=f"the key {key!r} is not ASCII text")
    return value.values()


def _check_depth(value: dict[str, Json] | list[Json], depth: int) -> None:
    if value and depth >= MAX_DEPTH:
        raise InvalidDocument(reason="nested too deeply")
    for item in value.values() if isinstance(value, dict) else value:
        # Most items of a large document are scalars: a call for each would cost more than the rest.
        if isinstance(item, dict | list):
            _check_depth(item, depth + 1)


def _locate(error: json.JSONDecodeError) -> str:
    fault = error.msg.removesuffix(" at").removesuffix(" starting")
    return f"line {error.lineno}, column {error.colno}: {fault[:1].lower()}{fault[1:]}"


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidDocument(reason="an object has a duplicate key")
    return members


def _read_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidDocument(reason=f"{text:.20} is larger than any double")
    return number


def _read_integer(text: str) -> int:
    # A double has at most 309 digits before its point; most integers are short.
    if len(text) >= _DOUBLE_DIGITS:
        _read_float(text)
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidDocument(reason=f"{name} is not JSON")


# Built once: building one costs as much as reading a small document.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_read_float,
    parse_int=_read_integer,
    parse_constant=_refuse_constant,
)
