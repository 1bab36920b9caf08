"""Answers about versions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from muniment.core.claims.attestations import WITHDRAWAL
from muniment.core.records import AttestationRecord, MoveRecord, VersionRecord
from muniment.core.verbs.versions import DescribeVersion, GetVersion, ListVersions, VersionDetail
from muniment.ports.projections import Where
from muniment.services.catalog.models import find_model
from muniment.services.catalog.resolve import resolve
from muniment.services.catalog.statuses import find_status
from muniment.services.log.pages import bound, end_of, horizon
from muniment.services.reading import Reading
from muniment.services.versions.lifecycle import find_retention


def get_version(reading: Reading, query: GetVersion) -> VersionRecord:
    """Resolve a reference. Raises like `resolve`."""
    return resolve(reading.unit, query.reference, query.at)


def describe_version(reading: Reading, query: DescribeVersion) -> VersionDetail:
    """Resolve a reference and gather the details of the version. Raises like `resolve`."""
    unit = reading.unit
    until = horizon(unit, query.at)
    version = resolve(unit, query.reference, query.at)
    claims = unit.projections.select(
        AttestationRecord,
        Where("name", "=", version.name),
        Where("revision", "=", version.revision),
        *until,
    )
    moves = unit.projections.select(MoveRecord, Where("name", "=", version.name), *until)
    held = {move.alias: move.number for move in moves}
    status = find_status(unit, version, until)
    return VersionDetail(
        record=version,
        aliases=tuple(sorted(alias for alias, number in held.items() if number == version.number)),
        attestations=tuple(claims if query.at is None else _unmark(claims, end_of(unit, query.at))),
        message=reading.find_text(version.message),
        status=status,
        status_reason=None if status is None else reading.find_text(status.reason),
        retention=find_retention(unit, version, until),
        emergencies=tuple(
            move for move in moves if move.number == version.number and move.emergency and move.closed is None
        ),
        superseded=_find_superseding(moves, version.number),
        withdrawal_reasons={
            claim.digest: text
            for claim in claims
            if claim.predicate_type == WITHDRAWAL and (text := reading.find_text(claim.reason)) is not None
        },
    )


def list_versions(reading: Reading, query: ListVersions) -> tuple[VersionRecord, ...]:
    """List the versions of a model, newest first.

    Raises:
        ModelNotFound: the model does not exist.
    """
    find_model(reading.unit, query.name)
    before = [] if query.before is None else [Where("number", "<", query.before)]
    return tuple(
        reading.unit.projections.select(
            VersionRecord,
            Where("name", "=", str(query.name)),
            *before,
            *horizon(reading.unit, query.at),
            order="number",
            descending=True,
            limit=bound(query.limit),
        )
    )


def _unmark(claims: Iterable[AttestationRecord], end: int) -> Iterator[AttestationRecord]:
    """Give claims as they were when the log ended there: not withdrawn yet, if that came later."""
    for claim in claims:
        later = claim.withdrawn is not None and claim.withdrawn >= end
        yield replace(claim, withdrawn=None) if later else claim


def _find_superseding(moves: Sequence[MoveRecord], number: int) -> tuple[MoveRecord, ...]:
    """Pick the moves that took aliases from a version, unless they came back."""
    taken: dict[str, MoveRecord] = {}
    for move in moves:
        if move.number == number:
            taken.pop(move.alias, None)
        elif move.previous == number:
            taken[move.alias] = move
    return tuple(taken.values())
