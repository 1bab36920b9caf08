"""What a request may cost. A route that needs more than usual declares it.

    @limits(streams=True)
    async def continue_upload(request: Request) -> Response: ...

The gateway enforces the limits of each route, or the usual ones if it declares none: a forgotten declaration
refuses too much, not too little.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

E = TypeVar("E", bound=Callable[..., object])

_NAME: Final = "__limits__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits that a route declares.

    Attributes:
        body_bytes: the largest body; None for the usual one.
        pause_s: the longest wait for the next part of a body; None for the usual one.
        streams: whether the body is stored as it arrives, bounded only by the registry's limits on blobs and
            unfinished uploads.
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
        message = "a route that streams takes no body_bytes"
        raise ValueError(message)
    declared = Limits(body_bytes=body_bytes, pause_s=pause_s, streams=streams)

    def declare(endpoint: E) -> E:
        setattr(endpoint, _NAME, declared)
        return endpoint

    return declare


def limits_of(endpoint: object) -> Limits:
    """Return the limits of an endpoint."""
    declared = getattr(endpoint, _NAME, USUAL)
    return declared if isinstance(declared, Limits) else USUAL


def limits_in(scope: Mapping[str, Any]) -> Limits:
    """Return the limits of the route of a request; the usual ones before routing."""
    return limits_of(scope.get("endpoint"))
