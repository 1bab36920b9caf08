"""Derive an answer from its basis: check every part, then compute the answer as the registry does.

(0) the log's key signed the head, and it is acceptable after what was seen (`trust`)
(1) each entry is in the log of the head
(2) the first entry binds the salt of the registry, and the creation of a namespace the salt of the namespace
(3) for each subject, hashed with the salt of its realm, the index of the head names exactly the entries that
    are listed: the newest, all in a span of the log, or none; and each of them says that it is about the
    subject
(4) a text has the digest that an entry names
(5) records are folded from these entries alone, and nothing is looked up that is not listed
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from muniment.answers.folding import WHOLE, FoldedRecords, History, Past
from muniment.answers.salts import read_salt
from muniment.answers.view import Documents
from muniment.core.basis import Basis, Held, Listed
from muniment.core.errors import AnswerIncomplete, IndexMalformed, ProofInvalid
from muniment.core.events import Entry, NamespaceCreated, RegistryCreated, Subject, SubjectKind, read_entry
from muniment.core.people.roles import EVERYWHERE
from muniment.log.index import Posting, Span, subject_hash
from muniment.log.index_proofs import AllProof, NewestProof, verify_all, verify_newest
from muniment.log.proofs import verify_inclusion
from muniment.log.tree import hash_leaf
from muniment.signing.heads import Head

_NOTHING: Final[Mapping[Subject, History]] = {}
_WIDEST: Final = WHOLE.bit_length() - 1
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class ProvenView:
    """A view of what a basis proves; looking up anything else is refused.

    Attributes:
        proven: the entries about each subject.
        entries: all entries that are proven, ascending.
        salts: those of the realms that the basis is about.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that a check depends on
        self,
        basis: Basis,
        head: Head,
        documents: Documents,
        past: Past | None = None,
        known: Mapping[Subject, History] = _NOTHING,
        paged: Subject | None = None,
    ) -> None:
        """Check a basis against its head, which the caller MUST have accepted; with `past`, as of then.

        `known` are lists that were proven whole before, under a head that this one extends. Only of `paged`,
        a span of the log may be listed.

        Raises:
            ProofInvalid, IndexMalformed, AnswerIncomplete: a part is not proven, or is missing.
            InvalidDocument: an entry cannot be read.
        """
        checker = _Checker(basis, head, known, paged)
        proven = checker.check()
        self.entries = checker.entries
        self.salts = {realm: salt for realm, salt in checker.salts.items() if salt is not None}
        then = proven if past is None else {one: history.until(past) for one, history in proven.items()}
        self.projections = FoldedRecords(then.get)
        self.proven = proven
        self.payloads = ProvenTexts({str(payload.digest): payload.text for payload in basis.texts})
        self.blobs = documents

    @property
    def lineage(self) -> None:
        """Lineage is found, not proven."""
        return


class ProvenTexts:
    """Texts by their digests, computed here; what the registry did not send counts as erased."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take texts by digest."""
        self._texts = texts

    def find(self, digest: str) -> str | None:
        """Find a text."""
        return self._texts.get(digest)


class _Leaf(NamedTuple):
    """An entry of the log, the hash of its leaf, and the digests that it names."""

    entry: Entry
    hash: bytes
    digests: frozenset[str]


class _Checker:
    """Checks a basis, part by part; the numbers are those of this module."""

    def __init__(
        self, basis: Basis, head: Head, known: Mapping[Subject, History], paged: Subject | None
    ) -> None:
        self._head = head
        self._known = known
        self._paged = paged
        self._texts = {str(payload.digest): payload.text for payload in basis.texts}
        # Rule 1.
        self._leaves = {held.index: _read_leaf(held, head) for held in basis.entries}
        self._listed = {Subject(SubjectKind(one.kind), one.name): one for one in basis.subjects}
        self.salts: dict[str, bytes | None] = {}

    @property
    def entries(self) -> list[Entry]:
        """List the entries, ascending."""
        return [self._leaves[index].entry for index in sorted(self._leaves)]

    def check(self) -> dict[Subject, History]:
        """Check the texts, and what is listed of each subject."""
        # Rule 4.
        named = {digest for leaf in self._leaves.values() for digest in leaf.digests}
        for subject in self._listed.keys() & self._known.keys():
            named |= self._known[subject].digests
        if not named.issuperset(self._texts):
            raise ProofInvalid(what="a text, which no entry names")
        return {subject: self._check(subject, listed) for subject, listed in self._listed.items()}

    def _check(self, subject: Subject, listed: Listed) -> History:
        leaves = [self._leaf(index) for index in listed.entries]
        if subject != self._paged and (listed.start, listed.width) != (0, _WIDEST):
            raise IndexMalformed(reason="it lists a span of the log, and all of it was asked for")
        if listed.width > _WIDEST:
            raise IndexMalformed(reason="a span is wider than the log")
        end = listed.start + (1 << listed.width)
        salt = self._salt_of(subject.realm)
        if salt is None:
            # Nothing is in a namespace that was never created.
            if leaves:
                raise ProofInvalid(what=f"the entries about {subject.name}")
            return History(listed.newest, (), start=listed.start, end=end)
        # Rule 3.
        hashed = subject_hash(salt, subject.kind, subject.name)
        named = _read_postings(self._head, hashed, listed, [leaf.hash for leaf in leaves])
        if named != [Posting(leaf.entry.index, leaf.hash) for leaf in leaves]:
            raise ProofInvalid(what=f"the entries about {subject.name}")
        if not all(
            hashed.hex() in leaf.entry.about and subject in leaf.entry.event.subjects() for leaf in leaves
        ):
            raise ProofInvalid(what=f"the entries about {subject.name}")
        history = History(
            listed.newest, tuple(leaf.entry for leaf in leaves), _join(leaves), listed.start, end
        )
        # A list that was whole is whole as long as nothing came after its last entry.
        known = self._known.get(subject)
        return (
            known
            if known is not None and history.newest and history.entries == known.entries[-1:]
            else history
        )

    def _salt_of(self, realm: str) -> bytes | None:
        """Find the salt of a realm; None for a namespace that was never created."""
        if realm not in self.salts:
            self.salts[realm] = self._read_salt(realm)
        return self.salts[realm]

    def _read_salt(self, realm: str) -> bytes | None:
        # Rule 2.
        if realm == EVERYWHERE:
            event = self._leaf(0).entry.event
        else:
            creation = Subject(SubjectKind.CREATION, realm)
            if creation not in self._listed:
                raise AnswerIncomplete(what=f"the creation of {realm}")
            history = self._check(creation, self._listed[creation])
            # With a second salt, a registry could show that nothing is in a namespace.
            if not history.is_whole or len(history.entries) > 1:
                raise ProofInvalid(what=f"the salt of {realm}, which is not the first one")
            if not history.entries:
                return None
            event = history.entries[0].event
        if not isinstance(event, RegistryCreated | NamespaceCreated):
            raise ProofInvalid(what="the salt of a namespace")
        text = self._texts.get(str(event.salt))
        if text is None:
            raise AnswerIncomplete(what="the salt of a namespace")
        return read_salt(text)

    def _leaf(self, index: int) -> _Leaf:
        if index not in self._leaves:
            raise AnswerIncomplete(what=f"entry {index}")
        return self._leaves[index]


def _read_leaf(held: Held, head: Head) -> _Leaf:
    hashed = hash_leaf(held.leaf)
    if not verify_inclusion(held.index, head.size, hashed, held.path, head.root):
        raise ProofInvalid(what=f"entry {held.index}")
    digests = frozenset(_DIGEST.findall(held.leaf.decode()))
    return _Leaf(read_entry(held.leaf, held.index), hashed, digests)


def _join(leaves: Sequence[_Leaf]) -> frozenset[str]:
    return frozenset().union(*(leaf.digests for leaf in leaves))


def _read_postings(head: Head, hashed: bytes, listed: Listed, leaf_hashes: Sequence[bytes]) -> list[Posting]:
    """List the entries about a subject that the index proves: the newest, all, or none."""
    if listed.newest:
        newest = verify_newest(head.index, hashed, NewestProof.decode(listed.proof))
        return [] if newest is None else [newest]
    if len(listed.entries) > head.size:
        raise IndexMalformed(reason="it lists more entries than the log has")
    span = Span(hashed, listed.start, listed.width)
    return list(verify_all(head.index, span, AllProof.decode(listed.proof, leaf_hashes)))
