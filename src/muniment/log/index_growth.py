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
    write_number,
)
from muniment.log.tree import EMPTY_ROOT, HASH_SIZE

# The keys of a first byte, and what their subtree was at each size; None as long as it had no keys.
Groups: TypeAlias = Mapping[int, bytes]
Nodes: TypeAlias = Mapping[int, Sequence[bytes | None]]
# A node at the sizes from which on it is another one: its hash by the place of the size in the list.
_History: TypeAlias = dict[int, bytes]

_KEY_BYTES: Final = KEY_BITS // 8
_LEAF: Final = b"\x00" + write_number(_KEY_BYTES)
_VALUE: Final = write_number(HASH_SIZE)
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
        entry = self._size.to_bytes(ENTRY_BYTES)
        distinct = {*subjects}
        for subject in distinct:
            self._groups[subject[0]] += subject + entry
        self.keys += len(distinct)
        self._leaf_hashes += leaf_hash
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
    keys = sorted([group[at : at + _KEY_BYTES] for at in range(0, len(group), _KEY_BYTES)])
    waiting: list[tuple[int, _History]] = []
    sha256 = hashlib.sha256
    for key, bit in zip(keys, [*branch_bits(keys), -1], strict=True):
        entry = int.from_bytes(key[-ENTRY_BYTES:])
        leaf_hash = leaf_hashes[entry * HASH_SIZE : (entry + 1) * HASH_SIZE]
        history = {bisect_right(sizes, entry): sha256(_LEAF + key + _VALUE + leaf_hash).digest()}
        while waiting and waiting[-1][0] > bit:
            history = _join(*waiting.pop(), history)
        waiting.append((bit, history))
    changes = waiting[0][1]
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
        ((place, one),), ((other_place, other),) = left.items(), right.items()
        joined = sha256(branch + one + other).digest()
        if place == other_place:
            return {place: joined}
        return (
            {place: one, other_place: joined} if place < other_place else {other_place: other, place: joined}
        )
    history: _History = {}
    before = after = b""
    for place in sorted(left | right):
        before, after = left.get(place, before), right.get(place, after)
        # As long as one side has no key, the other is not joined to anything.
        history[place] = sha256(branch + before + after).digest() if before and after else before or after
    return history
