"""Prove entries of the log and its growth, with a checkpoint signed for the answer.

Only durable states get a checkpoint: after the commit, or as a read transaction sees them. So a checkpoint
never covers entries that a crash could still undo.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from muniment.core.errors import EventNotFound, LogInconsistent
from muniment.core.events import read_entry
from muniment.core.receipts import Proof
from muniment.core.verbs.log import Growth, LogIdentity
from muniment.log.index import Span
from muniment.log.proofs import find_root, prove_consistency, prove_inclusions
from muniment.log.tree import hash_leaf, read_root
from muniment.ports.unit import Unit
from muniment.services.clock import read_last_clock
from muniment.signing.heads import HeadSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Proofs without a checkpoint, to the roots of one log and its index.

    Attributes:
        size, root: those of the log.
        index_root: that of its index.
        newest: the time of the newest entry.
        said: what the clock said at that entry.
        entries: the index and leaf of each entry, and its path in the log.
        subjects: the proofs of each entry from the index (`core.receipts.Proof.subjects`).
    """

    size: int
    root: bytes
    index_root: bytes
    newest: str
    said: str
    entries: tuple[tuple[int, bytes, tuple[bytes, ...]], ...]
    subjects: tuple[tuple[bytes, ...], ...] = ()


def prove(unit: Unit, signer: HeadSigner, index: int, *, subjects: bool = False) -> Proof:
    """Prove an entry. The state of `unit` MUST be durable.

    Raises:
        EventNotFound: the log has no such entry.
    """
    paths = find_whole_paths(unit, [index]) if subjects else find_paths(unit, [index])
    return sign_paths(signer, paths)[0]


def find_whole_paths(unit: Unit, indexes: Sequence[int]) -> Paths:
    """Find the paths that prove entries, and that the index has them. Raises like `prove`."""
    paths = find_paths(unit, indexes)
    subjects = [_prove_subjects(unit, index, leaf) for index, leaf, _ in paths.entries]
    return replace(paths, subjects=tuple(subjects))


def _prove_subjects(unit: Unit, index: int, leaf: bytes) -> tuple[bytes, ...]:
    about = map(bytes.fromhex, read_entry(leaf, index).about)
    return tuple(unit.index.prove_all(Span.single(subject, index)).encode() for subject in about)


def find_paths(unit: Unit, indexes: Sequence[int]) -> Paths:
    """Find the paths that prove entries. Raises like `prove`."""
    size = unit.log.size()
    if not indexes:
        return Paths(size=size, root=b"", index_root=b"", newest="", said="", entries=())
    for index in indexes:
        if not 0 <= index < size:
            raise EventNotFound(index=index)
    leaves = unit.log.pick(indexes)
    paths = prove_inclusions(indexes, size, unit.log.read_nodes)
    # The paths already lead to the root, so the right edge need not be read again.
    entries = tuple(zip(indexes, leaves, paths, strict=True))
    roots = {find_root(index, size, hash_leaf(leaf), path) for index, leaf, path in entries}
    root = roots.pop()
    if root is None or roots:
        raise LogInconsistent(reason=f"the entries {min(indexes)} to {max(indexes)} do not lead to one root")
    return Paths(
        size=size,
        root=root,
        index_root=read_index(unit),
        newest=unit.log.last_time(),
        said=read_last_clock(unit.log),
        entries=entries,
    )


def sign_paths(signer: HeadSigner, paths: Paths) -> list[Proof]:
    """Prove entries with one checkpoint. The state of the paths MUST be durable."""
    if not paths.entries:
        return []
    checkpoint = signer.sign(paths.size, paths.root, paths.index_root, paths.newest, paths.said)
    subjects = paths.subjects or ((),) * len(paths.entries)
    return [
        Proof(index=index, leaf=leaf, path=path, checkpoint=checkpoint, subjects=proofs)
        for (index, leaf, path), proofs in zip(paths.entries, subjects, strict=True)
    ]


def prove_growth(unit: Unit, signer: HeadSigner, old: int, until: int | None) -> Growth:
    """Prove that the log of `until` entries (None: all) contains the log of `old` entries.

    With `until`, the caller already has the checkpoint and gets only the path. An `old` beyond the end has
    no path: the checkpoint then proves that the log was rolled back.

    Raises:
        EventNotFound: the log never had `until` entries.
    """
    size = unit.log.size()
    if until is not None and not 0 <= until <= size:
        raise EventNotFound(index=until)
    end = size if until is None else until
    path = prove_consistency(old, end, unit.log.read_nodes) if 0 <= old <= end else ()
    if until is not None:
        return Growth(path=path, checkpoint=None)
    root, said = read_root(size, unit.log.read_nodes), read_last_clock(unit.log)
    checkpoint = signer.sign(size, root, read_index(unit), unit.log.last_time(), said)
    return Growth(path=path, checkpoint=checkpoint)


def read_index(unit: Unit) -> bytes:
    """Return the root of the index.

    Raises:
        LogInconsistent: it does not cover the log.
    """
    head, size = unit.index.head(), unit.log.size()
    if head.size != size:
        raise LogInconsistent(reason=f"its index covers {head.size} of {size} entries")
    return head.root


def identify(signer: HeadSigner) -> LogIdentity:
    """Return the identity of the log."""
    return LogIdentity(origin=signer.key.name, verifier=str(signer.key.verifier))
