"""What is new: what came after a version and after its moves, and what it changed."""

from collections.abc import Iterator, Sequence
from typing import Final

from muniment.core.claims.attestations import PROVENANCE, Attestation, kind_of
from muniment.views.material import VersionMaterial
from muniment.views.training import compare_training
from muniment.views.values import Time, name_people
from muniment.views.view import Column, Fact, Facts, Mark, Row, Section, Table, Vouched

_MOST_NEWER: Final = 3


def view_news(material: VersionMaterial) -> Section:
    """Show newer versions, what changed since what aliases hold, and what came since they hold it."""
    rows = tuple(
        Row(
            cells=(f"@{one.number}", Time(one.published), name_people(material.names, one.author)),
            vouched=Vouched(Mark.RECORDED, one.index),
        )
        for one in material.newer
    )
    columns = (Column("version", "newer"), Column("published", "published"), Column("author", "author"))
    facts = (*_list_changes(material), *_list_since(material))
    return Section(
        key="news",
        title="What is new",
        aside=True,
        blocks=(Facts(facts), Table(key="newer", columns=columns, rows=rows, most=_MOST_NEWER)),
    )


def _list_changes(material: VersionMaterial) -> Iterator[Fact]:
    provenance = material.newest(PROVENANCE)
    for rival in material.rivals:
        changes = _compare(rival.claims, provenance)
        if changes:
            label = f"since {rival.label}"
            yield Fact(key=rival.label, label=label, value=tuple(changes), vouched=Vouched(Mark.STATED))


def _compare(theirs: Sequence[Attestation], ours: Attestation | None) -> list[str]:
    before = [claim for claim in theirs if claim.predicate_type == PROVENANCE]
    return compare_training(before[-1].predicate, ours.predicate) if before and ours is not None else []


def _list_since(material: VersionMaterial) -> Iterator[Fact]:
    """List what was said of the version, and which policies were set, since each alias holds it."""
    people = material.names
    for alias in material.detail.aliases:
        moved = max(move.record.index for move in material.moves if move.record.alias == alias)
        claims = [
            f"{kind_of(claim.predicate_type)} by {name_people(people, claim.signer)}"
            for claim in material.claims
            if claim.index > moved
        ]
        policies = [
            f"policy of {one.models} set by {name_people(people, one.author)}"
            for one in material.policies
            if one.alias == alias and one.index > moved
        ]
        if claims or policies:
            value, label = (*claims, *policies), f"since it is {alias}"
            yield Fact(key=f"at {alias}", label=label, value=value, vouched=Vouched(Mark.RECORDED, moved))
