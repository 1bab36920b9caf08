"""Check that a receipt confirms a command: what it proves is what was asked, by us, now."""

from collections.abc import Callable
from contextlib import suppress

from muniment.answers.salts import hash_subjects
from muniment.core.errors import NotFound, NotShown, ProofInvalid, ReceiptMismatch
from muniment.core.receipts import Proof, Receipt
from muniment.core.verbs.verb import Ask, Command, name_of
from muniment.log.index import IndexHead, Posting, Span
from muniment.log.index_proofs import AllProof, verify_all
from muniment.log.tree import hash_leaf


def check_receipt(receipt: Receipt, command: Command, principal: str, size: int) -> None:
    """Check the entry of a receipt, whose proof the caller MUST have checked.

    (0) it says what the command asked
    (1) a new entry is by `principal`
    (2) a new entry is not among the first `size`, which the log had before the command was sent

    If the registry says that nothing was new, an earlier entry must say the same in what lasts, by anybody.
    One of ours that is not among the first `size` has to say all that the command asked: it is what became
    of the command, or of an altered one that was done before it. A receipt does not prove that no later entry
    says otherwise: `check_outcome` does.

    Raises:
        ReceiptMismatch: one of these does not hold.
    """
    fault = _find_fault(receipt, command, principal, size)
    if fault:
        raise _mismatch(receipt, command, fault)


def check_outcome(receipt: Receipt, command: Command, ask: Ask) -> None:
    """Check what an entry does not say: that this was done or, if a command repeats it, that it still stands.

    Raises:
        ReceiptMismatch: more or less was done, or a later entry says otherwise.
    """
    confirm, fault = (
        (command.holds, "does more or less than that")
        if receipt.created
        else (command.stands, "no longer stands")
    )
    with suppress(NotFound, NotShown):
        if confirm(receipt.entry, ask):
            return
    raise _mismatch(receipt, command, fault)


def check_subjects(proof: Proof, head: IndexHead, salt_of: Callable[[str], bytes]) -> None:
    """Check that the index has an entry under each of its subjects, whose inclusion MUST have been checked.

    Otherwise it could be on record, and no question about its subjects would find it (rule 11).

    Raises:
        ProofInvalid: it names other subjects than its event has, or the index leaves it out.
    """
    about = hash_subjects(proof.event, salt_of)
    posting = Posting(proof.index, hash_leaf(proof.leaf))
    if tuple(map(bytes.hex, about)) != proof.entry.about or len(proof.subjects) != len(about):
        raise ProofInvalid(what=f"the subjects of entry {proof.index}")
    for subject, data in zip(about, proof.subjects, strict=True):
        single = AllProof.decode(data, [posting.leaf_hash])
        if verify_all(head, Span.single(subject, proof.index), single) != (posting,):
            raise ProofInvalid(what=f"the subjects of entry {proof.index}")


def _mismatch(receipt: Receipt, command: Command, reason: str) -> ReceiptMismatch:
    event, name = receipt.event.type, name_of(type(command))
    return ReceiptMismatch(command=name, index=receipt.index, event=event, reason=reason)


def _find_fault(receipt: Receipt, command: Command, principal: str, size: int) -> str:
    entry = receipt.entry
    ours_now = entry.actor == principal and entry.index >= size
    if not receipt.created and not command.was_done_by(entry):
        return "says something else"
    if (receipt.created or ours_now) and not command.is_done_by(entry):
        return "says something else"
    if receipt.created and entry.actor != principal:
        return "is by somebody else"
    if receipt.created and entry.index < size:
        return "is older than the command"
    return ""
