"""The roots that an index had while it grew, computed from all its keys at once.

An audit compares each root that was sealed in the log. Adding the keys in the order of the log would
hash most nodes again and again; here a node is hashed once for each size from which on it is another one.

>>> growth = IndexGrowth()
>>> growth.add(bytes(32), [b"a" * 32])
>>> [root.hex()[:8] for root in growth.list_roots([0, 1])]
['e3b0c442', 'c00c139a']
"""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

from muniment.log.index import (
    ENTRY_BYTES,
    KEY_BITS,
    branch_bits,
    fold_nodes,
    hash_pair,
    key_of,
    write_number,
)
from muniment.log.tree import EMPTY_ROOT, HASH_SIZE

# The keys of a first byte, and what their subtree was at each size; None as long as it had no keys.
Groups: TypeAlias = Mapping[int, bytes]
Nodes: TypeAlias = Mapping[int, Sequence[bytes | None]]
# A node at the sizes from which on it is another one: the place of the size in the list, and its hash.
_History: TypeAlias = list[tuple[int, bytes]]

_KEY_BYTES: Final = KEY_BITS // 8
_BRANCHES: Final = [b"\x01" + write_number(bit) for bit in range(KEY_BITS)]


def list_nodes(groups: Groups, leaf_hashes: bytes, sizes: Sequence[int]) -> Nodes:
    """List the root of the subtree of each first byte at each size."""
    return {byte: _list_nodes(keys, leaf_hashes, sizes) for byte, keys in groups.items()}


class IndexGrowth:
    """The keys of an index, which are added in the order of the log.

    They are kept apart by their first byte: those of one byte have a subtree of their own.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._groups = [bytearray() for _ in range(256)]
        self._leaf_hashes = bytearray()
        self._size = 0
        self.keys = 0

    def add(self, leaf_hash: bytes, subjects: Collection[bytes]) -> None:
        """Add the next entry under each of its subjects, 32 bytes each."""
        self._leaf_hashes += leaf_hash
        for subject in {*subjects}:
            self._groups[subject[0]] += key_of(subject, self._size)
            self.keys += 1
        self._size += 1

    def list_roots(
        self, sizes: Sequence[int], compute: Callable[[Groups, bytes, Sequence[int]], Nodes] = list_nodes
    ) -> list[bytes]:
        """List the roots of the index over so many entries each; the sizes ascend.

        `compute` may divide the work of `list_nodes`.
        """
        groups = {byte: bytes(keys) for byte, keys in enumerate(self._groups) if keys}
        nodes = compute(groups, bytes(self._leaf_hashes), sizes)
        return [_fold_subtrees(nodes, place) for place in range(len(sizes))]


def _fold_subtrees(nodes: Nodes, place: int) -> bytes:
    there = [(bytes([byte]), node) for byte in sorted(nodes) if (node := nodes[byte][place]) is not None]
    if not there:
        return EMPTY_ROOT
    return fold_nodes([node for _, node in there], branch_bits([byte for byte, _ in there]))


def _list_nodes(group: bytes, leaf_hashes: bytes, sizes: Sequence[int]) -> Sequence[bytes | None]:
    keys = sorted(group[at : at + _KEY_BYTES] for at in range(0, len(group), _KEY_BYTES))
    waiting: list[tuple[int, _History]] = []
    for key, bit in zip(keys, [*branch_bits(keys), -1], strict=True):
        entry = int.from_bytes(key[-ENTRY_BYTES:])
        leaf_hash = leaf_hashes[entry * HASH_SIZE : (entry + 1) * HASH_SIZE]
        history = [(bisect_right(sizes, entry), hash_pair(key, leaf_hash))]
        while waiting and waiting[-1][0] > bit:
            history = _join(*waiting.pop(), history)
        waiting.append((bit, history))
    changes = dict(waiting[0][1])
    nodes: list[bytes | None] = []
    node: bytes | None = None
    for place in range(len(sizes)):
        node = changes.get(place, node)
        nodes.append(node)
    return nodes


def _join(bit: int, left: _History, right: _History) -> _History:
    """Join the histories of the two sides of a node, which first differ at a bit."""
    branch, sha256 = _BRANCHES[bit], hashlib.sha256
    if len(left) == len(right) == 1:
        # Most nodes are near the leaves.
        (place, one), (other_place, other) = left[0], right[0]
        joined = sha256(branch + one + other).digest()
        if place == other_place:
            return [(place, joined)]
        first = (place, one) if place < other_place else (other_place, other)
        return [first, (max(place, other_place), joined)]
    history: _History = []
    lefts, rights = dict(left), dict(right)
    before: bytes | None = None
    after: bytes | None = None
    for place in sorted({**lefts, **rights}):
        before, after = lefts.get(place, before), rights.get(place, after)
        if before is None or after is None:
            history.append((place, before or after or b""))
        else:
            history.append((place, sha256(branch + before + after).digest()))
    return history
