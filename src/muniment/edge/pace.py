"""Pace: how often a caller may send requests (a token bucket each), within one process.

A caller is known by a valid credential, and otherwise by network address: inventing a credential for each
request does not help.
"""

import math
from typing import Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_MOST_CALLERS: Final = 10_000


class Pace:
    """Buckets that fill at a rate, up to a burst.

    >>> pace = Pace(per_second=1, burst=2)
    >>> [pace.spend(None, "here", 0.0) for _ in range(3)]
    [0, 0, 1]
    >>> pace.spend(None, "here", 1.0)
    0
    >>> pace.spend(7, "here", 1.0)
    1
    >>> pace.know(7)
    >>> pace.spend(7, "here", 1.0)
    0
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """Allow each caller `burst` requests at once and `per_second` in the long run."""
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[int | str, tuple[float, float]] = {}
        self._known: dict[int, None] = {}

    def know(self, credential: int | None) -> None:
        """Give a valid credential its own bucket."""
        if credential is not None:
            self._known.pop(credential, None)
            self._known[credential] = None
            _bound(self._known)

    def spend(self, credential: int | None, place: str, now: float) -> int:
        """Take one token from a caller's bucket; return the seconds to wait if it is empty, else 0."""
        caller = credential if credential is not None and credential in self._known else place
        left, since = self._buckets.pop(caller, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._per_second)
        wait = 0 if left >= 1 else max(1, math.ceil((1 - left) / self._per_second))
        self._buckets[caller] = (left if wait else left - 1, now)
        _bound(self._buckets)
        return wait


def _bound(callers: dict[K, V]) -> None:
    if len(callers) > _MOST_CALLERS:
        # The least recent caller comes first.
        del callers[next(iter(callers))]
