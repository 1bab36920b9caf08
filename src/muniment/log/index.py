r"""The verifiable index: which entries of the log are about a subject, and which of them is the newest.

An inclusion proof shows that an entry is in the log. It does not show that no later entry overrides it, or
that there are no others. The index is a Merkle Patricia tree whose keys are a subject and an entry, and whose
root is signed: relative to a root, each question about a subject has exactly one answer. What no proof shows
to a lone client is that the root itself leaves no entry out; that takes a replay of the log.

The tree has the format of `mpt` in https://github.com/FiloSottile/torchwood: a trie over the bits of the
keys, the most significant first, without nodes that have one child. Its root follows from its keys and values
alone. `index_proofs` has the proofs and their rules, `index_pages` the way in which the tree is stored.

>>> fold_index({b"\x12": b"\xaa", b"\x12\x34": b"\xbb"}).hex()
'fdc14c0c7b5792f43d902121bad7c3adac246ce0ae9278745ecb0843e6324b45'
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from muniment.log.tree import EMPTY_ROOT

SUBJECT_BYTES: Final = 32
ENTRY_BYTES: Final = 8
KEY_BITS: Final = 8 * (SUBJECT_BYTES + ENTRY_BYTES)


class IndexHead(NamedTuple):
    """How many entries of the log an index covers, and its root hash."""

    size: int
    root: bytes


EMPTY_INDEX: Final = IndexHead(0, EMPTY_ROOT)


class Posting(NamedTuple):
    """An entry that is about a subject: its index in the log, and its leaf hash there (RFC 6962)."""

    entry: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """The entries about a subject from index `start` on, `2**width` of them; by default all.

    `start` is a multiple of that length: the keys of a span are those that begin with the same `bits` bits.
    """

    subject: bytes
    start: int = 0
    width: int = 8 * ENTRY_BYTES

    def __post_init__(self) -> None:
        """Check the bounds."""
        if len(self.subject) != SUBJECT_BYTES:
            raise ValueError("a subject is a hash of 32 bytes")  # noqa: EM101, TRY003 - a caller's bug
        if self.start not in range(0, 1 << 8 * ENTRY_BYTES, 1 << self.width):
            raise ValueError("a span starts at a multiple of its length")  # noqa: EM101, TRY003 - a caller's bug

    @classmethod
    def widest(cls, subject: bytes, start: int) -> "Span":
        """Make the longest span that starts at an index, as a list in parts needs it."""
        return cls(subject, start, (start & -start).bit_length() - 1 if start else 8 * ENTRY_BYTES)

    @classmethod
    def single(cls, subject: bytes, entry: int) -> "Span":
        """Make the span of one entry."""
        return cls(subject, entry, 0)

    @property
    def bits(self) -> int:
        """How many bits its keys have in common, 256 to 320."""
        return KEY_BITS - self.width

    @property
    def end(self) -> int:
        """The index after the last one."""
        return self.start + (1 << self.width)

    @property
    def first_key(self) -> bytes:
        """The key of the entry at `start`."""
        return key_of(self.subject, self.start)

    @property
    def query(self) -> bytes:
        """What a walk looks for: 41 bytes that follow every key of the span and are themselves no key."""
        return key_of(self.subject, self.end - 1) + b"\xff"

    def holds(self, key: bytes) -> bool:
        """Return whether a key (40 bytes) begins with the bits of the span."""
        return self.first_key <= key < self.query


def subject_hash(salt: bytes, kind: str, name: str) -> bytes:
    """Hash a subject, 32 bytes: HMAC-SHA256 over its kind and canonical name, with a salt.

    The salt is that of its namespace or of the registry. A client MUST compute the hash itself, with a salt
    that it has checked (rule 14): who may choose the salt can show that no entry is about anything.
    """
    mac = _begin_mac(salt).copy()
    mac.update(kind.encode() + b"\x00" + name.encode())
    return mac.digest()


# To set up a key costs more than to hash a name, and there are few salts.
@lru_cache(maxsize=1_000)
def _begin_mac(salt: bytes) -> hmac.HMAC:
    return hmac.new(salt, digestmod="sha256")


def key_of(subject: bytes, entry: int) -> bytes:
    """Make the key of an entry about a subject, 40 bytes."""
    return subject + entry.to_bytes(ENTRY_BYTES)


def fold_index(pairs: Mapping[bytes, bytes]) -> bytes:
    """Compute the root over keys and values of any length, in any order."""
    keys = [key for _, key in sorted(zip(_pad([*pairs]), pairs, strict=True))]
    return fold_nodes([hash_pair(key, pairs[key]) for key in keys], branch_bits(keys))


def fold_nodes(hashes: Sequence[bytes], bits: Sequence[int]) -> bytes:
    """Compute the root over nodes in the order of their keys, whose neighbours first differ at `bits`."""
    if not hashes:
        return EMPTY_ROOT
    waiting: list[tuple[int, bytes]] = []
    for node, bit in zip(hashes, [*bits, -1], strict=True):
        right = node
        while waiting and waiting[-1][0] > bit:
            right = hash_branch(*waiting.pop(), right)
        waiting.append((bit, right))
    return waiting[0][1]


def hash_pair(key: bytes, value: bytes) -> bytes:
    """Hash a leaf: H(0x00, length, key, length, value)."""
    parts = (b"\x00", write_number(len(key)), key, write_number(len(value)), value)
    return hashlib.sha256(b"".join(parts)).digest()


def hash_branch(bit: int, left: bytes, right: bytes) -> bytes:
    """Hash an inner node, whose sides differ first at a bit: H(0x01, bit, left, right)."""
    return hashlib.sha256(b"".join((b"\x01", write_number(bit), left, right))).digest()


def bit_of(key: bytes, bit: int) -> int:
    """Return a bit of a key, which reads as if 0x00 and then 0xFF for ever followed it."""
    place = bit >> 3
    return key[place] >> (7 - (bit & 7)) & 1 if place < len(key) else int(place > len(key))


def branch_bits(keys: Sequence[bytes]) -> list[int]:
    """List the bit at which each key first differs from the next one; no two are equal."""
    padded = _pad(keys)
    numbers = [int.from_bytes(key) for key in padded]
    return [8 * len(padded[0]) - (left ^ right).bit_length() for left, right in pairwise(numbers)]


# The same few lengths and bits come again and again.
@lru_cache(maxsize=2 * KEY_BITS)
def write_number(number: int) -> bytes:
    """Write an unsigned varint (protobuf's): seven bits a byte, the lowest first, in as few as possible."""
    written = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _pad(keys: Sequence[bytes]) -> Sequence[bytes]:
    """Lengthen keys to one length by which any two of them differ."""
    lengths = {len(key) for key in keys}
    if len(lengths) <= 1:
        return keys
    return [(key + b"\x00").ljust(max(lengths) + 1, b"\xff") for key in keys]
