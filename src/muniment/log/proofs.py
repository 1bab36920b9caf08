"""Inclusion and consistency proofs (RFC 6962 2.1.1, 2.1.2; verification as RFC 9162 2.1.3, 2.1.4)."""

from collections.abc import Sequence

from muniment.log.tree import ReadNodes, cover, hash_children, root_of


def prove_inclusion(index: int, size: int, read: ReadNodes) -> tuple[bytes, ...]:
    """Make the audit path of leaf `index` in the tree of `size` leaves: siblings, lowest first.

    Raises:
        ValueError: the tree has no such leaf.
    """
    return prove_inclusions([index], size, read)[0]


def prove_inclusions(indexes: Sequence[int], size: int, read: ReadNodes) -> list[tuple[bytes, ...]]:
    """Make the audit paths of several leaves in the tree of `size` leaves, with one read.

    Raises:
        ValueError: the tree has no such leaf.
    """
    for index in indexes:
        if not 0 <= index < size:
            raise ValueError(f"no leaf {index} in a tree of size {size}")  # noqa: EM102, TRY003 - a caller's bug
    return _read_paths([_inclusion_subtrees(index, 0, size) for index in indexes], read)


def prove_consistency(old: int, new: int, read: ReadNodes) -> tuple[bytes, ...]:
    """Make the proof that the tree of `new` leaves begins with the tree of `old` leaves.

    Raises:
        ValueError: `old` is larger than `new`.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of size {new} never had size {old}")  # noqa: EM102, TRY003 - a caller's bug
    if old in {0, new}:
        return ()
    return _read_paths([_consistency_subtrees(old, 0, new, whole=True)], read)[0]


def verify_inclusion(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Return whether the path leads from the leaf to the root (RFC 9162 2.1.3.2)."""
    return find_root(index, size, leaf_hash, path) == root


def find_root(index: int, size: int, leaf_hash: bytes, path: Sequence[bytes]) -> bytes | None:
    """Compute the root that an audit path leads to; None if the path does not fit the leaf and size."""
    if not 0 <= index < size:
        return None
    node, last, current = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            current = hash_children(sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = hash_children(current, sibling)
        node, last = node >> 1, last >> 1
    return current if last == 0 else None


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Return whether the path shows that the new tree begins with the old one (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path
    if not path:
        return False
    # RFC 9162 2.1.4.2 step 2: if the old tree is complete, its root begins the path.
    hashes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first = hash_children(sibling, first)
            second = hash_children(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = hash_children(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """The largest power of two below `size` (RFC 6962 2.1: k)."""
    return 1 << ((size - 1).bit_length() - 1)


def _inclusion_subtrees(index: int, start: int, end: int) -> list[tuple[int, int]]:
    subtrees: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            subtrees.append((middle, end))
            end = middle
        else:
            subtrees.append((start, middle))
            start = middle
    return subtrees[::-1]


def _consistency_subtrees(old: int, start: int, end: int, *, whole: bool) -> list[tuple[int, int]]:
    subtrees: list[tuple[int, int]] = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            subtrees.append((middle, end))
            end = middle
        else:
            subtrees.append((start, middle))
            start, whole = middle, False
    if not whole:
        subtrees.append((start, end))
    return subtrees[::-1]


def _read_paths(paths: Sequence[Sequence[tuple[int, int]]], read: ReadNodes) -> list[tuple[bytes, ...]]:
    """Read the roots of the subtrees along paths; neighbours share most, and each is read once."""
    covers = {subtree: cover(*subtree) for path in paths for subtree in path}
    hashes = read(list(dict.fromkeys(node for nodes in covers.values() for node in nodes)))
    roots = {subtree: root_of([hashes[node] for node in nodes]) for subtree, nodes in covers.items()}
    return [tuple(roots[subtree] for subtree in path) for path in paths]
