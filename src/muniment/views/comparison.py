"""Two versions side by side: what is different, what is the same, and what could not be compared."""

from muniment.core.canonical import Json
from muniment.core.comparison import Comparison, Difference
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.errors import InvalidDigest
from muniment.views.values import Change, Excerpt, Given, Value, write
from muniment.views.view import Column, Fact, Mark, Row, Section, Table, View, Vouched

# What follows from manifests and signatures that were checked. Tensors are read from bytes that were not, and
# the rest is what claims say.
_CHECKED = frozenset({"files", "signers"})
# What people chose. Measured numbers are rounded.
_GIVEN = "parameters"


def view_comparison(comparison: Comparison, now: str) -> View:
    """Show what changed between two versions."""
    before, after = comparison.before, comparison.after
    sections = dict.fromkeys(one.section for one in comparison.differences)
    return View(
        kind="comparison",
        title=f"{before} and {after}: {count(len(comparison.differences), 'difference')}",
        now=now,
        lead=f"the same in both: {', '.join(comparison.same) or 'nothing'}",
        facts=(
            Fact(key="before", label="before", value=before),
            Fact(key="after", label="after", value=after),
            Fact(key="same", label="the same in both", value=comparison.same),
        ),
        sections=(
            Section(
                key="differences",
                title="Differences",
                blocks=tuple(_view_section(comparison, section) for section in sections),
            ),
            Section(
                key="unrecorded",
                title="Not compared",
                blocks=(
                    Table(
                        key="unrecorded",
                        columns=(
                            Column("sections", "sections", is_drawn=False),
                            Column("what", "what", is_drawn=False),
                            Column("versions", "versions", is_drawn=False),
                            Column("said", ""),
                        ),
                        rows=tuple(
                            Row(
                                cells=(one.sections, one.what, one.versions, str(one)),
                                vouched=Vouched(Mark.CHECKED),
                            )
                            for one in comparison.unrecorded
                        ),
                    ),
                ),
            ),
        ),
    )


def _view_section(comparison: Comparison, section: str) -> Table:
    columns = (
        Column("name", "what"),
        Column("before", comparison.before),
        Column("after", comparison.after),
        Column("kind", "kind", is_drawn=False),
        Column("delta", "delta", is_drawn=False),
        Column("real", "real", is_drawn=False),
        Column("norm", "norm", is_drawn=False),
        Column("change", "change"),
    )
    rows = tuple(_view_difference(one) for one in comparison.differences if one.section == section)
    return Table(key=section, title=section, columns=columns, rows=rows)


def _view_difference(one: Difference) -> Row:
    delta = None if one.delta is None else Change(one.delta, one.real)
    parts = [one.kind if delta is None else write(delta)]
    if one.norm is not None:
        parts.append(f"relative norm {one.norm:.3g}")
    cells: tuple[Value, ...] = (
        one.name,
        _read(one.section, one.before),
        _read(one.section, one.after),
        one.kind,
        one.delta,
        one.real,
        one.norm,
        ", ".join(parts),
    )
    return Row(cells=cells, vouched=Vouched(Mark.CHECKED if one.section in _CHECKED else Mark.STATED))


def _read(section: str, value: Json) -> Value:
    if section == _GIVEN and value is not None:
        return Given(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    try:
        return Digest.parse(text)
    except InvalidDigest:
        return Excerpt(text)
