"""Proofs from the verifiable index: the newest entry about a subject, all of them, or that there are none.

(1) Size and root of the index, and size and root of the log, come from one note signed by the registry.
(2) The root is that of an empty index if and only if the size is 0; then a proof is empty, otherwise never.
(3) Keys have 40 bytes and values 32, also those of another subject.
(4) Numbers are written in as few bytes as possible, nothing follows a proof, and it has at most 320 steps.
(5) The bits of the steps fall from the leaf to the root; the first is below 320.
(6) At the bit of each step, query and leaf agree, and that bit chooses the side. Without this check, an older
    entry passes as the newest.
(7) The computed root is the signed one.
(8) A leaf of the subject is its newest entry; a leaf of another subject shows that there is none.
(9) An entry is below the size of the index, and below 2^56.
(10) The value is the leaf hash of the entry, which is included at its index in the log of the same note.
(11) The entry says that it is about the subject. After a write, the index has the entry under each subject.
(12) A list is not empty, it ascends, and its keys have all bits of the span; the hash of their subtree is
     computed, never taken, and the steps are at bits before those. An empty list is shown as an absence.
(13) Size and roots are remembered: another index root for the same size is a fork.
(14) The client hashes the subject itself, with a salt that it has checked.
(15) Leaves of the log begin with 0x00, too: the root of the log and that of the index never change places.

Rules 3 to 5 are checked when a proof is made, so that a proof that exists has its form. Rules 2, 6 to 9 and
12 are checked by `verify_newest` and `verify_all`. The caller MUST see to rules 1, 10, 11 and 13 to 15.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from muniment.core.errors import IndexMalformed, ProofInvalid
from muniment.log.index import (
    ENTRY_BYTES,
    KEY_BITS,
    SUBJECT_BYTES,
    IndexHead,
    Posting,
    Span,
    bit_of,
    fold_index,
    hash_branch,
    hash_pair,
    key_of,
    write_number,
)
from muniment.log.tree import EMPTY_ROOT, HASH_SIZE

_KEY_BYTES: Final = SUBJECT_BYTES + ENTRY_BYTES
_MAX_ENTRY: Final = 1 << 56
# More than any length, bit or count takes.
_MAX_NUMBER_BYTES: Final = 5


class Step(NamedTuple):
    """A node on the way to the root: the bit at which its sides differ, and the hash of the other side."""

    bit: int
    sibling: bytes


@dataclass(frozen=True, slots=True)
class IndexLeaf:
    """A leaf of the index: a subject (its hash, 32 bytes) and an entry about it."""

    subject: bytes
    posting: Posting

    def __post_init__(self) -> None:
        """Check the form."""
        _check_posting(self.posting)
        # Rule 3.
        if len(self.subject) != SUBJECT_BYTES:
            raise IndexMalformed(reason="a subject does not have 32 bytes")

    @property
    def key(self) -> bytes:
        """The key of the entry, 40 bytes."""
        return key_of(self.subject, self.posting.entry)


@dataclass(frozen=True, slots=True)
class NewestProof:
    """The leaf at which the walk to the end of a subject stops, and the steps from it to the root.

    An empty index has neither.
    """

    leaf: IndexLeaf | None
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Check the form."""
        _check_steps(self.steps)

    def encode(self) -> bytes:
        """Write the leaf and the steps; nothing for an empty index."""
        return _write_leaf(self.leaf) + _write_steps(self.steps)

    @classmethod
    def decode(cls, data: bytes) -> "NewestProof":
        """Read what `encode` wrote.

        Raises:
            IndexMalformed: it is anything else.
        """
        reader = _Reader(data)
        return cls(_read_leaf(reader), _read_steps(reader))


@dataclass(frozen=True, slots=True)
class AllProof:
    """The entries of a span, and the steps from the root of their subtree to that of the index.

    If there are none: the leaf at which the walk to the end of the span stops, and the steps from it. An
    empty index has neither.
    """

    postings: tuple[Posting, ...]
    leaf: IndexLeaf | None
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Check the form."""
        _check_steps(self.steps)
        for posting in self.postings:
            _check_posting(posting)
        if self.postings and self.leaf is not None:
            raise IndexMalformed(reason="it lists entries and shows that there are none")

    def encode(self) -> bytes:
        """Write the number of entries, their indexes, the leaf if there are none, and the steps.

        The leaf hashes are left out: the entries are sent along, and their reader hashes them (rule 10).
        """
        entries = [posting.entry.to_bytes(ENTRY_BYTES) for posting in self.postings]
        return (
            write_number(len(entries)) + b"".join(entries) + _write_leaf(self.leaf) + _write_steps(self.steps)
        )

    @classmethod
    def decode(cls, data: bytes, leaf_hashes: Sequence[bytes]) -> "AllProof":
        """Read what `encode` wrote; the leaf hashes are those of the entries that were sent along, in order.

        Raises:
            IndexMalformed: it is anything else, or it has another number of entries.
        """
        reader = _Reader(data)
        if reader.number() != len(leaf_hashes):
            raise IndexMalformed(
                reason=f"it does not list the {len(leaf_hashes)} entries that were sent along"
            )
        entries = [int.from_bytes(reader.take(ENTRY_BYTES)) for _ in leaf_hashes]
        postings = tuple(map(Posting, entries, leaf_hashes))
        return cls(postings, None if postings else _read_leaf(reader), _read_steps(reader))


def verify_newest(head: IndexHead, subject: bytes, proof: NewestProof) -> Posting | None:
    """Return the newest entry about a subject (its hash, 32 bytes); None if the index has none.

    Raises:
        IndexMalformed: head and proof contradict each other.
        ProofInvalid: the proof does not lead to the root, or proves something else.
    """
    span = Span(subject)
    leaf = _verify_leaf(head, span, proof.leaf, proof.steps)
    # Rule 8.
    return leaf.posting if leaf is not None and span.holds(leaf.key) else None


def verify_all(head: IndexHead, span: Span, proof: AllProof) -> tuple[Posting, ...]:
    """Return all entries of a span, in the order of the log; empty if the index has none.

    Raises:
        IndexMalformed: head and proof contradict each other.
        ProofInvalid: the proof does not lead to the root, or proves something else.
    """
    if not proof.postings:
        leaf = _verify_leaf(head, span, proof.leaf, proof.steps)
        # Rule 12.
        if leaf is not None and span.holds(leaf.key):
            raise ProofInvalid(what="the absence of entries about a subject")
        return ()
    # Rule 9.
    _check_entry(head, proof.postings[-1].entry)
    # Rule 12.
    pairs = {key_of(span.subject, entry): leaf_hash for entry, leaf_hash in proof.postings}
    ascending = all(left.entry < right.entry for left, right in pairwise(proof.postings))
    within = all(map(span.holds, pairs))
    if not ascending or not within or any(step.bit >= span.bits for step in proof.steps):
        raise ProofInvalid(what="the list of all entries about a subject")
    # Rule 7.
    if climb(span.query, fold_index(pairs), proof.steps) != head.root:
        raise ProofInvalid(what="the list of all entries about a subject")
    return proof.postings


def climb(key: bytes, node: bytes, steps: Iterable[Step]) -> bytes:
    """Compute the root that steps lead to from the hash of a node; the bits of a key choose the sides."""
    current = node
    for bit, sibling in steps:
        left, right = (sibling, current) if bit_of(key, bit) else (current, sibling)
        current = hash_branch(bit, left, right)
    return current


def _verify_leaf(
    head: IndexHead, span: Span, leaf: IndexLeaf | None, steps: Sequence[Step]
) -> IndexLeaf | None:
    """Check the leaf at which the walk to the end of a span stops; None if the index is empty."""
    # Rule 2.
    if len({head.size == 0, head.root == EMPTY_ROOT, leaf is None, leaf is None and not steps}) != 1:
        raise IndexMalformed(reason="size, root and proof do not agree on whether the index is empty")
    if leaf is None:
        return None
    # Rule 9.
    _check_entry(head, leaf.posting.entry)
    # Rule 6.
    if any(bit_of(span.query, step.bit) != bit_of(leaf.key, step.bit) for step in steps):
        raise ProofInvalid(what="the newest entry about a subject")
    # Rule 7.
    if climb(leaf.key, hash_pair(leaf.key, leaf.posting.leaf_hash), steps) != head.root:
        raise ProofInvalid(what="the newest entry about a subject")
    return leaf


def _check_entry(head: IndexHead, entry: int) -> None:
    if entry >= head.size:
        raise IndexMalformed(reason=f"it names entry {entry}, and the index covers {head.size}")


def _check_posting(posting: Posting) -> None:
    # Rules 3 and 9.
    if len(posting.leaf_hash) != HASH_SIZE or not 0 <= posting.entry < _MAX_ENTRY:
        raise IndexMalformed(reason="a leaf hash or the index of an entry is out of bounds")


def _check_steps(steps: Sequence[Step]) -> None:
    # Rule 5, and with it the number of steps (rule 4).
    if not all(left > right for left, right in pairwise([KEY_BITS, *(step.bit for step in steps), -1])):
        raise IndexMalformed(reason="the bits of the steps do not fall")
    if any(len(step.sibling) != HASH_SIZE for step in steps):
        raise IndexMalformed(reason="a step has no hash")


def _write_leaf(leaf: IndexLeaf | None) -> bytes:
    if leaf is None:
        return b""
    return b"".join((write_number(_KEY_BYTES), leaf.key, write_number(HASH_SIZE), leaf.posting.leaf_hash))


def _write_steps(steps: Iterable[Step]) -> bytes:
    return b"".join(write_number(step.bit) + step.sibling for step in steps)


class _Reader:
    """A proof that is read from its bytes, within bounds."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise IndexMalformed(reason="it is cut off")
        self._at += count
        return taken

    def number(self) -> int:
        number = 0
        for place in range(_MAX_NUMBER_BYTES):
            (byte,) = self.take(1)
            number |= (byte & 0x7F) << 7 * place
            if not byte & 0x80:
                break
        # Rule 4.
        if byte & 0x80 or (place and not byte):
            raise IndexMalformed(reason="a number is not written in as few bytes as possible")
        return number

    def take_long(self, length: int) -> bytes:
        # Rule 3.
        if self.number() != length:
            raise IndexMalformed(reason=f"a key or a value does not have {length} bytes")
        return self.take(length)


def _read_leaf(reader: _Reader) -> IndexLeaf | None:
    if reader.done:
        return None
    key, leaf_hash = reader.take_long(_KEY_BYTES), reader.take_long(HASH_SIZE)
    return IndexLeaf(key[:SUBJECT_BYTES], Posting(int.from_bytes(key[SUBJECT_BYTES:]), leaf_hash))


def _read_steps(reader: _Reader) -> tuple[Step, ...]:
    steps: list[Step] = []
    # Rule 4.
    while not reader.done and len(steps) <= KEY_BITS:
        steps.append(Step(reader.number(), reader.take(HASH_SIZE)))
    return tuple(steps)
