"""One entry of the log, proven, as a view."""

from muniment.client.proofs.naming import find_names
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.versions.showing import make_seal
from muniment.core.counting import count
from muniment.core.errors import NotFound, NotShown
from muniment.core.events import write_entry
from muniment.core.naming import find_ids
from muniment.core.receipts import Proof
from muniment.core.verbs.log import GetProof
from muniment.views.entry import view_entry
from muniment.views.view import View


def show_entry(backend: TrustedBackend, index: int) -> View:
    """Show an entry of the log.

    Raises:
        NotShown: there is none that we may read.
        ProofInvalid: it is not in the log, or the index leaves it out.
    """
    proof, is_indexed = _prove(backend, index)
    entry = proof.entry
    checked = [f"its place in the log, by {count(len(proof.path), 'hash')}"]
    left = ["that it is true: muniment audit verify"]
    if is_indexed:
        checked.append("that the index has it under each of its subjects")
    else:
        left.append("that the index has it: we may not read the salt of its subjects")
    names = find_names(backend, find_ids([write_entry(entry).decode()]))
    seal = make_seal(backend, tuple(checked), tuple(left))
    return view_entry(entry, names, seal, backend.time(), is_indexed=is_indexed)


def _prove(backend: TrustedBackend, index: int) -> tuple[Proof, bool]:
    try:
        return backend.ask(GetProof(index=index, subjects=True)), True
    except (NotFound, NotShown):
        # Not everybody may read the salt that its subjects are hashed with.
        return backend.ask(GetProof(index=index)), False
