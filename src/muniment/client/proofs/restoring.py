"""Restores of a registry to an older state, as a client that saw the lost entries takes them.

A registry that was put back to an older state looks like one that removed history. What tells them apart is a
declaration in its log, signed by the key of the log (`signing.restores`). It counts if

(0) its entry is in the log of a head that the log's key signed
(1) the log's key signed the declaration, and the entry before it that it names is the one before it: so a
    server without the key can neither make one nor leave out an earlier one
(2) the log that was left, of `lost_after` entries, is the beginning of the present log
(3) it is not older than what was seen, which would contain it otherwise, and was not accepted before
(4) entries that were seen are lost, and what was seen of those before them is still there
(5) the index of that head has these declarations and no others, so the last one is not left out either

That there are none at all could be proven only with the salt of the registry, which not everybody has. Then
nothing is explained, and who saw more refuses the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from muniment.client.proofs.memory import Recollection, Remembered
from muniment.core.backend import Backend
from muniment.core.basis import Held
from muniment.core.errors import InvalidDocument, MunimentError, ProofInvalid, Unavailable
from muniment.core.events import Entry, read_entry
from muniment.core.times import read_time
from muniment.core.verbs.log import GetGrowth, GetRestores, Restores
from muniment.log.index import Span
from muniment.log.index_proofs import AllProof, verify_all
from muniment.log.proofs import verify_consistency, verify_inclusion
from muniment.log.tree import hash_leaf
from muniment.signing.heads import Head, open_head
from muniment.signing.notes import NoteVerifier
from muniment.signing.restores import check_restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """A restore that a registry declares, proven.

    Attributes:
        index: the entry of the log that declares it.
        lost_after: how many entries were left: those that it had from this index on are lost.
        time: when it was declared (RFC 3339).
        reason: the reason; None once erased.
    """

    index: int
    lost_after: int
    root: bytes
    time: str
    reason: str | None
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What is lost of what was seen: the entries from `lost_after` on, up to those of `seen`.

    Attributes:
        seen: the newest head that was seen.
        kept: the remembered heads that remain.
        head: a head of the restored log.
        restores: the declarations.
    """

    lost_after: int
    seen: Remembered
    kept: tuple[Remembered, ...]
    head: Remembered
    restores: tuple[Restore, ...]

    @property
    def time(self) -> str:
        """When it was declared last."""
        return self.restores[-1].time

    @property
    def reason(self) -> str:
        """Why, as far as the reasons were not erased."""
        return "; ".join(restore.reason or "the reason was erased" for restore in self.restores)


def check_restores(answer: Restores, backend: Backend, verifier: NoteVerifier) -> tuple[Head, list[Restore]]:
    """Check the declared restores; return them and the head of their log, which the caller MUST check.

    Raises:
        ProofInvalid, IndexMalformed: one of them is not proven, or is left out.
    """
    head = open_head(answer.head, verifier)
    texts = {str(payload.digest): payload.text for payload in answer.texts}
    entries = [_read(held, head) for held in answer.entries]
    _check_whole(answer, entries, head)
    restores: list[Restore] = []
    for held, entry in zip(answer.entries, entries, strict=True):
        # Rule 1.
        event = check_restore(entry, verifier)
        if event.previous != (restores[-1].index if restores else None):
            raise ProofInvalid(what="a restore")
        # Rule 2.
        root = bytes.fromhex(event.root.hex)
        if not _extends(backend, event.lost_after, root, head):
            raise ProofInvalid(what="a restore")
        restores.append(
            Restore(
                index=held.index,
                lost_after=event.lost_after,
                root=root,
                time=entry.time,
                reason=texts.get(str(event.reason)),
                signature=event.signature,
            )
        )
    return head, restores


def _read(held: Held, head: Head) -> Entry:
    # Rule 0.
    if not verify_inclusion(held.index, head.size, hash_leaf(held.leaf), held.path, head.root):
        raise ProofInvalid(what="a restore")
    try:
        return read_entry(held.leaf, held.index)
    except (ValueError, InvalidDocument) as error:
        raise ProofInvalid(what="a restore") from error


def _check_whole(answer: Restores, entries: Sequence[Entry], head: Head) -> None:
    """Check that the entries are all about the subject that they have in common."""
    if not entries:
        return
    # Rule 5. The first subject is that of the registry, which many entries are about.
    subjects = {entry.about[1:] for entry in entries}
    if len(subjects) != 1 or len(subject := subjects.pop()) != 1:
        raise ProofInvalid(what="the list of restores")
    proof = AllProof.decode(answer.proof, [hash_leaf(held.leaf) for held in answer.entries])
    proven = verify_all(head.index, Span(bytes.fromhex(subject[0])), proof)
    if [posting.entry for posting in proven] != [held.index for held in answer.entries]:
        raise ProofInvalid(what="the list of restores")


def find_loss(backend: Backend, verifier: NoteVerifier, known: Recollection) -> Loss | None:
    """Find out which entries that were seen a restore has lost; None if none explains a difference.

    Raises:
        Unavailable: the registry does not answer.
    """
    if not known.heads:
        return None
    try:
        head, restores = check_restores(backend.ask(GetRestores()), backend, verifier)
        return _find_loss(backend, known, Remembered.of(str(verifier), head), restores)
    except Unavailable:
        raise
    except MunimentError:
        # A declaration that proves nothing explains nothing.
        return None


def _find_loss(
    backend: Backend, known: Recollection, head: Remembered, restores: Sequence[Restore]
) -> Loss | None:
    seen = known.heads[-1]
    accepted = {signature for restore in known.restores for signature in restore.signatures}
    # Rules 3 and 4.
    new = [
        restore
        for restore in restores
        if restore.lost_after < seen.size
        and int(read_time(restore.time).timestamp()) >= seen.time
        and restore.signature not in accepted
    ]
    if not new or (seen.size <= head.size and _extends(backend, seen.size, seen.root, head)):
        return None
    lost_after = min(restore.lost_after for restore in new)
    kept = tuple(one for one in known.heads if one.size <= lost_after)
    if kept and not _extends(backend, kept[-1].size, kept[-1].root, head):
        return None
    return Loss(lost_after=lost_after, seen=seen, kept=kept, head=head, restores=tuple(new))


def _extends(backend: Backend, size: int, root: bytes, head: "Head | Remembered") -> bool:
    """Return whether a log begins with the log of `size` entries that has a root."""
    if not 0 < size <= head.size:
        return False
    path = backend.ask(GetGrowth(size=size, until=head.size)).path
    return verify_consistency(size, head.size, root, head.root, path)
