"""Forms: write dataclasses as JSON objects and read them, driven by their annotations.

>>> @dataclass(frozen=True, slots=True, kw_only=True)
... class Weighed:
...     digest: Digest | None
...     tags: tuple[str, ...]
>>> write(Weighed(digest=None, tags=("light",)))
{'digest': None, 'tags': ['light']}
>>> read(Weighed, {"digest": None, "tags": "light"})
Traceback (most recent call last):
    ...
muniment.core.errors.requests.InvalidDocument: the document is not valid: tags: expected a list, got str
hint: write plain JSON: no NaN, no duplicate keys, no number beyond 2^53-1

Reading is strict: every field must be present, nothing else may be, and a value that was read is valid. A
field holds text, an integer, a number, a boolean, an enum member, a value that `str` writes (`_TEXTS`),
another such dataclass, a list (`tuple[X, ...]`), a sorted set (`frozenset[X]`), an object (`Mapping[str,
X]`), any JSON (`object`), or one of these or null. Each class is inspected once.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from muniment.core.canonical import Json
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDocument, MunimentError, sentence_of
from muniment.core.names import Alias, ModelName, Models
from muniment.core.people.callers import Scope

T = TypeVar("T")

# The same names come again and again.
_KEPT_NAMES: Final = 10_000
# Types that `str` writes, and their parsers.
_TEXTS: Final[Mapping[type, Callable[[str], object]]] = {
    Alias: lru_cache(_KEPT_NAMES)(Alias),
    Digest: Digest.parse,
    ModelName: lru_cache(_KEPT_NAMES)(ModelName.parse),
    Models: Models.parse,
    Scope: Scope.parse,
}


@dataclass(frozen=True, slots=True)
class _Form:
    """A pair of writer (None: write as it is) and reader, which raises TypeError, ValueError or a refusal."""

    write: Callable[[Any], Json] | None
    read: Callable[[Json], object]


@dataclass(frozen=True, slots=True)
class _Shape:
    """The fields of a class: their names, a getter of their values, their writers and readers.

    `writers` leaves out the fields that are written as they are.
    """

    names: tuple[str, ...]
    known: frozenset[str]
    values: Callable[[object], tuple[Any, ...]]
    writers: tuple[tuple[str, Callable[[Any], Json]], ...]
    readers: tuple[tuple[str, Callable[[Json], object]], ...]


def write(value: object) -> dict[str, Json]:
    """Write a value as a JSON object."""
    shape = _shape_of(type(value))  # type: ignore[arg-type] # every class is hashable
    document: dict[str, Json] = dict(zip(shape.names, shape.values(value), strict=True))
    for name, put in shape.writers:
        document[name] = put(document[name])
    return document


def read(kind: type[T], document: object) -> T:
    """Read a value of a class.

    Raises:
        InvalidDocument: a member is missing, unknown, of the wrong type or not valid; the reason names it.
    """
    shape = _shape_of(kind)  # type: ignore[arg-type] # as above
    if not isinstance(document, Mapping):
        raise InvalidDocument(reason=f"expected an object, got {type(document).__name__}")
    if document.keys() != shape.known:
        name = min(document.keys() ^ shape.known)
        raise InvalidDocument(reason=f"{name}: {'missing' if name in shape.known else 'unknown'}")
    values: dict[str, object] = {}
    name = ""
    try:
        for name, get in shape.readers:
            values[name] = get(document[name])
    except InvalidDocument as error:
        raise InvalidDocument(reason=f"{name}.{error.reason}") from error
    except (MunimentError, TypeError, ValueError) as error:
        raise InvalidDocument(reason=f"{name}: {sentence_of(error)}") from error
    return kind(**values)


@cache
def _shape_of(kind: Any) -> _Shape:  # noqa: ANN401 - a class
    hints = get_type_hints(kind)
    names = tuple(field.name for field in fields(kind))
    forms = {name: _form_of(hints[name]) for name in names}
    return _Shape(
        names=names,
        known=frozenset(names),
        values=_getter_of(names),
        writers=tuple((name, form.write) for name, form in forms.items() if form.write is not None),
        readers=tuple((name, form.read) for name, form in forms.items()),
    )


def _getter_of(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


def _form_of(hint: Any) -> _Form:  # noqa: ANN401 - an annotation can be anything
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint in _TEXTS:
        return _text_form(_TEXTS[hint])
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _text_form(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _Form(write, lambda value: read(hint, value))
    return _compound_form(get_origin(hint), get_args(hint))


def _compound_form(origin: object, arguments: tuple[Any, ...]) -> _Form:
    if origin in {types.UnionType, Union}:
        # A union must be one type or null.
        (other,) = set(arguments) - {types.NoneType}
        return _or_null(_form_of(other))
    if origin is Mapping:
        return _object_form(_form_of(arguments[1]))
    if origin is tuple or origin is frozenset:
        return _list_form(origin, _form_of(arguments[0]))
    raise TypeError(origin)


def _expect(kind: type, name: str) -> Callable[[Json], object]:
    # Compare exact types, because True is an int.
    def get(value: Json) -> object:
        if type(value) is not kind:
            raise TypeError(_mismatch(name, value))
        return value

    return get


def _read_number(value: Json) -> object:
    if type(value) is not float and type(value) is not int:
        raise TypeError(_mismatch("a number", value))
    return value


_PLAIN: Final[Mapping[object, _Form]] = {
    str: _Form(None, _expect(str, "text")),
    int: _Form(None, _expect(int, "a whole number")),
    bool: _Form(None, _expect(bool, "true or false")),
    float: _Form(None, _read_number),
    object: _Form(None, lambda value: value),
}


def _text_form(parse: Callable[[str], object]) -> _Form:
    def get(value: Json) -> object:
        if type(value) is not str:
            raise TypeError(_mismatch("text", value))
        return parse(value)

    return _Form(str, get)


def _or_null(form: _Form) -> _Form:
    put, get = form.write, form.read
    return _Form(
        None if put is None else lambda value: None if value is None else put(value),
        lambda value: None if value is None else get(value),
    )


def _list_form(kind: type, item: _Form) -> _Form:
    put, get = item.write, item.read
    order: Callable[[Any], list[Json]] = sorted if kind is frozenset else list

    def write_list(values: Any) -> Json:  # noqa: ANN401 - as `_Form.write`
        return order(values) if put is None else order(map(put, values))

    def read_list(value: Json) -> object:
        if not isinstance(value, list):
            raise TypeError(_mismatch("a list", value))
        made = kind(map(get, value))
        if len(made) != len(value):
            raise ValueError("duplicate item")  # noqa: EM101, TRY003 - named in the refusal
        return made

    return _Form(write_list, read_list)


def _object_form(item: _Form) -> _Form:
    put, get = item.write, item.read

    def read_object(value: Json) -> object:
        if not isinstance(value, Mapping):
            raise TypeError(_mismatch("an object", value))
        return {name: get(member) for name, member in value.items()}

    return _Form(
        lambda values: {name: member if put is None else put(member) for name, member in values.items()},
        read_object,
    )


def _mismatch(expected: str, value: Json) -> str:
    return f"expected {expected}, got {type(value).__name__}"
