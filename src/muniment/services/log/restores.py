"""Restores of the registry to an older state: declare that entries are lost, and list what was declared."""

from collections.abc import Sequence

from muniment.answers.salts import find_salt
from muniment.core.basis import Held
from muniment.core.digests import Digest
from muniment.core.errors import InvalidOption, LogInconsistent
from muniment.core.events import Entry, RegistryRestored, read_entry
from muniment.core.events.subjects import RESTORES
from muniment.core.payloads import Payload, need_reason
from muniment.core.people.roles import EVERYWHERE
from muniment.core.verbs.log import GetRestores, Restores
from muniment.log.index import Span, subject_hash
from muniment.log.index_proofs import AllProof
from muniment.log.tree import read_root
from muniment.ports.unit import Unit
from muniment.services.log.proofs import find_paths
from muniment.services.people.reading import Reading
from muniment.services.transaction import Transaction
from muniment.signing.restores import sign_restore


def declare_restore(tx: Transaction, lost_after: int, reason: Payload) -> int:
    """Declare that the entries from `lost_after` on, which clients may have seen, are lost; return the entry.

    The registry itself does it, with the key of the log; the caller MUST be its operator. It is done after
    an older state was put back, of which `lost_after` entries are the same as before.

    Raises:
        InvalidOption: the log never had so many entries.
        ReasonNeeded: the reason is blank.
    """
    check_lost_after(lost_after, tx.unit.log.size())
    root = Digest(read_root(lost_after, tx.unit.log.read_nodes).hex())
    tx.unit.payloads.put(need_reason(reason, "a restore"))
    earlier = _indexes_of(_prove_restores(tx.unit))
    return tx.record(
        sign_restore(
            tx.keys.log,
            lost_after=lost_after,
            root=root,
            time=tx.log_time,
            reason=reason.digest,
            previous=earlier[-1] if earlier else None,
        )
    )


def check_lost_after(lost_after: int, size: int) -> None:
    """Check that so many entries can be left of a log.

    Raises:
        InvalidOption: the log never had so many entries.
    """
    if not 0 < lost_after <= size:
        told = f"must be from 1 to {size}, the number of entries in the log; got {lost_after}"
        raise InvalidOption(option="lost_after", reason=told)


def list_restores(unit: Unit) -> list[Entry]:
    """List the entries that declare a restore, oldest first."""
    indexes = _indexes_of(_prove_restores(unit))
    return [read_entry(leaf, index) for index, leaf in zip(indexes, unit.log.pick(indexes), strict=True)]


def get_restores(reading: Reading, _query: GetRestores) -> Restores:
    """Prove every entry that declares a restore. Anybody may know: anybody may have seen what is lost."""
    unit = reading.unit
    proof = _prove_restores(unit)
    # The first entry leads to the root of the log where there are no restores.
    paths = find_paths(unit, sorted({0, *_indexes_of(proof)}))
    entries = [Held(index=index, leaf=leaf, path=path) for index, leaf, path in paths.entries[1:]]
    reasons = (unit.payloads.pick(_reason_of(held)) for held in entries)
    return Restores(
        head=reading.signer.sign(paths.size, paths.root, paths.index_root, paths.newest, paths.said),
        entries=tuple(entries),
        proof=proof.encode() if entries else b"",
        texts=tuple(text for text in reasons if text is not None),
    )


def _prove_restores(unit: Unit) -> AllProof:
    """Find the entries in the index, ascending, and prove that they are all."""
    salt = find_salt(unit, EVERYWHERE)
    if salt is None:
        raise LogInconsistent(reason="the salt of the registry is missing")
    hashed = subject_hash(salt, RESTORES.kind, RESTORES.name)
    return unit.index.prove_all(Span(hashed))


def _indexes_of(proof: AllProof) -> Sequence[int]:
    return [posting.entry for posting in proof.postings]


def _reason_of(held: Held) -> str:
    event = read_entry(held.leaf, held.index).event
    return str(event.reason) if isinstance(event, RegistryRestored) else ""
