"""Write verbs as HTTP requests and read them, following their declarations.

>>> from muniment.core.names import Alias, ModelName
>>> from muniment.core.verbs.gates import GetMove
>>> query = GetMove(name=ModelName("acme", "readmission"), alias=Alias("production"))
>>> write(query).path
'/models/acme/readmission/aliases/production'
>>> read(GetMove, {"namespace": "acme", "model": "readmission", "alias": "production"}) == query
True
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from functools import cache
from typing import Annotated, Final, NamedTuple, TypeVar, cast, get_args, get_origin
from urllib.parse import quote

from muniment.core.canonical import Json, JsonObject
from muniment.core.digests import Digest
from muniment.core.errors import InvalidBody
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Scope
from muniment.core.verbs.verb import MAX_ENTRY, Bounds, ListQuery, Place, Query, Sent, Verb

T = TypeVar("T")
V = TypeVar("V", bound=Verb)

PAIRS: Final = tuple[tuple[str, str], ...]
# The media type by which a client asks for what an answer follows from (`core.basis`).
BASIS: Final = "application/vnd.muniment.basis+json"
# The header by which it names the lists that it has proven before (`core.basis.Known`), as JSON.
KNOWN: Final = "muniment-known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named part of a request: a field of a verb or, for names in a path, a piece of a field.

    Attributes:
        name: its name.
        place: where it travels.
        form: the type of the field, or of the items if there are `many`; `str` for a piece.
        many: whether it is a list.
        nullable: whether it may be null.
        default: its value if it is missing.
        required: whether it must be present.
        bounds: its bounds.
    """

    name: str
    place: Place
    form: object
    many: bool
    nullable: bool
    default: object
    bounds: Bounds

    @property
    def required(self) -> bool:
        """Whether it must be present."""
        return self.default is MISSING


class Request(NamedTuple):
    """A request; `body` is None if it has none."""

    method: str
    path: str
    params: Mapping[str, Json]
    headers: Mapping[str, str]
    body: JsonObject | None


def parts_of(kind: type[Verb]) -> tuple[Part, ...]:
    """List the parts of a verb."""
    return tuple(part for passage in _passages(kind) for part in passage.parts)


def write(verb: Verb) -> Request:
    """Write a verb as a request."""
    declared = verb.declared
    sent: dict[Place, dict[str, Json]] = {place: {} for place in Place}
    for passage in _passages(type(verb)):
        values = passage.write(getattr(verb, passage.field))
        for part, value in zip(passage.parts, values, strict=True):
            sent[part.place][part.name] = value
    path = {name: quote(str(value), safe=":") for name, value in sent[Place.PATH].items()}
    has_body = any(part.place is Place.BODY for part in parts_of(type(verb)))
    return Request(
        declared.method,
        declared.path.format_map(path),
        sent[Place.QUERY],
        _expect(*sent[Place.PRECONDITION].values()),
        sent[Place.BODY] if has_body else None,
    )


def read(kind: type[V], given: Mapping[str, object]) -> V:
    """Read a verb from the named values of a request; missing ones take their defaults.

    Raises:
        InvalidName, InvalidReference, InvalidDigest, InvalidScope: a text is not valid.
    """
    return kind(
        **{
            passage.field: passage.read(*[given[part.name] for part in passage.parts])
            for passage in _passages(kind)
            if passage.parts[0].name in given
        }
    )


def check(verb: Verb) -> None:
    """Check that the texts and numbers of a verb are what a store can hold and its declaration allows.

    Raises:
        InvalidBody: a text is not Unicode, contains a NUL or is too long, or a number is out of range.
    """
    for passage in _passages(type(verb)):
        for part, value in zip(passage.parts, passage.write(getattr(verb, passage.field)), strict=True):
            fault = _find_fault(value, part)
            if fault:
                raise InvalidBody(reason=f"{part.name}: {fault}")


def usual_bounds(form: object) -> Bounds:
    """Return the default bounds of a type."""
    return _USUAL.get(form, Bounds())


def answer_of(kind: type[Query[object]]) -> tuple[object, bool]:
    """Return the type of a query's answer, or of its items, and whether the answer is a list."""
    base = cast("tuple[object, ...]", vars(kind)["__orig_bases__"])[0]
    return get_args(base)[0], issubclass(kind, ListQuery)


class _Passage(NamedTuple):
    """A field with its parts, its writer and its reader."""

    field: str
    parts: tuple[Part, ...]
    write: Callable[..., tuple[Json, ...]]
    read: Callable[..., object]


class _Shape(NamedTuple):
    """The parsed annotation of a field."""

    form: object
    many: bool = False
    nullable: bool = False
    bounds: Bounds | None = None
    sent: Sent = Sent()


class _Form(NamedTuple):
    """The writer and reader of a type."""

    write: Callable[..., Json]
    read: Callable[..., object]


class _Split(NamedTuple):
    """Splits the values of a type into the pieces of a path, and joins them."""

    names: tuple[str, ...]
    write: Callable[..., tuple[str, ...]]
    read: Callable[..., object]


def _passages(kind: type[Verb]) -> tuple[_Passage, ...]:
    return _find_passages(kind)  # type: ignore[arg-type] # mypy confuses the hash of the class with that of its instances


@cache
def _find_passages(kind: type[Verb]) -> tuple[_Passage, ...]:
    return tuple(_find_passage(kind, field) for field in fields(kind))


def _find_passage(kind: type[Verb], field: "Field[object]") -> _Passage:
    shape, path = _read_shape(field.type), kind.declared.path
    usual = Place.QUERY if kind.declared.method in {"GET", "DELETE"} else Place.BODY
    split = _SPLITS.get(shape.form) if "{model}" in path else None
    names = (shape.sent.name or field.name,) if split is None else split.names
    parts = tuple(
        Part(
            name=name,
            place=Place.PATH if f"{{{name}}}" in path else shape.sent.place or usual,
            form=shape.form if split is None else str,
            many=shape.many,
            nullable=shape.nullable,
            default=field.default,
            bounds=shape.bounds or (usual_bounds(shape.form) if split is None else _PIECE),
        )
        for name in names
    )
    if split is not None:
        return _Passage(field.name, parts, split.write, split.read)
    form = _form_of(shape)
    return _Passage(field.name, parts, lambda value: (form.write(value),), form.read)


def _read_shape(annotation: object) -> _Shape:
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        shape = _read_shape(arguments[0])
        for mark in arguments[1:]:
            shape = shape._replace(**{"bounds" if isinstance(mark, Bounds) else "sent": mark})
        return shape
    if type(None) in arguments:
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return _read_shape(inner)._replace(nullable=True)
    if get_origin(annotation) is tuple and annotation != PAIRS:
        return _Shape(arguments[0], many=True)
    return _Shape(annotation)


def _form_of(shape: _Shape) -> _Form:
    form = _FORMS.get(shape.form) or _Form(_keep, shape.form if _is_enum(shape.form) else _keep)  # type: ignore[arg-type]
    if shape.many:
        item = form
        form = _Form(
            lambda values: list(map(item.write, values)), lambda values: tuple(map(item.read, values))
        )
    if shape.nullable:
        present = form
        form = _Form(
            lambda value: None if value is None else present.write(value),
            lambda value: None if value is None else present.read(value),
        )
    return form


def _find_fault(value: Json, part: Part) -> str:
    match value:
        case str():
            return _find_text_fault(value, part.bounds)
        case list():
            usual = usual_bounds(part.form)
            faults = (_find_text_fault(item, usual) for item in value if isinstance(item, str))
            return next(filter(None, faults), "")
        case bool():
            return ""
        case int():
            least, most = part.bounds.least, part.bounds.most
            if (least is not None and value < least) or (most is not None and value > most):
                return f"expected a number from {least} to {most}, got {value}"
    return ""


def _find_text_fault(text: str, bounds: Bounds) -> str:
    if not text.isascii() and not text.isprintable() and any("\ud800" <= char <= "\udfff" for char in text):
        return "expected Unicode text, got a lone surrogate"
    if "\0" in text:
        return "expected text, got a NUL character"
    if bounds.most is not None and len(text) > bounds.most:
        return f"expected at most {bounds.most} characters, got {len(text)}"
    return ""


def _is_enum(form: object) -> bool:
    return isinstance(form, type) and issubclass(form, Enum)


def _keep(value: T) -> T:
    return value


def _write_payload(payload: Payload) -> JsonObject:
    return {"salt": payload.salt, "text": payload.text}


def _read_payload(document: Mapping[str, str]) -> Payload:
    return Payload(salt=document["salt"], text=document["text"])


def _read_pairs(document: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(document.items()))


def _split_reference(reference: Reference) -> tuple[str, ...]:
    name, _, version = str(reference).partition("@")
    return (*name.split("/"), version)


def _join_reference(namespace: str, model: str, version: str) -> Reference:
    return Reference.parse(f"{ModelName(namespace, model)}@{version}")


def _split_name(name: ModelName | Models) -> tuple[str, ...]:
    return name.namespace, name.model


def _expect(entry: Json = None) -> dict[str, str]:
    """Write the precondition on the newest entry (RFC 9110 13.1); -1 for none."""
    if not isinstance(entry, int):
        return {}
    return {"if-match": f'"{entry}"'} if entry >= 0 else {"if-none-match": "*"}


_PIECE: Final = Bounds(least=1, most=200)
_USUAL: Final[Mapping[object, Bounds]] = {
    str: Bounds(least=1, most=1000),
    int: Bounds(least=0, most=MAX_ENTRY),
    bytes: Bounds(most=16_384),
    Digest: Bounds(pattern=r"^sha256:[0-9a-f]{64}$"),
    **dict.fromkeys((Alias, ModelName, Models, Reference, Scope), _PIECE),
}
_FORMS: Final[Mapping[object, _Form]] = {
    bytes: _Form(bytes.decode, str.encode),
    Payload: _Form(_write_payload, _read_payload),
    PAIRS: _Form(dict, _read_pairs),
    Digest: _Form(str, Digest.parse),
    Alias: _Form(str, Alias),
    ModelName: _Form(str, ModelName.parse),
    Models: _Form(str, Models.parse),
    Reference: _Form(str, Reference.parse),
    Scope: _Form(str, Scope.parse),
}
_SPLITS: Final[Mapping[object, _Split]] = {
    ModelName: _Split(("namespace", "model"), _split_name, ModelName),
    Models: _Split(("namespace", "model"), _split_name, Models),
    Reference: _Split(("namespace", "model", "version"), _split_reference, _join_reference),
}
