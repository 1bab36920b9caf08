"""Tables and progress bars. Loaded only by commands that draw."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from muniment.core.texts import plain


def draw_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, alarming: Sequence[bool] = ()
) -> None:
    """Print a table, alarming rows in red; text is not cut off if the output is not a terminal."""
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row, red in zip_longest(rows, alarming[: len(rows)], fillvalue=False):
        cells = row if isinstance(row, Sequence) else ()
        table.add_row(
            *("" if cell is None else plain(str(cell)) for cell in cells), style="red" if red else None
        )
    wide = None if sys.stdout.isatty() else 200
    console = Console(width=wide, markup=False, highlight=False, soft_wrap=False)
    with console.capture() as drawn:
        console.print(table)
    # Write with click, which handles a closed pipe the same way in every command.
    click.echo(drawn.get(), nl=False)


@contextmanager
def show_count(label: str, *, wanted: bool) -> Iterator[Callable[[int], None] | None]:
    """Count on standard error, if it is a terminal; else yield None."""
    if not (wanted and sys.stderr.isatty()):
        yield None
        return
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda count: progress.advance(task, count)


@contextmanager
def show_progress(label: str, total_bytes: int, *, wanted: bool) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar on standard error, if it is a terminal; else yield None."""
    if not (wanted and sys.stderr.isatty()):
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total_bytes)
        yield lambda count: progress.advance(task, count)
