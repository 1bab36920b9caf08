"""Print refusals. This module is loaded only if a command is refused."""

import errno
import os
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

import click

from muniment.cli.pipes import drop_unwritten
from muniment.cli.terminal import write_json
from muniment.core.errors import (
    FileUnusable,
    InvalidRequest,
    MunimentError,
    NotFound,
    NotPermitted,
    Refused,
    Unavailable,
    Untrusted,
)
from muniment.core.texts import in_line

_EXIT_CODES: Final[Mapping[type[MunimentError], int]] = {
    InvalidRequest: 2,
    Refused: 3,
    Untrusted: 3,
    NotFound: 4,
    Unavailable: 5,
}
# What a stream fails with that was redirected to a file.
_UNWRITTEN: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF})
# Below it, `delete` would suggest `deprecate`.
_LIKENESS: Final = 0.7
# sysexits.h: EX_SOFTWARE.
_INTERNAL: Final = 70


def refuse(error: Exception, *, as_json: bool) -> int:
    """Print a refusal to standard error, as a line with its code and a hint; return the exit code."""
    if isinstance(error, OSError) and error.filename is not None:
        # A registry's own files have their own refusals: this file is one that the user named.
        error = FileUnusable(path=os.fsdecode(error.filename), reason=error.strerror or type(error).__name__)
    if isinstance(error, OSError) and error.errno in _UNWRITTEN:
        drop_unwritten()
        error = FileUnusable(path="/dev/stdout", reason=error.strerror or type(error).__name__)
    if not isinstance(error, MunimentError):
        click.echo(in_line(f"muniment: internal_error: {type(error).__name__}: {error}"), err=True)
        click.echo("hint: this is a bug in muniment: `muniment --traceback ...` shows where", err=True)
        return _INTERNAL
    if isinstance(error, NotPermitted):
        # A registry names the caller by id, who is the one that reads this.
        error = NotPermitted(principal="you", act=error.act, namespace=error.namespace)
    if as_json:
        document = {"code": error.code, "message": error.sentence, "hint": error.hint}
        click.echo(write_json({"error": document}), err=True)
    else:
        click.echo(in_line(f"muniment: {error.code}: {error.sentence}"), err=True)
        for failure in error.list_failures():
            click.echo(in_line(f"  - {failure}"), err=True)
        if error.hint:
            click.echo(in_line(f"hint: {error.hint}"), err=True)
    return exit_code(type(error))


def leave_out_far_misses(error: click.NoSuchCommand) -> click.NoSuchCommand:
    """Suggest only commands that a slip of the finger explains; click's own suggestions go further."""
    near = get_close_matches(error.command_name, error.possibilities or (), cutoff=_LIKENESS)
    return click.NoSuchCommand(error.command_name, possibilities=near, ctx=error.ctx)


def exit_code(kind: type[MunimentError]) -> int:
    """Return the exit code of a kind of refusal."""
    return next((code for parent, code in _EXIT_CODES.items() if issubclass(kind, parent)), _INTERNAL)
