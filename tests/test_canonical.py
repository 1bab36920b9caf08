"""Canonical JSON: ours is RFC 8785, and what is read is read strictly."""

import json
import sys

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from muniment.core import canonical
from muniment.core.canonical import Json
from muniment.core.errors import InvalidDocument
from muniment.signing.statements import encode

texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(max_codepoint=127))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_we_write_what_rfc_8785_writes(value: Json) -> None:
    """The bytes are those of another implementation of RFC 8785, for every value that we allow."""
    assert rfc8785.dumps(value) == canonical.encode(value)


@given(st.dictionaries(keys, values))
def test_what_was_written_is_read_back(document: dict[str, Json]) -> None:
    """Decoding an encoded value gives the value back."""
    assert document == canonical.decode(canonical.encode(document))


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), "\ud800", {"ü": 1}, {1: 2}, b"bytes", [object()]])
def test_what_has_two_forms_is_not_written(value: object) -> None:
    """Floats, large integers, lone surrogates and keys that are not strings are refused."""
    with pytest.raises(InvalidDocument):
        canonical.encode(value)  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800"])
def test_a_claim_holds_no_number_that_json_lacks(value: Json) -> None:
    """NaN and infinity cannot be signed."""
    with pytest.raises(InvalidDocument):
        encode({"metric": value})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":-1E+309}',
        b'{"a":%s}' % (b"9" * 400),
        b'{"a":-%s}' % (b"9" * 309),
        b'{"a":"\\ud800"}',
        b'{"\\uDFFF":1}',
        b"\xff",
        b'\xef\xbb\xbf{"a":1}',
        b"{",
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    """Anything but an object of valid Unicode and finite doubles, each key once, is refused."""
    with pytest.raises(InvalidDocument):
        canonical.decode(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b" \n", "it is empty"),
        (b"\xff", "it is not UTF-8"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": 1,\n"b" 2}', "line 2, column 5: expecting ':' delimiter"),
        (b'{"a": "\n"}', "line 1, column 8: invalid control character"),
        (b'{"a": "', "line 1, column 7: unterminated string"),
    ],
)
def test_a_refusal_says_what_and_where(data: bytes, reason: str) -> None:
    """The reason is in plain words, and a fault of the syntax has its line and column."""
    with pytest.raises(InvalidDocument) as refusal:
        canonical.decode(data)
    assert reason == refusal.value.reason


def test_what_is_strict_json_is_read() -> None:
    """The largest double, long integers below it, and surrogate pairs are read."""
    data = b'{"a":[1.7976931348623157e308,1e-999,%s,"\\ud83d\\ude00"]}' % (b"1" * 309)
    assert canonical.decode(data) == {"a": [sys.float_info.max, 0.0, int("1" * 309), "\U0001f600"]}


@pytest.mark.parametrize("depth", [65, 100_000])
def test_depth_is_bounded(depth: int) -> None:
    """A document that is nested too deeply is refused without recursing into it."""
    with pytest.raises(InvalidDocument):
        canonical.decode(b'{"a":' * depth + b"1" + b"}" * depth)
    nested: Json = 1
    for _ in range(70):
        nested = [nested]
    with pytest.raises(InvalidDocument):
        canonical.encode(nested)


def test_the_form_is_sorted_and_dense() -> None:
    """Keys are sorted and there is no space between tokens."""
    assert (
        canonical.encode({"b": [1, None], "a": "é\n"})
        == json.dumps("é\n", ensure_ascii=False).join(['{"a":', ',"b":[1,null]}']).encode()
    )
