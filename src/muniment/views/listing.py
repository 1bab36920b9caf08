"""Lists: views of one table, whose rows are `items` in JSON."""

from collections.abc import Iterable

from muniment.views.view import Column, Fact, Row, Seal, Section, Table, View


def view_list(  # noqa: PLR0913 - what a list is made of
    kind: str,
    title: str,
    columns: tuple[Column, ...],
    rows: Iterable[Row],
    now: str,
    *,
    empty: str,
    heading: str = "",
    lead: str = "",
    facts: tuple[Fact, ...] = (),
    seal: Seal | None = None,
    note: str = "",
    found: bool = False,
    whole: bool = True,
    commands: Iterable[str] = (),
) -> View:
    """Show a list; `empty` says what to do if it has nothing, `commands` what may be typed next."""
    return View(
        kind=kind,
        title=title,
        now=now,
        lead=lead,
        facts=facts,
        seal=seal,
        found=found,
        whole=whole,
        sections=(
            Section(
                key="items",
                title=heading or title,
                note=note,
                blocks=(Table(key="items", columns=columns, rows=tuple(rows)),),
                empty=empty,
            ),
        ),
        next=tuple(dict.fromkeys(commands)),
    )
