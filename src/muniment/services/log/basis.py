"""The basis of an answer: note what the answer depends on while it is computed, and prove that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from muniment.answers.folding import Past
from muniment.answers.places import find_asked, find_place
from muniment.answers.salts import find_salt
from muniment.answers.view import Records, Texts, View
from muniment.core.basis import Basis, Held, Known, Listed
from muniment.core.errors import AnswerIncomplete
from muniment.core.events import Subject, SubjectKind, read_entry
from muniment.core.people.roles import EVERYWHERE
from muniment.core.records import Key, NamespaceRecord, Put, Record, Where
from muniment.log.index import Span, subject_hash
from muniment.ports.unit import Unit
from muniment.services.log.proofs import find_paths
from muniment.signing.heads import HeadSigner

R = TypeVar("R", bound=Record)


@dataclass
class Needs:
    """What an answer depends on.

    Attributes:
        newest: the kinds of which only the newest record about a subject was asked.
        whole: the subjects of which more was asked.
        pages: the subjects of which a page was asked: the index that it starts at, and its length.
        texts: the digests of the typed texts.
    """

    newest: dict[Subject, set[type[Record]]] = field(default_factory=dict)
    whole: set[Subject] = field(default_factory=set)
    pages: dict[Subject, tuple[int, int]] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)


class NotingView:
    """A view of what can be proven, which notes what is looked up in it.

    It has no lineage, which is found, and leads to what the caller may not see.
    """

    lineage: None = None

    def __init__(self, view: View, sees: Callable[[str], bool]) -> None:
        """Look into another view, for a caller who sees some namespaces."""
        self.needs = Needs()
        self.projections = _NotingRecords(view.projections, self.needs, sees)
        self.payloads = _NotingTexts(view.payloads, self.needs)
        self.blobs = view.blobs


@dataclass
class _NotingRecords:
    """Records that note which are asked for."""

    records: Records
    needs: Needs
    sees: Callable[[str], bool]

    def find(self, kind: type[R], key: Key) -> R | None:
        """Find a record."""
        subject = find_place(kind, key)
        if subject is not None:
            self._check_seen(subject)
            self.needs.whole.add(subject)
        return self.records.find(kind, key)

    def select(
        self,
        kind: type[R],
        *conditions: Where,
        order: str = "index",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[R]:
        """List records."""
        asked = find_asked(kind, conditions, newest=descending and limit == 1)
        if asked is not None:
            self._check_seen(asked.subject)
        if asked is not None and asked.newest:
            self.needs.newest.setdefault(asked.subject, set()).add(kind)
        elif asked is not None:
            self.needs.whole.add(asked.subject)
        return self.records.select(kind, *conditions, order=order, descending=descending, limit=limit)

    def _check_seen(self, subject: Subject) -> None:
        """Stop where the caller, who computes the answer alike, will stop.

        Raises:
            AnswerIncomplete: it is in a namespace that the caller does not see.
        """
        if not (subject.realm == EVERYWHERE or self.sees(subject.realm)):
            raise AnswerIncomplete(what=f"what is in {subject.realm}")


@dataclass
class _NotingTexts:
    """Texts that note which are asked for."""

    texts: Texts
    needs: Needs

    def find(self, digest: str) -> str | None:
        """Find a text."""
        self.needs.texts.add(digest)
        return self.texts.find(digest)


def make_basis(
    unit: Unit,
    signer: HeadSigner,
    needs: Needs,
    past: Past | None = None,
    known: Sequence[Known] = (),
) -> Basis:
    """Prove what an answer depends on, now or in the past, except for lists that the caller knows.

    The state of `unit` MUST be durable.
    """
    subjects = sorted({*needs.whole, *needs.newest, *needs.pages})
    realms = sorted({subject.realm for subject in subjects} - {EVERYWHERE})
    lister = _Lister(unit, known)
    listed = [lister.list_all(Subject(SubjectKind.CREATION, realm)) for realm in realms]
    for subject in subjects:
        if subject in needs.whole:
            listed.append(lister.list_all(subject))
        elif subject in needs.pages:
            listed.append(lister.list_page(subject, *needs.pages[subject]))
        else:
            listed.append(lister.list_newest(subject, needs.newest[subject], past))
    paths = find_paths(unit, sorted({0, *(index for one in listed for index in one.entries)}))
    digests = sorted(needs.texts | {record.salt for record in lister.namespaces if record is not None})
    return Basis(
        head=signer.sign(paths.size, paths.root, paths.index_root, paths.newest, paths.said),
        subjects=tuple(listed),
        entries=tuple(Held(index=index, leaf=leaf, path=path) for index, leaf, path in paths.entries),
        texts=tuple(text for digest in digests if (text := unit.payloads.pick(digest)) is not None),
    )


class _Lister:
    """Lists entries about subjects with proofs from the index."""

    def __init__(self, unit: Unit, known: Sequence[Known]) -> None:
        self._unit = unit
        self._known = {(kind, name): last for kind, name, last in known}
        self._salts: dict[str, bytes] = {}
        self.namespaces: list[NamespaceRecord | None] = []

    def list_newest(self, subject: Subject, kinds: set[type[Record]], past: Past | None) -> Listed:
        """List the newest entry about a subject.

        All of them if it does not make a record of each kind, or came later than asked.
        """
        hashed = self._hash(subject)
        proof = self._unit.index.prove_newest(hashed)
        if proof.leaf is None or proof.leaf.subject != hashed:
            return _write(subject, (), proof.encode(), newest=True)
        index = proof.leaf.posting.entry
        entry = read_entry(self._unit.log.pick([index])[0], index)
        made = {type(change.record) for change in entry.fold() if isinstance(change, Put)}
        if kinds <= made and (past is None or past.has(entry)):
            return _write(subject, (index,), proof.encode(), newest=True)
        return self.list_all(subject)

    def list_all(self, subject: Subject) -> Listed:
        """List all entries about a subject; the newest alone if the caller knows the others."""
        last = self._known.get(subject)
        if last is not None:
            newest = self._unit.index.prove_newest(self._hash(subject))
            leaf = newest.leaf
            if leaf is not None and (leaf.subject, leaf.posting.entry) == (self._hash(subject), last):
                return _write(subject, (last,), newest.encode(), newest=True)
        proof = self._unit.index.prove_all(Span(self._hash(subject)))
        return _write(subject, tuple(one.entry for one in proof.postings), proof.encode(), newest=False)

    def list_page(self, subject: Subject, start: int, limit: int) -> Listed:
        """List all entries about a subject in the widest span from an index on that has at most `limit`."""
        index = self._unit.index
        span = index.narrow(Span.widest(self._hash(subject), start), limit)
        proof = index.prove_all(span)
        listed = _write(subject, tuple(one.entry for one in proof.postings), proof.encode(), newest=False)
        return replace(listed, start=span.start, width=span.width)

    def _hash(self, subject: Subject) -> bytes:
        """Hash a subject. A namespace that was never created has no salt, and no entries."""
        realm = subject.realm
        if realm not in self._salts:
            self.namespaces.append(self._unit.projections.find(NamespaceRecord, (realm,)))
            self._salts[realm] = find_salt(self._unit, realm) or b""
        return subject_hash(self._salts[realm], subject.kind, subject.name)


def _write(subject: Subject, entries: tuple[int, ...], proof: bytes, *, newest: bool) -> Listed:
    return Listed(kind=subject.kind, name=subject.name, newest=newest, entries=entries, proof=proof)
