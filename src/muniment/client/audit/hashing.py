"""Hash a log again, and make its index anew: the roots must be those that were signed and sealed."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from muniment.client.audit.sharing import share_nodes
from muniment.client.proofs.memory import Remembered
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import AuditFailed, IndexForked, LogInconsistent
from muniment.core.events import IndexSealed
from muniment.core.verbs.log import GetGrowth, GetLeaves
from muniment.log.index_growth import IndexGrowth
from muniment.log.proofs import verify_consistency
from muniment.log.tree import Frontier, Node, hash_leaf, read_root

_PAGE: Final = 1_000


class Seal(NamedTuple):
    """A root of the index that the log holds: the entry that does, and the size and root that it states."""

    entry: int
    size: int
    root: bytes


def read_leaves(backend: TrustedBackend, head: Remembered) -> Iterator[Sequence[bytes]]:
    """Read the log up to a head, page by page.

    Raises:
        LogInconsistent: it ends before.
    """
    start = 0
    while start < head.size:
        page = backend.ask(GetLeaves(start=start, limit=min(_PAGE, head.size - start)))
        if not page:
            raise LogInconsistent(reason=f"it ends after {start} of {head.size} entries")
        yield page[: head.size - start]
        start += len(page)


class LogHasher:
    """Hashes the entries of a log, and collects the keys of its index."""

    def __init__(self) -> None:
        """Start before the first entry."""
        self._frontier = Frontier(0, [])
        self._growth = IndexGrowth()
        self._hashes: list[bytes] = []
        self._unread: list[int] = []
        self.seals: list[Seal] = []

    @property
    def size(self) -> int:
        """Count the entries."""
        return len(self._hashes)

    @property
    def keys(self) -> int:
        """Count the keys of the index."""
        return self._growth.keys

    def add(self, leaf: bytes, about: Sequence[str] | None) -> None:
        """Add the next entry, and the hashes of its subjects; None if its leaf cannot be read."""
        leaf_hash = hash_leaf(leaf)
        self._frontier.append(leaf_hash)
        self._hashes.append(leaf_hash)
        if about is None:
            self._unread.append(len(self._hashes) - 1)
            return
        self._growth.add(leaf_hash, [bytes.fromhex(text) for text in about])

    def add_seal(self, entry: int, seal: IndexSealed) -> None:
        """Add a root of the index that an entry states."""
        self.seals.append(Seal(entry, seal.size, bytes.fromhex(seal.root.hex)))

    def find_root(self, size: int) -> bytes:
        """Return the root of the first entries."""
        frontier = Frontier(0, [])
        for leaf_hash in self._hashes[:size]:
            frontier.append(leaf_hash)
        return frontier.root

    def check_root(self, backend: TrustedBackend, head: Remembered) -> None:
        """Check that the log has the root of a head.

        Raises:
            AuditFailed: it has not; the error names the first entry that the head does not cover.
        """
        if self._frontier.root != head.root:
            index = self._find_altered(backend, head)
            raise AuditFailed(
                index=index,
                event="leaf",
                rule="hash",
                reason="it is not the entry that the signed head covers",
            )

    def check_index(self, head: Remembered, location: str) -> None:
        """Check that the index has the root of a head, and had each root that was sealed.

        Raises:
            AuditFailed: a seal states another root or size.
            IndexForked: the root of the head is another one.
            LogInconsistent: a leaf cannot be read.
        """
        if self._unread:
            raise LogInconsistent(reason=f"its index cannot be made anew without entry {self._unread[0]}")
        sizes = sorted({seal.size for seal in self.seals} | {head.size})
        roots = dict(zip(sizes, self._growth.list_roots(sizes, share_nodes), strict=True))
        for seal in self.seals:
            if seal.size != seal.entry or roots[seal.size] != seal.root:
                reason = (
                    f"the index of the {seal.size} entries before it has the root {roots[seal.size].hex()}"
                )
                raise AuditFailed(index=seal.entry, event=IndexSealed.type, rule="seal", reason=reason)
        if roots[head.size] != head.index_root:
            raise IndexForked(location=location, size=head.size)

    def _find_altered(self, backend: TrustedBackend, head: Remembered) -> int:
        """Find the first entry that is another one: up to it, the log is proven to have grown to the head."""
        nodes: dict[Node, bytes] = {}
        frontier = Frontier(0, [])
        for leaf_hash in self._hashes:
            nodes.update(frontier.append(leaf_hash))
        right, wrong = 0, head.size
        while wrong - right > 1:
            size = (right + wrong) // 2
            path = backend.ask(GetGrowth(size=size, until=head.size)).path
            root = read_root(size, lambda asked: {node: nodes[node] for node in asked})
            if verify_consistency(size, head.size, root, head.root, path):
                right = size
            else:
                wrong = size
        return right
