"""Audit a registry, or a namespace: prove the entries whole, replay them, and say what could not be checked.

(0) the head of the log is signed, and extends all that was seen before (`client.proofs.trust`)
(1) the registry: its entries hash to the root of the head; the index made anew has the root of the head, and
    had each root that was sealed in the log
(2) a namespace: the index of one head names exactly the entries of the namespace; and for each principal that
    acts or is named there, or in these entries in turn, its keys and its roles everywhere
(3) the entries are replayed in the order of the log (`answers.replay.replaying`)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from muniment.answers.replay.replaying import Replay, Tally
from muniment.answers.replay.state import ReplayedView
from muniment.client.audit.hashing import LogHasher, read_leaves
from muniment.client.proofs.deriving import ProvenView
from muniment.client.proofs.trust import Documents, TrustedBackend
from muniment.client.proofs.verifying import Check
from muniment.core.counting import count
from muniment.core.errors import (
    AnswerIncomplete,
    AuditFailed,
    EntryUnknown,
    InvalidDocument,
    MunimentError,
    NamespaceNotFound,
    NotFound,
    NotPermitted,
    NotShown,
    Unavailable,
)
from muniment.core.events import Entry, IndexSealed, read_entry
from muniment.core.events.subjects import CLOCK, of_namespace, of_principal, of_roles, of_vouches
from muniment.core.names import check_part
from muniment.core.people.callers import REGISTRY
from muniment.core.people.roles import EVERYWHERE
from muniment.core.times import write_seconds
from muniment.core.verbs.log import ListClockJumps, ListEntries
from muniment.core.verbs.people import GetPerson
from muniment.signing.heads import Head

OnEntries = Callable[[int], None]

_PAGE: Final = 1_000
_NEVER: Final = (
    "the bytes of files, which `muniment verify` checks",
    "texts that people typed: the log holds their digests, and they may be erased",
    "who else published the same bytes, and the lineage: both are found",
)
_NOT_HERE: Final = (
    "that the index leaves nothing out: an audit of the whole registry makes it anew",
    "other namespaces, tokens, and the trust in identity providers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The result of an audit.

    Attributes:
        namespace: None for the whole registry.
        size: how many entries the log had.
        time: the time of the head of the log (RFC 3339): what came later was not looked at.
        entries: how many entries were replayed.
        keys: how many keys the index has, if it was made anew.
        checks: what was checked, and the fault if it failed.
        unchecked: what could not be checked.
    """

    namespace: str | None
    size: int
    time: str
    entries: int
    keys: int | None
    checks: tuple[Check, ...]
    unchecked: tuple[str, ...]

    def __repr__(self) -> str:
        """Say how far it came, and whether all holds."""
        what = "the registry" if self.namespace is None else self.namespace
        return f"<Audit of {what}, {count(self.entries, 'entry')}, {'passed' if self.passed else 'failed'}>"

    @property
    def passed(self) -> bool:
        """Whether everything that was checked holds."""
        return all(check.passed for check in self.checks)

    @property
    def fault(self) -> MunimentError | None:
        """The first fault: of the entries that are false, the first in the log."""
        faults = [check.error for check in self.checks if check.error is not None]
        entries = [fault for fault in faults if isinstance(fault, AuditFailed)]
        return min(entries, key=lambda fault: fault.index) if entries else next(iter(faults), None)


def audit(
    backend: TrustedBackend, namespace: str | None = None, on_entries: OnEntries | None = None
) -> Audit:
    """Audit a registry, or all of a namespace.

    `on_entries` is called with the number of entries that were read, again and again.

    Raises:
        NotPermitted: we may not read there.
        NamespaceNotFound: there is no such namespace, which is proven.
        Untrusted: the entries are not proven.
        Unavailable: the registry does not answer.
    """
    if namespace is not None:
        check_part(namespace, "namespace")
    if namespace is None:
        return _audit_all(backend, on_entries)
    return _audit_namespace(backend, namespace, on_entries)


def _audit_all(backend: TrustedBackend, on_entries: OnEntries | None) -> Audit:
    head = backend.meet()
    hasher = LogHasher()
    replay = _begin(backend, partial(_find_salt, backend), hasher.find_root)
    fault: MunimentError | None = None
    for page in read_leaves(backend, head):
        for leaf in page:
            index = hasher.size
            try:
                entry = read_entry(leaf, index)
            except InvalidDocument as error:
                fault = fault or AuditFailed(index=index, event="leaf", rule="form", reason=error.reason)
                hasher.add(leaf, None)
                continue
            except EntryUnknown as error:
                fault = fault or error
                hasher.add(leaf, None)
                continue
            hasher.add(leaf, entry.about)
            if isinstance(entry.event, IndexSealed):
                hasher.add_seal(index, entry.event)
            # What follows from a false entry says nothing; its hash still does.
            fault = fault or _try(partial(replay.take, entry))
        if on_entries is not None:
            on_entries(len(page))
    fault = fault or _try(replay.end)
    size, seals = count(head.size, "entry"), count(len(hasher.seals), "seal")
    made = f"an index of {count(hasher.keys, 'key')} with the root of the head, and of {seals}"
    return Audit(
        namespace=None,
        size=head.size,
        time=write_seconds(head.time),
        entries=replay.tally.entries,
        keys=hasher.keys,
        checks=(
            Check(
                what=f"{size} with the root of the head", error=_try(lambda: hasher.check_root(backend, head))
            ),
            Check(what=made, error=_try(lambda: hasher.check_index(head, backend.location))),
            *_describe(replay.tally, fault),
            *_list_restores(backend),
        ),
        unchecked=(*_NEVER, *replay.tally.unchecked),
    )


def _audit_namespace(backend: TrustedBackend, namespace: str, on_entries: OnEntries | None) -> Audit:
    whole = _Collected({}, {})
    head = whole.add_namespace(backend, namespace, on_entries)
    named = count(sum(entry.namespace == namespace for entry in whole.entries.values()), "entry")
    whole.add_clock(backend)
    principals = whole.add_principals(backend)
    # No namespace has the entries about restores.
    replay = _begin(backend, whole.salts.get, lambda _: b"", is_whole=False)
    fault: MunimentError | None = None
    for index in sorted(whole.entries):
        # What came after the head of the last page was not listed whole.
        if index < head.size and fault is None:
            entry = whole.entries[index]
            fault = _try(partial(replay.take, entry))
    fault = fault or _try(replay.end)
    return Audit(
        namespace=namespace,
        size=head.size,
        time=write_seconds(head.time),
        entries=replay.tally.entries,
        keys=None,
        checks=(
            Check(what=f"{named} of {namespace}, which are all that the index names"),
            Check(what=f"{count(principals, 'principal')} with their keys and their roles everywhere"),
            *_describe(replay.tally, fault),
            *_list_restores(backend),
        ),
        unchecked=(*_NEVER, *_NOT_HERE, *replay.tally.unchecked),
    )


@dataclass
class _Collected:
    """Proven entries by index, and the salts with which their subjects are hashed."""

    entries: dict[int, Entry]
    salts: dict[str, bytes]

    def add_namespace(self, backend: TrustedBackend, namespace: str, on_entries: OnEntries | None) -> Head:
        """Add all entries of a namespace; return the head of the last page, up to which they are all.

        A page has all entries of its span, which ended within the log of its head: what is appended later is
        in a later span.
        """
        subject, start = of_namespace(namespace), 0
        while True:
            head, view = backend.read_entries(ListEntries(namespace=namespace, start=start, limit=_PAGE))
            history = view.proven.get(subject)
            if history is None or history.newest or history.start != start:
                raise AnswerIncomplete(what=f"the entries of {namespace} from {start} on")
            if namespace not in view.salts:
                raise NamespaceNotFound(namespace=namespace)
            self._add(view)
            if on_entries is not None:
                on_entries(len(history.entries))
            if history.end >= head.size:
                return head
            start = history.end

    def add_clock(self, backend: TrustedBackend) -> None:
        """Add the jumps of the clock and their confirmations, which belong to no namespace."""
        view = backend.read_proven(ListClockJumps())
        history = view.proven.get(CLOCK)
        if history is None or not history.is_whole:
            raise AnswerIncomplete(what="the jumps of the clock")
        self._add(view)

    def add_principals(self, backend: TrustedBackend) -> int:
        """Add what is proven of all who act or are named in these entries, or in those that this adds."""
        known: set[str] = set()
        pending = {REGISTRY, *(name for entry in self.entries.values() for name in _principals_of(entry))}
        while pending:
            principal = pending.pop()
            known.add(principal)
            view = backend.read_proven(GetPerson(principal=principal))
            itself = view.proven.get(of_principal(principal))
            roles = view.proven.get(of_roles(EVERYWHERE, principal))
            vouches = view.proven.get(of_vouches(principal))
            # Who is not registered can do nothing, with any roles.
            is_known = itself is not None and itself.is_whole
            wholes = [told is not None and told.is_whole for told in (roles, vouches)]
            if not is_known or (itself and itself.entries and not all(wholes)):
                raise AnswerIncomplete(what=f"the keys and roles of {principal}")
            self._add(view)
            pending |= {name for entry in view.entries for name in _principals_of(entry)} - known
        return len(known)

    def _add(self, view: ProvenView) -> None:
        self.entries |= {entry.index: entry for entry in view.entries}
        self.salts |= view.salts


def _begin(
    backend: TrustedBackend,
    find_salt: Callable[[str], bytes | None],
    find_root: Callable[[int], bytes],
    *,
    is_whole: bool = True,
) -> Replay:
    view = ReplayedView(Documents(backend))
    return Replay(view, backend.seen.verifier, find_salt, find_root, is_whole=is_whole)


def _find_salt(backend: TrustedBackend, realm: str) -> bytes | None:
    try:
        return backend.salt_of(realm)
    except (NotFound, NotPermitted, NotShown):
        return None


def _principals_of(entry: Entry) -> set[str]:
    """List who acts in an entry, and whom it names."""
    named = {
        getattr(entry.event, field, None) for field in ("signer", "principal", "owner", "voucher", "starter")
    }
    return {entry.actor, *(name for name in named if name is not None)}


def _describe(tally: Tally, fault: MunimentError | None) -> list[Check]:
    """Say what the replay checked."""
    entries = count(tally.entries, "entry")
    if fault is not None:
        return [Check(what=f"a replay, in which {entries} held", error=fault)]
    moves = f"{count(tally.moves, 'move')} of aliases, with {count(tally.verdicts, 'verdict')}"
    return [
        Check(what=f"{entries} replayed: times, records, and the authority of each actor"),
        Check(what=f"the subjects of {count(tally.subjects, 'entry')}"),
        Check(what=f"{count(tally.claims, 'claim')}, each by a key that counted then"),
        Check(what=f"{moves} of the policies in force then"),
    ]


def _list_restores(backend: TrustedBackend) -> list[Check]:
    """Name the restores that the registry declares: what came after is not in its log."""
    return [
        Check(what=f"a restore on {one.time} (entry {one.index}): {one.reason}; {lost}", note=True)
        for one in backend.restores()
        for lost in [f"entries from {one.lost_after} on are lost"]
    ]


def _try(check: Callable[[], object]) -> MunimentError | None:
    try:
        check()
    except Unavailable:
        raise
    except MunimentError as error:
        return error
    return None
