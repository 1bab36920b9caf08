"""What a request may cost. A route that needs more than is usual says so where it is declared.

    @limits(streams=True)
    async def continue_upload(request: Request) -> Response: ...

The gateway holds each request to the limits of its route, and one that has none to the usual ones: a
declaration that was forgotten refuses too much.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

E = TypeVar("E", bound=Callable[..., object])

_NAME: Final = "__limits__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a route declares.

    Attributes:
        body_bytes: the largest body; None for the usual one.
        pause_s: how long the next part of a body may take to come; None for as long as usual.
        streams: the body is stored as it comes, and bounded by where it goes: the registry's bounds of
            blobs and of uploads that are under way.
    """

    body_bytes: int | None = None
    pause_s: float | None = None
    streams: bool = False


USUAL: Final = Limits()


def limits(
    *, body_bytes: int | None = None, pause_s: float | None = None, streams: bool = False
) -> Callable[[E], E]:
    """Declare the limits of a route, above its endpoint; see `Limits`."""
    if streams and body_bytes is not None:
        message = "a body that is stored as it comes has no bound here"
        raise ValueError(message)
    declared = Limits(body_bytes=body_bytes, pause_s=pause_s, streams=streams)

    def declare(endpoint: E) -> E:
        setattr(endpoint, _NAME, declared)
        return endpoint

    return declare


def limits_of(endpoint: object) -> Limits:
    """Give the limits that an endpoint declares."""
    declared = getattr(endpoint, _NAME, USUAL)
    return declared if isinstance(declared, Limits) else USUAL


def limits_in(scope: Mapping[str, Any]) -> Limits:
    """Give the limits of the route that a request was sent to; the usual ones if it has got to none yet."""
    return limits_of(scope.get("endpoint"))
