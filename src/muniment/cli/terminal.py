"""What every command needs of the terminal: the registry that was named, and how to answer."""

import json
import re
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

# Control characters but for tabs and ends of lines, and those that turn the direction of writing.
_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# The exit code of a question whose answer is no.
NO: Final = 1


@dataclass
class Terminal:
    """The registry and identity that were named, and whether answers are JSON."""

    location: str | None = None
    identity: str | None = None
    as_json: bool = False

    def answer(self, document: object, lines: Sequence[str]) -> None:
        """Print an answer: the document with --json, the lines without."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False))
        else:
            for line in lines:
                click.echo(plain(line))


def plain(text: str) -> str:
    """Write a text so that a terminal does not obey it: it may hold what a stranger typed."""
    return _COMMANDS.sub(lambda found: ascii(found[0])[1:-1], text)


def show_in_browser(address: str) -> None:
    """Open an address in the browser; say it too, for where there is none."""
    click.echo(f"if no browser opens, open this one: {address}", err=True)
    webbrowser.open(address)


def json_option(command: F) -> F:
    """Add `--json` to a command."""

    def remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
        ctx.ensure_object(Terminal).as_json = value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, help="Answer in JSON."
    )(command)
