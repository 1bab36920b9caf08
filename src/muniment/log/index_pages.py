"""The verifiable index in pages: additions and proofs read and write a few small pages each.

A page holds a subtree as a sorted list of slots. A slot is a leaf, or a subtree in a page of its own: its
hash and one of its keys. Nothing else is stored: the order of the keys is that of the trie, and the bits at
which neighbours first differ give its shape. A page that has too many slots is cut where its subtree branches
first, and both parts become slots of the page above. The layout is no part of the root, which is the same for
any number of slots.
"""

import struct
from bisect import bisect
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Final, NamedTuple, Protocol

from muniment.core.errors import LogInconsistent
from muniment.log.index import (
    EMPTY_INDEX,
    KEY_BITS,
    SUBJECT_BYTES,
    IndexHead,
    Posting,
    Span,
    bit_of,
    branch_bits,
    hash_branch,
    hash_pair,
    key_of,
)
from muniment.log.index_proofs import AllProof, IndexLeaf, NewestProof, Step
from muniment.log.tree import EMPTY_ROOT

# The id of the page at the root; the others follow. 0 is that of no page.
ROOT: Final = 1
# Measured: with more slots, an addition writes more bytes; with fewer, more pages.
_MOST_SLOTS: Final = 20
_SLOT: Final = struct.Struct(">40s32sI")
# A rebuild writes its pages in parts.
_PAGES_AT_ONCE: Final = 1_000
# A transaction touches fewer.
_MOST_PARTS: Final = 1_000


class Pages(Protocol):
    """A store of pages by id, and of the head of the index."""

    def get(self, pages: Collection[int]) -> Mapping[int, bytes]:
        """Read pages; those that do not exist are left out."""

    def put(self, pages: Mapping[int, bytes]) -> None:
        """Write pages."""

    def new(self) -> int:
        """Return the id of a page that does not exist."""

    def clear(self) -> None:
        """Delete all pages and the head."""

    def get_head(self) -> IndexHead:
        """Read the head; that of an empty index if there is none."""

    def put_head(self, head: IndexHead) -> None:
        """Write the head."""


@dataclass
class MemoryPages:
    """Pages in a dictionary."""

    pages: dict[int, bytes] = field(default_factory=dict)
    last: int = ROOT
    head: IndexHead = EMPTY_INDEX

    def get(self, pages: Collection[int]) -> Mapping[int, bytes]:
        """Read pages."""
        return {page: self.pages[page] for page in pages if page in self.pages}

    def put(self, pages: Mapping[int, bytes]) -> None:
        """Write pages."""
        self.pages.update(pages)

    def new(self) -> int:
        """Return the next id."""
        self.last += 1
        return self.last

    def clear(self) -> None:
        """Delete everything."""
        self.pages, self.last, self.head = {}, ROOT, EMPTY_INDEX

    def get_head(self) -> IndexHead:
        """Read the head."""
        return self.head

    def put_head(self, head: IndexHead) -> None:
        """Write the head."""
        self.head = head


class PagedIndex:
    """A SubjectIndex over a store of pages."""

    def __init__(self, pages: Pages, most_slots: int = _MOST_SLOTS) -> None:
        """Use a store; a page has at least 2 slots, and at most as many as given."""
        self._pages = pages
        self._most_slots = most_slots
        # What a transaction adds goes into the pages together, before they are read and before the commit.
        self._added: list[tuple[int, list[Slot]]] = []
        # The pages that were read or written, with the hashes of their nodes, until they change.
        self._parts: dict[int, _Part] = {}

    def add(self, entry: int, leaf_hash: bytes, subjects: Collection[bytes]) -> None:
        """Add the next entry of the log under each of its subjects."""
        size = self._added[-1][0] + 1 if self._added else self._pages.get_head().size
        if entry != size:
            raise LogInconsistent(reason=f"its index covers {size} entries, and entry {entry} is to be added")
        if not subjects:
            raise ValueError(f"entry {entry} has no subject")  # noqa: EM102, TRY003 - a caller's bug
        leaves = [Slot(key_of(subject, entry), leaf_hash, 0) for subject in {*subjects}]
        self._added.append((entry, leaves))

    def save(self) -> None:
        """Write what was added. The caller MUST do this before a commit."""
        if not self._added:
            return
        size = self._pages.get_head().size
        leaves = [leaf for entry, added in self._added if entry >= size for leaf in added]
        if leaves:
            self._insert(leaves, self._added[-1][0] + 1)

    def forget(self, size: int) -> None:
        """Drop what is beyond the `size` of the log, after a part of the transaction was rolled back."""
        self._parts.clear()
        self._added = [(entry, leaves) for entry, leaves in self._added if entry < size]

    def head(self) -> IndexHead:
        """Return the size and root of the index."""
        self.save()
        return self._pages.get_head()

    def prove_newest(self, subject: bytes) -> NewestProof:
        """Prove which entry about a subject is the newest, or that there is none."""
        return NewestProof(*self._find_leaf(Span(subject)))

    def prove_all(self, span: Span) -> AllProof:
        """Prove which entries a span has, or that there are none."""
        steps, slots = self._walk(span.query, span.bits)
        if not slots or not span.holds(slots[0].key):
            return AllProof((), *self._find_leaf(span))
        postings = (_read_leaf(slot).posting for slot in self._list_leaves(slots))
        return AllProof(tuple(postings), None, tuple(reversed(steps)))

    def narrow(self, span: Span, limit: int) -> Span:
        """Return the widest span from the same start that has at most `limit` entries, 1 or more."""
        _, slots = self._walk(span.query, span.bits)
        leaves = self._list_leaves(slots, limit + 1)
        if len(leaves) <= limit or not span.holds(leaves[0].key):
            return span
        (bit,) = branch_bits([span.first_key, leaves[limit].key])
        return Span(span.subject, span.start, KEY_BITS - bit - 1)

    def rebuild(self, entries: Iterable[tuple[bytes, Collection[bytes]]]) -> None:
        """Make the index anew from the leaf hash and the subjects of each entry, in the order of the log."""
        self._pages.clear()
        self._parts.clear()
        self._added.clear()
        slots: list[Slot] = []
        size = 0
        for leaf_hash, subjects in entries:
            slots += [Slot(key_of(subject, size), leaf_hash, 0) for subject in {*subjects}]
            size += 1
        slots.sort()
        if slots:
            self._save_root(_Part.of(slots), size, {})

    def _insert(self, leaves: list["Slot"], size: int) -> None:
        # Down, a level at a time: which pages do the leaves belong to?
        grown: dict[int, list[Slot]] = {}
        level = {ROOT: leaves}
        while level:
            pages = self._read(level)
            below: dict[int, list[Slot]] = {}
            for page, arrivals in level.items():
                beside, inside = _route(pages[page], arrivals)
                grown[page] = pages[page] + beside
                below |= inside
            if not grown.keys().isdisjoint(below):
                raise LogInconsistent(reason="a page of the index is above itself")
            level = below
        # Up again: what stands for each page in the one above? The root comes last.
        writes: dict[int, bytes] = {}
        slots_of: dict[int, list[Slot]] = {}
        for page, slots in reversed(grown.items()):
            part = _Part.of(sorted(chain.from_iterable(slots_of.get(slot.child, [slot]) for slot in slots)))
            if page != ROOT:
                slots_of[page] = self._save(part, chain([page], self._new_ids()), writes)
        self._save_root(part, size, writes)

    def _save_root(self, part: "_Part", size: int, writes: dict[int, bytes]) -> None:
        while len(part.slots) > self._most_slots:
            part = _Part.of(self._save(part, self._new_ids(), writes))
        self._keep(ROOT, part)
        self._pages.put({**writes, ROOT: part.encode()})
        self._pages.put_head(IndexHead(size, part.root))

    def _save(self, part: "_Part", ids: Iterator[int], writes: dict[int, bytes]) -> list["Slot"]:
        """Save slots in as many pages as they need, and return the slots that stand for those pages."""
        if len(part.slots) == 1:
            return part.slots
        if len(part.slots) > self._most_slots:
            left, right = part.cut()
            return self._save(left, ids, writes) + self._save(right, ids, writes)
        page = next(ids)
        writes[page] = part.encode()
        self._keep(page, part)
        if len(writes) == _PAGES_AT_ONCE:
            self._pages.put(writes)
            writes.clear()
        return [Slot(part.slots[0].key, part.root, page)]

    def _new_ids(self) -> Iterator[int]:
        while True:
            yield self._pages.new()

    def _find_leaf(self, span: Span) -> tuple[IndexLeaf | None, tuple[Step, ...]]:
        """Walk to the end of a span; return the leaf at which the walk stops, and the steps up from it."""
        steps, slots = self._walk(span.query, KEY_BITS)
        leaf = _read_leaf(slots[0]) if slots else None
        return leaf, tuple(reversed(steps))

    def _walk(self, query: bytes, bits: int) -> tuple[list[Step], list["Slot"]]:
        """Walk down by the first `bits` bits of a query; return the steps, and the slots of the subtree."""
        self.save()
        steps: list[Step] = []
        part = self._read_part(ROOT)
        start, end = 0, len(part.slots)
        while end > start:
            if end == start + 1:
                child = part.slots[start].child
                if not child:
                    break
                part = self._read_part(child)
                start, end = 0, len(part.slots)
            bit, middle = part.find_branch(start, end)
            if steps and bit <= steps[-1].bit:
                raise LogInconsistent(reason="a page of the index is not where it belongs")
            if bit >= bits:
                break
            if bit_of(query, bit):
                steps.append(Step(bit, part.nodes[start, middle]))
                start = middle
            else:
                steps.append(Step(bit, part.nodes[middle, end]))
                end = middle
        return steps, part.slots[start:end]

    def _list_leaves(self, slots: list["Slot"], limit: int | None = None) -> list["Slot"]:
        """List the leaves below slots, at most `limit`, a level at a time."""
        leaves = slots[:limit]
        for _ in range(KEY_BITS):
            children = [slot.child for slot in leaves if slot.child]
            if not children:
                return leaves
            pages = self._read(children)
            below = (pages[slot.child] if slot.child else [slot] for slot in leaves)
            leaves = list(chain.from_iterable(below))[:limit]
        raise LogInconsistent(reason="a page of the index is above itself")

    def _keep(self, page: int, part: "_Part") -> None:
        if len(self._parts) >= _MOST_PARTS:
            self._parts.clear()
        self._parts[page] = part

    def _read_part(self, page: int) -> "_Part":
        if page not in self._parts:
            part = _Part.of(self._read([page])[page])
            if len(part.slots) == 1 and part.slots[0].child:
                raise LogInconsistent(reason="a page of the index is not where it belongs")
            self._keep(page, part)
        return self._parts[page]

    def _read(self, pages: Collection[int]) -> dict[int, list["Slot"]]:
        found = self._pages.get(pages)
        read = {page: _decode(found.get(page, b"")) for page in pages}
        # A subtree of one slot needs no page; only an empty index has an empty root.
        least = {ROOT: min(self._pages.get_head().size, 1)}
        if any(len(slots) < least.get(page, 2) for page, slots in read.items()):
            raise LogInconsistent(reason="a page of the index is missing")
        return read


class Slot(NamedTuple):
    """A leaf: its key, its value and 0. Or a subtree: one of its keys, its hash and its page."""

    key: bytes
    hash: bytes
    child: int

    @property
    def node(self) -> bytes:
        """The hash of the leaf or the subtree."""
        return self.hash if self.child else hash_pair(self.key, self.hash)


@dataclass
class _Part:
    """A subtree: its slots in order, and the bits at which neighbours first differ."""

    slots: list[Slot]
    bits: list[int]

    @classmethod
    def of(cls, slots: list[Slot]) -> "_Part":
        return cls(slots, branch_bits([slot.key for slot in slots]))

    @cached_property
    def nodes(self) -> Mapping[tuple[int, int], bytes]:
        """The hash of each node, by the first of its slots and the one after its last."""
        nodes: dict[tuple[int, int], bytes] = {}
        waiting: list[tuple[int, int, bytes]] = []
        for place, (slot, bit) in enumerate(zip(self.slots, [*self.bits, -1], strict=True)):
            start, node = place, slot.node
            nodes[start, place + 1] = node
            while waiting and waiting[-1][0] > bit:
                branch, start, left = waiting.pop()
                node = hash_branch(branch, left, node)
                nodes[start, place + 1] = node
            waiting.append((bit, start, node))
        return nodes

    @property
    def root(self) -> bytes:
        return self.nodes[0, len(self.slots)] if self.slots else EMPTY_ROOT

    def find_branch(self, start: int, end: int) -> tuple[int, int]:
        """Find where two or more slots branch first: the bit, and the first slot of the right side."""
        bit = min(self.bits[start : end - 1])
        return bit, self.bits.index(bit, start) + 1

    def cut(self) -> tuple["_Part", "_Part"]:
        """Cut it where it branches first."""
        _, middle = self.find_branch(0, len(self.slots))
        left = _Part(self.slots[:middle], self.bits[: middle - 1])
        return left, _Part(self.slots[middle:], self.bits[middle:])

    def encode(self) -> bytes:
        return b"".join([_SLOT.pack(*slot) for slot in self.slots])


def _decode(page: bytes) -> list[Slot]:
    try:
        return [Slot(*parts) for parts in _SLOT.iter_unpack(page)]
    except (struct.error, TypeError) as error:
        raise LogInconsistent(reason="a page of the index is cut off") from error


def _read_leaf(slot: Slot) -> IndexLeaf:
    entry = int.from_bytes(slot.key[SUBJECT_BYTES:])
    return IndexLeaf(slot.key[:SUBJECT_BYTES], Posting(entry, slot.hash))


def _route(slots: Sequence[Slot], arrivals: Sequence[Slot]) -> tuple[list[Slot], dict[int, list[Slot]]]:
    """Divide new leaves into those that go beside the slots, and those that go into the page of one."""
    beside: list[Slot] = []
    inside: dict[int, list[Slot]] = {}
    for leaf in arrivals:
        child = _find_home(slots, leaf)
        (inside.setdefault(child, []) if child else beside).append(leaf)
    return beside, inside


def _find_home(slots: Sequence[Slot], leaf: Slot) -> int:
    """Find the page of the subtree to which a new leaf belongs; 0 if there is none."""
    at = bisect(slots, leaf)
    before, after = slots[max(at - 2, 0) : at], slots[at : at + 2]
    bits = branch_bits([slot.key for slot in (*before, leaf, *after)])
    # On each side: the bit at which the leaf differs from its neighbour, and that one from the next.
    left, right = [*reversed(bits[: len(before)]), -1, -1], [*bits[len(before) :], -1, -1]
    near, ways = (before[-1:], left) if left[0] > right[0] else (after[:1], right)
    return near[0].child if near and ways[0] > ways[1] else 0
