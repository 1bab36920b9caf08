"""Strategies: values of the frozen dataclasses that are written as JSON (`muniment.core.forms`)."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st

from muniment.core.canonical import MAX_INTEGER
from muniment.core.digests import Digest
from muniment.core.names import Alias, ModelName, Models
from muniment.core.people.callers import Reach, Scope

PARTS = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
VALUES: Mapping[object, st.SearchStrategy[object]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    int: st.integers(0, MAX_INTEGER),
    bool: st.booleans(),
    float: st.floats(0, 1e9),
    object: st.text(max_size=5),
    Digest: st.binary(max_size=4).map(Digest.of),
    ModelName: st.builds(ModelName, PARTS, PARTS),
    Models: st.builds(Models, PARTS, st.just("*") | PARTS),
    Alias: st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda text: text != "latest").map(Alias),
    Scope: st.builds(Scope, st.sampled_from(Reach), st.just("*") | PARTS),
}


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """Make what is left of some bytes that were cut short, or of which one was changed."""
    place, value = st.integers(0, len(whole) - 1), st.integers(0, 255)
    cut = place.map(lambda end: whole[:end])
    return cut | st.builds(lambda at, byte: whole[:at] + bytes([byte]) + whole[at + 1 :], place, value)


def value_of(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - an annotation
    """Make values of a field, by its annotation; not by the code that is tested."""
    if hint in VALUES:
        return VALUES[hint]
    inner = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return st.none() | value_of(inner[0])
    if typing.get_origin(hint) in {tuple, frozenset}:
        return st.lists(value_of(inner[0]), max_size=3, unique_by=str).map(typing.get_origin(hint))
    if typing.get_origin(hint) is Mapping:
        return st.dictionaries(PARTS, value_of(inner[1]), max_size=3)
    return st.sampled_from(hint) if issubclass(hint, StrEnum) else instances(hint)


def instances(kind: type) -> st.SearchStrategy[Any]:
    """Make instances of a dataclass, each field by its annotation."""
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: value_of(hints[field.name]) for field in dataclasses.fields(kind)})
