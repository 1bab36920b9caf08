"""How a command ends when it is refused. Loaded only then."""

import json
from collections.abc import Mapping
from typing import Final

import click

from muniment.cli.terminal import plain
from muniment.core.errors import InvalidRequest, MunimentError, NotFound, Refused, Unavailable, Untrusted

_EXIT_CODES: Final[Mapping[type[MunimentError], int]] = {
    InvalidRequest: 2,
    Refused: 3,
    Untrusted: 3,
    NotFound: 4,
    Unavailable: 5,
}
# sysexits.h: EX_SOFTWARE.
_INTERNAL: Final = 70


def refuse(error: Exception, *, as_json: bool) -> int:
    """Print a refusal on standard error, one line with its code and then the hint; give the exit code."""
    if not isinstance(error, MunimentError):
        click.echo(plain(f"muniment: internal_error: {type(error).__name__}: {error}"), err=True)
        click.echo("hint: this is a bug in muniment: `muniment --traceback ...` shows where", err=True)
        return _INTERNAL
    if as_json:
        document = {"code": error.code, "message": str(error), "hint": error.hint}
        click.echo(json.dumps({"error": document}, ensure_ascii=False), err=True)
    else:
        click.echo(plain(f"muniment: {error.code}: {error}"), err=True)
        for failure in getattr(error, "failures", ()):
            click.echo(plain(f"  - {failure}"), err=True)
        if error.hint:
            click.echo(plain(f"hint: {error.hint}"), err=True)
    return exit_code(type(error))


def exit_code(kind: type[MunimentError]) -> int:
    """Give the exit code of a kind of refusal."""
    return next((code for parent, code in _EXIT_CODES.items() if issubclass(kind, parent)), _INTERNAL)
