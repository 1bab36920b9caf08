"""Proofs of the log's entries and of its growth, against a checkpoint signed for the answer.

A checkpoint is only ever signed over what a read transaction sees, so never over entries that a
crash could still take back.
"""

from muniment.core.errors import EventNotFound, LogInconsistent
from muniment.core.queries import Growth, LogIdentity
from muniment.core.receipts import Proof
from muniment.log.checkpoint import Checkpoint
from muniment.log.proofs import find_root, prove_consistency, prove_inclusion
from muniment.log.tree import hash_leaf, read_root
from muniment.ports.unit import Unit
from muniment.signing.notes import NoteSigner


def prove(unit: Unit, signer: NoteSigner, index: int) -> Proof:
    """Prove an entry.

    Raises:
        EventNotFound: the log is not that long.
    """
    size = unit.log.size()
    if not 0 <= index < size:
        raise EventNotFound(index=index)
    leaf = unit.log.read(index, 1)[0]
    path = prove_inclusion(index, size, unit.log.read_nodes)
    # The path leads to the root: reading the whole right edge again would say the same.
    root = find_root(index, size, hash_leaf(leaf), path)
    if root is None:
        raise LogInconsistent(reason=f"entry {index} has no path to a root")
    return Proof(index=index, leaf=leaf, path=path, checkpoint=_sign(signer, size, root))


def prove_growth(unit: Unit, signer: NoteSigner, old: int, until: int | None) -> Growth:
    """Prove that the log of `until` entries (None: of all) contains what it had at `old`.

    With `until` the caller has the checkpoint already, and gets the path alone. An `old` beyond the
    end has no path: the checkpoint then convicts the log.

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
    return Growth(path=path, checkpoint=_sign(signer, size, read_root(size, unit.log.read_nodes)))


def identify(signer: NoteSigner) -> LogIdentity:
    """Say who answers."""
    return LogIdentity(origin=signer.name, verifier=str(signer.verifier))


def _sign(signer: NoteSigner, size: int, root: bytes) -> bytes:
    return signer.sign(Checkpoint(origin=signer.name, size=size, root=root).encode())
