"""Hashes in another thread (`core/bytes/hashing.py`), and from a kept state (`services/bytes/hashing.py`)."""

import ctypes
import hashlib
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from muniment.core.bytes.hashing import CHUNK_BYTES, BackgroundHasher, rotate_buffers
from muniment.core.digests import Digest
from muniment.services.bytes import hashing
from muniment.services.bytes.hashing import (
    Hashing,
    OpenSslHashing,
    PortableHashing,
    load_openssl,
    start_hashing,
)

KINDS: tuple[Callable[[bytes], Hashing], ...] = (start_hashing, PortableHashing)


@given(sizes=st.lists(st.sampled_from([0, 1, 65_535, 65_536, CHUNK_BYTES]), max_size=30))
@example(sizes=[CHUNK_BYTES] * 64)
def test_what_is_hashed_in_the_background_is_all_that_passed(sizes: list[int]) -> None:
    """The background hash covers all bytes in order, although buffers are reused."""
    passed = b""
    with BackgroundHasher() as hasher:
        for (number, size), buffer in zip(enumerate(sizes), rotate_buffers(), strict=False):
            piece = bytes([number]) * min(size, len(buffer))
            buffer[: len(piece)] = piece
            hasher.update(buffer[: len(piece)])
            passed += piece
        assert hasher.finish() == Digest.of(passed)


@given(pieces=st.lists(st.tuples(st.binary(max_size=300), st.sampled_from(KINDS)), min_size=1, max_size=8))
def test_a_hash_goes_on_from_any_state(pieces: list[tuple[bytes, Callable[[bytes], Hashing]]]) -> None:
    """A hash continues from a saved state with either implementation."""
    state = b""
    for data, start in pieces:
        hasher = start(state)
        hasher.update(data)
        state = hasher.save()
    whole = b"".join(data for data, _ in pieces)
    assert PortableHashing(state).finish() == start_hashing(state).finish() == Digest.of(whole)


def test_counts_of_more_than_32_bits_are_kept() -> None:
    """A saved state keeps the bit count beyond 32 bits."""
    piece, count = bytes(1 << 20), 513
    hasher, known = start_hashing(), hashlib.sha256()
    for _ in range(count):
        hasher.update(piece)
        known.update(piece)
    assert PortableHashing(hasher.save()).finish().hex == known.hexdigest()
    assert start_hashing(hasher.save()).finish().hex == known.hexdigest()


@pytest.mark.skipif(not cast("ModuleSpec", find_spec("_hashlib")).has_location, reason="OpenSSL is linked in")
def test_openssl_is_used_where_python_shares_it() -> None:
    """The OpenSSL implementation is used with a usual Python."""
    assert isinstance(start_hashing(), OpenSslHashing)


@pytest.mark.parametrize("library", ["libc.so.6", "no-such-library.so"])
def test_without_openssl_the_other_takes_its_place(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenSSL's functions, or without the library, the other implementation hashes."""
    monkeypatch.setattr(hashing, "find_spec", lambda _: _Spec(library))
    load_openssl.cache_clear()
    try:
        assert load_openssl() is None
        assert isinstance(start_hashing(), PortableHashing)
    finally:
        load_openssl.cache_clear()


def test_a_library_that_keeps_another_state_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library whose states do not resume is detected before it hashes anything."""

    class _Shifted(ctypes.Structure):
        _fields_ = (("magic", ctypes.c_uint32), *hashing._Context._fields_)

    monkeypatch.setattr(hashing, "_Context", _Shifted)
    load_openssl.cache_clear()
    try:
        assert load_openssl() is None
    finally:
        load_openssl.cache_clear()


class _Spec:
    has_location = True

    def __init__(self, origin: str) -> None:
        self.origin = origin
