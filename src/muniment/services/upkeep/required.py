"""Required blobs: everything that namespaces hold, and everything that the log names.

Both are listed page by page, each page in its own transaction, and may name a blob more than once.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from typing import Final, TypeVar

from muniment.answers.statuses import status_of
from muniment.core.catalog.statuses import Status
from muniment.core.digests import Digest
from muniment.core.records import (
    AttestationRecord,
    DraftRecord,
    PolicyRecord,
    ProposalDecisionRecord,
    ProposalRecord,
    VersionRecord,
    Where,
)
from muniment.ports.unit import Unit, Units
from muniment.services.bytes.custody import attached_to, content_of

R = TypeVar("R", VersionRecord, DraftRecord, PolicyRecord, ProposalRecord, ProposalDecisionRecord)

_HELD_AT_ONCE: Final = 5_000
_RECORDS_AT_ONCE: Final = 200
_THREADS: Final = 8


def list_held(units: Units) -> Iterator[Digest]:
    """List the blobs that namespaces hold, ordered by digest."""

    def read(unit: Unit, after: str) -> list[Digest]:
        return unit.holdings.list_held(after, _HELD_AT_ONCE)

    page = units.read(partial(read, after=""))
    while page:
        yield from page
        page = units.read(partial(read, after=str(page[-1])))


def list_named(units: Units) -> Iterator[Digest]:
    """List the blobs that the log names, and the blobs that those manifests and claims name."""
    yield from _list_of(units, VersionRecord, _list_version)
    yield from _list_of(units, DraftRecord, _list_draft)
    yield from _list_of(units, PolicyRecord, _list_policy)
    yield from _list_of(units, ProposalRecord, _list_proposal)
    yield from _list_of(units, ProposalDecisionRecord, _list_decision)


def find_lost(units: Units, is_stored: Callable[[Digest], bool]) -> list[Digest]:
    """Find required blobs that are not stored; several threads call `is_stored`."""
    needed, lost = chain(list_held(units), list_named(units)), set[Digest]()
    # An object store takes a while to answer for each blob.
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        while some := list(islice(needed, _HELD_AT_ONCE)):
            lost |= {
                digest for digest, stored in zip(some, pool.map(is_stored, some), strict=True) if not stored
            }
    return sorted(lost)


def _list_of(
    units: Units, kind: type[R], list_one: Callable[[Unit, R], Iterator[Digest]]
) -> Iterator[Digest]:
    def read(unit: Unit, after: int) -> tuple[list[R], list[Digest]]:
        records = unit.projections.select(kind, Where("index", ">", after), limit=_RECORDS_AT_ONCE)
        return records, [digest for record in records for digest in list_one(unit, record)]

    records, digests = units.read(partial(read, after=-1))
    while records:
        yield from digests
        records, digests = units.read(partial(read, after=records[-1].index))


def _list_version(unit: Unit, version: VersionRecord) -> Iterator[Digest]:
    content = content_of(unit, Digest.parse(version.revision))
    # A purged version keeps its manifest and config.
    yield from content[:2] if status_of(unit, version) is Status.PURGED else content
    about = Where("name", "=", version.name), Where("revision", "=", version.revision)
    for claim in unit.projections.select(AttestationRecord, *about):
        yield from attached_to(unit, Digest.parse(claim.digest))


def _list_draft(unit: Unit, draft: DraftRecord) -> Iterator[Digest]:
    if draft.ended is None:
        yield from content_of(unit, Digest.parse(draft.revision))
        for claim in draft.attestations.split():
            yield from attached_to(unit, Digest.parse(claim))


def _list_policy(_unit: Unit, policy: PolicyRecord) -> Iterator[Digest]:
    yield from (Digest.parse(text) for text in (policy.digest, policy.attestation) if text is not None)


def _list_proposal(_unit: Unit, proposal: ProposalRecord) -> Iterator[Digest]:
    yield from (Digest.parse(text) for text in (proposal.policy, proposal.attestation) if text is not None)


def _list_decision(_unit: Unit, decision: ProposalDecisionRecord) -> Iterator[Digest]:
    yield Digest.parse(decision.attestation)
