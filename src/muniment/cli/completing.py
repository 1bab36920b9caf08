"""Completion in the shell of names, references, aliases and namespaces.

It is always silent, creates nothing, and gives up soon: nobody waits for a suggestion.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import click
from click.shell_completion import CompletionItem

from muniment.client.proofs.trust import TrustedBackend
from muniment.client.sdk.opening import open as open_registry
from muniment.client.sdk.suggesting import (
    suggest_aliases,
    suggest_models,
    suggest_namespaces,
    suggest_references,
)

_PATIENCE_S: Final = 2.0
# The arguments that name a model, of which an alias is wanted.
_NAMING: Final = ("reference", "name")

_Suggest = Callable[[TrustedBackend, click.Context, str], Sequence[str]]


class Known(click.types.StringParamType):
    """A text that the registry can suggest."""

    def __init__(self, suggest: _Suggest) -> None:
        """Suggest with a function of the registry, what was typed before, and how the text begins."""
        self._suggest = suggest

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem[str]]:
        """Suggest texts; none if there is no registry, or if it does not answer soon."""
        try:
            with _hurrying(), _open(ctx) as backend:
                return [CompletionItem(one) for one in self._suggest(backend, ctx, incomplete)]
        except Exception:  # noqa: BLE001 - an error would be printed into the line that is typed
            return []


def _suggest_alias(backend: TrustedBackend, ctx: click.Context, begin: str) -> Sequence[str]:
    named = next((ctx.params[one] for one in _NAMING if ctx.params.get(one)), None)
    if named is None:
        # Click leaves arguments unread if an option behind them has no value yet.
        named = next((one for one in ctx.args if "/" in one), "")
    return suggest_aliases(backend, named.partition("@")[0], begin)


NAME: Final = Known(lambda backend, _, begin: suggest_models(backend, begin))
REFERENCE: Final = Known(lambda backend, _, begin: suggest_references(backend, begin))
NAMESPACE: Final = Known(lambda backend, _, begin: suggest_namespaces(backend, begin))
ALIAS: Final = Known(_suggest_alias)


@contextmanager
def _open(ctx: click.Context) -> Iterator[TrustedBackend]:
    """Open the registry of the line that is typed, only to read: nothing is remembered."""
    typed = ctx.find_root().params
    location, identity = typed.get("registry"), typed.get("identity")
    key = identity if isinstance(identity, Path) else None
    with open_registry(location, identity=key, read_only=True) as registry:
        yield registry.session.backend


@contextmanager
def _hurrying() -> Iterator[None]:
    """Interrupt what takes too long."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
