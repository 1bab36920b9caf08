"""Output that cannot be written: its reader has gone, as `head` does, or its disk is full."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# The exit code in a shell of a program that SIGPIPE ended.
_CLOSED: Final = 128 + 13


@contextmanager
def ending_quietly() -> Iterator[None]:
    """End this process as SIGPIPE would if the reader of its output has gone, and print no error."""
    try:
        yield
    except BrokenPipeError:
        drop_unwritten()
        sys.exit(_CLOSED)


def drop_unwritten() -> None:
    """Drop what is left in the buffers of streams that take no more; Python would fail on it at its exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
