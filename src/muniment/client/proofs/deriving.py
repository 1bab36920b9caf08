"""Derive an answer from its basis: check every part, then compute the answer as the registry does.

(0) the log's key signed the head, and it is acceptable after what was seen (`trust`)
(1) each entry is in the log of the head
(2) the first entry binds the salt of the registry, and the creation of a namespace the salt of the namespace
(3) for each subject, hashed with the salt of its realm, the index of the head names exactly the entries that
    are listed: the newest, all, or none; and each of them says itself that it is about the subject
(4) a text has the digest that an entry names
(5) records are folded from these entries alone, and nothing is looked up that is not listed
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, TypeVar, cast

from muniment.answers.places import find_asked, find_place
from muniment.answers.salts import read_salt
from muniment.answers.view import Documents
from muniment.core.basis import Basis, Held, Listed
from muniment.core.errors import AnswerIncomplete, IndexMalformed, ProofInvalid
from muniment.core.events import Entry, NamespaceCreated, RegistryCreated, Subject, SubjectKind, read_entry
from muniment.core.people.roles import EVERYWHERE
from muniment.core.records import Key, Put, Record, Where
from muniment.log.index import Posting, Span, subject_hash
from muniment.log.index_proofs import AllProof, NewestProof, verify_all, verify_newest
from muniment.log.proofs import verify_inclusion
from muniment.log.tree import hash_leaf
from muniment.signing.heads import Head

R = TypeVar("R", bound=Record)

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class ProvenView:
    """A view of what a basis proves; looking up anything else is refused."""

    def __init__(self, basis: Basis, head: Head, documents: Documents) -> None:
        """Check a basis against its head, which the caller MUST have accepted.

        Raises:
            ProofInvalid, IndexMalformed, AnswerIncomplete: a part is not proven, or is missing.
            InvalidDocument: an entry cannot be read.
        """
        proven = _Checker(basis, head).check()
        self.projections = ProvenRecords(proven)
        self.payloads = ProvenTexts({str(payload.digest): payload.text for payload in basis.texts})
        entries = {entry.index: entry for told in proven.values() for entry in told.entries}
        self.log = ProvenTimes(head.size, [entries[index] for index in sorted(entries)])
        self.blobs = documents

    @property
    def lineage(self) -> None:
        """Lineage is found, not proven."""
        return


@dataclass
class Told:
    """The entries about a subject that the index names: the newest one, or all."""

    newest: bool
    entries: tuple[Entry, ...]

    @cached_property
    def records(self) -> Mapping[type[Record], Mapping[Key, Record]]:
        """The records that they make, as they amend them."""
        return fold(self.entries)


def fold(entries: Iterable[Entry]) -> dict[type[Record], dict[Key, Record]]:
    """Fold entries into records, by kind and key. What amends the record of another entry is left out."""
    tables: dict[type[Record], dict[Key, Record]] = {}
    for entry in entries:
        for change in entry.fold():
            if isinstance(change, Put):
                tables.setdefault(type(change.record), {})[change.record.identity()] = change.record
            elif change.key in tables.get(change.kind, {}):
                tables[change.kind][change.key] = change.amend(tables[change.kind][change.key])
    return tables


class ProvenRecords:
    """The records that proven entries make."""

    def __init__(self, told: Mapping[Subject, Told]) -> None:
        """Look records up under their subjects."""
        self._told = told

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find the record with a primary key.

        Raises:
            AnswerIncomplete: not all entries about its subject are listed.
        """
        subject = find_place(kind, key)
        told = None if subject is None else self._told.get(subject)
        if told is None or (told.newest and told.entries):
            raise AnswerIncomplete(what=f"{kind.table} of {subject.name if subject else key}")
        return cast("R | None", told.records.get(kind, {}).get(key))

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List the records that meet all conditions, ordered by a column.

        Raises:
            AnswerIncomplete: their subject is not listed, or only the newest entry about it.
        """
        asked = find_asked(kind, conditions, newest=descending and limit == 1)
        told = None if asked is None else self._told.get(asked.subject)
        if asked is None or told is None:
            raise AnswerIncomplete(what=f"{kind.table} of {asked.subject.name if asked else 'everything'}")
        records = cast("Iterable[R]", told.records.get(kind, {}).values())
        # The newest entry tells the newest record, if it makes one; then there is no other to be told.
        if told.newest and told.entries and not (asked.newest and records):
            raise AnswerIncomplete(what=f"{kind.table} of {asked.subject.name}")
        met = [record for record in records if all(condition.holds(record) for condition in conditions)]
        return sorted(met, key=lambda record: cast("int", getattr(record, order)), reverse=descending)[:limit]


class ProvenTexts:
    """Texts by their digests, computed here; what the registry did not send counts as erased."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take texts by digest."""
        self._texts = texts

    def find(self, digest: str) -> str | None:
        """Find a text."""
        return self._texts.get(digest)


class ProvenTimes:
    """The log as a clock, as far as its entries are known: times ascend with the entries."""

    def __init__(self, size: int, entries: Sequence[Entry]) -> None:
        """Take the size of the log, and the known entries, ascending."""
        self._size = size
        self._entries = entries

    def size(self) -> int:
        """Count the leaves."""
        return self._size

    def last_time(self) -> str:
        """Return the time of the newest known entry."""
        return self._entries[-1].time if self._entries else ""

    def count_until(self, time: str) -> int:
        """Return a size between the known entries until a time and those after it."""
        return max((entry.index + 1 for entry in self._entries if entry.time <= time), default=0)


class _Leaf(NamedTuple):
    """An entry of the log, and the hash of its leaf."""

    entry: Entry
    hash: bytes


class _Checker:
    """Checks a basis, part by part; the numbers are those of this module."""

    def __init__(self, basis: Basis, head: Head) -> None:
        self._head = head
        self._held = basis.entries
        self._texts = {str(payload.digest): payload.text for payload in basis.texts}
        # Rule 1.
        self._leaves = {held.index: _read_leaf(held, head) for held in basis.entries}
        self._listed = {Subject(SubjectKind(one.kind), one.name): one for one in basis.subjects}
        self._salts: dict[str, bytes | None] = {}

    def check(self) -> dict[Subject, Told]:
        """Check the texts, and what is listed of each subject."""
        # Rule 4.
        named = {digest for held in self._held for digest in _DIGEST.findall(held.leaf.decode())}
        if not named.issuperset(self._texts):
            raise ProofInvalid(what="a text, which no entry names")
        return {subject: self._check(subject, listed) for subject, listed in self._listed.items()}

    def _check(self, subject: Subject, listed: Listed) -> Told:
        leaves = [self._leaf(index) for index in listed.entries]
        salt = self._salt_of(subject.realm)
        if salt is None:
            # Nothing is in a namespace that was never created.
            if leaves:
                raise ProofInvalid(what=f"the entries about {subject.name}")
            return Told(listed.newest, ())
        # Rule 3.
        hashed = subject_hash(salt, subject.kind, subject.name)
        named = _read_postings(self._head, hashed, listed, [leaf.hash for leaf in leaves])
        if named != [Posting(leaf.entry.index, leaf.hash) for leaf in leaves]:
            raise ProofInvalid(what=f"the entries about {subject.name}")
        if not all(
            hashed.hex() in leaf.entry.about and subject in leaf.entry.event.subjects() for leaf in leaves
        ):
            raise ProofInvalid(what=f"the entries about {subject.name}")
        return Told(listed.newest, tuple(leaf.entry for leaf in leaves))

    def _salt_of(self, realm: str) -> bytes | None:
        """Find the salt of a realm; None for a namespace that was never created."""
        if realm not in self._salts:
            self._salts[realm] = self._read_salt(realm)
        return self._salts[realm]

    def _read_salt(self, realm: str) -> bytes | None:
        # Rule 2.
        if realm == EVERYWHERE:
            event = self._leaf(0).entry.event
        else:
            creation = Subject(SubjectKind.CREATION, realm)
            if creation not in self._listed:
                raise AnswerIncomplete(what=f"the creation of {realm}")
            told = self._check(creation, self._listed[creation])
            if not told.entries:
                return None
            # With a second salt, a registry could show that nothing is in a namespace.
            if told.newest or len(told.entries) > 1:
                raise ProofInvalid(what=f"the salt of {realm}, which is not the first one")
            event = told.entries[0].event
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
    return _Leaf(read_entry(held.leaf, held.index), hashed)


def _read_postings(head: Head, hashed: bytes, listed: Listed, leaf_hashes: Sequence[bytes]) -> list[Posting]:
    """List the entries about a subject that the index proves: the newest, all, or none."""
    if listed.newest:
        newest = verify_newest(head.index, hashed, NewestProof.decode(listed.proof))
        return [] if newest is None else [newest]
    if len(listed.entries) > head.size:
        raise IndexMalformed(reason="it lists more entries than the log has")
    return list(verify_all(head.index, Span(hashed), AllProof.decode(listed.proof, leaf_hashes)))
