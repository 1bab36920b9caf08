"""Strategies: values of the dataclasses that are written as JSON (`muniment.core.forms`), and verbs."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from hypothesis import strategies as st

from muniment.core.canonical import MAX_INTEGER
from muniment.core.claims.proposals import ChangeKind, ProposedChange
from muniment.core.digests import Digest
from muniment.core.names import Alias, ModelName, Models
from muniment.core.payloads import Payload
from muniment.core.people.callers import Reach, Scope
from muniment.core.verbs.verb import Verb
from muniment.core.verbs.wire import PAIRS, Part, parts_of, read

V = TypeVar("V", bound=Verb)

PARTS = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
_CHANGES = (
    st.builds(
        lambda model, alias: ProposedChange(
            kind=ChangeKind.END_POLICY, models=Models("acme", model), alias=Alias(alias)
        ),
        st.just("*") | PARTS,
        st.sampled_from(["production", "staging"]),
    ),
    st.builds(
        lambda model, tier: ProposedChange(kind=ChangeKind.SET_TIER, models=Models("acme", model), tier=tier),
        PARTS,
        PARTS,
    ),
)
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
    ProposedChange: st.one_of(_CHANGES),
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


# What travels under these names has a form of its own.
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2027-01-01T01:00:00+01:00"])
NAMED: dict[str, st.SearchStrategy[object]] = {
    "namespace": st.sampled_from(["acme", "other"]),
    "model": st.sampled_from(["readmission", "x-1"]),
    "version": st.sampled_from(["1", "latest", "production", f"sha256:{'0' * 64}"]),
    "at": TIMES,
    "until": TIMES,
    "expires": TIMES,
}
TEXTS = st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=20)
FORMS: dict[object, st.SearchStrategy[object]] = {
    str: TEXTS,
    bytes: TEXTS,
    bool: st.booleans(),
    Alias: st.sampled_from(["production", "staging"]),
    ModelName: st.just("acme/readmission"),
    Digest: st.binary().map(Digest.of).map(str),
    Scope: st.sampled_from(["read:acme", "admin:*"]),
    Payload: st.fixed_dictionaries({"salt": st.uuids().map(str), "text": TEXTS}),
    PAIRS: st.dictionaries(TEXTS, TEXTS, min_size=1),
}


def _make_part(part: Part) -> st.SearchStrategy[object]:
    made: st.SearchStrategy[object]
    if part.name in NAMED and part.form is str:
        made = NAMED[part.name]
    elif isinstance(part.form, type) and issubclass(part.form, StrEnum):
        made = st.sampled_from(list(part.form))
    elif part.form is int:
        made = st.integers(part.bounds.least or 0, part.bounds.most or 2**53)
    else:
        made = FORMS[part.form]
    made = st.lists(made, max_size=3) if part.many else made
    return st.none() | made if part.nullable else made


def verbs(kind: type[V]) -> st.SearchStrategy[V]:
    """Make verbs of a kind, by its declaration."""
    parts = {part.name: _make_part(part) for part in parts_of(kind)}
    return st.fixed_dictionaries(parts).map(lambda given: read(kind, given))
