"""Progress bars and counters. Loaded only by commands that take long."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
