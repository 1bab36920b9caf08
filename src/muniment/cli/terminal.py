"""What every command needs of the terminal: the registry that was named, and how to answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from muniment.core.canonical import Json
from muniment.core.errors import InvalidRequest, MunimentError, NotFound, Refused, Unavailable, Untrusted

F = TypeVar("F", bound=Callable[..., Any])

NO: Final = 1
_EXIT_CODES: Final[Mapping[type[MunimentError], int]] = {
    InvalidRequest: 2,
    Refused: 3,
    Untrusted: 3,
    NotFound: 4,
    Unavailable: 5,
}


@dataclass
class Terminal:
    """The registry and identity that were named, and whether answers are JSON."""

    location: str | None = None
    identity: str | None = None
    as_json: bool = False

    def answer(self, document: Json, lines: Sequence[str]) -> None:
        """Print an answer: the document with --json, the lines without."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False))
        else:
            for line in lines:
                click.echo(line)

    def fail(self, error: MunimentError) -> None:
        """Print a refusal on standard error: one line with its code, then the hint."""
        if self.as_json:
            document = {"code": error.code, "message": str(error), "hint": error.hint}
            click.echo(json.dumps({"error": document}, ensure_ascii=False), err=True)
            return
        click.echo(f"muniment: {error.code}: {error}", err=True)
        for failure in getattr(error, "failures", ()):
            click.echo(f"  - {failure}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)


def exit_code(error: MunimentError) -> int:
    """Give the exit code of a refusal."""
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 3)


def json_option(command: F) -> F:
    """Add `--json` to a command."""

    def remember(ctx: click.Context, _parameter: click.Parameter, *, value: bool) -> None:
        ctx.ensure_object(Terminal).as_json = value

    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=lambda ctx, parameter, value: remember(ctx, parameter, value=value),
        help="Answer in JSON.",
    )(command)
