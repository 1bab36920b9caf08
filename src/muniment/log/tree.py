"""The Merkle tree of the log (RFC 6962 2.1, the same tree as RFC 9162 2.1).

The hashes of all complete subtrees are kept, so any root or proof of any past size takes a
logarithmic number of reads. A node is named by `Node(level, index)`: it covers the leaves from
`index << level` to `(index + 1) << level`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

HASH_SIZE: Final = 32
# RFC 6962 2.1: MTH({}) = SHA-256().
EMPTY_ROOT: Final = hashlib.sha256().digest()


class Node(NamedTuple):
    """The name of a complete subtree."""

    level: int
    index: int  # type: ignore[assignment] # hides tuple.index, which a node does not need


ReadNodes: TypeAlias = Callable[[Sequence[Node]], Mapping[Node, bytes]]


def hash_leaf(leaf: bytes) -> bytes:
    """Hash an entry."""
    # RFC 6962 2.1: the prefix keeps leaves apart from nodes (second preimages).
    return hashlib.sha256(b"\x00" + leaf).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Hash two nodes into their parent."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def cover(start: int, end: int) -> list[Node]:
    """Name the largest complete subtrees that cover the leaves from `start` to `end`, in order.

    `start` must be where a subtree of RFC 6962 begins: 0, or a multiple of a power of two that is
    at least as wide as the rest.
    """
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            # A subtree begins at a multiple of its width: the lowest set bit bounds it.
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Hash a cover, in order, into its root: the shorter right side is folded first."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = hash_children(left, root)
    return root


def read_root(size: int, read: ReadNodes) -> bytes:
    """Compute the root of the first `size` leaves."""
    nodes = cover(0, size)
    hashes = read(nodes)
    return root_of([hashes[node] for node in nodes])


class Frontier:
    """The right edge of a growing tree: enough to append leaves and compute the root."""

    def __init__(self, size: int, hashes: Iterable[bytes]) -> None:
        """Start at `size` leaves, with the hashes of `cover(0, size)`."""
        self.size = size
        self._hashes = list(hashes)

    def append(self, leaf_hash: bytes) -> list[tuple[Node, bytes]]:
        """Add a leaf and return the nodes that it completes, its own first."""
        made = [(Node(0, self.size), leaf_hash)]
        level, index, current = 0, self.size, leaf_hash
        while index & 1:
            current = hash_children(self._hashes.pop(), current)
            level, index = level + 1, index >> 1
            made.append((Node(level, index), current))
        self._hashes.append(current)
        self.size += 1
        return made

    @property
    def root(self) -> bytes:
        """The current root of the tree."""
        return root_of(self._hashes)
