"""Draw views in the terminal: marks by shape and word, so that they can be read without colour."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

import click
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from muniment.cli.terminal import FOUND, Terminal
from muniment.core.counting import count
from muniment.core.errors import InvalidOption
from muniment.core.extras import load_extra
from muniment.core.texts import plain
from muniment.views.documents import write_view
from muniment.views.tables import find_table, list_rows, write_csv
from muniment.views.values import NOTHING, Branch, Time, Value, write, write_whole
from muniment.views.view import (
    MEANINGS,
    Block,
    Chart,
    Column,
    Facts,
    Mark,
    Row,
    Said,
    Seal,
    Section,
    Story,
    Table,
    Tone,
    View,
    Vouched,
)

_SHAPES: Final = {Mark.CHECKED: "●", Mark.RECORDED: "○", Mark.STATED: "□", Mark.FOUND: "◌"}
# Before a command that may be typed, or a note.
_ARROW: Final = "→"
_MET: Final = {Tone.GOOD: "✓ met", Tone.WARN: "~ WAIVED"}
_NOT_MET: Final = "✗ NOT MET"
_UNMARKED: Final = str.maketrans(
    {shape: ascii(shape)[1:-1] for shape in (*_SHAPES.values(), _ARROW, "✓", "✗")}
)
_MARK_STYLES: Final = {Mark.CHECKED: "green", Mark.RECORDED: "cyan", Mark.STATED: "", Mark.FOUND: ""}
_STYLES: Final = {Tone.PLAIN: "", Tone.GOOD: "green", Tone.WARN: "yellow", Tone.BAD: "red"}
_SOFT: Final = "dim"
# The width where the output is not a terminal.
_WIDTH: Final = 120
_INDENT: Final = 2
# How much of a text that somebody wrote is drawn, unless everything is.
_MOST_CHARACTERS: Final = 400
_MOST_LINES: Final = 8
_GAP: Final = 2
Columns: TypeAlias = Sequence[tuple[int, Column]]
# From this width on, some sections go beside the others.
_WIDE: Final = 110
_ASIDE: Final = 46


output_option = click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the table to FILE (.csv or .parquet); - writes CSV to the standard output.",
)


full_option = click.option("--full", is_flag=True, help="Show every row, whole digests and times.")


def answer_view(terminal: Terminal, view: View, *, full: bool = False, output: str | None = None) -> None:
    """Print a view: as JSON, or drawn; `full` draws whole values, times and all rows.

    With `output`, write its table to a file instead.
    """
    if output is not None:
        write_table(find_table(view), output)
    elif terminal.as_json:
        terminal.answer(write_view(view), [])
    else:
        (section, *others) = view.sections
        if others or not section.is_empty:
            click.echo(draw(view, full=full, width=find_width()), nl=False)
        else:
            # An empty list is no output.
            click.echo(plain(section.empty), err=True)
        if view.found:
            click.echo(FOUND, err=True)


def write_table(table: Table, output: str) -> None:
    """Write a table to a file, as its name says, or as CSV to the standard output.

    Raises:
        InvalidOption: the name of the file ends in neither .csv nor .parquet.
    """
    suffix = Path(output).suffix
    if output == "-":
        click.echo(write_csv(table), nl=False)
    elif suffix == ".csv":
        Path(output).write_text(write_csv(table), "utf-8", newline="")
    elif suffix == ".parquet":
        arrow = load_extra("pyarrow", "pyarrow", "parquet")
        rows = arrow.Table.from_pylist(list(list_rows(table)))
        load_extra("pyarrow.parquet", "pyarrow", "parquet").write_table(rows, output)
    else:
        raise InvalidOption(option="--output", reason="names a file that ends in .csv or .parquet, or is -")


def find_width() -> int:
    """Return how many columns the output has."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns


def draw(view: View, *, full: bool, width: int, color: bool | None = None) -> str:
    """Draw a view as text of a width; with colours if the output is a terminal, unless `color` says."""
    colors = {True: "standard", False: None, None: "auto"}[color]
    console = Console(
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        color_system=colors,  # type: ignore[arg-type] # one of rich's names
        force_terminal=color,
        legacy_windows=False,
    )
    pen = _Pen(view, full=full, width=width)
    with console.capture() as drawn:
        for part in pen.parts():
            console.print(part)
    # A command that is broken in two cannot be copied.
    commands = [f"{_ARROW} {_clean(command)}" for command in view.next]
    return "\n".join([*(line.rstrip() for line in drawn.get().splitlines()), *commands]) + "\n"


class _Pen:
    """Draws the parts of a view."""

    def __init__(self, view: View, *, full: bool, width: int) -> None:
        self._view = view
        self._full = full
        self._now = "" if full else view.now
        self._hidden = False
        self._is_wide = width >= _WIDE
        self._width = width
        # How many columns there are for what is drawn now.
        self._room = width

    def parts(self) -> Iterator[RenderableType]:
        view = self._view
        yield self._title()
        if view.lead:
            yield _indent(Text(_clean(self._shorten(view.lead))))
        if view.seal is not None:
            yield self._seal(view.seal)
        filled = [section for section in view.sections if not section.is_empty or section.empty]
        if not self._full:
            self._hidden = any(section.in_full for section in filled)
            filled = [section for section in filled if not section.in_full]
        # Whole values are too long to stand beside one another.
        beside = [section for section in filled if section.aside and self._is_wide and not self._full]
        before = [section for section in filled if section not in beside]
        if beside:
            grid = _make_grid()
            grid.add_column(ratio=1, overflow="fold")
            grid.add_column(width=_ASIDE, overflow="fold")
            grid.expand = True
            self._room = self._width - _ASIDE - 2 * _GAP
            left = Group(*self._sections(before))
            self._room = _ASIDE
            grid.add_row(left, Group(*self._sections(beside)))
            yield grid
        else:
            yield from self._sections(before)
        yield Text()
        yield from self._foot()

    def _sections(self, sections: Sequence[Section]) -> Iterator[RenderableType]:
        """Draw sections, those of one line last and close together."""
        short = [section for section in sections if not self._has_lines(section)]
        for section in sections:
            if section not in short:
                yield Text()
                yield from self._section(section)
        if short:
            yield Text()
        for section in short:
            yield from self._section(section)

    def _has_lines(self, section: Section) -> bool:
        """Whether something is drawn below its title."""
        hidden = [isinstance(block, Table) and block.most == 0 for block in section.blocks]
        return not section.is_empty and (self._full or not all(hidden))

    def _title(self) -> RenderableType:
        chips = Text()
        for place, chip in enumerate(self._view.chips):
            chips.append(" · " if place else "", style=_SOFT)
            chips.append(_clean(self._shorten(chip.text)), style=_STYLES[chip.tone])
        grid = _make_grid()
        grid.add_column(style="bold", overflow="fold")
        grid.add_column(overflow="fold")
        grid.add_row(Text(_clean(self._view.title)), chips)
        return grid

    def _seal(self, seal: Seal) -> RenderableType:
        checked = Text(f"{_SHAPES[Mark.CHECKED]} checked here: ", style="green")
        checked.append(_clean("; ".join(seal.checked)), style="default")
        age = write(Time(seal.time), self._now)
        checked.append(f"; as of checkpoint {seal.size:,}, {age}", style=_SOFT)
        left = [Text(f"  not checked: {_clean(text)}", style=_SOFT) for text in seal.left]
        return Group(checked, *left)

    def _section(self, section: Section) -> Iterator[RenderableType]:
        said = section.empty if section.is_empty else section.note
        # The only section of a view has the title of the view.
        title = Text(_clean(section.title), style="bold") if len(self._view.sections) > 1 else Text()
        if said:
            title.append(f"  {_clean(said)}", style="not bold dim")
        if title:
            yield title
        for block in section.blocks:
            yield from self._block(block, section)

    def _block(self, block: Block, section: Section) -> Iterator[RenderableType]:
        match block:
            case Facts(facts=facts) if facts:
                yield _indent(self._facts(block))
            case Table(rows=rows) if rows:
                if block.title and block.title != section.note:
                    yield _indent(Text(_clean(block.title), style=_SOFT))
                yield from self._table(block)
            case Story(told=told) if told:
                yield from self._story(block)
            case Chart(title=title):
                yield _indent(Text(f"chart: {_clean(title)}", style=_SOFT))
            case _:
                pass

    def _facts(self, block: Facts) -> Grid:
        grid = _make_grid()
        grid.add_column(overflow="fold", max_width=self._room // 2, style=_SOFT)
        grid.add_column(ratio=1, overflow="fold")
        for fact in block.facts:
            value = Text(self._shorten(self._write(fact.value)), style=_STYLES[fact.tone])
            value.append_text(_draw_mark(fact.vouched))
            label = Text(_clean(self._shorten(fact.label)), style=_STYLES[fact.tone] or _SOFT)
            grid.add_row(label, value)
        return grid

    def _table(self, block: Table) -> Iterator[RenderableType]:
        shown = block.rows if self._full or block.most is None else block.rows[: block.most]
        drawn = block.list_drawn(full=self._full)
        below = [(place, column) for place, column in drawn if column.below]
        if (
            below
            and self._is_wide
            and sum(self._measure(shown, drawn)) <= self._room - _INDENT - _GAP * len(drawn)
        ):
            below = []
        beside = [one for one in drawn if one not in below]
        if shown and (below or any(row.note for row in shown)):
            yield from self._stack(block, shown, beside, below)
        elif shown:
            yield _indent(self._grid(block, shown, beside))
        rest = len(block.rows) - len(shown)
        if rest and block.most != 0:
            yield self._say_rest(rest, block.more)
        self._hidden = self._hidden or bool(rest)

    def _stack(
        self, block: Table, rows: tuple[Row, ...], beside: Columns, below: Columns
    ) -> Iterator[RenderableType]:
        """Draw each row with its sentences, and its note, below it."""
        widths = self._fit(rows, beside)
        for number, row in enumerate(rows):
            grid = self._grid(block, (row,), beside)
            grid.show_header = grid.show_header and number == 0
            for column, width in zip(grid.columns, widths, strict=True):
                column.width = width
            yield _indent(grid)
            texts = [self._write(row.cells[place]) for place, _ in below]
            texts = [text for text in texts if text != NOTHING] + (
                [f"{_ARROW} {_clean(row.note)}"] if row.note else []
            )
            for text in texts:
                yield Padding(Text(text, style=_SOFT), (0, 0, 0, 2 * _INDENT))

    def _fit(self, rows: tuple[Row, ...], beside: Columns) -> list[int]:
        """Find widths for columns, and that of the marks, at which every row has the same and fits."""
        *widths, last = self._measure(rows, beside)
        room = self._room - _INDENT - last - _GAP * len(widths)
        while sum(widths) > room and max(widths) > 1:
            widths[widths.index(max(widths))] -= 1
        return [*widths, last]

    def _measure(self, rows: Sequence[Row], columns: Columns) -> list[int]:
        """Measure how wide columns are, and that of the marks, if nothing is folded."""
        cells = [[self._cell(column.key, row.cells[place], row) for place, column in columns] for row in rows]
        headings = [Text(column.label) for _, column in columns]
        widths = [max(text.cell_len for text in column) for column in zip(headings, *cells, strict=True)]
        return [*widths, max((_draw_mark(row.vouched).cell_len for row in rows), default=0)]

    def _grid(self, block: Table, rows: tuple[Row, ...], drawn: Columns) -> Grid:
        grid = _make_grid()
        for _, column in drawn:
            grid.add_column(
                Text(_clean(column.label), style=_SOFT),
                justify="right" if column.is_number else "left",
                overflow="fold",
                no_wrap=column.key == "met",
            )
        grid.add_column(no_wrap=True)
        grid.show_header = block.columns[0].key != "met"
        for row in rows:
            cells = [self._cell(column.key, row.cells[place], row) for place, column in drawn]
            grid.add_row(*cells, _draw_mark(row.vouched))
        return grid

    def _cell(self, key: str, value: Value, row: Row) -> Text:
        if key == "met":
            return Text(_MET.get(row.tone, _NOT_MET), style=_STYLES[row.tone])
        return Text(self._write(value), style="" if row.tone is Tone.GOOD else _STYLES[row.tone])

    def _story(self, block: Story) -> Iterator[RenderableType]:
        shown = block.told if self._full or block.most is None else block.told[: block.most]
        for said in shown:
            yield _indent(self._said(said))
        rest = len(block.told) - len(shown)
        if rest:
            yield self._say_rest(rest, "more, which are older")

    def _said(self, said: Said) -> RenderableType:
        head = Text(self._write(said.who), style="bold")
        head.append(f" {_clean(said.did)} ", style=f"not bold {_STYLES[said.tone]}")
        head.append(self._write(said.time), style="not bold dim")
        head.append_text(_draw_mark(said.vouched))
        if said.text is None:
            return head
        return Group(
            head, Padding(Text(_disarm(self._shorten(said.text)), style="italic"), (0, 0, 0, _INDENT))
        )

    def _say_rest(self, rest: int, more: str) -> RenderableType:
        self._hidden = True
        return _indent(Text(f"and {rest} {more}", style=_SOFT))

    def _foot(self) -> Iterator[RenderableType]:
        marks = self._view.marks()
        if marks:
            legend = "   ".join(f"{_SHAPES[mark]} {MEANINGS[mark]}" for mark in marks)
            yield Text(legend, style=_SOFT)
        if self._hidden:
            yield Text("--full shows everything, with whole times and digests", style=_SOFT)

    def _shorten(self, text: str) -> str:
        """Cut a long text, and say how much of it is left out."""
        begin = "\n".join(text.splitlines()[:_MOST_LINES])[:_MOST_CHARACTERS].rstrip()
        rest = len(text.rstrip()) - len(begin)
        if self._full or rest <= 0:
            return text
        self._hidden = True
        return f"{begin}… and {count(rest, 'more character')}"

    def _write(self, value: Value) -> str:
        if isinstance(value, Branch):
            return f"{' ' * _INDENT * value.depth}{_clean(value.text)}"
        return _clean(write_whole(value) if self._full else write(value, self._now))


def _draw_mark(vouched: Vouched | None) -> Text:
    if vouched is None:
        return Text()
    entry = "" if vouched.entry is None else f" {vouched.entry}"
    return Text(
        f"  {_SHAPES[vouched.mark]}{entry}", style=f"not bold not italic {_MARK_STYLES[vouched.mark]}"
    )


def _make_grid() -> Grid:
    return Grid(box=None, pad_edge=False, show_edge=False, show_header=False, padding=(0, _GAP, 0, 0))


def _indent(what: RenderableType) -> Padding:
    return Padding(what, (0, 0, 0, _INDENT))


def _clean(text: str) -> str:
    """Write a text in one line, so that it cannot look like another part of the view."""
    return _disarm(" ".join(text.split()))


def _disarm(text: str) -> str:
    """Escape what a terminal would obey, and the signs that only the drawing of a view has."""
    return plain(text).translate(_UNMARKED)
