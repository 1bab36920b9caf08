"""Answers about versions."""

from collections.abc import Sequence

from muniment.answers.catalog import check_model
from muniment.answers.pages import bound, select_page
from muniment.answers.resolve import resolve
from muniment.answers.statuses import find_status
from muniment.answers.view import State, View
from muniment.core.errors import VersionInUse, VersionRetained
from muniment.core.records import (
    AttestationRecord,
    DeploymentRecord,
    DraftRecord,
    MoveRecord,
    RetentionRecord,
    VersionRecord,
    Where,
)
from muniment.core.verbs.versions import (
    DescribeVersion,
    Draft,
    GetVersion,
    ListDrafts,
    ListVersions,
    VersionDetail,
)


def get_version(state: State, query: GetVersion) -> VersionRecord:
    """Resolve a reference. Raises like `resolve`."""
    return resolve(state.view, query.reference)


def describe_version(state: State, query: DescribeVersion) -> VersionDetail:
    """Resolve a reference and gather the details of the version. Raises like `resolve`."""
    view = state.view
    version = resolve(view, query.reference)
    claims = view.projections.select(
        AttestationRecord,
        Where("name", "=", version.name),
        Where("revision", "=", version.revision),
    )
    moves = _list_moves(view, version)
    held = {move.alias: move.number for move in moves}
    status = find_status(view, version)
    return VersionDetail(
        record=version,
        aliases=tuple(sorted(alias for alias, number in held.items() if number == version.number)),
        attestations=tuple(claims),
        message=state.find_text(version.message),
        status=status,
        status_reason=None if status is None else state.find_text(status.reason),
        retention=find_retention(view, version),
        emergencies=tuple(
            move for move in moves if move.number == version.number and move.emergency and move.closed is None
        ),
        superseded=_find_superseding(moves, version.number),
        reasons={
            claim.digest: text for claim in claims if (text := state.find_text(claim.reason)) is not None
        },
    )


def list_versions(state: State, query: ListVersions) -> tuple[VersionRecord, ...]:
    """List the versions of a model, newest first.

    Raises:
        ModelNotFound: the model does not exist.
    """
    check_model(state.view, query.name)
    before = [] if query.before is None else [Where("number", "<", query.before)]
    return tuple(
        state.view.projections.select(
            VersionRecord,
            Where("name", "=", str(query.name)),
            *before,
            order="number",
            descending=True,
            limit=bound(query.limit),
        )
    )


def list_drafts(state: State, query: ListDrafts) -> tuple[Draft, ...]:
    """List the open drafts of a model."""
    about = Where("name", "=", str(query.name)), Where("ended", "=", None)
    return tuple(
        Draft(record=record, message=state.find_text(record.message))
        for record in select_page(state.view, query, DraftRecord, *about)
    )


def find_retention(view: View, version: VersionRecord) -> RetentionRecord | None:
    """Find the retention of a version."""
    retentions = view.projections.select(
        RetentionRecord,
        Where("name", "=", version.name),
        Where("number", "=", version.number),
        descending=True,
        limit=1,
    )
    return retentions[0] if retentions else None


def check_may_go(view: View, version: VersionRecord, time: str) -> None:
    """Check that a version may be purged at a time.

    Raises:
        VersionRetained: it must be kept.
        VersionInUse: an alias points at it, or it serves somewhere.
    """
    reference = f"{version.name}@{version.number}"
    kept = find_retention(view, version)
    if kept is not None and kept.hold:
        raise VersionRetained(reference=reference, why="it is on legal hold")
    if kept is not None and kept.until is not None and kept.until > time:
        raise VersionRetained(reference=reference, why=f"it is kept until {kept.until}")
    moves = view.projections.select(MoveRecord, Where("name", "=", version.name))
    held = {move.alias: move.number for move in moves}
    aliases = [alias for alias, number in held.items() if number == version.number]
    serving = view.projections.select(
        DeploymentRecord,
        Where("name", "=", version.name),
        Where("number", "=", version.number),
        Where("ended", "=", None),
        Where("state", "=", "serving"),
    )
    places = [f"{version.name}@{alias}" for alias in aliases] + [record.target for record in serving]
    if places:
        raise VersionInUse(reference=reference, where=", ".join(places))


def _list_moves(view: View, version: VersionRecord) -> list[MoveRecord]:
    """List the moves of aliases to a version and away from it, oldest first."""
    moves = [
        move
        for column in ("number", "previous")
        for move in view.projections.select(
            MoveRecord, Where("name", "=", version.name), Where(column, "=", version.number)
        )
    ]
    return sorted({move.index: move for move in moves}.values(), key=lambda move: move.index)


def _find_superseding(moves: Sequence[MoveRecord], number: int) -> tuple[MoveRecord, ...]:
    """Pick the moves that took aliases from a version, unless they came back."""
    taken: dict[str, MoveRecord] = {}
    for move in moves:
        if move.number == number:
            taken.pop(move.alias, None)
        elif move.previous == number:
            taken[move.alias] = move
    return tuple(taken.values())
