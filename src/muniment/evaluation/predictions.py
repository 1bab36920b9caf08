"""Predictions of a classifier, read piece by piece: which labels there are, and what is counted.

The labels of all pieces have to be known before one is counted, so that the pieces are read twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from muniment.core.counting import count
from muniment.core.errors import InvalidEvidence
from muniment.evaluation.labels import Cells, Labels, Places, Vocabulary
from muniment.evaluation.reading import Gaps, Mask, Missing, TargetDigest, read_kept
from muniment.evaluation.tally import MAX_GROUPS, MAX_LABELS, GroupedTally, too_many_groups

_AMOUNTS: Final = "if these are amounts, say so: task='regression' in Python, --task regression"
_CLASSES: Final = "name all classes in the order of the columns: classes=[...] in Python, --classes A,B,C"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows: columns of shape (n,), which have names.

    Attributes:
        scores: by name, a column for the positive label, or one for each class.
        groups: by name, the columns to group by together.
    """

    true: Cells
    predicted: Cells
    scores: Mapping[str, Cells] = field(default_factory=dict)
    groups: Mapping[str, Sequence[Cells]] = field(default_factory=dict)

    def columns(self) -> list[Cells]:
        """Give all columns."""
        groups = [cells for parts in self.groups.values() for cells in parts]
        return [self.true, self.predicted, *self.scores.values(), *groups]


Pieces: TypeAlias = Callable[[], Iterable[Piece]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted.

    Attributes:
        positive: the positive label; None if there are more than two labels.
    """

    tally: GroupedTally
    labels: Labels
    positive: str | None
    gaps: Gaps
    target: TargetDigest


def count_pieces(  # noqa: PLR0913 - what is counted, and how
    pieces: Pieces,
    *,
    first: Pieces | None = None,
    positive: object = None,
    classes: Sequence[object] | None = None,
    missing: Missing = Missing.REFUSE,
    unseen: bool = False,
) -> Counted:
    """Count predictions.

    `classes` is the order of labels that are not numbers, and of columns of scores. `first` gives pieces that
    have all labels but those of `classes`, if that is easier than to give all columns twice. With `unseen`,
    rows may have labels that are no `classes`, and then no scores are counted.

    Raises:
        InvalidEvidence: rows miss something, labels are written in two ways, there are too many, it is not
            plain which one is positive, or columns of scores belong to no label.
    """
    labels, groups = _settle(first or pieces, classes, missing)
    chosen = labels.choose_positive(positive)
    if chosen is not None:
        labels = labels.with_label(chosen)
    tally, gaps, target = GroupedTally(labels.names), Gaps(), TargetDigest()
    for piece in pieces():
        keep = ~gaps.find(piece.columns())
        known = {*map(labels.name_of, classes or ())}
        scored: Mapping[str, str] = {}
        if not unseen or {*labels.names} <= known:
            scored = match_scores([*piece.scores], labels, classes, chosen)
        true = labels.places(piece.true[keep])
        target.add(labels.names[place] for place in true.tolist())
        tally.add(
            true,
            labels.places(piece.predicted[keep]),
            {label: read_kept(piece.scores[name], keep) for name, label in scored.items()},
            {name: _join(parts, groups, keep) for name, parts in piece.groups.items()},
        )
    gaps.check(missing)
    return Counted(tally, labels, chosen, gaps, target)


def match_scores(
    names: Sequence[str], labels: Labels, classes: Sequence[object] | None, positive: str | None
) -> dict[str, str]:
    """Find the label that each column of scores is for: all labels, or the positive one only.

    A column for each class may be named after it, as `p_ill`; else the columns stand in the order of
    `classes`, or of the labels.

    Raises:
        InvalidEvidence: there is another number of columns than of classes.
    """
    if len(names) == 1:
        if positive is None:
            reason = f"one column of scores needs exactly two labels, and there are {len(labels.names)}"
            raise InvalidEvidence(reason=reason, remedy="give a column of scores for each class")
        return {names[0]: positive}
    order = labels.names if classes is None else tuple(map(labels.name_of, classes))
    if names and len(order) != len(names):
        reason = f"there are {len(names)} columns of scores and {count(len(order), 'label')}"
        raise InvalidEvidence(reason=reason, remedy=_CLASSES)
    if names and ({*order} != {*labels.names} or len({*order}) < len(order)):
        reason = f"the columns of scores are for {', '.join(order)}, the labels are {', '.join(labels.names)}"
        raise InvalidEvidence(reason=reason, remedy=_CLASSES)
    matched = _match_names(names, labels, order) or dict(zip(names, order, strict=bool(names)))
    return {name: label for name, label in matched.items() if positive in {None, label}}


def in_pieces(piece: Piece, rows: int) -> Iterator[Piece]:
    """Cut a piece into pieces of so many rows."""
    for start in range(0, max(len(piece.true), 1), rows):
        some = slice(start, start + rows)
        yield Piece(
            true=_cut(piece.true, some),
            predicted=_cut(piece.predicted, some),
            scores={name: _cut(cells, some) for name, cells in piece.scores.items()},
            groups={name: [_cut(cells, some) for cells in parts] for name, parts in piece.groups.items()},
        )


def _settle(
    pieces: Pieces, classes: Sequence[object] | None, missing: Missing
) -> tuple[Labels, dict[str, Labels]]:
    """Read all pieces for the labels and the values of groups that they have."""
    known, groups, gaps = Vocabulary(), dict[str, Vocabulary](), Gaps()
    for piece in pieces():
        keep = ~gaps.find(piece.columns())
        known.add(piece.true[keep])
        known.add(piece.predicted[keep])
        if len(known) > MAX_LABELS:
            raise InvalidEvidence(reason=f"there are more than {MAX_LABELS} labels", remedy=_AMOUNTS)
        for cells in (cells for parts in piece.groups.values() for cells in parts):
            values = groups.setdefault(str(cells.name), Vocabulary())
            values.add(cells[keep])
            if len(values) > MAX_GROUPS:
                raise too_many_groups(str(cells.name))
    gaps.check(missing)
    return known.settle(classes), {name: values.settle() for name, values in groups.items()}


def _match_names(names: Sequence[str], labels: Labels, order: Sequence[str]) -> dict[str, str] | None:
    """Match columns to labels by what their names end with; None if they are not named so."""
    shortest = min(map(len, names), default=0)
    letters = enumerate(zip(*(name[:shortest] for name in names), strict=True))
    shared = next((n for n, one in letters if len({*one}) > 1), shortest)
    for length in range(shared, -1, -1):
        ends = {name: labels.name_of(name[length:]) for name in names}
        if {*ends.values()} == {*order}:
            return ends
    return None


def _join(parts: Sequence[Cells], groups: Mapping[str, Labels], keep: Mask) -> tuple[list[str], Places]:
    """Give the values of columns that are grouped by together, and the place of each row's."""
    columns = [(groups[str(cells.name)], cells[keep]) for cells in parts]
    places = np.column_stack([labels.places(cells) for labels, cells in columns])
    distinct, found = np.unique(places, axis=0, return_inverse=True)
    values = [
        join_names(labels.names[place] for place, (labels, _) in zip(row, columns, strict=True))
        for row in distinct.tolist()
    ]
    return values, found.reshape(-1)


def join_names(names: Iterable[str]) -> str:
    """Join the values of columns that are grouped by together, so that two that differ stay two."""
    first, *others = names
    parts = [first, *others] if not others else [_escape(one) for one in (first, *others)]
    return ",".join(parts)


def _escape(name: str) -> str:
    return name.replace("\\", "\\\\").replace(",", "\\,")


def _cut(cells: Cells, rows: slice) -> Cells:
    return cells.iloc[rows].reset_index(drop=True)
