"""Proofs of the log's entries and of its growth, against a checkpoint signed for the answer.

A checkpoint is only ever signed over what a read transaction sees, so never over entries that a
crash could still take back.
"""

from muniment.core.errors import EventNotFound
from muniment.core.queries import Growth, LogIdentity
from muniment.core.receipts import Proof
from muniment.log.checkpoint import Checkpoint
from muniment.log.proofs import prove_consistency, prove_inclusion
from muniment.log.tree import read_root
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
    return Proof(
        index=index,
        leaf=unit.log.read(index, 1)[0],
        path=prove_inclusion(index, size, unit.log.read_nodes),
        checkpoint=_sign(unit, signer, size),
    )


def prove_growth(unit: Unit, signer: NoteSigner, old: int, until: int | None) -> Growth:
    """Prove that the log of `until` entries (None: of all) contains what it had at `old`.

    An `old` beyond the end has no path: the checkpoint then convicts the log.

    Raises:
        EventNotFound: the log never had `until` entries.
    """
    size = unit.log.size()
    if until is not None and not 0 <= until <= size:
        raise EventNotFound(index=until)
    end = size if until is None else until
    path = prove_consistency(old, end, unit.log.read_nodes) if 0 <= old <= end else ()
    return Growth(path=path, checkpoint=_sign(unit, signer, end))


def identify(signer: NoteSigner) -> LogIdentity:
    """Say who answers."""
    return LogIdentity(origin=signer.name, verifier=str(signer.verifier))


def _sign(unit: Unit, signer: NoteSigner, size: int) -> bytes:
    root = read_root(size, unit.log.read_nodes)
    return signer.sign(Checkpoint(origin=signer.name, size=size, root=root).encode())
