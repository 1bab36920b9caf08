"""The terminal, as every command uses it: global options, types of parameters, answers."""

import json
import math
import re
import webbrowser
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from muniment.core.texts import in_line

F = TypeVar("F", bound=Callable[..., Any])

_SURROGATES: Final = re.compile("[\ud800-\udfff]")
# An entry of the log; RFC 8785 has no larger integers. (`core` would load every refusal at each start.)
ENTRY: Final = click.IntRange(0, 2**53 - 1)
# A hundred years.
DAYS: Final = 36_500
# What is said below an answer that is found.
FOUND: Final = "found: each row is proven, but there may be more"
# The exit code if the answer is no.
NO: Final = 1


@dataclass
class Terminal:
    """The registry and identity from the options, whether to read only, and whether to answer in JSON."""

    location: str | None = None
    identity: Path | None = None
    read_only: bool = False
    as_json: bool = False

    def answer(self, document: object, lines: Sequence[str]) -> None:
        """Print an answer: the document with --json, the lines without."""
        if self.as_json:
            click.echo(write_json(document))
        else:
            for line in lines:
                click.echo(in_line(line))

    def answer_text(self, document: object, text: str) -> None:
        """Print an answer with lines of its own, such as a report: the text, or the document with --json."""
        self.answer(document, () if self.as_json else text.split("\n"))

    def note_none(self, rows: Sized, text: str) -> None:
        """Say on standard error that a list is empty, and what to do next; nothing with --json."""
        if not rows and not self.as_json:
            click.echo(in_line(text), err=True)

    def answer_found(self, document: object, lines: Sequence[str] = (), *, found: bool = True) -> None:
        """Print an answer that is `found`, and say so: its rows are proven, but it may not have all of them.

        With --json, a list is a member `items`. `found` is false if this one happens to be proven whole.
        """
        members = document if isinstance(document, Mapping) else {"items": document}
        self.answer({"found": found, **members}, lines)
        if found and not self.as_json:
            click.echo(FOUND, err=True)


class FilePath(click.Path):
    """A path. Refuses an empty one, which pathlib would take for the current directory."""

    def __init__(self, *, exists: bool = False, file_okay: bool = True, dir_okay: bool = True) -> None:
        """Restrict the path, like `click.Path`."""
        super().__init__(exists=exists, file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's signature
        """Read a path."""
        if not value:
            self.fail("expected a path, got an empty string", param, ctx)
        return super().convert(value, param, ctx)


class Amount(click.FloatRange):
    """A finite number in a range; click's ranges accept infinity and NaN."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's signature
        """Read a number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"expected a finite number, got {value}", param, ctx)
        return number


def write_json(document: object) -> str:
    """Write a document as one line of JSON."""
    text = json.dumps(document, ensure_ascii=False)
    return _SURROGATES.sub(lambda match: ascii(match[0])[1:-1], text)


def show_in_browser(address: str) -> None:
    """Open an address in the browser, and print it in case there is none."""
    click.echo(f"if no browser opens, go to {address}", err=True)
    webbrowser.open(address)


# How a time is written: a date means its start.
WHEN: Final = "RFC 3339, a date in UTC such as 2026-12-05, or a duration such as 14d"
at_option = click.option(
    "--at", metavar="TIME|ENTRY", help=f"Answer as of this entry or time ({WHEN}: that long ago)."
)


def json_option(command: F) -> F:
    """Add `--json` to a command."""

    def remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
        ctx.ensure_object(Terminal).as_json = value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, help="Print the answer as JSON."
    )(command)
